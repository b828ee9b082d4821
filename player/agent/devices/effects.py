"""What was asked is brought about after its answer: each kind in its own line, one after the other, under a deadline.

A driver that hangs holds up its own kind alone, and no longer than the deadline; one that raises what nobody foresaw costs its own
request alone. Two requests for one setting are carried out in
the order in which they came, so that the last one wins; both are in the log.
"""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from player.agent.devices.action_log import ActionLog
from player.agent.devices.refusals import too_many
from player.core.actions import Action, ActionKind, Ends
from player.errors import SignageError
from player.runtime.tasks import Mistakes

DEADLINE_S = 5.0
MOST_OPEN = 64


@dataclass(frozen=True, slots=True)
class EffectOutcome:
    """How it ended, in words; `confirmed`: the effect was read back."""

    words: str
    confirmed: bool


Effect = Callable[[], Awaitable[EffectOutcome]]  # raises SignageError with the reason


@dataclass(frozen=True, slots=True)
class _Asked:
    action: Action
    effect: Effect
    deadline_s: float


class Effects:
    """Takes requests in and carries them out. `most_open` of each kind may wait or be at work at a time."""

    def __init__(self, log: ActionLog, *, deadline_s: float = DEADLINE_S, most_open: int = MOST_OPEN) -> None:
        self._log, self._deadline_s, self._most_open = log, deadline_s, most_open
        self._asked: asyncio.Queue[_Asked] = asyncio.Queue()
        self._open: Counter[ActionKind] = Counter()
        self._lines: defaultdict[ActionKind, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._mistakes = Mistakes()

    def __repr__(self) -> str:
        return f"<effects: {self._open.total()} open>"

    def ask(
        self, kind: ActionKind, asked: Mapping[str, Any], by: str, effect: Effect, *, ends: Ends = Ends.NOTHING,
        deadline_s: float | None = None,
    ) -> Action:  # fmt: skip
        """Writes a request down; it is carried out soon. Raises StorageError, and Declined where too many are open."""
        if self._open[kind] >= self._most_open:
            raise too_many(f"{self._open[kind]} requests of this kind are being carried out already; try again")
        action = self._log.ask(kind, asked, by, ends)
        self._open[kind] += 1
        self._asked.put_nowait(_Asked(action, effect, deadline_s or self._deadline_s))
        return action

    async def run(self) -> None:
        """Carries out what comes, for ever."""
        async with asyncio.TaskGroup() as group:
            while True:
                asked = await self._asked.get()
                group.create_task(self._in_line(asked), name=f"{asked.action.kind} {asked.action.uid}")

    async def _in_line(self, asked: _Asked) -> None:
        try:
            async with self._lines[asked.action.kind]:
                await self._carry_out(asked)
        finally:
            self._open[asked.action.kind] -= 1

    async def _carry_out(self, asked: _Asked) -> None:
        try:
            async with asyncio.timeout(asked.deadline_s):
                with self._mistakes.kept_to(asked.action.kind):
                    outcome = await asked.effect()
        except TimeoutError:
            self._log.failed(asked.action, f"no answer within {asked.deadline_s:g} s")
        except SignageError as error:
            self._log.failed(asked.action, str(error))
        else:
            self._log.succeeded(asked.action, outcome.words, confirmed=outcome.confirmed)
