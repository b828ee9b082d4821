"""A web server on bare sockets that misbehaves on request: it cuts, trickles, lies about lengths and ranges, redirects.

async with Chaos() as chaos:
    file = chaos.serve("/a.mp4", body, etag='"1"', cuts=[1000])
    ... chaos.url + "/a.mp4" ...
    assert chaos.ranges("/a.mp4") == [None, "bytes=1000-"]
"""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Self


@dataclass
class Seen:
    """One request."""

    path: str
    headers: Mapping[str, str]


Handler = Callable[[Seen, asyncio.StreamWriter], Awaitable[None]]


@dataclass
class Served:
    """A file and its vices; change a field at any time, the next answer follows it."""

    body: bytes
    etag: str | None = None
    last_modified: str | None = None
    content_type: str = "video/mp4"
    status: int = 200
    ranges: bool = True  # False: a 200 with everything, whatever was asked for
    range_shift: int = 0  # a 206 that begins so many bytes elsewhere
    conditional: bool = True  # False: a 200 with everything, also to who knows these bytes
    if_range: bool = True  # False: a 206 even when the validator no longer matches
    cuts: list[int] = field(default_factory=list)  # each answer ends after so many bytes of its body, one after the other
    length: str | None = "right"  # None: no Content-Length, ended by closing; else this very text
    chunked: bool = False
    trickle: tuple[int, float] | None = None  # bytes, then a pause of seconds
    headers: dict[str, str] = field(default_factory=dict)


class Chaos:
    """The server, on a free port of `host` for the length of an `async with`."""

    def __init__(self, host: str = "127.0.0.1") -> None:
        self.host, self.port = host, 0
        self.seen: list[Seen] = []
        self.open = 0
        self.most_open = 0
        self._handlers: dict[str, Handler] = {}
        self._writers: set[asyncio.StreamWriter] = set()

    @property
    def url(self) -> str:
        return f"http://{self.host}:{self.port}"

    def ranges(self, path: str) -> list[str | None]:
        """What each request for `path` asked for."""
        return [seen.headers.get("range") for seen in self.seen if seen.path == path]

    def count(self, path: str) -> int:
        """How often `path` was asked for."""
        return len(self.ranges(path))

    def serve(self, path: str, body: bytes, **vices: object) -> Served:
        """Serves `body` at `path`, as `vices` say."""
        served = Served(body, **vices)  # type: ignore[arg-type]  # the fields of Served by name

        async def answer(seen: Seen, writer: asyncio.StreamWriter) -> None:
            await _send(served, seen, writer)

        self._handlers[path] = answer
        return served

    def redirect(self, path: str, target: str, status: int = 302) -> None:
        """Sends whoever asks for `path` to `target`."""
        self.raw(path, f"HTTP/1.1 {status} Found\r\nLocation: {target}\r\nContent-Length: 0\r\n\r\n".encode())

    def raw(self, path: str, answer: bytes) -> None:
        """Answers with these very bytes and closes."""

        async def send(_: Seen, writer: asyncio.StreamWriter) -> None:
            writer.write(answer)
            await writer.drain()

        self._handlers[path] = send

    def handle(self, path: str, handler: Handler) -> None:
        """Answers as `handler` does."""
        self._handlers[path] = handler

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, self.host, 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for writer in list(self._writers):
            writer.transport.abort()
        for writer in list(self._writers):
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        self.open += 1
        self.most_open = max(self.most_open, self.open)
        try:
            with contextlib.suppress(OSError, asyncio.IncompleteReadError):
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
                pairs = (line.split(": ", 1) for line in head[1:] if ": " in line)
                seen = Seen(head[0].split(" ")[1], {name.lower(): value for name, value in pairs})
                self.seen.append(seen)
                handler = self._handlers.get(seen.path.partition("?")[0])
                if handler is None:
                    writer.write(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")
                else:
                    await handler(seen, writer)
                await writer.drain()
        finally:
            self.open -= 1
            writer.close()
            self._writers.discard(writer)


def _wanted_range(served: Served, seen: Seen) -> int | None:
    """Where the answer is to begin, None for all of it."""
    found = re.fullmatch(r"bytes=(\d+)-", seen.headers.get("range", ""))
    condition = seen.headers.get("if-range")
    if not found or not served.ranges:
        return None
    if served.if_range and condition is not None and condition not in (served.etag, served.last_modified):
        return None
    return int(found[1])


def _is_known(served: Served, seen: Seen) -> bool:
    tag = seen.headers.get("if-none-match")
    if not served.conditional:
        return False
    if tag is not None and served.etag is not None:
        return tag == served.etag
    return served.last_modified is not None and seen.headers.get("if-modified-since") == served.last_modified


async def _send(served: Served, seen: Seen, writer: asyncio.StreamWriter) -> None:
    if _is_known(served, seen):
        tag = f"ETag: {served.etag}\r\n" if served.etag else ""
        writer.write(f"HTTP/1.1 304 Not Modified\r\n{tag}Connection: close\r\n\r\n".encode())
        return
    start = _wanted_range(served, seen)
    lines, body, size = [], served.body, len(served.body)
    if start is None:
        lines.append(f"HTTP/1.1 {served.status} Whatever")
    elif start >= size:
        writer.write(f"HTTP/1.1 416 Range\r\nContent-Range: bytes */{size}\r\nContent-Length: 0\r\n\r\n".encode())
        return
    else:
        start += served.range_shift
        body = body[start:]
        lines += ["HTTP/1.1 206 Partial Content", f"Content-Range: bytes {start}-{size - 1}/{size}"]
    lines += [f"{name}: {value}" for name, value in _headers(served, len(body)).items()]
    writer.write("\r\n".join([*lines, "", ""]).encode())
    cut = served.cuts.pop(0) if served.cuts else None
    await _send_body(served, body[:cut], writer)
    if cut is not None:
        await asyncio.sleep(0.2)  # a line breaks after its bytes were read, not with them still in the buffer


def _headers(served: Served, length: int) -> dict[str, str]:
    headers = {"Content-Type": served.content_type, "Connection": "close", **served.headers}
    if served.chunked:
        headers["Transfer-Encoding"] = "chunked"
    elif served.length is not None:
        headers["Content-Length"] = str(length) if served.length == "right" else served.length
    if served.etag:
        headers["ETag"] = served.etag
    if served.last_modified:
        headers["Last-Modified"] = served.last_modified
    return headers


async def _send_body(served: Served, body: bytes, writer: asyncio.StreamWriter) -> None:
    step, pause = served.trickle or (256 * 1024, 0.0)
    for at in range(0, len(body), step):
        piece = body[at : at + step]
        writer.write(b"%x\r\n%b\r\n" % (len(piece), piece) if served.chunked else piece)
        await writer.drain()
        if pause and at + step < len(body):
            await asyncio.sleep(pause)
    if served.chunked:
        writer.write(b"0\r\n\r\n")
