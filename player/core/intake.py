"""What of one delivery of commands is taken in, before anything is written down: a server may send what it likes.

Pure. As many are taken as can be carried out: of a long delivery the newest of each state, as far as the queue and the hour have
room. The others are rejected and answered; a few of them are kept in the journal, without their payload, the rest is not. So what
an hour writes is bounded, whatever comes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from player.core.commands import KINDS
from player.core.ledger import QUEUE_CALM, QUEUE_LIMIT, Ledger, Repeat, RunCommand, Settle, is_local
from player.core.ports.server import Command, CommandResult, CommandStatus

HOUR_S = 3600.0
AN_HOUR = 120  # commands that are carried out; those given at the box have as many of their own
NOTED, NOTED_AN_HOUR = 16, 64  # rejected ones that are kept, of one delivery and within an hour

Refusal = tuple[Command, Settle]


@dataclass(frozen=True, slots=True)
class TakenIn:
    """`taken` are written down and run; `noted` are rejected and written down; `refused` are rejected and answered alone.

    `repeated`: what became of those that came before. Each in the order of arrival.
    """

    taken: tuple[Command, ...]
    noted: tuple[Refusal, ...]
    refused: tuple[Refusal, ...]
    repeated: tuple[CommandResult, ...]


def take_in(ledger: Ledger, commands: Sequence[Command], now: float, *, clock_trusted: bool, local: bool) -> TakenIn:
    """What to do with `commands`; `local`: they were given at the box. Times are seconds since the epoch."""
    runnable: list[Command] = []
    refused: list[Refusal] = []
    repeated: list[CommandResult] = []
    for command in _once(commands):
        match ledger.arrived(command, now, clock_trusted=clock_trusted):
            case Repeat(result):  # one that is in hand is left alone
                repeated.append(result)
            case Settle() as settle:
                refused.append((command, settle))
            case RunCommand():
                runnable.append(command)
    current, replaced = _newest(runnable)
    room, why = _room(ledger, now, local=local)
    refused += replaced
    refused += [(command, Settle(CommandStatus.REJECTED, why)) for command in current[room:]]
    noted = min(NOTED, max(0, NOTED_AN_HOUR - _lately(ledger, now, local=local, refused=True)))
    return TakenIn(tuple(current[:room]), tuple(refused[:noted]), tuple(refused[noted:]), tuple(repeated))


def _once(commands: Sequence[Command]) -> Sequence[Command]:
    """Each id as it came first."""
    first: dict[str, Command] = {}
    for command in commands:
        first.setdefault(command.id, command)
    return tuple(first.values())


def _newest(runnable: Sequence[Command]) -> tuple[Sequence[Command], Sequence[Refusal]]:
    """Of a long delivery the newest of each state, and what it replaced (K10). A short one runs whole."""
    if len(runnable) <= QUEUE_CALM:
        return runnable, ()
    newest = {_state(command): command for command in runnable}
    replaced = [
        (one, Settle(CommandStatus.REJECTED, f"the newer command {newest[_state(one)].id} replaced it"))
        for one in runnable
        if newest[_state(one)] is not one
    ]
    return [one for one in runnable if newest[_state(one)] is one], replaced


def _state(command: Command) -> str:
    return KINDS[command.type].state or f"only {command.id}"


def _room(ledger: Ledger, now: float, *, local: bool) -> tuple[int, str]:
    """How many more can be carried out, and the sentence for those that cannot."""
    waiting = QUEUE_LIMIT - sum(1 for entry in ledger.waiting if is_local(entry.command.id) is local)
    hour = AN_HOUR - _lately(ledger, now, local=local, refused=False)
    if hour < waiting:
        return max(0, hour), f"more than {AN_HOUR} commands came within an hour"
    return max(0, waiting), f"more than {QUEUE_LIMIT} commands were waiting"


def _lately(ledger: Ledger, now: float, *, local: bool, refused: bool) -> int:
    """How many came within the hour; an untrusted clock may jump: what lies ahead of it counts as well."""
    return sum(
        1
        for name, entry in ledger.entries.items()
        if entry.refused is refused and abs(now - entry.received_at) < HOUR_S and is_local(name) is local
    )
