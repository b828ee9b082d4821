"""How an item of a policy is brought about, and kept so: settings through the registry, the rest by whoever has it.

Each raises SignageError where the item is not followed, with a reason that stays the same while that does.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Any
from uuid import uuid4

from player.agent.control.access import Scope
from player.agent.devices import policy_items as items
from player.agent.devices.debug_switch import DebugSwitch
from player.agent.devices.plan_keeper import PlanKeeper
from player.agent.devices.setting_calls import NO_APPLET
from player.agent.devices.setting_effects import SettingEffects
from player.agent.devices.versions import Versions
from player.agent.settings.schedule_runner import ScheduleRunner
from player.core.actions import ActionKind
from player.core.applets import AppletAssignment, AppletRun
from player.core.device_schedule import PlannedAction, Timer
from player.core.policies import Holding, PolicyItem
from player.core.ports.box import Clock
from player.core.ports.server import Telemetry
from player.core.settings import Asker
from player.errors import BoxError, SignageError

log = logging.getLogger(__name__)


class PolicyRules:
    """`telemetry` reads the box as for a heartbeat; `os_version` is the firmware that it says it has."""

    def __init__(
        self, settings: SettingEffects, schedule: ScheduleRunner, debug: DebugSwitch, versions: Versions, os_version: str,
        telemetry: Callable[[], Awaitable[Telemetry]], plan: PlanKeeper, clock: Clock,
    ) -> None:  # fmt: skip
        self._settings, self._schedule, self._debug, self._versions = settings, schedule, debug, versions
        self._os_version, self._telemetry, self._plan_of_applets, self._clock = os_version, telemetry, plan, clock

    async def follow(self, held: Holding) -> None:
        """Has what an item says hold. Raises Declined where it cannot be understood, and whatever says why it does not hold."""
        who, item = f'policy "{held.policy.name}"', held.item
        if items.is_about_settings(item):
            await self._set(item, held.policy.name)
        elif item.kind in items.TIMERS:
            await self._time(item, who)
        elif item.kind == items.PLANS:
            await self._plan(item, who)
        elif item.kind == items.DEBUG:
            self._say_more(item, who)
        elif item.kind == items.TEMPERATURE:
            await self._keep_cool(items.temperature_of(item))
        elif item.kind in items.VERSIONS:
            self._run_version(item, who)
        else:
            await self._assign(item, who)

    async def _set(self, item: PolicyItem, policy: str) -> None:
        for name, value in items.settings_of(item):
            if not await self._settings.is_so(name, value):
                log.info('the policy "%s" sets %s to %s', policy, name, value)
                await self._settings.ask(name, value, Asker.POLICY, f'"{policy}"')
            elif refusal := await self._settings.refusal(name):
                raise SignageError(refusal)

    async def _time(self, item: PolicyItem, who: str) -> None:
        wanted = {timer.number: timer for timer in items.timers_of(item, self._now())}
        found = {timer.number: timer for timer in self._schedule.current.timers if timer.level is items.TIMERS[item.kind]}
        for number in found.keys() - wanted.keys():
            log.info("the %s takes timer %d away", who, number)
            await self._schedule.remove_timer(items.TIMERS[item.kind], number)
        for number, timer in wanted.items():
            if number not in found or _said_by(timer) != _said_by(found[number]):
                log.info("the %s sets timer %d", who, number)
                self._schedule.set_timer(timer)

    async def _plan(self, item: PolicyItem, who: str) -> None:
        """What is planned already is left as it is, so that it is not done twice."""
        missing = list(items.plans_of(item, self._now()))
        surplus: list[PlannedAction] = []
        for planned in self._schedule.current.planned:
            same = next((one for one in missing if _said_by(one) == _said_by(planned)), None)
            missing.remove(same) if same else surplus.append(planned)
        for planned in surplus:
            log.info("the %s takes the plan of %s away", who, planned.action)
            await self._schedule.cancel(planned.id)
        for planned in missing:
            log.info("the %s plans %s", who, planned.action)
            self._schedule.plan(planned)

    def _say_more(self, item: PolicyItem, who: str) -> None:
        wanted = items.debug_of(item)
        if self._debug.is_on != wanted.native_enabled:
            log.info("the %s turns debugging %s", who, "on" if wanted.native_enabled else "off")
            self._debug.set(wanted.native_enabled)
        if wanted.applet_enabled:
            raise BoxError(NO_APPLET.ability, NO_APPLET.reason)

    async def _keep_cool(self, most_c: float) -> None:
        found = (await self._telemetry()).extra.get("temperature_c")
        if not isinstance(found, int | float):
            raise BoxError("temperature", "this box has no thermometer")
        if found > most_c:
            raise BoxError("temperature", f"the processor is hotter than {most_c:g} °C")

    def _run_version(self, item: PolicyItem, who: str) -> None:
        version = items.version_of(item)
        kind = ActionKind.APPLICATION_VERSION if item.kind == items.VERSIONS[0] else ActionKind.FIRMWARE
        if not (self._versions.is_running(version) or (kind is ActionKind.FIRMWARE and version == self._os_version)):
            raise BoxError(f"version {version}", self._versions.ask_for(version, kind, who))

    async def _assign(self, item: PolicyItem, who: str) -> None:
        """An applet with the right of those who may make policies; timings go before it, as before every assignment."""
        wanted, active = items.applet_of(item), self._plan_of_applets.assigned
        self._plan_of_applets.check(wanted.applet, wanted.version)
        run = AppletRun(wanted.applet, wanted.version, wanted.configuration, scope=Scope.CONTROL)
        if active is not None and _said_of(active.run) == _said_of(run):
            return
        log.info("the %s assigns the applet %s %s", who, run.applet, run.version)
        at = self._plan_of_applets.next_at()
        await self._plan_of_applets.put_assignment(AppletAssignment(uuid4().hex, at, at, run))

    def _now(self) -> float:
        return self._clock.now().timestamp()


def _said_of(run: AppletRun) -> Sequence[Any]:
    return run.applet, run.version, run.configuration


def _said_by(one: Timer | PlannedAction) -> Sequence[Any]:
    """All of it but when it was set, and a plan's own id."""
    return (one.on, one.off, one.days, one.volume) if isinstance(one, Timer) else (one.action, one.days, one.at)
