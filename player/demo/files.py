"""The files of the demonstration server: received as a stream, named by their SHA-256, sent with Range, If-Range and ETag.

No name from a client ever reaches the file system: what is opened is 64 hexadecimal digits below one folder.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import re
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from aiohttp import BodyPartReader, web

from player.demo.rest import ApiError

CHUNK = 256 * 1024
_TEXT = re.IGNORECASE | re.DOTALL
_HASH = re.compile(r"[0-9a-f]{64}")
_MAGIC = (
    (0, b"\xff\xd8\xff", "image/jpeg"),
    (0, b"\x89PNG\r\n\x1a\n", "image/png"),
    (0, b"GIF8", "image/gif"),
    (8, b"WEBP", "image/webp"),
    (4, b"ftypavif", "image/avif"),
    (4, b"ftypheic", "image/heic"),
    (4, b"ftypmif1", "image/heif"),
    (4, b"ftyp", "video/mp4"),
    (0, b"\x1a\x45\xdf\xa3", "video/webm"),
    (0, b"G", "video/mp2t"),
    (0, b"%PDF-", "application/pdf"),
    (0, b"PK\x03\x04", "application/zip"),
)


@dataclass(frozen=True, slots=True)
class Received:
    """A stored file: its SHA-256, its size in bytes, and the media type its first bytes tell."""

    file_hash: str
    size: int
    mime: str


def media_type(head: bytes) -> str:
    """The media type of a file's first bytes."""
    for offset, magic, mime in _MAGIC:
        if head[offset : offset + len(magic)] == magic and (mime != "video/mp2t" or head[188:189] == b"G"):
            return mime
    text = re.match(rb"\s*(?:<\?xml[^>]*>\s*)?(?:<!--.*?-->\s*|<!doctype svg[^>]*>\s*)*<(!doctype html|html|svg)\b", head, _TEXT)
    if text is None:
        return "application/octet-stream"
    return "image/svg+xml" if text[1] == b"svg" else "text/html"


class Files:
    """The folder of stored files."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def path(self, file_hash: str) -> Path:
        """Where the file of this SHA-256 is. Raises ValueError for anything else."""
        if not _HASH.fullmatch(file_hash):
            raise ValueError("a SHA-256 is 64 hexadecimal digits")
        return self.folder / file_hash

    async def receive(self, part: BodyPartReader, limit: int) -> Received:
        """Streams one part of a form to disk. Raises ApiError 413 above `limit` bytes, 422 when it is empty."""
        return await self._keep(partial(part.read_chunk, CHUNK), limit)

    async def receive_body(self, request: web.Request, limit: int) -> Received:
        """Streams the body of a request to disk. Raises ApiError as `receive`."""
        return await self._keep(partial(request.content.read, CHUNK), limit)

    async def _keep(self, more: Callable[[], Awaitable[bytes]], limit: int) -> Received:
        temporary = self.folder / f"{secrets.token_hex(8)}.part"
        digest, size, head = hashlib.sha256(), 0, b""
        try:
            with temporary.open("wb") as out:
                while chunk := await more():
                    size += len(chunk)
                    if size > limit:
                        raise ApiError(413, f"The file is larger than {limit // 2**20} MiB.")
                    head = head or bytes(chunk[:2048])
                    digest.update(chunk)
                    await asyncio.to_thread(out.write, chunk)
            if not size:
                raise ApiError(422, "The file is empty.", {"file": ["The file is empty."]})
            temporary.replace(self.folder / digest.hexdigest())
        finally:
            temporary.unlink(missing_ok=True)
        return Received(digest.hexdigest(), size, media_type(head))

    def add(self, source: Path) -> Received:
        """Takes a copy of a local file in (blocking; for the samples)."""
        with source.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
            file.seek(0)
            head = file.read(2048)
        temporary = self.folder / f"{secrets.token_hex(8)}.part"
        temporary.write_bytes(source.read_bytes())
        temporary.replace(self.folder / digest)
        return Received(digest, source.stat().st_size, media_type(head))

    def sweep(self, known: set[str]) -> None:
        """Removes what is not `known`: left by uploads that were refused or cut off after their file had come."""
        for path in self.folder.iterdir():
            if path.name not in known:
                path.unlink()

    def remove(self, file_hash: str) -> None:
        """Removes the file; one that is gone already is no error."""
        self.path(file_hash).unlink(missing_ok=True)


async def send(request: web.Request, path: Path, mime: str, headers: dict[str, str] | None = None) -> web.StreamResponse:
    """Answers GET and HEAD with the file, whole or the range asked for; its name is its ETag. Raises 404, 416."""
    try:
        file = path.open("rb")
    except FileNotFoundError as error:
        raise ApiError(404, "The file is gone.") from error
    with file:
        size, etag = os.fstat(file.fileno()).st_size, f'"{path.name}"'
        more = {"ETag": etag, "Accept-Ranges": "bytes", "X-Content-Type-Options": "nosniff", **(headers or {})}
        if etag in request.headers.get("If-None-Match", ""):
            return web.Response(status=304, headers=more)
        first, end = 0, size
        response = web.StreamResponse(headers=more)
        if request.headers.get("If-Range", etag) == etag and (span := wanted_range(request.headers.get("Range", ""), size)):
            first, end = span
            response.set_status(206)
            response.headers["Content-Range"] = f"bytes {first}-{end - 1}/{size}"
        response.content_type, response.content_length = mime, end - first
        await response.prepare(request)
        if request.method != "HEAD":
            file.seek(first)
            while first < end and (chunk := await asyncio.to_thread(file.read, min(CHUNK, end - first))):
                first += len(chunk)
                await response.write(chunk)
        await response.write_eof()
        return response


def wanted_range(header: str, size: int) -> tuple[int, int] | None:
    """(first, end) of a `Range` header, the end not included; None for the whole (none, several, unreadable). Raises 416."""
    match = re.fullmatch(r"bytes=(\d{0,18})-(\d{0,18})", header.strip())
    if not match or match[0] == "bytes=-":
        return None
    if not match[1]:
        first, end = max(0, size - int(match[2])), size
    else:
        first, end = int(match[1]), min(size, int(match[2]) + 1 if match[2] else size)
        if match[2] and int(match[2]) < first:
            return None
    if first >= end:
        raise web.HTTPRequestRangeNotSatisfiable(headers={"Content-Range": f"bytes */{size}"})
    return first, end
