"""Command results go to the server until it has them (the third law), by a call or with the server's own rhythm."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence

from player.agent.commands.runner import CommandRunner
from player.core.ports.box import Absent
from player.core.ports.server import CommandResult, ResultsSink
from player.errors import DeviceForgotten, NotOffered, ServerDenied, ServerError, ServerRefused
from player.runtime.tasks import backoff, jittered

log = logging.getLogger(__name__)
REFUSALS = 3
DAY_S, HOUR_S, LONGEST_PAUSE_S = 86_400.0, 3600.0, 300.0


class ResultsOutbox:
    """Delivers command results, each as soon as it is there."""

    def __init__(self, results: ResultsSink | Absent, commands: CommandRunner, *, retry_limit_s: float = 300.0) -> None:
        self._results, self._commands, self._retry_limit_s = results, commands, retry_limit_s
        self._by_rhythm: set[str] = set()
        self._refusals: dict[str, int] = {}
        self._turn = asyncio.Lock()

    def taken(self, results: Sequence[CommandResult]) -> None:
        """The server has these: they went with its rhythm."""
        for result in results:
            self._by_rhythm.discard(result.id)
            self._commands.told(result)

    async def run(self) -> None:
        """Delivers for ever; failures are tried again after growing pauses."""
        attempt = 0
        while True:
            try:
                await self.flush()
            except ServerError as error:
                log.debug("command results wait: %s", error)
                await asyncio.sleep(min(pause_s(error, attempt), self._retry_limit_s))  # the link itself keeps a longer Retry-After
                attempt += 1
                continue
            attempt = 0
            if not self._waiting():
                await self._commands.changed.wait(60.0)

    async def flush(self) -> None:
        """Tries each result once. Raises ServerError at the first that the server is not there for."""
        if isinstance(self._results, Absent):
            return
        async with self._turn:
            for result in self._waiting():
                await self._deliver(self._results, result)

    def _waiting(self) -> Sequence[CommandResult]:
        return [one for one in self._commands.untold() if one.id not in self._by_rhythm]

    async def _deliver(self, results: ResultsSink, result: CommandResult) -> None:
        try:
            if await results.send_result(result):
                self._commands.told(result)
            else:
                self._by_rhythm.add(result.id)
        except (ServerDenied, DeviceForgotten):
            raise
        except ServerRefused as error:
            self._refused(result, error)

    def _refused(self, result: CommandResult, error: ServerRefused) -> None:
        """A result that the server will not have is given up after three refusals; it stays in the journal."""
        count = self._refusals[result.id] = self._refusals.get(result.id, 0) + 1
        if count >= REFUSALS:
            log.warning("the server keeps refusing the result of command %s; it is no longer sent: %s", result.id[:20], error)
            del self._refusals[result.id]
            self._commands.told(result)
            return
        raise error


def pause_s(error: ServerError, attempt: int, *, first_s: float = 1.0) -> float:
    """As the server asks for; a day where it has no such ability (contract §3.7), an hour where it refuses us; else backoff."""
    if error.retry_after_s is not None:
        return max(error.retry_after_s, 0.05) + backoff(0, first_s=first_s)
    match error:
        case NotOffered():
            return jittered(DAY_S)
        case ServerDenied() | DeviceForgotten():
            return jittered(HOUR_S)
        case _:
            return backoff(attempt, first_s=first_s, limit_s=LONGEST_PAUSE_S)
