"""Brings what is wanted of this device and what is found together; every request for a setting comes through here.

A request is in the stage's brief first and in the book second, both on disk, and takes effect third (faults.md K8): devices hear of
it from `device_teller`, which goes on until they take it.
"""

from __future__ import annotations

import contextlib
import logging
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import msgspec

from player.agent.settings.appliers import Applier
from player.agent.settings.brief_store import BriefStore
from player.agent.settings.device_teller import DeviceTeller
from player.core.allowance import Allowance
from player.core.brief import DeviceSettings
from player.core.ports.box import Clock
from player.core.settings import RESET, SETTINGS, Asker, SettingRecord, SettingsBook, Value, find
from player.errors import BoxError, SettingRefused, StorageError
from player.journal import Journal
from player.journal_reader import read_journal
from player.runtime.fault_page import FaultPage

log = logging.getLogger(__name__)
AGAIN_S, LOOK_S = 5.0, 60.0
SAID_AT_ONCE, SAID_EVERY_S = 8, 60.0  # changes of one setting that a server's repeated word may bring
WITHIN_S = 45.0  # a command, which waits a minute, has the reason by then; most drivers have shorter limits of their own
COMPACT_EVERY = 1000  # records: the journal stays below three segments
IN_BRIEF = frozenset(field.name for field in fields(DeviceSettings))
OUTRANKING = frozenset({Asker.POLICY, Asker.PIN})  # whoever has the PIN stands before the box; a policy holds again soon


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


class SettingsRegistry:
    """The book in `folder`. `configured`: what the configuration says, by name; `server`: the one that it names.

    `held_by` answers the name of the policy that holds a setting, "" where none does: no single request changes it then.
    `again_s`, `look_s` and `within_s` are the teller's.
    """

    def __init__(
        self,
        folder: Path,
        brief: BriefStore,
        appliers: Mapping[str, Applier],
        *,
        configured: Mapping[str, Value],
        server: str,
        held_by: Callable[[str], str],
        clock: Clock,
        faults: FaultPage,
        again_s: float = AGAIN_S,
        look_s: float = LOOK_S,
        within_s: float = WITHIN_S,
    ) -> None:
        self._brief, self._configured, self._clock, self.server, self._held_by = brief, configured, clock, server, held_by
        # A request is synced by itself; an outcome that a power cut takes is found out again.
        self._journal: Journal[SettingRecord] = Journal(folder, sync_lines=COMPACT_EVERY)
        self._book = SettingsBook.of(_records(folder))
        self._may_say: defaultdict[str, Allowance] = defaultdict(lambda: Allowance(SAID_AT_ONCE, SAID_EVERY_S))
        self._teller = DeviceTeller(
            appliers, wanted=self.wanted, is_undone=self._book.is_undone, note=self._note, clock=clock, faults=faults,
            again_s=again_s, look_s=look_s, within_s=within_s,
        )  # fmt: skip

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
        if by not in OUTRANKING and value != self.wanted(name) and (policy := self._held_by(name)):
            raise SettingRefused(name, f'the policy "{policy}" holds it')
        async with self._teller.turn(name):
            await self._want(SettingRecord(name, value, by, who, self._now(), configured=reset))
            self._sync()
            return await self._teller.tell(row)

    async def server_says(self, name: str, given: Any) -> None:
        """A state that a server repeats: a request where it is another than the one before. What a policy holds stays.

        One that says something else each time is heard now and then, since every change is written to flash.
        Raises SettingRefused where it cannot be, StorageError.
        """
        is_another = self._book.says_anew(name, find(name).value(given), self.server) and not self._held_by(name)
        if is_another and self._may_say[name].spare(self._clock.monotonic()):
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

    # --- how it took effect

    def loops(self) -> dict[str, Callable[[], Awaitable[None]]]:
        """What runs for ever, by name: devices are told what they have to be told, after the start and until they take it."""
        return self._teller.loops()

    def _note(self, name: str, outcome: str, in_effect: bool) -> None:
        last = self._book.last.get(name)
        if last is not None and (last.ended, last.in_effect) != (outcome, in_effect):
            self._write(replace(last, ended=outcome, in_effect=in_effect))

    async def row(self, name: str) -> SettingRow:
        """One setting, read back now. Raises SettingRefused."""
        setting, last = find(name), self._book.last.get(name)
        found, confirmed = await self._teller.found(name), self._teller.confirmed(name)
        row = SettingRow(name, setting.meaning, setting.range, self.wanted(name), found, confirmed=confirmed)
        if last is None:
            return row
        by, outcome = last.by.in_words(last.who), last.ended or ""
        return replace(row, asked_by=by, asked_at=last.at, outcome=outcome, in_effect=last.in_effect)

    async def rows(self) -> tuple[SettingRow, ...]:
        """Every setting, read back now."""
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
