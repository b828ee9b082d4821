"""One file on its way from a server into its part: what each answer means, and the pump from socket to disk.

The decisions about an answer (does this 206 go on where we stopped, is this a login page, does it fit) are made before a byte is
taken; the pump reads one batch while a thread hashes and writes the one before. Faults N4, N5, N7 to N10, C2, C7.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path

import aiohttp
from yarl import URL

from player.agent.partfile import Note, PartFile
from player.agent.reach import Way, shown
from player.core.filehash import FileHash
from player.core.ports import WantedAsset
from player.core.syncplan import shown_size
from player.errors import ContentError, ServerNonsense, ServerRefused, ServerUnreachable
from player.runtime import backoff

BATCH = 1024 * 1024
LONGEST_PAUSE_S = 3600.0
_PAGES = ("text/html", "application/xhtml+xml", "application/json")
_PAGE_START = re.compile(rb"(?:\xef\xbb\xbf)?\s*<(?:!doctype\s+html|html)\b", re.IGNORECASE)
_RANGE = re.compile(r"bytes (\d+)-\d+/(\d+|\*)")

Progress = Callable[[int, int | None], None]  # bytes so far, bytes in all


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a server may take: below `least_rate` bytes/s over `window_s` it is left; a break is resumed `resumes` times."""

    first_byte_s: float = 20.0
    window_s: float = 30.0
    least_rate: float = 1000.0
    resumes: int = 5
    pause_s: float = 1.0


@dataclass(frozen=True, slots=True)
class Fetched:
    """A whole file in the folder of parts. `verified`: it was checked against a hash of the server's."""

    path: Path
    sha256: str
    size: int
    verified: bool


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


class _BrokenOff(Exception):
    """The body ended early; what came is kept."""


class _StartOver(Exception):
    """The bytes at hand do not belong to what the server has now."""


class Transfer:
    """Fills `part` with the file behind `asset`."""

    def __init__(
        self,
        way: Way,
        patience: Patience,
        asset: WantedAsset,
        url: URL,
        expected: FileHash | None,
        part: PartFile,
        room: int,
        progress: Progress | None = None,
    ) -> None:
        self._way, self._patience, self._asset, self._url = way, patience, asset, url
        self._expected, self._part, self._room, self._progress = expected, part, room, progress
        self._mixed = part.size > 0  # some bytes are from an earlier answer

    async def run(self) -> Fetched:
        """Until the file is whole and checked. Raises ContentError, ServerError, StorageError."""
        if not self._is_whole():
            await self._receive_all()
        if not self._matches() and self._mixed:
            await self._start_over()
            await self._receive_all()
        return await self._check()

    def _is_whole(self) -> bool:
        """Whether an earlier attempt ended between the last byte and the commit."""
        return self._part.size > 0 and self._expected is not None and self._matches()

    def _matches(self) -> bool:
        return self._expected is None or self._part.digest(self._expected.algorithm) == self._expected.digest

    async def _start_over(self) -> None:
        await asyncio.to_thread(self._part.reset)
        self._mixed = False

    async def _check(self) -> Fetched:
        part, name = self._part, self._asset.name
        if part.size == 0:
            part.discard()
            raise ContentError("empty", name, "the server sent a file without content: upload it again")
        if not self._matches():
            part.discard()
            raise ContentError("hash_mismatch", name, "what the server sent is not what its hash promises: upload it again")
        await asyncio.to_thread(part.finish)
        return Fetched(part.path, part.digest(), part.size, self._expected is not None)

    async def _receive_all(self) -> None:
        """Goes on after each break, as long as something came since the one before."""
        for attempt in range(self._patience.resumes + 1):
            before = self._part.size
            try:
                await self._receive()
            except _StartOver:
                await self._start_over()
            except _BrokenOff as error:
                if attempt == self._patience.resumes or self._part.size <= before:
                    raise ContentError(
                        "truncated", self._asset.name, f"the server's answer broke off ({error}); it is continued later"
                    ) from error
                self._mixed = True
                await asyncio.sleep(backoff(0, first_s=self._patience.pause_s))
            else:
                return
        raise ContentError(
            "truncated", self._asset.name, "the server keeps sending parts that do not belong together: check its cache"
        )

    async def _receive(self) -> None:
        async with self._way.open(self._url, self._asset.name, self._headers()) as response:
            total = await self._accept(response)
            await self._prepare(response, total)
            promised = total if self._asset.size is None else self._asset.size
            await _Pump(response, self._part, self._patience, self._asset.name, self._room, promised, self._progress).run()
        if total is not None and self._part.size < total:
            raise _BrokenOff(f"{self._part.size} of {total} bytes came")
        if self._asset.size is not None and self._part.size < self._asset.size:
            raise _BrokenOff(f"{self._part.size} of {self._asset.size} bytes came")

    def _headers(self) -> dict[str, str]:
        headers = {"Accept-Encoding": "identity"}
        validator = self._part.note.validator if self._part.note else None
        if self._part.size and (validator or self._expected):
            headers["Range"] = f"bytes={self._part.size}-"
            if validator:
                headers["If-Range"] = validator
        return headers

    async def _accept(self, response: aiohttp.ClientResponse) -> int | None:
        """How long the whole file will be, None where the server does not say; the part is made to end where the answer begins."""
        where, length = shown(response.url), response.content_length
        if response.status == 416 and self._part.size:
            raise _StartOver
        if response.status not in (200, 206):
            raise ServerRefused(where, response.status, response.reason or "", retry_after(response.headers.get("Retry-After")))
        if response.headers.get("Content-Encoding", "identity").lower() != "identity":
            raise ServerNonsense(where, "it sends media compressed, although asked not to: turn that off for media")
        if response.content_type in _PAGES:
            raise ServerNonsense(where, f"it sent {response.content_type} instead of media: is there a login page in the network?")
        if response.status == 206:
            return self._accept_range(response)
        if self._part.size:
            await self._start_over()
        return length

    def _accept_range(self, response: aiohttp.ClientResponse) -> int | None:
        found = _RANGE.fullmatch(response.headers.get("Content-Range", ""))
        if not self._part.size:
            raise ServerNonsense(shown(response.url), "it sent a part of the file although the whole was asked for")
        etag, note = response.headers.get("ETag"), self._part.note
        if not found or int(found[1]) != self._part.size or (note and note.etag and etag and etag != note.etag):
            raise _StartOver
        total = None if found[2] == "*" else int(found[2])
        if note and note.size is not None and total is not None and total != note.size:
            raise _StartOver
        return total

    async def _prepare(self, response: aiohttp.ClientResponse, total: int | None) -> None:
        """Checks that `total` bytes are what was promised and fit, takes the room, and notes what they are."""
        if total is not None:
            if self._asset.size is not None and total != self._asset.size:
                raise ContentError(
                    "size_mismatch",
                    self._asset.name,
                    f"the server sends {total} bytes and announced {self._asset.size}: upload it again",
                )
            if total > self._room:
                raise NoRoom(self._asset.name, total, self._room)
            await asyncio.to_thread(self._part.reserve, total)
        if not self._part.note:
            headers = response.headers
            note = Note(shown(self._url), self._asset.file_hash, headers.get("ETag"), headers.get("Last-Modified"), total)
            await asyncio.to_thread(self._part.remember, note, durably=total is None or total > BATCH)


class _Pump:
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
                if self._received == 0 and _PAGE_START.match(chunk[:200]):
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
            raise _BrokenOff(str(error)[:200] or type(error).__name__) from error
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


def retry_after(text: str | None) -> float | None:
    """Seconds that a `Retry-After` asks for (a number or a date), at most an hour; None when it is absent or unreadable."""
    if not text:
        return None
    try:
        pause = (
            float(text) if re.fullmatch(r"\s*\d+\s*", text) else (parsedate_to_datetime(text) - datetime.now(UTC)).total_seconds()
        )
    except (ValueError, TypeError):
        return None
    return min(max(0.0, pause), LONGEST_PAUSE_S)
