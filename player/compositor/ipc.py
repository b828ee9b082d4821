"""Sway's IPC as bytes: one connection, framed messages, a deadline on every answer (sway-ipc(7)).

A message is `i3-ipc`, the length of its JSON and its type, both 32 bits in the machine's byte order. A connection on which an
answer was late is closed, since the late answer would be taken for the next one's.
"""

from __future__ import annotations

import asyncio
import contextlib
import struct
from pathlib import Path
from typing import Any

import msgspec

from player.errors import BoxError

RUN_COMMAND, SUBSCRIBE, GET_OUTPUTS, GET_TREE, GET_VERSION = 0, 2, 3, 4, 7
_MAGIC = b"i3-ipc"
_HEAD = struct.Struct("=6sII")
_ANSWER_LIMIT = 16 * 1024 * 1024


def _gone(reason: str) -> BoxError:
    return BoxError("compositor", f"{reason}; it has to be started again (signage-player compositor)")


def _parse_head(head: bytes) -> tuple[int, int]:
    magic, length, kind = _HEAD.unpack(head)
    if magic != _MAGIC or length > _ANSWER_LIMIT:
        raise ValueError("not i3-ipc")
    return length, kind


class Ipc:
    """One connection to sway's socket; asked one thing at a time."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, deadline_s: float) -> None:
        self._reader, self._writer, self._deadline_s = reader, writer, deadline_s
        self._turn = asyncio.Lock()
        self._head: tuple[int, int] | None = None  # of a message whose body is not all there yet: `read` may be cancelled

    @classmethod
    async def open(cls, socket: Path, deadline_s: float) -> Ipc:
        """Connects. Raises BoxError when nothing answers there."""
        try:
            async with asyncio.timeout(deadline_s):
                return cls(*await asyncio.open_unix_connection(str(socket)), deadline_s)
        except (OSError, TimeoutError) as error:
            raise _gone(f"nothing answers at {socket}") from error

    @property
    def closed(self) -> bool:
        """Whether this connection is of no further use."""
        return self._writer.is_closing()

    async def ask(self, kind: int, text: str = "") -> Any:
        """Sends one message and returns the JSON of its answer. Raises BoxError."""
        async with self._turn:
            try:
                async with asyncio.timeout(self._deadline_s):
                    payload = text.encode()
                    self._writer.write(_HEAD.pack(_MAGIC, len(payload), kind) + payload)
                    await self._writer.drain()
                    _, answer = await self.read()
                    return answer
            except TimeoutError as error:
                self._writer.close()
                raise _gone(f"sway did not answer within {self._deadline_s:g} s") from error
            except OSError as error:
                self._writer.close()
                raise _gone("sway went away") from error
            except asyncio.CancelledError:
                self._writer.close()
                raise

    async def read(self) -> tuple[int, Any]:
        """The next message as (type, JSON), however long it takes; loses nothing when cancelled. Raises BoxError at the end."""
        try:
            if self._head is None:
                self._head = _parse_head(await self._reader.readexactly(_HEAD.size))
            length, kind = self._head
            body = await self._reader.readexactly(length)
            self._head = None
            return kind, msgspec.json.decode(body)
        except (OSError, EOFError, ValueError) as error:
            self._writer.close()
            raise _gone("sway went away") from error

    async def close(self) -> None:
        """Ends the connection."""
        self._writer.close()
        with contextlib.suppress(OSError, TimeoutError):
            async with asyncio.timeout(self._deadline_s):
                await self._writer.wait_closed()
