"""The stage's side of its socket: takes requests, answers them, and tells every change of its status. Any number may listen.

A listener costs the stage nothing but its own connection: one that sends garbage or goes away is left, and one that does not read
is cut off before what waits for it grows large.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
from collections.abc import Awaitable, Callable
from pathlib import Path

from player.core.ports.stage import AnyAnswer, AnyRequest, StageStatus
from player.errors import SignageError
from player.messages import LINE_LIMIT, Answered, Asked, NotUnderstood, RequestRefused, Said, answered, decode, encode

log = logging.getLogger(__name__)

REQUEST_LIMIT = 1024 * 1024  # requests are short; only answers are long

Handler = Callable[[AnyRequest], Awaitable[AnyAnswer]]


class AgentSocket:
    """Listens at `path`; `handle(request)` carries requests out and raises SignageError with the reason it cannot.

    `waiting_limit`: bytes that may wait for a listener who does not read.
    """

    def __init__(self, path: Path, handle: Handler, *, waiting_limit: int = LINE_LIMIT) -> None:
        self._path, self._handle, self._waiting_limit = path, handle, waiting_limit
        self._listeners: set[asyncio.StreamWriter] = set()
        self._last: StageStatus | None = None

    @property
    def heard(self) -> bool:
        """Whether anybody listens."""
        return bool(self._listeners)

    async def run(self) -> None:
        """Serves until cancelled."""
        with contextlib.suppress(FileNotFoundError):
            self._path.unlink()
        server = await asyncio.start_unix_server(self._serve, self._path, limit=REQUEST_LIMIT)
        os.chmod(self._path, 0o660)  # noqa: PTH101 - the agent is in this folder's group
        try:
            await asyncio.Event().wait()
        finally:
            server.close()
            for writer in self._listeners:
                writer.close()  # a server that waits for its listeners to leave would never end

    def tell(self, message: Said) -> None:
        """To everyone who listens; a status that did not change is not told again."""
        if isinstance(message, StageStatus):
            if message == self._last:
                return
            self._last = message
        line = encode(message)
        for writer in self._listeners:
            writer.write(line)
            if writer.transport.get_write_buffer_size() > self._waiting_limit:
                log.warning("a client of the stage does not read what it is sent; it is disconnected")
                writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._listeners.add(writer)
        try:
            if self._last is not None:
                writer.write(encode(self._last))
            async with asyncio.TaskGroup() as running:
                while line := await reader.readline():
                    match decode(line):
                        case Asked() as asked:
                            running.create_task(self._answer(asked, writer), name=f"answer {asked.request}")
                        case NotUnderstood(number, reason):
                            writer.write(encode(RequestRefused(number, reason)))
                        case other:
                            log.debug("a message to the stage is not understood and is ignored: %s", other)
        except* (ConnectionError, SignageError, ValueError) as group:
            log.debug("a client of the stage disconnected: %s", group.exceptions[0])
        finally:
            self._listeners.discard(writer)
            writer.close()

    async def _answer(self, asked: Asked, writer: asyncio.StreamWriter) -> None:
        answer: Answered | RequestRefused
        try:
            answer = answered(asked.number, await self._handle(asked.request))
        except SignageError as error:
            answer = RequestRefused(asked.number, str(error))
        with contextlib.suppress(ConnectionError):
            writer.write(encode(answer))
            await writer.drain()
