"""Carries commands out: written down, done, written down, told (house rule 16). What may be done is decided by `core.ledger`.

One at a time, in the order of arrival. A handler is awaited under a deadline; what this box cannot do answers with the reason.
Commands that end this process are `Going`: their `initiated` is on disk, and on its way, before the act, and the last word is
spoken by the process that follows.

What an earlier life left open, begun or not, waits until what it needs is there: after a boot network, stage and sound may come
later. It holds up nothing else meanwhile, and does not wait beyond its deadline.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import uuid
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from player.agent.commands.book import CommandBook
from player.agent.commands.handlers import Going, Handlers
from player.core.allowance import LINE_EVERY_S, LINES_AT_ONCE, Allowance
from player.core.commands import Awaited, Instruction, parse
from player.core.intake import Refusal, TakenIn, take_in
from player.core.ledger import LOCAL, CommandRecord, Decision, RecordKind, RunCommand, Settle, is_local, without_secrets
from player.core.ports.box import Absent, Clock, Host
from player.core.ports.server import Command, CommandResult, CommandStatus
from player.errors import BoxError, SignageError, StorageError
from player.runtime.fault_page import FaultPage
from player.runtime.tasks import Latest

log = logging.getLogger(__name__)
DEADLINE_S, GOING_S, TELL_FIRST_S = 60.0, 90.0, 3.0
PATIENCE_S, LOOK_S = 300.0, 1.0  # how long what was left open waits for what it needs; between two looks
ANSWERS = 1000  # that wait in memory alone
FLOOD_SAID_S = 600.0


class CommandRunner:
    """The journal of commands in `folder`, and the loop that carries them out. Raises StorageError when it cannot be opened.

    `changed` wakes when there is a result to be told. `tell_first` sends what is untold before the box goes down.
    `clock_trusted` says whether instants can be judged, `is_ready` whether something that commands need is there.
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
        is_ready: Callable[[Awaited], Awaitable[bool]],
        deadline_s: float = DEADLINE_S,
        going_s: float = GOING_S,
        look_s: float = LOOK_S,
    ) -> None:
        self._handlers, self._clock, self._host, self._version = handlers, clock, host, version
        self._tell_first, self._deadline_s, self._going_s = tell_first, deadline_s, going_s
        self._trusts, self._is_ready, self._look_s = clock_trusted, is_ready, look_s
        self._book = CommandBook(folder, self._now())
        self._ledger = self._book.ledger
        self._left_open = [entry.command.id for entry in self._ledger.waiting]
        self._late_at = clock.monotonic() + PATIENCE_S
        self._lines = Allowance(LINES_AT_ONCE, LINE_EVERY_S)  # for what is refused
        self._whole: dict[str, Command] = {}  # with the secrets that are not written down
        self._answers: dict[str, CommandResult] = {}  # of what came before, or was refused: not written down
        self._intake = asyncio.Lock()
        self._flood_said = float("-inf")
        self._waiters: dict[str, asyncio.Future[CommandResult]] = {}
        self._due = asyncio.Event()
        self._faults = faults
        self.changed: Latest[int] = Latest(0)

    # --- in ------------------------------------------------------------------------------------------------------------

    async def offer(self, commands: Sequence[Command]) -> None:
        """Takes in what a server delivered; what came before is not done again, but its result is told again."""
        try:
            await self._take(commands, local=False)
        except StorageError as error:
            words = f"commands cannot be written down, so none is carried out: {error}"
            self._faults.report("", "commands_refused", words, count=1)
        else:
            self._faults.clear()

    async def perform(self, kind: str, payload: Mapping[str, Any]) -> CommandResult:
        """A command given at the box; its result. Raises CommandRejected when it cannot be understood, StorageError."""
        parse(kind, payload)
        command = Command(f"{LOCAL}{uuid.uuid4()}", kind, payload, created_at=self._now())
        waiter: asyncio.Future[CommandResult] = asyncio.get_running_loop().create_future()
        self._waiters[command.id] = waiter
        try:
            await self._take([command], local=True)
            return await waiter
        finally:
            self._waiters.pop(command.id, None)

    async def _take(self, commands: Sequence[Command], *, local: bool) -> None:
        """One delivery: one write, however long it is."""
        trusted = await self._clock_trusted()
        async with self._intake:
            now = self._now()
            intake = take_in(self._ledger, commands, now, clock_trusted=trusted, local=local)
            self._answer((*intake.repeated, *(_refused(refusal, now) for refusal in intake.refused)))
            noted = [_refused(refusal, now) for refusal in intake.noted]
            await self._book.write(_received(intake, noted, now))
            self._whole |= {command.id: command for command in intake.taken}
            self._ledger.forget(now, clock_trusted=trusted)
        for result in noted:
            self._said(result)
        self._say_flood(intake)
        self._due.set()

    def _answer(self, results: Sequence[CommandResult]) -> None:
        """Told, and not written down; the oldest go where too many wait."""
        for result in results:
            self._release(result)
            if not is_local(result.id):
                self._answers[result.id] = result
        for name in list(self._answers)[:-ANSWERS]:
            del self._answers[name]
        if results:
            self._wake()

    def _say_flood(self, intake: TakenIn) -> None:
        """At most once in ten minutes."""
        now = self._clock.monotonic()
        if intake.refused and now - self._flood_said >= FLOOD_SAID_S:
            self._flood_said = now
            _, settled = intake.refused[-1]
            log.warning("%d commands of one delivery are refused; of the last: %s", len(intake.refused), settled.reason)

    # --- out -----------------------------------------------------------------------------------------------------------

    def untold(self) -> Sequence[CommandResult]:
        """Results that the server has not got."""
        known = {one.id: one for one in (*self._answers.values(), *self._ledger.untold)}
        return [one for one in known.values() if not is_local(one.id)]

    def told(self, result: CommandResult) -> None:
        """The server has this one. A full disk costs only that it is told again."""
        self._answers.pop(result.id, None)
        entry = self._ledger.entries.get(result.id)
        if entry is not None and entry.untold is not None:
            self._book.later(CommandRecord(RecordKind.TOLD, result.id, self._now(), result=replace(result, result={})))
            self._due.set()

    def recent(self, count: int = 20) -> Sequence[CommandResult]:
        """The newest results, oldest first."""
        return [e.result for e in self._ledger.entries.values() if e.result is not None][-count:]

    # --- the loop ------------------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Settles what an earlier life left open, then carries out what comes, for ever."""
        await self._settle_the_past()
        while True:
            self._due.clear()
            await self._settle(self._ledger.overtaken())
            waiting = [entry.command.id for entry in self._ledger.waiting if entry.command.id not in self._left_open]
            if waiting:
                await self._turn(waiting[0])
            elif not await self._go_on():
                with contextlib.suppress(StorageError):
                    await self._book.write(())  # what was told meanwhile
                await self._rest()

    async def _rest(self) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._look_s if self._left_open else None):
                await self._due.wait()

    async def _settle_the_past(self) -> None:
        for name, settled in self._ledger.after_restart(self._boot_id(), self._version):
            if settled is not None:
                started = self._ledger.entries[name].started_at
                await self._finish(name, settled.status, settled.reason, started)
            elif name not in self._left_open:
                self._left_open.append(name)

    async def _go_on(self) -> bool:
        """Does one of what was left open, if one can be done; whether there was one.

        What was waited for long enough is tried all the same, so that its answer says what is missing.
        """
        self._left_open = [name for name in self._left_open if self._ledger.is_open(name)]
        late, trusted = self._clock.monotonic() >= self._late_at, await self._clock_trusted()
        for name in tuple(self._left_open):
            ready = late or all([await self._is_ready(need) for need in sorted(self._ledger.needs(name))])
            decision = self._ledger.left_open(name, self._now(), clock_trusted=trusted, is_ready=ready)
            if decision is not None:
                self._left_open.remove(name)
                await self._carry_on(name, decision, self._now())
                return True
        return False

    async def _settle(self, settled: Sequence[tuple[str, Settle]]) -> None:
        """The last word of many at once."""
        now = self._now()
        results = [self._made(name, one.status, one.reason, now, {}) for name, one in settled]
        await self._book.write([CommandRecord(RecordKind.FINISHED, one.id, now, result=one) for one in results])
        for result in results:
            self._whole.pop(result.id, None)
            self._said(result)

    async def _turn(self, name: str) -> None:
        began = self._now()
        await self._carry_on(name, self._ledger.due(name, began, clock_trusted=await self._clock_trusted()), began)

    async def _carry_on(self, name: str, decision: Decision, began: float) -> None:
        if isinstance(decision, Settle):
            await self._finish(name, decision.status, decision.reason, began)
        elif isinstance(decision, RunCommand):
            whole = self._whole.get(name)
            await self._book.write([CommandRecord(RecordKind.STARTED, name, self._now(), boot_id=self._boot_id())])
            await self._carry_out(name, parse(whole.type, whole.payload) if whole else decision.instruction, began)

    async def _carry_out(self, name: str, instruction: Instruction, began: float) -> None:
        handler = self._handlers.get(type(instruction), Absent("command", "this player cannot do it"))
        if isinstance(handler, Absent):
            await self._finish(name, CommandStatus.FAILED, f"{handler.ability}: {handler.reason}", began)
            return
        try:
            async with asyncio.timeout(self._deadline_s):
                outcome = await handler(instruction, name)
            if isinstance(outcome, Going):
                await self._go(name, outcome, began)
                return
        except TimeoutError:
            await self._finish(name, CommandStatus.FAILED, f"it was not done within {self._deadline_s:.0f} s", began)
        except SignageError as error:
            await self._finish(name, CommandStatus.FAILED, str(error), began)
        else:
            await self._finish(name, CommandStatus.SUCCEEDED, outcome.message, began, outcome.result)

    async def _go(self, name: str, going: Going, began: float) -> None:
        """The result `initiated` first; if we are still here long after the act, it did not happen."""
        await self._result(RecordKind.INITIATED, self._made(name, CommandStatus.INITIATED, going.message, began, {}))
        with contextlib.suppress(TimeoutError, SignageError):
            async with asyncio.timeout(TELL_FIRST_S):
                await self._tell_first()
        async with asyncio.timeout(self._deadline_s):
            await going.act()
        await asyncio.sleep(self._going_s)
        await self._finish(name, CommandStatus.FAILED, f"it was started, but had not happened {self._going_s:.0f} s later", began)

    # --- writing down --------------------------------------------------------------------------------------------------

    async def _finish(
        self, name: str, status: CommandStatus, message: str, began: float, result: dict[str, Any] | None = None
    ) -> None:
        await self._result(RecordKind.FINISHED, self._made(name, status, message, began, result or {}))
        self._whole.pop(name, None)

    async def _result(self, what: RecordKind, result: CommandResult) -> None:
        await self._book.write([CommandRecord(what, result.id, self._now(), result=result)])
        self._said(result)

    def _said(self, result: CommandResult) -> None:
        """It is written down: whoever waits for it may know."""
        refused = result.status is CommandStatus.REJECTED
        level = logging.DEBUG if refused and not self._lines.spare(self._clock.monotonic()) else logging.INFO
        log.log(level, "command %s (%s): %s, %s", result.type, result.id[:20], result.status, result.message)
        self._release(result)
        if is_local(result.id):
            self.told(result)
        self._wake()

    def _release(self, result: CommandResult) -> None:
        waiter = self._waiters.get(result.id)
        if waiter is not None and not waiter.done():
            waiter.set_result(result)

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
        self._book.close()


def _refused(refusal: Refusal, now: float) -> CommandResult:
    command, settled = refusal
    return CommandResult(command.id, command.type, settled.status, settled.reason, now, now, {}, command.numbered)


def _received(intake: TakenIn, noted: Sequence[CommandResult], now: float) -> Sequence[CommandRecord]:
    """One delivery as the journal has it: of what is rejected no payload."""
    records = [CommandRecord(RecordKind.RECEIVED, one.id, now, command=without_secrets(one)) for one in intake.taken]
    for result in noted:
        bare = Command(result.id, result.type, numbered=result.numbered)
        records.append(CommandRecord(RecordKind.RECEIVED, result.id, now, command=bare))
        records.append(CommandRecord(RecordKind.FINISHED, result.id, now, result=result))
    return records
