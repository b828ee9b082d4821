"""From socket to disk: one batch is read while a thread hashes and writes the one before, the pace is judged (faults N5, N8)."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass

import aiohttp

from player.core.syncplan import shown_size
from player.errors import ContentError, ServerNonsense, ServerUnreachable
from player.media.fetch.egress import shown
from player.media.fetch.partfile import PartFile
from player.media.filetype import HEAD_BYTES, sniff

BATCH = 1024 * 1024

Progress = Callable[[int, int | None], None]  # bytes so far, bytes in all


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a server may take: below `least_rate` bytes/s over `window_s` it is left; a break is resumed `resumes` times."""

    first_byte_s: float = 20.0
    window_s: float = 30.0
    least_rate: float = 1000.0
    resumes: int = 5
    pause_s: float = 1.0


class NoRoom(ContentError):
    """It is larger than the room it was given; `size` in bytes where the server said it, for a better plan."""

    def __init__(self, name: str, size: int | None, room: int) -> None:
        told = "more than the" if size is None else f"{shown_size(size)} and not the"
        super().__init__(
            "no_space",
            name,
            f"it takes {told} {shown_size(room)} there is room for: raise storage.cache_limit, or make the file smaller",
        )
        self.size = size


class BrokenOff(Exception):
    """The body ended early; what came is kept."""


class Pump:
    """Moves one body into the part: at most `room` bytes in all, and no more than were `promised`."""

    def __init__(
        self,
        response: aiohttp.ClientResponse,
        part: PartFile,
        patience: Patience,
        name: str,
        room: int,
        promised: int | None,
        progress: Progress | None,
    ) -> None:
        self._response, self._part, self._patience, self._name = response, part, patience, name
        self._room, self._promised, self._progress = room, promised, progress
        self._limit = room if promised is None else min(room, promised)
        self._received = part.size
        self._waited, self._came = 0.0, 0
        self._writing: asyncio.Future[None] | None = None

    async def run(self) -> None:
        """Raises ContentError, ServerUnreachable, StorageError, or that it broke off; what came before is in the part then."""
        batch: list[bytes] = []
        size = 0
        try:
            while chunk := await self._read():
                if self._received == 0 and sniff(chunk[:HEAD_BYTES]) == "html":
                    raise ServerNonsense(
                        shown(self._response.url), "it sent a web page instead of media: is there a login page in the network?"
                    )
                self._received += len(chunk)
                if self._received > self._limit:
                    raise self._too_long()
                batch.append(chunk)
                size += len(chunk)
                if size >= BATCH:
                    await self._write(batch)
                    batch, size = [], 0
        finally:
            await self._write(batch)
            await self._written()

    def _too_long(self) -> ContentError:
        self._part.discard()
        if self._limit != self._promised:
            return NoRoom(self._name, self._promised, self._room)
        return ContentError(
            "size_mismatch", self._name, f"the server sends more than the {self._limit} bytes it announced: upload it again"
        )

    async def _write(self, batch: list[bytes]) -> None:
        await self._written()
        if batch:
            self._writing = asyncio.get_running_loop().run_in_executor(None, self._part.write, batch)

    async def _written(self) -> None:
        writing, self._writing = self._writing, None
        if writing:
            await writing
            if self._progress:
                self._progress(self._part.size, self._promised)

    async def _read(self) -> bytes:
        """The next bytes, b"" at the end. Only time spent waiting for the server counts against it, never that of a slow disk."""
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
        return await self._read() if chunk is None else chunk

    def _judge(self) -> None:
        if self._came < self._patience.least_rate * self._patience.window_s:
            reason = f"only {self._came} bytes came in {self._patience.window_s:.0f} s; it is continued later"
            raise ServerUnreachable(shown(self._response.url), reason)
        self._waited, self._came = 0.0, 0
