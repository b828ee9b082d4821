"""Timers, planned power actions and the day's two brightnesses: kept on this box, and carried out by its own wall clock.

In timers the API writes days as "mon", in plans as "MONDAY"; both are read either way.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import time
from typing import Any
from uuid import uuid4

from player.agent.control.access import Scope
from player.agent.devices import bodies, wire
from player.agent.devices.asking import Asking
from player.agent.devices.call import ApiAnswer, ApiCall, Row
from player.agent.devices.effects import EffectOutcome
from player.agent.devices.refusals import bad_field, conflict, not_found
from player.agent.devices.setting_effects import SettingEffects
from player.agent.settings.schedule_runner import ScheduleRunner
from player.core.actions import Action, ActionKind
from player.core.device_schedule import BrightnessPoints, PlannedAction, PowerAction, Timer, TimerLevel
from player.core.policies import TIMER_ITEMS
from player.core.ports.box import Clock
from player.core.schedule import EVERY_DAY
from player.errors import BoxError

V1 = "/v1/device/{device}"
# What can be planned, in the API's words.
POWER = {
    "SYSTEM_REBOOT": PowerAction.REBOOT,
    "APP_RESTART": PowerAction.RESTART_APP,
    "DISPLAY_POWER_ON": PowerAction.SCREEN_ON,
    "DISPLAY_POWER_OFF": PowerAction.SCREEN_OFF,
    "APPLET_ENABLE": PowerAction.APPLET_ON,
    "APPLET_DISABLE": PowerAction.APPLET_OFF,
    "APPLET_RELOAD": PowerAction.RELOAD_APPLET,
    "APPLET_REFRESH": PowerAction.REFRESH_APPLET,
}


class ScheduleCalls:
    """`device` is the box's uid."""

    def __init__(self, device: str, schedule: ScheduleRunner, asking: Asking, settings: SettingEffects, clock: Clock) -> None:
        self._device, self._schedule, self._asking, self._settings, self._clock = device, schedule, asking, settings, clock

    def rows(self) -> Sequence[Row]:
        """What leads to these calls."""
        read, control = Scope.READ, Scope.CONTROL
        plans = f"{V1}/scheduled-power-action"
        return (
            Row("PUT", f"{V1}/timer-settings", self.set_timer, control),
            Row("GET", f"{V1}/timer-settings", self._asking.entries(ActionKind.TIMER), read),
            Row("PUT", f"{V1}/brightness", self.brightness, control),
            Row("GET", f"{V1}/brightness", self._asking.entries(ActionKind.BRIGHTNESS), read),
            Row("POST", plans, self.plan, control),
            Row("GET", plans, self.planned, read),
            Row("GET", f"{plans}/{{plan}}", self.one_planned, read),
            Row("DELETE", f"{plans}/{{plan}}", self.cancel, control),
        )

    async def set_timer(self, call: ApiCall) -> ApiAnswer:
        """{type, level, timeOn, timeOff, weekdays, volume}; without both times the timer goes."""
        wanted = call.read(bodies.TimerBody)
        level, number = TimerLevel(wanted.level.lower()), wanted.number
        held = TIMER_ITEMS[level]

        async def set_it() -> EffectOutcome:
            self._settings.check_free(held)
            self._schedule.set_timer(timer)
            return EffectOutcome(f"{timer} is set", confirmed=True)

        async def remove_it() -> EffectOutcome:
            self._settings.check_free(held)
            await self._schedule.remove_timer(level, number)
            return EffectOutcome(f"timer {number} is removed", confirmed=True)

        asked = {
            "type": wanted.type, "level": wanted.level, "timeOn": _clock_or_none(wanted.time_on),
            "timeOff": _clock_or_none(wanted.time_off), "weekdays": list(wanted.weekdays), "volume": wanted.volume,
        }  # fmt: skip
        if wanted.time_on is None and wanted.time_off is None:
            return self._asking.ask(call, ActionKind.TIMER, asked, remove_it)
        days = days_of(wanted.weekdays)
        timer = Timer(level, number, wanted.time_on, wanted.time_off, days, wanted.volume, self._now())
        return self._asking.ask(call, ActionKind.TIMER, asked, set_it)

    async def brightness(self, call: ApiCall) -> ApiAnswer:
        """{brightness1, timeFrom1, brightness2, timeFrom2}: each from its own time of the day on."""
        wanted = call.read(bodies.BrightnessBody)
        points = BrightnessPoints(wanted.brightness1, wanted.time_from_1, wanted.brightness2, wanted.time_from_2, self._now())

        async def effect() -> EffectOutcome:
            self._settings.check_free("brightness")
            await self._schedule.set_brightness(points)
            return await self._settings.read_back("brightness", "both are kept, and in force from their times on")

        asked = {
            "brightness1": points.first, "timeFrom1": f"{points.first_from:%H:%M:%S}",
            "brightness2": points.second, "timeFrom2": f"{points.second_from:%H:%M:%S}",
        }  # fmt: skip
        return self._asking.ask(call, ActionKind.BRIGHTNESS, asked, effect)

    # --- planned power actions

    async def plan(self, call: ApiCall) -> ApiAnswer:
        """{powerAction, weekdays, time}."""
        wanted = call.read(bodies.PlanBody)
        self._check_plans_free()
        planned = PlannedAction(uuid4().hex, POWER[wanted.power], days_of(wanted.weekdays), wanted.time, self._now())
        self._schedule.plan(planned)
        self._asking.note(
            call, ActionKind.SCHEDULED_POWER, {"planUid": planned.id, **_plan(planned)}, f"{planned.action} is planned"
        )
        return call.made(f"{V1.replace('{device}', self._device)}/scheduled-power-action", planned.id)

    async def planned(self, _: ApiCall) -> ApiAnswer:
        """Those that are planned, newest first."""
        return ApiAnswer([self._entry(one) for one in reversed(self._schedule.current.planned)])

    async def one_planned(self, call: ApiCall) -> ApiAnswer:
        """The one of that uid."""
        for one in self._schedule.current.planned:
            if one.id == call.pieces["plan"]:
                return ApiAnswer(self._entry(one))
        raise not_found("planned power action of that uid")

    async def cancel(self, call: ApiCall) -> ApiAnswer:
        """It is not planned any more."""
        uid = call.pieces["plan"]
        self._check_plans_free()
        if not await self._schedule.cancel(uid):
            raise not_found("planned power action of that uid")
        self._asking.note(call, ActionKind.SCHEDULED_POWER, {"planUid": uid}, "a planned power action is cancelled")
        return ApiAnswer()

    def _check_plans_free(self) -> None:
        try:
            self._settings.check_free("POWER_ACTIONS_SCHEDULE")
        except BoxError as error:
            raise conflict(error.reason) from error

    def _entry(self, planned: PlannedAction) -> dict[str, Any]:
        at = planned.since
        kept = Action(planned.id, ActionKind.SCHEDULED_POWER, _plan(planned), "", at).succeeded(at, "", confirmed=True)
        return wire.entry(kept, self._device)

    def _now(self) -> float:
        return self._clock.now().timestamp()


def timers_of(schedule: ScheduleRunner, level: TimerLevel) -> list[dict[str, Any]]:
    """The timers of one level, as telemetry has them."""
    return [
        {
            "type": f"TIMER_{timer.number}", "timeOn": _clock_or_none(timer.on), "timeOff": _clock_or_none(timer.off),
            "weekdays": wire.weekdays(sorted(timer.days)), "volume": timer.volume,
        }
        for timer in schedule.current.timers
        if timer.level is level
    ]  # fmt: skip


def plans_of(schedule: ScheduleRunner) -> list[dict[str, Any]]:
    """The planned power actions, as telemetry has them."""
    return [
        {"uid": one.id, "powerType": word_of(one.action), "weekdays": wire.weekdays(sorted(one.days)), "time": f"{one.at:%H:%M:%S}"}
        for one in schedule.current.planned
    ]


def _plan(planned: PlannedAction) -> dict[str, Any]:
    days = wire.weekdays(sorted(planned.days))
    return {"powerAction": word_of(planned.action), "weekdays": days, "time": f"{planned.at:%H:%M:%S}"}


def word_of(action: PowerAction) -> str:
    """In the API's words."""
    return next(word for word, held in POWER.items() if held is action)


def days_of(names: Sequence[str]) -> frozenset[int]:
    """ISO days of "mon" or "MONDAY"; none: every day. Raises Declined."""
    found = set()
    for name in names:
        days = [number for number, word in enumerate(wire.WEEKDAYS, 1) if name.upper() in (word, word[:3])]
        if not days:
            raise bad_field("weekdays", f'expected days such as "mon" or "MONDAY", found "{name[:40]}"')
        found.update(days)
    return frozenset(found) or EVERY_DAY


def _clock_or_none(wall: time | None) -> str | None:
    return None if wall is None else f"{wall:%H:%M:%S}"
