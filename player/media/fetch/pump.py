"""From socket to disk: one batch is read while a thread hashes and writes the one before (faults N8)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from player.core.syncplan import shown_size
from player.errors import ContentError
from player.media.fetch.body import Body
from player.media.fetch.partfile import PartFile

BATCH = 1024 * 1024

Progress = Callable[[int, int | None], None]  # bytes so far, bytes in all
Judge = Callable[[bytes], None]  # looks at the first bytes of a file, and raises when it is not what was asked for


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


class Pump:
    """Moves one body into the part: at most `room` bytes in all, and no more than were `promised`.

    `judge` sees the first bytes of a file, at least `look` of them where there are so many.
    """

    def __init__(
        self,
        body: Body,
        part: PartFile,
        name: str,
        room: int,
        promised: int | None,
        progress: Progress | None,
        judge: Judge,
        look: int,
    ) -> None:
        self._body, self._part, self._name, self._judge, self._look = body, part, name, judge, look
        self._room, self._promised, self._progress = room, promised, progress
        self._limit = room if promised is None else min(room, promised)
        self._received = part.size
        self._writing: asyncio.Future[None] | None = None

    async def run(self) -> None:
        """Raises ContentError, ServerUnreachable, StorageError, or that it broke off; what came before is in the part then."""
        batch: list[bytes] = []
        size = 0
        try:
            chunk = await (self._body.read() if self._received else self._first())
            while chunk:
                self._received += len(chunk)
                if self._received > self._limit:
                    raise self._too_long()
                batch.append(chunk)
                size += len(chunk)
                if size >= BATCH:
                    await self._write(batch)
                    batch, size = [], 0
                chunk = await self._body.read()
        finally:
            await self._write(batch)
            await self._written()

    async def _first(self) -> bytes:
        """Enough to be judged, and judged."""
        head = await self._body.read()
        while 0 < len(head) < self._look and (more := await self._body.read()):
            head += more
        self._judge(head)
        return head

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
