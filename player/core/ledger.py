"""What became of each command: at most once for its id, across redelivery, restarts and power cuts (faults.md §5, K1 to K10).

Pure: the ledger is the fold of its records, and every decision is made from it alone. The driver writes a record down, durably,
before it applies it and before it acts: `received`, then `started`, then the deed, then `finished`; `told` once the server has it.
What is finished is remembered by its id and its last word alone, and of those no more than `KEPT`: `records` is all that a journal
needs to hold, however much came before.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from player.core.commands import KINDS, AfterCrash, Awaited, Instruction, parse
from player.core.ports.server import Command, CommandResult, CommandStatus
from player.errors import CommandRejected

QUEUE_CALM, QUEUE_LIMIT = 16, 100
BUDGETS = ((3600.0, 3, "an hour"), (86_400.0, 6, "a day"))
TOMBSTONE_S = 90 * 86_400.0
KEPT, KEPT_BYTES = 1000, 4 << 20  # of finished ones
PAYLOAD_BYTES = 8192
LOCAL = "local-"  # ids of commands that were given at the box; no server is told of them
STARTS = 2  # how often a command that may run again after a crash is started at all


class RecordKind(StrEnum):
    """What a line of the journal says of its command."""

    RECEIVED = "received"
    STARTED = "started"
    INITIATED = "initiated"  # the deed ends this process; the one that follows writes `finished`
    FINISHED = "finished"
    TOLD = "told"  # the server has the result


@dataclass(frozen=True, slots=True)
class CommandRecord:
    """One line of the journal. `at` is seconds since the epoch; which fields are there depends on `what`."""

    what: RecordKind
    id: str
    at: float
    boot_id: str = ""
    command: Command | None = None
    result: CommandResult | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """One command's life. `untold` is the result that the server has not got yet. One that is finished has no payload."""

    command: Command
    received_at: float
    starts: int = 0
    started_at: float = 0.0
    boot_id: str = ""
    result: CommandResult | None = None
    untold: CommandResult | None = None

    @property
    def finished(self) -> bool:
        """Whether its last word is written."""
        return self.result is not None and self.result.status is not CommandStatus.INITIATED

    @property
    def refused(self) -> bool:
        """Whether it was rejected and never started."""
        return not self.starts and self.result is not None and self.result.status is CommandStatus.REJECTED

    @property
    def restarted(self) -> bool:
        """Whether it ended this process, or the box, or tried to."""
        kind = KINDS.get(self.command.type)
        return self.starts > 0 and kind is not None and kind.restarts

    @property
    def size(self) -> int:
        """About how many bytes it takes to remember."""
        told = self.result
        words = 0 if told is None else len(told.message) + len(json.dumps(told.result))
        return len(self.command.id) + len(self.command.type) + words


@dataclass(frozen=True, slots=True)
class RunCommand:
    """The command is to be carried out at once."""

    instruction: Instruction


@dataclass(frozen=True, slots=True)
class Repeat:
    """It came before; this is what became of it."""

    result: CommandResult


@dataclass(frozen=True, slots=True)
class InHand:
    """It came before, and is waiting or running."""


@dataclass(frozen=True, slots=True)
class Settle:
    """It does not run; this is its last word."""

    status: CommandStatus
    reason: str


Decision = RunCommand | Repeat | InHand | Settle


@dataclass(slots=True)
class Ledger:
    """Every command that is remembered, oldest first."""

    entries: dict[str, Entry] = field(default_factory=dict)

    @classmethod
    def of(cls, records: Iterable[CommandRecord]) -> Ledger:
        """The state after these."""
        ledger = cls()
        for record in records:
            ledger.apply(record)
        return ledger

    def apply(self, record: CommandRecord) -> None:
        """Takes one record in; one about a command that is not known any more changes nothing."""
        if record.what is RecordKind.RECEIVED:
            if record.command is not None and record.id not in self.entries:
                self.entries[record.id] = Entry(record.command, record.at)
            return
        entry = self.entries.get(record.id)
        if entry is None:
            return
        if record.what is RecordKind.STARTED:
            entry = replace(entry, starts=entry.starts + 1, started_at=record.at, boot_id=record.boot_id)
        elif record.what is RecordKind.TOLD:
            told = entry.untold is not None and record.result is not None and entry.untold.status == record.result.status
            entry = replace(entry, untold=None, result=_word(entry.result)) if told else entry
        else:
            entry = replace(entry, result=record.result, untold=record.result)
            entry = replace(entry, command=replace(entry.command, payload={})) if entry.finished else entry
        self.entries[record.id] = entry

    def records(self) -> Iterator[CommandRecord]:
        """The shortest journal of which this is the state."""
        for name, entry in self.entries.items():
            yield CommandRecord(RecordKind.RECEIVED, name, entry.received_at, command=entry.command)
            for _ in range(entry.starts):
                yield CommandRecord(RecordKind.STARTED, name, entry.started_at, boot_id=entry.boot_id)
            if entry.result is not None:
                what = RecordKind.FINISHED if entry.finished else RecordKind.INITIATED
                yield CommandRecord(what, name, entry.result.finished_at, result=entry.result)
                if entry.untold is None:
                    yield CommandRecord(RecordKind.TOLD, name, entry.result.finished_at, result=entry.result)

    def arrived(self, command: Command, now: float, *, clock_trusted: bool) -> Decision:
        """What to do with a command that was just delivered."""
        entry = self.entries.get(command.id)
        if entry is not None:
            return Repeat(entry.result) if entry.finished and entry.result is not None else InHand()
        return self._fresh(command, now, clock_trusted=clock_trusted)

    def due(self, command_id: str, now: float, *, clock_trusted: bool) -> Decision:
        """What to do with a received command whose turn has come."""
        entry = self.entries[command_id]
        if entry.finished and entry.result is not None:
            return Repeat(entry.result)
        return self._fresh(entry.command, now, clock_trusted=clock_trusted)

    def _fresh(self, command: Command, now: float, *, clock_trusted: bool) -> RunCommand | Settle:
        if clock_trusted and command.expires_at is not None and command.expires_at <= now:
            return _rejected(f"it expired {now - command.expires_at:.0f} s before it could run")
        if not _can_be_kept(command.payload):
            return _rejected(f"its payload is larger than {PAYLOAD_BYTES} bytes, or cannot be written down")
        try:
            instruction = parse(command.type, command.payload)
        except CommandRejected as refusal:
            return _rejected(str(refusal))
        spent = self._spent(now) if KINDS[command.type].restarts else None
        return _rejected(spent) if spent else RunCommand(instruction)

    def _spent(self, now: float) -> str | None:
        """The sentence that refuses one more restart (K3). An untrusted clock may jump: what lies ahead of it counts as well."""
        starts = [e.started_at for e in self.entries.values() if e.restarted]
        for window, limit, name in BUDGETS:
            recent = sum(1 for at in starts if abs(now - at) < window)
            if recent >= limit:
                return f"the box was restarted by command {recent} times within {name} already; no more than {limit} are allowed"
        return None

    def overtaken(self) -> Sequence[tuple[str, Settle]]:
        """Of a long queue: state kinds that a newer one replaces, and what is beyond the limit (K10). A short one runs whole."""
        queue = self.waiting
        if len(queue) <= QUEUE_CALM:
            return ()
        newest: dict[str, str] = {}
        for entry in queue:
            newest[self._state(entry)] = entry.command.id
        gone = [e for e in queue if newest[self._state(e)] != e.command.id]
        kept = [e for e in queue if newest[self._state(e)] == e.command.id]
        replaced = [(e.command.id, _rejected(f"the newer command {newest[self._state(e)]} replaced it")) for e in gone]
        full = _rejected(f"more than {QUEUE_LIMIT} commands were waiting")
        return (*replaced, *((e.command.id, full) for e in kept[QUEUE_LIMIT:]))

    @staticmethod
    def _state(entry: Entry) -> str:
        kind = KINDS.get(entry.command.type)
        return kind.state if kind is not None and kind.state is not None else f"only {entry.command.id}"

    @property
    def waiting(self) -> Sequence[Entry]:
        """Received, not started, in the order of arrival."""
        return [entry for entry in self.entries.values() if not entry.starts and entry.result is None]

    @property
    def untold(self) -> Sequence[CommandResult]:
        """Results that the server has not got."""
        return [entry.untold for entry in self.entries.values() if entry.untold is not None]

    def after_restart(self, boot_id: str, version: str) -> Sequence[tuple[str, Settle | None]]:
        """What becomes of each command that was started and not finished; None: start it again."""
        return [(e.command.id, _resolve(e, boot_id, version)) for e in self.entries.values() if e.starts and not e.finished]

    def needs(self, command_id: str) -> frozenset[Awaited]:
        """What has to be there before this one is done."""
        kind = KINDS.get(self.entries[command_id].command.type)
        return kind.needs if kind is not None else frozenset()

    def is_open(self, command_id: str) -> bool:
        """Whether its last word is still to come."""
        return command_id in self.entries and not self.entries[command_id].finished

    def left_open(self, command_id: str, now: float, *, clock_trusted: bool, is_ready: bool) -> RunCommand | Settle | None:
        """What to do with one that an earlier life left open; None: it can wait for what it needs (`is_ready`: that is there)."""
        entry = self.entries[command_id]
        newer = self._replacing(entry)
        if newer is not None:
            return _rejected(f"the newer command {newer} replaced it")
        decision = self._fresh(entry.command, now, clock_trusted=clock_trusted)
        return decision if is_ready or isinstance(decision, Settle) else None

    def _replacing(self, old: Entry) -> str | None:
        """The id of one that came later, for the same state, and was not refused."""
        later, state = False, self._state(old)
        for entry in self.entries.values():
            if later and self._state(entry) == state and not entry.refused:
                return entry.command.id
            later = later or entry is old
        return None

    def forget(self, now: float, *, clock_trusted: bool) -> None:
        """Of what is finished the newest `KEPT` stay, and of those what `KEPT_BYTES` hold; the rejected go first.

        What counts against the restarts of a day stays, and so does what is open. Whatever the server has and is older than
        90 days goes, where the clock can be believed.
        """
        settled = [
            e for e in self.entries.values() if e.finished and not (e.restarted and abs(now - e.started_at) < BUDGETS[-1][0])
        ]
        room = KEPT_BYTES
        settled.sort(key=lambda e: not e.refused)
        for rank, entry in enumerate(reversed(settled)):
            room -= entry.size
            old = clock_trusted and entry.untold is None and now - entry.received_at > TOMBSTONE_S
            if old or rank >= KEPT or room < 0:
                del self.entries[entry.command.id]


def _rejected(reason: str) -> Settle:
    return Settle(CommandStatus.REJECTED, reason)


def _word(result: CommandResult | None) -> CommandResult | None:
    """Without what came of it besides: whoever asked for that has it."""
    return replace(result, result={}) if result is not None else None


def _can_be_kept(payload: Mapping[str, Any]) -> bool:
    try:
        return len(json.dumps(payload, ensure_ascii=False).encode()) <= PAYLOAD_BYTES
    except (ValueError, RecursionError):
        return False


def _resolve(entry: Entry, boot_id: str, version: str) -> Settle | None:
    """The restart rule of faults.md §5."""
    match KINDS[entry.command.type].after_crash:
        case AfterCrash.AGAIN if entry.starts < STARTS:
            return None
        case AfterCrash.BOOT:
            done = boot_id != entry.boot_id
            if done:
                return Settle(CommandStatus.SUCCEEDED, "the box has started again")
            return Settle(CommandStatus.FAILED, "the box did not restart")
        case AfterCrash.PROCESS:
            return Settle(CommandStatus.SUCCEEDED, "the player has started again")
        case AfterCrash.VERSION:
            wanted = str(entry.command.payload.get("version"))
            if wanted == version:
                return Settle(CommandStatus.SUCCEEDED, f"version {version} is running")
            return Settle(CommandStatus.FAILED, f"version {version} is running, not {wanted}")
        case _:
            return Settle(CommandStatus.INTERRUPTED, "the player stopped while it ran; it is not run again")


def without_secrets(command: Command) -> Command:
    """The command as it may be written down: a PIN is not."""
    payload: Mapping[str, Any] = {k: v for k, v in command.payload.items() if k != "pin"}
    return replace(command, payload=payload)


def is_local(command_id: str) -> bool:
    """Whether it was given at the box, and its result concerns no server."""
    return command_id.startswith(LOCAL)
