"""What a server answers: bodies read within a limit, JSON within a depth, and the sentence of a refusal.

A body has a cap after decompression; what is no JSON of an API is nonsense, not content.
"""

from __future__ import annotations

import hashlib
import re
from typing import Any

import aiohttp

from player.cms.wire import LONG, read_json, unfolded, unreadable
from player.errors import CaptivePortal, ServerNonsense

_MIB = 1024 * 1024
BODY_BYTES = 16 * _MIB  # ten thousand items with all that is said of them are half of it
_PIECE = 16 * 1024
_PAGES = ("text/html", "application/xhtml+xml")


class AnswerBody:
    """All bytes of an answer, in the pieces in which they came: the same as the one before is never put together.

    Small pieces are gathered, so that a server which sends byte by byte costs no more memory than another.
    """

    def __init__(self) -> None:
        self.size = 0
        self._pieces: list[bytes | bytearray] = []  # only an array is smaller than `_PIECE`

    def add(self, piece: bytes) -> None:
        """What came next."""
        self.size += len(piece)
        if len(piece) >= _PIECE:
            self._pieces.append(piece)
        elif self._pieces and len(self._pieces[-1]) < _PIECE:
            self._pieces[-1] += piece
        else:
            self._pieces.append(bytearray(piece))

    def digest(self) -> bytes:
        """The SHA-256 of it: processors have instructions for that."""
        running = hashlib.sha256()
        for piece in self._pieces:
            running.update(piece)
        return running.digest()

    def whole(self) -> bytes:
        """In one piece; it is held there alone."""
        pieces, self._pieces = self._pieces, []
        return b"".join(pieces)


async def body_of(url: str, response: aiohttp.ClientResponse, limit: int = BODY_BYTES) -> AnswerBody:
    """All of it. Raises ServerNonsense above `limit`, told by its header or found out."""
    told = response.content_length if "Content-Encoding" not in response.headers else None
    body = AnswerBody()
    if told is None or told <= limit:
        async for piece in response.content.iter_any():
            body.add(piece)
            if body.size > limit:
                break
        else:
            return body
    size = f"more than {limit / _MIB:.3g} MiB" if told is None else f"{told / _MIB:.1f} MiB"
    raise ServerNonsense(url, f"it is {size} long, and an answer has {limit / _MIB:.3g} MiB at most")


async def reason_of(url: str, response: aiohttp.ClientResponse) -> str:
    """What the server says about its refusal: the `message` or `error` of a JSON body or of its `error`, in one short line."""
    if response.content_type == "text/plain":
        return await words_of(response) or response.reason or ""
    if not response.content_type.endswith("json"):
        return response.reason or ""
    try:
        said = read_json((await body_of(url, response, 65536)).whole())
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


def decoded(url: str, response: aiohttp.ClientResponse, body: bytes, *, may_be_empty: bool, in_parts: bool) -> Any:
    """The JSON of a whole body; None of an empty one that `may_be_empty`; `in_parts`: of a long one as `wire.unfolded` has it.

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
        return unfolded(written, LONG) if in_parts else read_json(written)
    except ValueError as error:
        raise unreadable(url, error) from error
