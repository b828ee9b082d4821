"""A scripted server on loopback: each path has a queue of answers, of which the last one stays; requests are written down."""

from __future__ import annotations

import contextlib
import inspect
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import aiohttp
from aiohttp import web

REGISTER, HEARTBEAT, PLAYLIST = "/api/device/register", "/api/device/heartbeat", "/api/device/playlist"  # AdCast's
Scripted = web.Response | int | dict[str, Any] | list[Any] | Callable[["Seen"], Any]


@dataclass
class Seen:
    """One request as it came."""

    method: str
    path: str
    query: dict[str, str]
    body: Any
    headers: dict[str, str] = field(default_factory=dict)


@dataclass
class Script:
    """`url` is where it listens; `on` sets a path's answers."""

    url: str = ""
    answers: dict[str, list[Scripted]] = field(default_factory=dict)
    seen: list[Seen] = field(default_factory=list)

    def on(self, path: str, *answers: Scripted) -> None:
        self.answers[path] = list(answers)

    def asked(self, path: str) -> list[Seen]:
        return [one for one in self.seen if one.path == path]

    async def handle(self, request: web.Request) -> web.StreamResponse:
        body: Any = None
        if request.content_type == "application/json":
            body = await request.json()
        elif request.content_type == "multipart/form-data":
            body = {
                name: (value.file.read() if isinstance(value, web.FileField) else value)
                for name, value in (await request.post()).items()
            }
        seen = Seen(request.method, request.path, dict(request.query), body, dict(request.headers))
        self.seen.append(seen)
        queue = self.answers.get(request.path, [404])
        answer: Any = queue.pop(0) if len(queue) > 1 else queue[0]
        if callable(answer):
            answer = answer(seen)
            if inspect.isawaitable(answer):
                answer = await answer
        if isinstance(answer, int):
            return web.json_response({"message": f"scripted {answer}"}, status=answer)
        if isinstance(answer, dict | list):
            return web.json_response(answer)
        return _copy(answer)


def _copy(answer: web.Response) -> web.Response:
    headers = {k: v for k, v in answer.headers.items() if k.lower() not in ("content-length", "date", "server")}
    return web.Response(status=answer.status, body=answer.body, headers=headers)


@contextlib.asynccontextmanager
async def scripted_server(tls: ssl.SSLContext | None = None) -> AsyncIterator[Script]:
    script = Script()
    app = web.Application(client_max_size=64 * 1024 * 1024)
    app.router.add_route("*", "/{tail:.*}", script.handle)
    runner = web.AppRunner(app, shutdown_timeout=0.1, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls)
    await site.start()
    port = runner.addresses[0][1]
    script.url = f"{'https' if tls else 'http'}://127.0.0.1:{port}"
    try:
        yield script
    finally:
        await runner.cleanup()


@contextlib.asynccontextmanager
async def paired_server() -> AsyncIterator[Script]:
    """One that knows this device, as the lobby's, and calls itself AdCast."""
    async with scripted_server() as made:
        made.on(REGISTER, {"paired": True, "device_name": "Lobby"})
        made.on(HEARTBEAT, {"paired": True})
        yield made


@contextlib.asynccontextmanager
async def raw_server(serve: Callable[[Any, Any], Awaitable[None]], tls: ssl.SSLContext | None = None) -> AsyncIterator[str]:
    """A server of bytes, under TLS where that is given: `serve(reader, writer)` after the request's head was read."""
    import asyncio

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            await reader.readuntil(b"\r\n\r\n")
            await serve(reader, writer)
        writer.close()

    server = await asyncio.start_server(handle, "127.0.0.1", 0, ssl=tls)
    async with server:
        yield f"{'https' if tls else 'http'}://127.0.0.1:{server.sockets[0].getsockname()[1]}"


@contextlib.asynccontextmanager
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as made:
        yield made
