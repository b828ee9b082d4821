"""The agent's side of the stage's socket: connected whenever the stage is there, implementing `core.ports.stage.StagePort`."""

from __future__ import annotations

import asyncio
import itertools
import logging
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar, assert_never

from player.core.ports.stage import AppletAsked, AppletSaid, PinEntered, Request, StageStatus
from player.errors import BoxError, ContentError
from player.messages import (
    LINE_LIMIT,
    Answered,
    Asked,
    NotUnderstood,
    PassedOver,
    RequestRefused,
    answer_to,
    decode,
    encode_request,
)
from player.runtime.fault_page import FaultPage
from player.runtime.tasks import Latest

log = logging.getLogger(__name__)

ANSWER_LIMIT_S = 10.0
RETRY_S = 0.25
SAID = 1000
STARTING = 20  # tries: both daemons start at once, and the stage may be the later one
A = TypeVar("A")


class StageClient:
    """`changed` wakes on every status. `on_pin(pin)` is awaited for each PIN entered at the screen.

    `applets_said` holds what applets said and ask for until it is taken; where nobody does, no more than `SAID`.
    """

    def __init__(self, path: Path, on_pin: Callable[[str], Awaitable[None]], faults: FaultPage) -> None:
        self._path, self._on_pin, self._faults = path, on_pin, faults
        self.changed: Latest[StageStatus | None] = Latest(None)
        self.applets_said: asyncio.Queue[AppletSaid | AppletAsked] = asyncio.Queue(SAID)
        self._numbers = itertools.count(1)
        self._waiting: dict[int, asyncio.Future[Answered]] = {}
        self._writer: asyncio.StreamWriter | None = None
        self._starts: set[float] = set()

    def __repr__(self) -> str:
        return f"<StageClient {self._path}: {'connected' if self._writer else 'away'}>"

    @property
    def status(self) -> StageStatus | None:
        """What the stage last said; None while it is away."""
        return self.changed.value if self._writer else None

    @property
    def restarts(self) -> int:
        """How often the stage was started again, as far as this process has seen."""
        return max(0, len(self._starts) - 1)

    async def ask(self, request: Request[A]) -> A:
        """One request and its answer. Raises BoxError."""
        if self._writer is None:
            raise BoxError("stage", "the stage is not running; it is started again by itself")
        number = next(self._numbers)
        answer: asyncio.Future[Answered] = asyncio.get_running_loop().create_future()
        self._waiting[number] = answer
        try:
            self._writer.write(encode_request(number, request))
            async with asyncio.timeout(ANSWER_LIMIT_S):
                return answer_to(request, await answer)
        except TimeoutError as error:
            raise BoxError("stage", f"did not answer {request} within {ANSWER_LIMIT_S:.0f} s") from error
        except ConnectionError as error:
            raise BoxError("stage", f"went away during {request}") from error
        except ContentError as error:
            raise BoxError("stage", f"its answer to {request} cannot be read: {error.reason}") from error
        finally:
            del self._waiting[number]

    async def run(self) -> None:
        """Connects, and connects again, for ever."""
        tries = 0
        while True:
            try:
                reader, writer = await asyncio.open_unix_connection(self._path, limit=LINE_LIMIT)
            except OSError:
                tries += 1
                if tries == STARTING:
                    self._report_away()
                await asyncio.sleep(RETRY_S)
                continue
            tries, self._writer = 0, writer
            self._faults.clear()
            log.info("connected to the stage")
            try:
                await self._listen(reader)
            except (ConnectionError, ContentError, ValueError) as error:
                log.warning("the connection to the stage failed: %s", error)
            finally:
                self._writer = None
                writer.close()
                self._gone()
            self._report_away()  # not where the agent itself ends

    def _report_away(self) -> None:
        self._faults.report("", "stage_away", "the stage is not running; it is started again by itself", count=1)

    def _gone(self) -> None:
        for answer in self._waiting.values():
            if not answer.done():
                answer.set_exception(BoxError("stage", "went away before it answered"))
        self.changed.set(None)

    async def _listen(self, reader: asyncio.StreamReader) -> None:
        while line := await reader.readline():
            message = decode(line)
            match message:
                case StageStatus():
                    self._starts.add(message.started_at)
                    self.changed.set(message)
                case PinEntered(pin):
                    await self._on_pin(pin)
                case AppletSaid() | AppletAsked():
                    if not self.applets_said.full():
                        self.applets_said.put_nowait(message)
                case Answered(number):
                    self._settle(number, message)
                case RequestRefused(number, reason):
                    self._settle(number, BoxError("stage", reason))
                case PassedOver(kind):
                    log.debug("a message of the stage is not understood and is ignored: %s", kind)
                case Asked() | NotUnderstood():
                    raise ContentError("bad_message", "the stage", "it sent a request")
                case _:
                    assert_never(message)

    def _settle(self, number: int, outcome: Answered | BoxError) -> None:
        answer = self._waiting.get(number)
        if answer is None or answer.done():
            return
        if isinstance(outcome, Answered):
            answer.set_result(outcome)
        else:
            answer.set_exception(outcome)
