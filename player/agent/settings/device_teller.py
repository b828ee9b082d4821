"""Tells devices what is wanted of them, and asks what they are at: a loop each, so that one that hangs holds up no other.

A device that is late or lost (a sound server that is not up yet, a panel off the mains) is told again after growing pauses until
it takes the value, and is one fault meanwhile. After a start those are told that forget with the power or come late, and whoever
had not taken its value when the agent ended.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import logging
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from player.agent.settings.appliers import Applier
from player.core.ports.box import Clock
from player.core.settings import SETTINGS, AppliedBy, Setting, Value
from player.errors import BoxError
from player.runtime.fault_page import FaultPage
from player.runtime.tasks import Mistakes, backoff

log = logging.getLogger(__name__)
T = TypeVar("T")
LONGEST_S = 300.0
DEVICES = (AppliedBy.AUDIO, AppliedBy.PANEL, AppliedBy.HOST, AppliedBy.SWITCHES)
FORGETFUL = {AppliedBy.AUDIO, AppliedBy.PANEL}  # the others remember by themselves what they took


@dataclass(frozen=True, slots=True)
class _Due:
    """A value that a device has not taken, or has to be told after a start; `at` is monotonic."""

    tries: int
    at: float


class DeviceTeller:
    """`wanted(name)` is the value that holds, `is_undone(name)` whether the last request had no good end yet, as far as is known;
    `note(name, outcome, in_effect)` writes down how it ended.

    `again_s` grows with each try in vain; what does not answer `within_s` has refused. Every `look_s` it is looked whether sound is
    still as it was set.
    """

    def __init__(
        self,
        appliers: Mapping[str, Applier],
        *,
        wanted: Callable[[str], Value],
        is_undone: Callable[[str], bool],
        note: Callable[[str, str, bool], None],
        clock: Clock,
        faults: FaultPage,
        again_s: float,
        look_s: float,
        within_s: float,
    ) -> None:
        self._appliers, self._wanted, self._is_undone, self._note = appliers, wanted, is_undone, note
        self._clock, self._faults = clock, faults
        self._again_s, self._look_s, self._within_s = again_s, look_s, within_s
        self._turns: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._wakes: defaultdict[AppliedBy, asyncio.Event] = defaultdict(asyncio.Event)
        self._due: dict[str, _Due] = {}
        self._taken: dict[str, Value] = {}  # as read back after the device took it
        self._confirmed: dict[str, bool] = {}
        self._mistakes = Mistakes()

    def __repr__(self) -> str:
        return f"<told again: {', '.join(self._due) or 'nobody'}>"

    def turn(self, name: str) -> asyncio.Lock:
        """Held while a setting changes, so that its device hears one request after the other."""
        return self._turns[name]

    def confirmed(self, name: str) -> bool | None:
        """Whether the device said that it took the value; None where this process told none, or it refused."""
        return self._confirmed.get(name)

    async def found(self, name: str) -> Value:
        """As the device says; None where nobody can say."""
        try:
            return await self._in_time(name, self._appliers[name].found())
        except BoxError:
            return None

    # --- told once

    async def tell(self, row: Setting) -> str:
        """Has the device take the wanted value: what is so, in words. Raises BoxError where one is needed and refuses."""
        value, applier = self._wanted(row.name), self._appliers[row.name]
        words, refusal = applier.words(value), None
        self._taken.pop(row.name, None)
        self._confirmed.pop(row.name, None)
        if value is None:
            words = f"{row.name} is left as it is"
        elif applier.tell is not None:
            try:
                told = await self._in_time(row.name, applier.tell(value))
                words, self._confirmed[row.name] = "; ".join(filter(None, (words, told.words))), told.confirmed
                self._taken[row.name] = await self.found(row.name)
            except BoxError as error:
                refusal = error
            except asyncio.CancelledError:  # whoever asked waits no longer
                silent = self._silent(row.name)
                self._plan(row, silent)
                self._note(row.name, str(silent), False)
                raise
        return self._ended(row, words, refusal)

    async def _in_time(self, name: str, answer: Awaitable[T]) -> T:
        try:
            async with asyncio.timeout(self._within_s):
                with self._mistakes.kept_to(name):
                    return await answer
        except TimeoutError as error:
            raise self._silent(name) from error

    def _silent(self, name: str) -> BoxError:
        return BoxError(name, "the device did not answer in time")

    def _ended(self, row: Setting, words: str, refusal: BoxError | None) -> str:
        needed = row.applied_by[0] is not AppliedBy.STAGE
        self._plan(row, refusal)
        if refusal and needed:
            wanted = self._wanted(row.name)
            self._faults.report(row.name, "setting", f"{row.name} {wanted} is not in effect: {refusal}", count=1)
            self._note(row.name, str(refusal), False)
            raise refusal
        self._faults.clear(row.name)
        words += f"; {refusal}" if refusal else ""
        self._note(row.name, words, True)
        return words

    def _plan(self, row: Setting, refusal: BoxError | None) -> None:
        tries = self._due.pop(row.name, _Due(0, 0.0)).tries
        if refusal:
            pause = backoff(tries, first_s=self._again_s, limit_s=LONGEST_S)
            self._due[row.name] = _Due(tries + 1, self._clock.monotonic() + pause)
            self._wakes[row.device].set()

    # --- told again

    def loops(self) -> dict[str, Callable[[], Awaitable[None]]]:
        """What runs for ever, by name: one for each device."""
        return {f"settings, {device}": functools.partial(self._run, device) for device in DEVICES}

    async def _run(self, device: AppliedBy) -> None:
        rows = [row for row in SETTINGS.values() if row.device is device]
        self._due = {row.name: _Due(0, 0.0) for row in rows if self._told_after_a_start(row)} | self._due
        looked = self._clock.monotonic()
        while True:
            self._wakes[device].clear()
            for row in rows:
                if row.name in self._due and self._due[row.name].at <= self._clock.monotonic():
                    await self._again(row)
            if self._clock.monotonic() - looked >= self._look_s:
                looked = self._clock.monotonic()
                await self._watch(rows)
            due_in = [self._due[row.name].at - self._clock.monotonic() for row in rows if row.name in self._due]
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(max(0.01, min([self._look_s, *due_in]))):
                    await self._wakes[device].wait()

    def _told_after_a_start(self, row: Setting) -> bool:
        value = self._wanted(row.name)
        if value is None or row.name in self._taken:
            return False
        return self._is_undone(row.name) or (row.device in FORGETFUL and value != row.default)

    async def _again(self, row: Setting) -> None:
        async with self._turns[row.name]:
            with contextlib.suppress(BoxError):
                await self.tell(row)

    async def _watch(self, rows: list[Setting]) -> None:
        """A sound server that came back, or a hand at the mixer: what was taken is told again where it is so no longer."""
        for row in rows:
            if row.applied_by[0] is AppliedBy.AUDIO and row.name not in self._due and row.name in self._taken:
                found = await self.found(row.name)
                if found is not None and found != self._taken[row.name]:
                    log.info("%s was found at %s and is set to %s again", row.name, found, self._wanted(row.name))
                    await self._again(row)
