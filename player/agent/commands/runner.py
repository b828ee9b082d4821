"""Carries commands out: written down, done, written down, told (house rule 16). What may be done is decided by `core.ledger`.

One at a time, in the order of arrival. A handler is awaited under a deadline; what this box cannot do answers with the reason.
Commands that end this process are `Going`: their `initiated` is on disk, and on its way, before the act, and the last word is
spoken by the process that follows.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import uuid
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from player.agent.commands.handlers import Going, Handlers
from player.core.commands import Instruction, parse
from player.core.ledger import (
    LOCAL,
    CommandRecord,
    InHand,
    Ledger,
    RecordKind,
    Repeat,
    RunCommand,
    Settle,
    is_local,
    without_secrets,
)
from player.core.ports.box import Absent, Clock, Host
from player.core.ports.server import Command, CommandResult, CommandStatus
from player.errors import BoxError, SignageError, StorageError
from player.runtime.fault_page import FaultPage
from player.runtime.tasks import Latest
from player.store import Journal, read_journal

log = logging.getLogger(__name__)
DEADLINE_S, GOING_S, TELL_FIRST_S = 60.0, 90.0, 3.0


class CommandRunner:
    """The journal of commands in `folder`, and the loop that carries them out. Raises StorageError when it cannot be opened.

    `changed` wakes when there is a result to be told. `tell_first` sends what is untold before the box goes down.
    `clock_trusted` says whether instants can be judged.
    """

    def __init__(
        self,
        folder: Path,
        handlers: Handlers,
        *,
        clock: Clock,
        host: Host,
        version: str,
        faults: FaultPage,
        tell_first: Callable[[], Awaitable[None]],
        clock_trusted: Callable[[], Awaitable[bool]],
        deadline_s: float = DEADLINE_S,
        going_s: float = GOING_S,
    ) -> None:
        self._handlers, self._clock, self._host, self._version = handlers, clock, host, version
        self._tell_first, self._deadline_s, self._going_s = tell_first, deadline_s, going_s
        self._trusts = clock_trusted
        self._journal: Journal[CommandRecord] = Journal(folder, sync_lines=1)
        self._ledger = Ledger.of(_records(folder))
        self._whole: dict[str, Command] = {}  # with the secrets that are not written down
        self._again: dict[str, CommandResult] = {}
        self._waiters: dict[str, asyncio.Future[CommandResult]] = {}
        self._due = asyncio.Event()
        self._faults = faults
        self.changed: Latest[int] = Latest(0)

    # --- in ------------------------------------------------------------------------------------------------------------

    async def offer(self, commands: Sequence[Command]) -> None:
        """Takes in what a server delivered; what came before is not done again, but its result is told again."""
        trusted = await self._clock_trusted()
        for command in commands:
            try:
                self._take(command, trusted=trusted)
            except StorageError as error:
                words = f"commands cannot be written down, so none is carried out: {error}"
                self._faults.report("", "commands_refused", words, count=1)
                return
        self._faults.clear()

    async def perform(self, kind: str, payload: Mapping[str, Any]) -> CommandResult:
        """A command given at the box; its result. Raises CommandRejected when it cannot be understood, StorageError."""
        parse(kind, payload)
        command = Command(f"{LOCAL}{uuid.uuid4()}", kind, payload, created_at=self._now())
        waiter: asyncio.Future[CommandResult] = asyncio.get_running_loop().create_future()
        self._waiters[command.id] = waiter
        try:
            self._take(command, trusted=await self._clock_trusted())
            return await waiter
        finally:
            self._waiters.pop(command.id, None)

    def _take(self, command: Command, *, trusted: bool) -> None:
        match self._ledger.arrived(command, self._now(), clock_trusted=trusted):
            case Repeat(result):
                self._again[command.id] = result
                self._wake()
            case InHand():
                pass
            case RunCommand():
                self._write(RecordKind.RECEIVED, command.id, command=without_secrets(command))
                self._whole[command.id] = command
                self._due.set()
            case Settle(status, reason):
                self._write(RecordKind.RECEIVED, command.id, command=without_secrets(command))
                self._finish(command.id, status, reason, self._now())

    # --- out -----------------------------------------------------------------------------------------------------------

    def untold(self) -> Sequence[CommandResult]:
        """Results that the server has not got."""
        known = {one.id: one for one in (*self._again.values(), *self._ledger.untold)}
        return [one for one in known.values() if not is_local(one.id)]

    def told(self, result: CommandResult) -> None:
        """The server has this one. A full disk costs only that it is told again."""
        self._again.pop(result.id, None)
        if self._ledger.entries[result.id].untold is not None:
            with contextlib.suppress(StorageError):
                self._write(RecordKind.TOLD, result.id, result=result)

    def recent(self, count: int = 20) -> Sequence[CommandResult]:
        """The newest results, oldest first."""
        return [e.result for e in self._ledger.entries.values() if e.result is not None][-count:]

    # --- the loop ------------------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Settles what an earlier life left open, then carries out what comes, for ever."""
        await self._settle_the_past()
        while True:
            self._due.clear()
            for name, settled in self._ledger.overtaken():
                self._finish(name, settled.status, settled.reason, self._now())
            waiting = self._ledger.waiting
            if waiting:
                await self._turn(waiting[0].command.id)
            else:
                await self._due.wait()

    async def _settle_the_past(self) -> None:
        for name, settled in self._ledger.after_restart(self._boot_id(), self._version):
            if settled is not None:
                started = self._ledger.entries[name].started_at
                self._finish(name, settled.status, settled.reason, started)
            else:
                await self._turn(name)
        if await self._clock_trusted():
            self._journal.drop_through(self._ledger.droppable(self._now()))

    async def _turn(self, name: str) -> None:
        began = self._now()
        decision = self._ledger.due(name, began, clock_trusted=await self._clock_trusted())
        if isinstance(decision, Settle):
            self._finish(name, decision.status, decision.reason, began)
        elif isinstance(decision, RunCommand):
            whole = self._whole.get(name)
            self._write(RecordKind.STARTED, name, boot_id=self._boot_id())
            await self._carry_out(name, parse(whole.type, whole.payload) if whole else decision.instruction, began)

    async def _carry_out(self, name: str, instruction: Instruction, began: float) -> None:
        handler = self._handlers.get(type(instruction), Absent("command", "this player cannot do it"))
        if isinstance(handler, Absent):
            self._finish(name, CommandStatus.FAILED, f"{handler.ability}: {handler.reason}", began)
            return
        try:
            async with asyncio.timeout(self._deadline_s):
                outcome = await handler(instruction, name)
            if isinstance(outcome, Going):
                await self._go(name, outcome, began)
                return
        except TimeoutError:
            self._finish(name, CommandStatus.FAILED, f"it was not done within {self._deadline_s:.0f} s", began)
        except SignageError as error:
            self._finish(name, CommandStatus.FAILED, str(error), began)
        else:
            self._finish(name, CommandStatus.SUCCEEDED, outcome.message, began, outcome.result)

    async def _go(self, name: str, going: Going, began: float) -> None:
        """The result `initiated` first; if we are still here long after the act, it did not happen."""
        self._result(RecordKind.INITIATED, self._made(name, CommandStatus.INITIATED, going.message, began, {}))
        with contextlib.suppress(TimeoutError, SignageError):
            async with asyncio.timeout(TELL_FIRST_S):
                await self._tell_first()
        async with asyncio.timeout(self._deadline_s):
            await going.act()
        await asyncio.sleep(self._going_s)
        self._finish(name, CommandStatus.FAILED, f"it was started, but had not happened {self._going_s:.0f} s later", began)

    # --- writing down --------------------------------------------------------------------------------------------------

    def _finish(self, name: str, status: CommandStatus, message: str, began: float, result: dict[str, Any] | None = None) -> None:
        self._result(RecordKind.FINISHED, self._made(name, status, message, began, result or {}))
        self._whole.pop(name, None)

    def _result(self, what: RecordKind, result: CommandResult) -> None:
        self._write(what, result.id, result=result)
        log.info("command %s (%s): %s, %s", result.type, result.id[:20], result.status, result.message)
        waiter = self._waiters.get(result.id)
        if waiter is not None and not waiter.done():
            waiter.set_result(result)
        if is_local(result.id):
            self.told(result)
        self._wake()

    def _write(self, what: RecordKind, name: str, **fields: Any) -> None:
        record = CommandRecord(what, name, self._now(), **fields)
        self._ledger.apply(self._journal.append(record), record)

    def _wake(self) -> None:
        self.changed.set(self.changed.value + 1)

    def _made(self, name: str, status: CommandStatus, message: str, began: float, result: dict[str, Any]) -> CommandResult:
        command = self._ledger.entries[name].command
        return CommandResult(name, command.type, status, message, began, self._now(), result, command.numbered)

    async def _clock_trusted(self) -> bool:
        try:
            return await self._trusts()
        except BoxError:
            return False

    def _boot_id(self) -> str:
        try:
            return self._host.boot_id()
        except BoxError:
            return "unknown"

    def _now(self) -> float:
        return self._clock.now().timestamp()

    def close(self) -> None:
        """Closes the journal; the object is of no use afterwards."""
        self._journal.close()


def _records(folder: Path) -> Iterator[tuple[int, CommandRecord]]:
    for seq, body in read_journal(folder):
        try:
            yield seq, msgspec.convert(body, CommandRecord)
        except msgspec.ValidationError as error:
            log.warning("a command in the journal cannot be read and is skipped: %s", error)
