"""Sway's IPC as bytes: one connection, framed messages, a deadline on every answer (sway-ipc(7)).

A message is `i3-ipc`, the length of its JSON and its type, both 32 bits in the machine's byte order. Sway answers in the order in
which it was asked, so nobody waits to ask until another's answer is there: the steps of a transition go out at their time. An
answer that nobody waits for any more, because it was late or they were cancelled, is read and thrown away.
"""

from __future__ import annotations

import asyncio
import contextlib
import struct
from collections import deque
from pathlib import Path
from typing import Any

import msgspec

from player.errors import BoxError

RUN_COMMAND, SUBSCRIBE, GET_OUTPUTS, GET_TREE, GET_VERSION = 0, 2, 3, 4, 7
_EVENT = 0x80000000  # set in the type of what sway tells unasked
MAGIC = b"i3-ipc"
HEAD = struct.Struct("=6sII")
_ANSWER_LIMIT = 16 * 1024 * 1024


def _gone(reason: str) -> BoxError:
    return BoxError("compositor", f"{reason}; it has to be started again (signage-player compositor)")


class Ipc(asyncio.Protocol):
    """One connection to sway's socket. Make it with `await Ipc.open(…)`."""

    def __init__(self, deadline_s: float) -> None:
        self._deadline_s = deadline_s
        self._transport: asyncio.Transport | None = None
        self._received = bytearray()
        self._asked: deque[asyncio.Future[Any]] = deque()
        self._events: asyncio.Queue[tuple[int, Any] | None] = asyncio.Queue()
        self.closed = False

    @classmethod
    async def open(cls, socket: Path, deadline_s: float) -> Ipc:
        """Connects. Raises BoxError when nothing answers there."""
        try:
            async with asyncio.timeout(deadline_s):
                _, ipc = await asyncio.get_running_loop().create_unix_connection(lambda: cls(deadline_s), str(socket))
        except (OSError, TimeoutError) as error:
            raise _gone(f"nothing answers at {socket}") from error
        return ipc

    async def ask(self, kind: int, text: str = "") -> Any:
        """Sends one message, at once, and returns the JSON of its answer. Raises BoxError."""
        if self._transport is None or self.closed:
            raise _gone("sway went away")
        payload = text.encode()
        answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._asked.append(answer)
        self._transport.write(HEAD.pack(MAGIC, len(payload), kind) + payload)
        try:
            async with asyncio.timeout(self._deadline_s):
                return await answer
        except TimeoutError as error:
            raise _gone(f"sway did not answer within {self._deadline_s:g} s") from error

    async def event(self) -> tuple[int, Any]:
        """The next thing that sway tells unasked, as (type, JSON), however long it takes. Raises BoxError at the end."""
        event = await self._events.get()
        if event is None:
            self._events.put_nowait(None)
            raise _gone("sway went away")
        return event

    def close(self) -> None:
        """Ends the connection."""
        self.closed = True
        if self._transport is not None:
            self._transport.abort()

    # --- from the event loop

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """asyncio says that the connection is open."""
        self._transport = transport if isinstance(transport, asyncio.Transport) else None

    def data_received(self, data: bytes) -> None:
        """Takes every whole message out of what has come."""
        self._received += data
        try:
            while (message := self._next_message()) is not None:
                self._deliver(*message)
        except ValueError:  # msgspec's errors are such too
            self.close()

    def connection_lost(self, _: Exception | None) -> None:
        """Nobody has to wait any longer."""
        self.closed = True
        for answer in self._asked:
            if not answer.done():
                answer.set_exception(_gone("sway went away"))
        self._asked.clear()
        self._events.put_nowait(None)

    def _next_message(self) -> tuple[int, Any] | None:
        if len(self._received) < HEAD.size:
            return None
        magic, length, kind = HEAD.unpack_from(self._received)
        if magic != MAGIC or length > _ANSWER_LIMIT:
            raise ValueError("not i3-ipc")
        end = HEAD.size + length
        if len(self._received) < end:
            return None
        body = bytes(self._received[HEAD.size : end])
        del self._received[:end]
        return kind, msgspec.json.decode(body)

    def _deliver(self, kind: int, body: Any) -> None:
        if kind & _EVENT:
            self._events.put_nowait((kind, body))
        elif self._asked:
            with contextlib.suppress(asyncio.InvalidStateError):  # nobody waits for it any more
                self._asked.popleft().set_result(body)
