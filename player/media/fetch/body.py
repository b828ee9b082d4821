"""What a server sends, chunk by chunk, as it was meant: unpacked where it was packed on the way, and no slower than it may be.

A server that packs media with gzip although asked not to is common behind a proxy: what comes out is what counts, within the room
that the file has. A header that says so while the bytes are not packed is wrong: the bytes are the stronger witness.
"""

from __future__ import annotations

import asyncio
import time
import zlib
from dataclasses import dataclass

import aiohttp

from player.errors import ServerUnreachable
from player.media.fetch.egress import shown

PACKED = frozenset({"gzip", "x-gzip"})
_MAGIC, _GZIP = b"\x1f\x8b", 31
_STEP = 1024 * 1024  # at most so much is unpacked at once


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a server may take: below `least_rate` bytes/s over `window_s` it is left; a break is resumed `resumes` times."""

    first_byte_s: float = 20.0
    window_s: float = 30.0
    least_rate: float = 1000.0
    resumes: int = 5
    pause_s: float = 1.0


class BrokenOff(Exception):
    """The body ended early; what came is kept."""


class Body:
    """One answer's body; `packed` where its header calls it so."""

    def __init__(self, response: aiohttp.ClientResponse, patience: Patience, *, packed: bool) -> None:
        self._response, self._patience = response, patience
        self._unpacker = zlib.decompressobj(_GZIP) if packed else None
        self._waited, self._came, self._began = 0.0, 0, False

    async def read(self) -> bytes:
        """The next bytes, b"" at the end. Raises ServerUnreachable when they come too slowly, or that it broke off."""
        while True:
            tail = self._unpacker.unconsumed_tail if self._unpacker else b""
            chunk = tail or await self._receive()
            if self._unpacker is None:
                return chunk
            if self._unpacker.eof:
                return b""
            if not chunk:
                raise BrokenOff("what it sends packed has no end")
            plain = self._unpacked(self._unpacker, chunk)
            if plain:
                return plain

    def _unpacked(self, unpacker: zlib._Decompress, chunk: bytes) -> bytes:
        try:
            return unpacker.decompress(chunk, _STEP)
        except zlib.error as error:
            raise BrokenOff(f"what it sends packed cannot be unpacked: {error}") from error

    async def _receive(self) -> bytes:
        chunk = await self._paced()
        if not self._began and not chunk.startswith(_MAGIC):
            self._unpacker = None
        self._began = True
        return chunk

    async def _paced(self) -> bytes:
        """Only time spent waiting for the server counts against it, never that of a slow disk."""
        began = time.monotonic()
        try:
            async with asyncio.timeout(max(0.0, self._patience.window_s - self._waited)):
                chunk = await self._response.content.readany()
        except TimeoutError:
            chunk = None
        except aiohttp.ClientError as error:
            raise BrokenOff(str(error)[:200] or type(error).__name__) from error
        self._waited += time.monotonic() - began
        self._came += len(chunk or b"")
        if self._waited >= self._patience.window_s:
            self._judge()
        return await self._paced() if chunk is None else chunk

    def _judge(self) -> None:
        if self._came < self._patience.least_rate * self._patience.window_s:
            reason = f"only {self._came} bytes came in {self._patience.window_s:.0f} s; it is continued later"
            raise ServerUnreachable(shown(self._response.url), reason)
        self._waited, self._came = 0.0, 0
