"""Brings what is wanted of this device and what is found together; every request for a setting comes through here.

A request is in the stage's brief first and in the book second, both on disk, and takes effect third. A device that is late or lost
(a sound server that is not up yet) is told again until it takes the value, and is one fault meanwhile. Whatever differs from the
built-in default is told again after a start (faults.md K8).
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import msgspec

from player.agent.settings.appliers import Applier
from player.agent.settings.brief_store import BriefStore
from player.core.content import DeviceSettings
from player.core.ports.box import Clock
from player.core.settings import RESET, SETTINGS, AppliedBy, Asker, Setting, SettingRecord, SettingsBook, Value, find
from player.errors import BoxError, StorageError
from player.journal import Journal
from player.journal_reader import read_journal
from player.runtime.fault_page import FaultPage
from player.runtime.tasks import backoff

log = logging.getLogger(__name__)
AGAIN_S, LONGEST_S = 5.0, 300.0
LOOK_S = 60.0
COMPACT_EVERY = 1000  # records: the journal stays below three segments
IN_BRIEF = frozenset(field.name for field in fields(DeviceSettings))
TOLD_AGAIN = {AppliedBy.AUDIO, AppliedBy.PANEL}  # forget with the power, or come late; the host remembers by itself


@dataclass(frozen=True, slots=True)
class SettingRow:
    """One setting as people and programs see it. `found` is as read back, None where nobody can say; `asked_at` in epoch seconds.

    `outcome`: how the last request ended, in words. `confirmed`: whether the device said so; False: it was sent, and the device
    does not say; None: no device was told by this process, or it refused.
    """

    name: str
    meaning: str
    range: str
    wanted: Value
    found: Value
    asked_by: str = ""
    asked_at: float | None = None
    outcome: str = ""
    in_effect: bool = True
    confirmed: bool | None = None


@dataclass(frozen=True, slots=True)
class _Due:
    """A value that a device has not taken, or has to be told after a start."""

    tries: int
    at: float


class SettingsRegistry:
    """The book in `folder`. `configured`: what the configuration says, by name; `server`: the one that it names.

    `again_s` grows with each try in vain.
    """

    def __init__(
        self,
        folder: Path,
        brief: BriefStore,
        appliers: Mapping[str, Applier],
        *,
        configured: Mapping[str, Value],
        server: str,
        clock: Clock,
        faults: FaultPage,
        again_s: float = AGAIN_S,
        look_s: float = LOOK_S,
    ) -> None:
        self._brief, self._appliers, self._configured, self._clock, self._faults = brief, appliers, configured, clock, faults
        self.server, self._again_s, self._look_s = server, again_s, look_s
        # A request is synced by itself; an outcome that a power cut takes is found out again.
        self._journal: Journal[SettingRecord] = Journal(folder, sync_lines=COMPACT_EVERY)
        self._book = SettingsBook.of(_records(folder))
        self._turns: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._due: dict[str, _Due] = {}
        self._taken: dict[str, Value] = {}  # as read back after the device took it
        self._confirmed: dict[str, bool] = {}
        self._wake = asyncio.Event()

    async def open(self) -> None:
        """Takes in what another version set meanwhile, and what the configuration says anew."""
        for name in SETTINGS:
            record = self._book.found(name, self.wanted(name), self._default(name), self.server, self._now())
            if record is not None:
                try:
                    await self._want(record)
                except StorageError as error:  # a full disk keeps nobody from starting
                    log.warning("%s stays %s, what the configuration says is not kept: %s", name, self.wanted(name), error)
        self._sync()

    # --- what is wanted

    def wanted(self, name: str) -> Value:
        """What the device is told to be."""
        if name in IN_BRIEF:
            value: Value = getattr(self._brief.current.settings, name)
            return value
        last = self._book.last.get(name)
        return self._default(name) if last is None else last.value

    def asked_at(self, name: str) -> float | None:
        """When somebody last asked for it (seconds since the epoch); None where nobody has, and the configuration's value holds."""
        last = self._book.last.get(name)
        return None if last is None or last.by is Asker.CONFIGURATION else last.at

    def asked_by(self, name: str) -> Asker | None:
        """Who asked for it last."""
        last = self._book.last.get(name)
        return None if last is None else last.by

    def heartbeat_interval_s(self) -> float:
        """How long the server's rhythm rests between two calls."""
        return float(self.wanted("heartbeat_interval") or 0.0)

    async def ask(self, name: str, given: Any, *, by: Asker, who: str) -> str:
        """A request: what was done, in words. None, or "default", returns to the configuration.

        Raises SettingRefused, and StorageError when it cannot be kept: nothing changed. Raises BoxError where the device does not
        take it for now: the value is wanted all the same, and the device is told again.
        """
        row = find(name)
        row.allow(by)
        reset = given is None or given == RESET
        value = self._default(name) if reset else row.value(given)
        async with self._turns[name]:
            await self._want(SettingRecord(name, value, by, who, self._now(), configured=reset))
            self._sync()
            return await self._apply(row)

    async def server_says(self, name: str, given: Any) -> None:
        """A state that a server repeats: a request where it is another than the one before. Raises as `ask`, but never BoxError."""
        if self._book.says_anew(name, find(name).value(given), self.server):
            with contextlib.suppress(BoxError):  # nobody waits for the outcome: it is in the book
                await self.ask(name, given, by=Asker.SERVER, who=self.server)

    async def _want(self, record: SettingRecord) -> None:
        before = self.wanted(record.name)
        if record.name in IN_BRIEF:
            await self._brief.change_settings(**{record.name: record.value})
        if not self._book.is_told(record):
            self._write(record)
        if record.value != before:
            log.info("%s is %s, asked for by %s", record.name, record.value, record.by.in_words(record.who))

    def _write(self, record: SettingRecord) -> None:
        self._book.write(record)
        try:
            if self._journal.append(record) % COMPACT_EVERY == 0:
                self._compact()
        except StorageError as error:
            log.warning("who asked for %s is not kept: %s", record.name, error)

    def _sync(self) -> None:
        try:
            self._journal.sync()
        except OSError as error:
            log.warning("who asked for a setting may be forgotten at a power cut: %s", error)

    def _compact(self) -> None:
        through = self._journal.last_seq
        for record in self._book.all():
            self._journal.append(record)
        self._sync()
        self._journal.drop_through(through)

    # --- how it takes effect

    async def run(self) -> None:
        """Tells devices what they have to be told, after the start and until they take it, for ever."""
        self._due = {row.name: _Due(0, 0.0) for row in SETTINGS.values() if self._told_after_a_start(row)} | self._due
        looked = self._clock.monotonic()
        while True:
            self._wake.clear()
            for name in [name for name, due in self._due.items() if due.at <= self._clock.monotonic()]:
                await self._again(name)
            if self._clock.monotonic() - looked >= self._look_s:
                looked = self._clock.monotonic()
                await self._watch()
            wait_s = min([self._look_s, *(due.at - self._clock.monotonic() for due in self._due.values())])
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(max(0.01, wait_s)):
                    await self._wake.wait()

    def _told_after_a_start(self, row: Setting) -> bool:
        wanted = self.wanted(row.name) != row.default and row.name not in self._taken
        return wanted and bool(TOLD_AGAIN.intersection(row.applied_by))

    async def _again(self, name: str) -> None:
        async with self._turns[name]:
            with contextlib.suppress(BoxError):
                await self._apply(SETTINGS[name])

    async def _apply(self, row: Setting) -> str:
        """Has the device take the wanted value, and writes down how that ended. Raises BoxError where it is needed and does not."""
        value, applier = self.wanted(row.name), self._appliers[row.name]
        words, refusal = applier.words(value), None
        self._taken.pop(row.name, None)
        self._confirmed.pop(row.name, None)
        if value is None:
            words = f"{row.name} is left as it is"
        elif applier.tell is not None:
            try:
                told = await applier.tell(value)
                words, self._confirmed[row.name] = "; ".join(filter(None, (words, told.words))), told.confirmed
                self._taken[row.name] = await self._found(row.name)
            except BoxError as error:
                refusal = error
            except asyncio.CancelledError:  # whoever asked has given up on a device that hangs: it is told again
                hangs = BoxError(row.name, "the device did not answer for as long as was waited for it")
                self._plan(row, hangs)
                self._note(row.name, str(hangs), in_effect=False)
                raise
        return self._ended(row, words, refusal)

    def _ended(self, row: Setting, words: str, refusal: BoxError | None) -> str:
        needed = row.applied_by[0] is not AppliedBy.STAGE
        self._plan(row, refusal)
        if refusal and needed:
            self._faults.report(row.name, "setting", f"{row.name} {self.wanted(row.name)} is not in effect: {refusal}", count=1)
            self._note(row.name, str(refusal), in_effect=False)
            raise refusal
        self._faults.clear(row.name)
        words += f"; {refusal}" if refusal else ""
        self._note(row.name, words, in_effect=True)
        return words

    def _plan(self, row: Setting, refusal: BoxError | None) -> None:
        tries = self._due.pop(row.name, _Due(0, 0.0)).tries
        if refusal and TOLD_AGAIN.intersection(row.applied_by):
            pause = backoff(tries, first_s=self._again_s, limit_s=LONGEST_S)
            self._due[row.name] = _Due(tries + 1, self._clock.monotonic() + pause)
            self._wake.set()

    def _note(self, name: str, outcome: str, *, in_effect: bool) -> None:
        last = self._book.last.get(name)
        if last is not None and (last.ended, last.in_effect) != (outcome, in_effect):
            self._write(replace(last, ended=outcome, in_effect=in_effect))

    async def _watch(self) -> None:
        """A sound server that came back, or a hand at the mixer: what was taken is told again where it is so no longer."""
        for row in SETTINGS.values():
            if row.applied_by[0] is AppliedBy.AUDIO and row.name not in self._due and row.name in self._taken:
                found = await self._found(row.name)
                if found is not None and found != self._taken[row.name]:
                    log.info("%s was found at %s and is set to %s again", row.name, found, self.wanted(row.name))
                    await self._again(row.name)

    # --- what is found

    async def _found(self, name: str) -> Value:
        try:
            return await self._appliers[name].found()
        except BoxError:
            return None

    async def row(self, name: str) -> SettingRow:
        """One setting, read back now. Raises SettingRefused."""
        setting, last = find(name), self._book.last.get(name)
        found, confirmed = await self._found(name), self._confirmed.get(name)
        row = SettingRow(name, setting.meaning, setting.range, self.wanted(name), found, confirmed=confirmed)
        if last is None:
            return row
        by, outcome = last.by.in_words(last.who), last.ended or ""
        return replace(row, asked_by=by, asked_at=last.at, outcome=outcome, in_effect=last.in_effect)

    async def rows(self) -> tuple[SettingRow, ...]:
        """All of them."""
        return tuple([await self.row(name) for name in SETTINGS])

    def close(self) -> None:
        """Closes the book."""
        self._journal.close()

    def _default(self, name: str) -> Value:
        return self._configured.get(name, SETTINGS[name].default)

    def _now(self) -> float:
        return self._clock.now().timestamp()


def _records(folder: Path) -> Iterator[SettingRecord]:
    for _, body in read_journal(folder):
        try:
            yield msgspec.convert(body, SettingRecord)
        except msgspec.ValidationError as error:
            log.warning("a record of a setting cannot be read: %s", error)
