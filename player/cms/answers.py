"""What a server answers: bodies read within a limit, JSON within a depth, and the sentence of a refusal.

A body has a cap after decompression; what is no JSON of an API is nonsense, not content.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections.abc import AsyncIterator
from typing import Any

import aiohttp

from player.cms.wire import LONG, read_json, unfolded, unreadable
from player.errors import CaptivePortal, ServerNonsense

_MIB = 1024 * 1024
BODY_BYTES = 16 * _MIB  # ten thousand items with all that is said of them are half of it
AT_ONCE = 128 * 1024  # bytes that are decoded where everybody waits
_PAGES = ("text/html", "application/xhtml+xml")


async def body_of(url: str, response: aiohttp.ClientResponse, limit: int = BODY_BYTES) -> bytearray:
    """All of it, in one piece that is held once. Raises ServerNonsense above `limit`."""
    body = bytearray()
    async for piece in _pieces_of(url, response, limit):
        body += piece
    return body


async def digest_of(url: str, response: aiohttp.ClientResponse) -> bytes:
    """The SHA-256 of its body, of which nothing is kept. Raises ServerNonsense above the limit."""
    running = hashlib.sha256()
    async for piece in _pieces_of(url, response, BODY_BYTES):
        running.update(piece)
    return running.digest()


async def _pieces_of(url: str, response: aiohttp.ClientResponse, limit: int) -> AsyncIterator[bytes]:
    """A body as it comes. Raises ServerNonsense above `limit`, told by its header or found out."""
    told = response.content_length if "Content-Encoding" not in response.headers else None
    came = 0
    if told is None or told <= limit:
        async for piece in response.content.iter_any():
            came += len(piece)
            if came > limit:
                break
            yield piece
        else:
            return
    size = f"more than {limit / _MIB:.3g} MiB" if told is None else f"{told / _MIB:.1f} MiB"
    raise ServerNonsense(url, f"it is {size} long, and an answer has {limit / _MIB:.3g} MiB at most")


async def reason_of(url: str, response: aiohttp.ClientResponse) -> str:
    """What the server says about its refusal: the `message` or `error` of a JSON body or of its `error`, in one short line."""
    if response.content_type == "text/plain":
        return await words_of(response) or response.reason or ""
    if not response.content_type.endswith("json"):
        return response.reason or ""
    try:
        said = read_json(await body_of(url, response, 65536))
    except (ValueError, ServerNonsense, aiohttp.ClientError):
        return response.reason or ""
    if isinstance(said, dict) and isinstance(said.get("error"), dict):
        said = said["error"]
    text = next((said[k] for k in ("message", "error") if isinstance(said.get(k), str)), "") if isinstance(said, dict) else ""
    return _one_line(text)


async def words_of(response: aiohttp.ClientResponse) -> str:
    """The beginning of a text, in one line."""
    return _one_line((await response.content.read(1000)).decode("utf-8", "replace"))


def _one_line(text: str) -> str:
    return re.sub(r"[\x00-\x1f\x7f]+", " ", text)[:200]


async def decoded(url: str, response: aiohttp.ClientResponse, body: bytearray, *, may_be_empty: bool, in_parts: bool) -> Any:
    """The JSON of a whole body; None of an empty one that `may_be_empty`; `in_parts`: of a long one as `wire.unfolded` has it.

    A long one takes its time beside the loop.

    Raises ServerNonsense.
    """
    if may_be_empty and (not body or body.isspace()):
        return None
    if not response.content_type.endswith("json"):
        if response.content_type in _PAGES:
            raise CaptivePortal(url, f"{response.content_type} instead of JSON; log this box in to its network, or check cms.url")
        raise ServerNonsense(url, f"{response.content_type} instead of JSON; check cms.url")
    written = memoryview(body)[3:] if body.startswith(b"\xef\xbb\xbf") else body
    try:
        if len(body) > AT_ONCE:
            return await asyncio.to_thread(_read, written, in_parts)
        return _read(written, in_parts)
    except ValueError as error:
        raise unreadable(url, error) from error


def _read(written: bytearray | memoryview, in_parts: bool) -> Any:
    return unfolded(written, LONG) if in_parts else read_json(written)
