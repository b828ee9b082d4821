"""Timers, planned power actions and the day's brightnesses: kept on disk, and carried out by local wall time without a server.

What is due is `core.device_schedule`'s to say. A state is asked for at the registry like any other request, so it is kept, told to
its device until that takes it, and seen with who asked; the registry's book is also how a moment is known to be carried out. A
deed is written down as begun before it is done, so that no restart comes twice.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from pathlib import Path
from zoneinfo import ZoneInfo

from player.agent.settings.registry import SettingsRegistry
from player.core.device_schedule import (
    BrightnessPoints,
    DeviceSchedule,
    PlannedAction,
    PowerAction,
    Timer,
    TimerLevel,
    due_deeds,
    holding,
    next_moment,
)
from player.core.ports.box import Clock
from player.core.settings import Asker
from player.errors import BoxError, SettingRefused, SignageError
from player.runtime.tasks import Mistakes
from player.store import Snapshot

log = logging.getLogger(__name__)
LOOK_S = 15.0  # the wall clock may be set, and the zone changed, at any time
BEHIND_S = 60.0  # a clock that is further behind what is known to have passed tells no time

Deeds = Mapping[PowerAction, Callable[[], Awaitable[object]]]


class ScheduleRunner:
    """The schedule in the file `path`. `zone` is the wall clock's; `floor`: it is not earlier than this (seconds since the epoch).

    `deeds`: what this box can do, by action; one that is not among them is left out with a line in the log.
    """

    def __init__(
        self,
        path: Path,
        settings: SettingsRegistry,
        clock: Clock,
        *,
        zone: Callable[[], ZoneInfo],
        floor: Callable[[], float],
        deeds: Deeds,
        look_s: float = LOOK_S,
    ) -> None:
        self._file = Snapshot(path, DeviceSchedule)
        self._settings, self._clock, self._zone, self._floor, self._deeds = settings, clock, zone, floor, deeds
        self._look_s, self._wake, self._mistakes = look_s, asyncio.Event(), Mistakes()
        self.current = self._file.read_or(DeviceSchedule())

    # --- what is asked for; each raises StorageError when it cannot be kept, and then nothing changed

    def set_timer(self, timer: Timer) -> None:
        """In its place; it acts from its next moment on."""
        self._keep(self.current.with_timer(timer))
        log.info("%s is set", timer)

    async def remove_timer(self, level: TimerLevel, number: int) -> None:
        """Takes it away. A screen that the schedule switched off, and would not switch on again, is on."""
        self._keep(self.current.without_timer(level, number))
        log.info("timer %d is removed", number)
        await self._leave_lit()

    async def set_brightness(self, points: BrightnessPoints | None) -> None:
        """The day's two, in force at once; None: none, and the brightness stays as it is."""
        self._keep(replace(self.current, brightness=points))
        await self.look()

    def plan(self, planned: PlannedAction) -> None:
        """One more. Raises SettingRefused where there are too many."""
        try:
            self._keep(self.current.with_planned(planned))
        except ValueError as error:
            raise SettingRefused("planned power actions", str(error)) from error
        log.info("%s is planned for %s", planned.action, planned.at)

    async def cancel(self, planned_id: str) -> bool:
        """Takes a planned action away; False where there is none of that id."""
        if planned_id not in {planned.id for planned in self.current.planned}:
            return False
        self._keep(self.current.without_planned(planned_id))
        await self._leave_lit()
        return True

    def _keep(self, schedule: DeviceSchedule) -> None:
        self._file.write(schedule)
        self.current = schedule
        self._wake.set()

    async def _leave_lit(self) -> None:
        dark = self._settings.wanted("screen_on") is False and self._settings.asked_by("screen_on") is Asker.SCHEDULE
        if dark and not self.current.switches_on:
            await self._ask("screen_on", True, "the timer that is gone")

    # --- how it is carried out

    async def run(self) -> None:
        """Carries it out, for ever."""
        while True:
            self._wake.clear()
            await self.look()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._wait_s()):
                    await self._wake.wait()

    def _wait_s(self) -> float:
        now = self._clock.now()
        at = next_moment(self.current, now, self._zone())
        return self._look_s if at is None else max(0.01, min(self._look_s, (at - now).total_seconds()))

    async def look(self) -> None:
        """Does what is due. Raises StorageError. While the clock is known to be wrong nothing is."""
        now, zone = self._clock.now(), self._zone()
        if now.timestamp() < self._floor() - BEHIND_S:
            return
        for moment in holding(self.current, now, zone):
            if moment.is_due(self._settings.asked_at(moment.name), now):
                await self._ask(moment.name, moment.value, moment.who)
        deeds = due_deeds(self.current, now, zone)
        if deeds:
            self._keep(self.current.with_done(deeds))
            for action in dict.fromkeys(deed.action for deed in deeds):
                await self._do(action)

    async def _ask(self, name: str, value: bool | int, who: str) -> None:
        # Refused: it is wanted, and the registry tells the device again; or a policy holds it, and it is due when none does.
        with contextlib.suppress(BoxError, SettingRefused), self._mistakes.kept_to(name):
            await self._settings.ask(name, value, by=Asker.SCHEDULE, who=who)

    async def _do(self, action: PowerAction) -> None:
        act = self._deeds.get(action)
        if act is None:
            log.warning("%s was planned for this moment, and this box cannot do it", action)
            return
        log.info("%s, as planned", action)
        try:
            with self._mistakes.kept_to(action):
                await act()
        except SignageError as error:
            log.warning("%s, as planned, failed: %s", action, error)
