"""What passes the wall once it is open: a tunnel, which is for nobody to read, or one question of http and its answer.

A playlist, which what plays streams would read to its end and open all parts of, is read here first, and refused where it is too
much (`core.playlist_bounds`); the index of a film is, as it passes (`core.film_index`).
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Callable

from player.core.egress import WRONG_LOGIN, Proxy
from player.core.film_index import FilmIndex
from player.core.playlist_bounds import ENOUGH, MOST_BYTES, may_be_playlist
from player.core.wall import LOGIN, Passage, answer_head, is_chunked, is_packed, length_of, status_of, whole_head
from player.errors import ContentError, ProxyBroken, ServerUnreachable

ANSWER_S = 60.0
CHUNK = 64 * 1024
LET_THROUGH = b"HTTP/1.1 200 Go on\r\n\r\n"
_CHUNK_SIZE = re.compile(rb"([0-9A-Fa-f]{1,12})[ \t]*(?:;.*)?\r\n", re.DOTALL)

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]
Judge = Callable[[bytes], str | None]  # a whole playlist -> what it has too much of, as the end of a sentence


async def tunnelled(reader: asyncio.StreamReader, proxy: Proxy, host: str) -> None:
    """Until a proxy has made its tunnel. Raises ServerUnreachable."""
    try:
        async with asyncio.timeout(ANSWER_S):
            head = await _head_of(reader)
    except TimeoutError as error:
        raise ProxyBroken(str(proxy), "brought no answer in time: check network.proxy, and the server behind it") from error
    if wrong := _wrong_with(head):
        raise ProxyBroken(str(proxy), wrong)
    if (status := status_of(head) or 0) >= 300:
        raise ServerUnreachable(host, f"the proxy {proxy} does not let us through ({status})")


async def tunnel(inward: Streams, outward: Streams) -> None:
    """Both ways, until both have ended."""
    inward[1].write(LET_THROUGH)
    async with asyncio.TaskGroup() as group:
        group.create_task(_pour(inward[0], outward[1]), name="wall: out")
        group.create_task(_pour(outward[0], inward[1]), name="wall: in")


async def _pour(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Until its end, which is told on; an end by force ends both ways."""
    while chunk := await reader.read(CHUNK):
        writer.write(chunk)
        await writer.drain()
    writer.write_eof()


async def exchange(
    wanted: Passage, inward: Streams, outward: Streams, proxy: Proxy | None, judge: Judge | None
) -> ProxyBroken | ContentError | None:
    """One question and its answer; ends early when the client leaves. `judge`: for what plays streams, of their playlists.

    What the proxy says of itself, and what is wrong with a playlist, is returned: nothing was answered then.
    """
    async with asyncio.TaskGroup() as group:
        asking = group.create_task(_ask(wanted.length, inward[0], outward[1]), name="wall: ask")
        answering = group.create_task(_answer(outward[0], inward[1], proxy, judge), name="wall: answer")
        await asyncio.wait({asking, answering}, return_when=asyncio.FIRST_COMPLETED)
        for task in (asking, answering):
            task.cancel()
    return None if answering.cancelled() else answering.result()


async def _ask(length: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Sends a body of exactly that length, then waits until the client leaves."""
    while length and (chunk := await reader.read(min(length, CHUNK))):
        length -= len(chunk)
        writer.write(chunk)
        await writer.drain()
    await reader.read(1)


async def _answer(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, proxy: Proxy | None, judge: Judge | None
) -> ProxyBroken | ContentError | None:
    last = False
    while not last:
        head = await _head_of(reader)
        if proxy and (wrong := _wrong_with(head)):
            return ProxyBroken(str(proxy), wrong)
        told, last = answer_head(head)
        if judge and last:
            return await _judged(told, reader, writer, judge)
        writer.write(told)
    while chunk := await reader.read(CHUNK):
        writer.write(chunk)
        await writer.drain()
    return None


async def _judged(head: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, judge: Judge) -> ContentError | None:
    """Passes an answer on piece by piece, a playlist when all of it is there; or what is wrong with it."""
    if is_packed(head):
        return ContentError("unplayable", "stream", "its server sends it packed (Content-Encoding): have it sent as it is")
    body, begun = _body(head, reader), b""
    async for piece in body:
        begun += piece
        if len(begun) > (MOST_BYTES if may_be_playlist(begun) else ENOUGH):
            break
    if may_be_playlist(begun) and (much := judge(begun)):
        return ContentError("unplayable", "stream", f"its playlist has {much}")
    index, told = FilmIndex(), whole_head(head)
    while begun or told:
        if much := index.feed(begun):
            if not told:  # of an answer that was begun there is no more
                writer.transport.abort()
            return ContentError("unplayable", "stream", f"its film has {much}")
        writer.write(told + begun)
        await writer.drain()
        begun, told = await anext(body, b""), b""
    return None


async def _body(head: bytes, reader: asyncio.StreamReader) -> AsyncIterator[bytes]:
    """An answer's body, to its end, out of its chunks. Raises IncompleteReadError of one that is cut off, or has no such chunks."""
    if is_chunked(head):
        while size := await _chunk_size(reader):
            async for piece in _of_length(size, reader):
                yield piece
            await reader.readexactly(2)
    elif (length := length_of(head)) is not None:
        async for piece in _of_length(length, reader):
            yield piece
    else:
        while piece := await reader.read(CHUNK):
            yield piece


async def _of_length(left: int, reader: asyncio.StreamReader) -> AsyncIterator[bytes]:
    while left:
        piece = await reader.read(min(left, CHUNK))
        if not piece:
            raise asyncio.IncompleteReadError(b"", left)
        left -= len(piece)
        yield piece


async def _chunk_size(reader: asyncio.StreamReader) -> int:
    line = await reader.readuntil(b"\r\n")
    found = _CHUNK_SIZE.fullmatch(line)
    if found is None:
        raise asyncio.IncompleteReadError(line, None)
    return int(found[1], 16)


async def _head_of(reader: asyncio.StreamReader) -> bytes:
    """An answer's head; of what has none, what there is of it."""
    try:
        return await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError as error:
        return error.partial


def _wrong_with(head: bytes) -> str | None:
    """What a proxy's answer says of itself."""
    status = status_of(head)
    if status is None:
        return f"{'answers something that is not HTTP' if head else 'closed the connection without an answer'}: check network.proxy"
    return WRONG_LOGIN if status == LOGIN else None
