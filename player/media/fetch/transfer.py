"""One file on its way from a server into its part: what each answer means (faults N4, N7 to N10, C2, C7).

Whether a 206 goes on where we stopped and whether it fits is decided before a byte is taken. The stronger witness decides what it
is: a hash that fits outranks the looks of the bytes, and these outrank the header. Where one of them speaks of a page and no hash
speaks for it, the fault tells of a login page.
"""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path

import aiohttp
from yarl import URL

from player.core.ask_again import Validators
from player.core.content import WantedAsset
from player.core.filehash import FileHash
from player.errors import ContentError, ServerBusy, ServerError, ServerNonsense, ServerRefused
from player.media.fetch.body import PACKED, Body, BrokenOff, Patience
from player.media.fetch.egress import Way, shown
from player.media.fetch.partfile import Note, PartFile
from player.media.fetch.pump import BATCH, NoRoom, Progress, Pump
from player.media.filetype import HEAD_BYTES, MEDIA, sniff
from player.runtime.tasks import backoff

LONGEST_PAUSE_S = 3600.0
_PASSING = (408, 425, 429)  # below 500, and yet over by itself
_PAGES = ("text/html", "application/xhtml+xml", "application/json")
_LOOK = 512  # bytes that tell media from a page where the header calls it one
_RANGE = re.compile(r"bytes (\d+)-\d+/(\d+|\*)")


@dataclass(frozen=True, slots=True)
class FileAnswer:
    """What a server says of a file: what it calls the bytes, and how many there are, None where it does not say."""

    validators: Validators
    length: int | None


@dataclass(frozen=True, slots=True)
class Fetched:
    """A whole file in the folder of parts. `verified`: it was checked against a hash of the server's."""

    path: Path
    sha256: str
    size: int
    verified: bool
    validators: Validators


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
        self._packed = False
        self._page: ServerNonsense | None = None  # it looks like a login page
        self._validators, self._where = Validators(), shown(url)

    async def run(self) -> Fetched:
        """Until the file is whole and checked. Raises ContentError, ServerError, StorageError."""
        try:
            return await self._run()
        except ContentError as error:
            if self._page is None:
                raise
            self._part.discard()
            raise self._page from error

    async def _run(self) -> Fetched:
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
        return Fetched(part.path, part.digest(), part.size, self._expected is not None, self._validators)

    async def _receive_all(self) -> None:
        """Goes on after each break, as long as something came since the one before."""
        for attempt in range(self._patience.resumes + 1):
            before = self._part.size
            try:
                await self._receive()
            except _StartOver:
                await self._start_over()
            except BrokenOff as error:
                if self._packed:  # a part of what was packed is of no use to a server
                    await self._start_over()
                    before = -1
                if attempt == self._patience.resumes or self._part.size <= before:
                    raise ContentError(
                        "truncated", self._asset.name, f"the server's answer broke off ({error}); it is continued later"
                    ) from error
                self._mixed = self._part.size > 0
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
            body = Body(response, self._patience, packed=self._packed)
            look = 1 if self._page is None else _LOOK
            await Pump(body, self._part, self._asset.name, self._room, promised, self._progress, self._look_at, look).run()
        if total is not None and self._part.size < total:
            raise BrokenOff(f"{self._part.size} of {total} bytes came")
        if self._asset.size is not None and self._part.size < self._asset.size:
            raise BrokenOff(f"{self._part.size} of {self._asset.size} bytes came")

    def _look_at(self, head: bytes) -> None:
        """What the first bytes say. Raises ServerNonsense where they are a page, and no hash may speak for them in the end."""
        kind = sniff(head[:HEAD_BYTES])
        if kind in MEDIA:
            self._page = None
        elif kind == "html" and self._page is None:
            reason = "it sent a web page instead of media: is there a login page in the network?"
            self._page = ServerNonsense(self._where, reason)
        if self._page is not None and self._expected is None:
            raise self._page

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
            raise _refused(response)
        coding = response.headers.get("Content-Encoding", "identity").lower()
        self._packed = coding in PACKED
        if not self._packed and coding != "identity":
            raise ServerNonsense(where, f"it sends media compressed ({coding}), although asked not to: turn that off for media")
        self._validators, self._where, self._page = validators_of(response), where, None
        if response.status == 206:
            return self._accept_range(response)
        if response.content_type in _PAGES:
            self._page = ServerNonsense(
                where, f"it sent {response.content_type} instead of media: is there a login page in the network?"
            )
        if self._part.size:
            await self._start_over()
        return None if self._packed else length

    def _accept_range(self, response: aiohttp.ClientResponse) -> int | None:
        if self._packed:
            raise _StartOver
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
        if not self._part.note and not self._packed:
            headers = response.headers
            note = Note(shown(self._url), self._asset.file_hash, headers.get("ETag"), headers.get("Last-Modified"), total)
            await asyncio.to_thread(self._part.remember, note, durably=total is None or total > BATCH)


async def ask(way: Way, asset: WantedAsset, url: URL, known: Validators) -> FileAnswer | None:
    """What lies behind `url` now; None where it is what is `known`. Raises ContentError, ServerError."""
    conditions = {"If-None-Match": known.etag, "If-Modified-Since": known.last_modified}
    headers = {"Accept-Encoding": "identity", **{name: value for name, value in conditions.items() if value}}
    async with way.open(url, asset.name, headers) as response:
        if response.status == 304:
            return None
        if response.status != 200:
            raise _refused(response)
        if response.content_type in _PAGES:
            raise ServerNonsense(shown(response.url), f"it sent {response.content_type} instead of media")
        packed = response.headers.get("Content-Encoding", "identity").lower() != "identity"
        return FileAnswer(validators_of(response), None if packed else response.content_length)


def _refused(response: aiohttp.ClientResponse) -> ServerError:
    said = f"{response.status}: {response.reason}" if response.reason else str(response.status)
    refusal = ServerBusy if response.status >= 500 or response.status in _PASSING else ServerRefused
    return refusal(shown(response.url), said, retry_after(response.headers.get("Retry-After")))


def validators_of(response: aiohttp.ClientResponse) -> Validators:
    """As its headers have them."""
    return Validators(response.headers.get("ETag"), response.headers.get("Last-Modified"))


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
