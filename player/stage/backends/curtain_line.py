"""The stage's line to the curtain, which outlives it: words go out, and each is answered. A curtain that is silent is ended.

It comes back by itself (`compositor.session`), holding the picture that it had. Nothing here waits for it: a word that cannot be
said is said again when the line is open.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import socket
import struct
from pathlib import Path

from player.core.curtain import Behind

log = logging.getLogger(__name__)
ANSWER_S = 10.0
AGAIN_S = 0.5
_CREDENTIALS = struct.Struct("=iII")  # pid, uid, gid: unix(7)


class CurtainLine:
    """`run` holds the line to `path` open; `times_opened` tells one connection from the next. An answer may take `answer_s`."""

    def __init__(self, path: Path, answer_s: float = ANSWER_S) -> None:
        self._path, self._answer_s = path, answer_s
        self._writer: asyncio.StreamWriter | None = None
        self._waits = 0
        self.times_opened = 0

    def __repr__(self) -> str:
        return f"<line to {self._path}: {'open' if self._writer else 'closed'}>"

    def tell(self, word: Behind | str) -> None:
        """Says it, where the line is open."""
        if self._writer is not None and not self._writer.is_closing():
            self._writer.write(f"{word}\n".encode())
            self._waits += 1

    async def run(self) -> None:
        """Speaks to the curtain, and connects again where it went, for ever."""
        while True:
            with contextlib.suppress(OSError):
                await self._hold()
            await asyncio.sleep(AGAIN_S)

    async def _hold(self) -> None:
        reader, writer = await asyncio.open_unix_connection(str(self._path))
        self._writer, self._waits = writer, 0
        self.times_opened += 1
        try:
            while heard := await self._heard(reader):
                self._waits -= len(heard)
        except TimeoutError:
            log.warning("the curtain, which holds the last picture, did not answer; it is ended and comes back by itself")
            _end(writer.get_extra_info("socket"))
        finally:
            self._writer = None
            writer.close()

    async def _heard(self, reader: asyncio.StreamReader) -> bytes:
        """What it says next; nothing at its end. Raises TimeoutError where an answer is due."""
        while True:
            waits = self._waits
            try:
                async with asyncio.timeout(self._answer_s):
                    return await reader.read(64)
            except TimeoutError:
                if waits > 0:
                    raise


def _end(line: socket.socket) -> None:
    """The process at the other end, while it stands there."""
    pid, _, _ = _CREDENTIALS.unpack(line.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size))
    with contextlib.suppress(OSError):
        os.kill(pid, signal.SIGKILL)
