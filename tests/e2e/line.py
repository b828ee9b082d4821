"""The line between a box and its server: it passes everything on, writes down what passed, and answers wrongly on request.

with line.answering("/api/device/playlist", lambda request: web.Response(text="<html>")):
    ...
with line.changing("/api/device/heartbeat", add_a_command):
    ...
"""

from __future__ import annotations

import contextlib
import json
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Self

import aiohttp
from aiohttp import web

Json = dict[str, Any]
Answer = Callable[[web.Request], web.Response]
Change = Callable[[Json], Json]
_OWN_HEADERS = {"connection", "content-length", "date", "server", "transfer-encoding", "keep-alive"}


@dataclass(frozen=True)
class Call:
    """One call that passed: what was sent and answered (decoded where it was JSON), and when its answer left (monotonic)."""

    method: str
    path: str
    sent: Any
    status: int
    answer: Any
    at: float


class Line:
    """`async with Line(server_url) as line`: a box is given `line.url`. While the server is away, callers are cut off."""

    def __init__(self, target: Callable[[], str]) -> None:
        self._target = target
        self.calls: list[Call] = []
        self._answers: list[tuple[str, Answer]] = []
        self._changes: list[tuple[str, Change]] = []

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(auto_decompress=False, timeout=aiohttp.ClientTimeout(total=30))
        app = web.Application(client_max_size=2**28)
        app.router.add_route("*", "/{path:.*}", self._pass)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._runner.cleanup()
        await self._session.close()

    @contextlib.contextmanager
    def answering(self, path: str, answer: Answer) -> Iterator[None]:
        """Calls whose path matches (a regular expression) are answered here and never reach the server."""
        entry = (path, answer)
        self._answers.append(entry)
        try:
            yield
        finally:
            self._answers.remove(entry)

    @contextlib.contextmanager
    def changing(self, path: str, change: Change) -> Iterator[None]:
        """The server's JSON answers are changed on their way."""
        entry = (path, change)
        self._changes.append(entry)
        try:
            yield
        finally:
            self._changes.remove(entry)

    def find(self, path: str, since: float = 0.0) -> list[Call]:
        """What passed at paths that match, after the monotonic instant `since`."""
        return [call for call in self.calls if call.at > since and re.search(path, call.path)]

    async def _pass(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        response = await self._answered(request, body)
        is_json = response.content_type == "application/json"
        answer = _decoded(bytes(response.body or b"")) if is_json else None  # type: ignore[arg-type]  # always bytes here
        sent = _decoded(body) if request.content_type == "application/json" else body
        for change in self._changes_of(request):
            if answer is not None:
                answer = change(answer)
                response.body = json.dumps(answer).encode()
                response.headers.pop("ETag", None)  # the name of the answer as it was
        self.calls.append(Call(request.method, request.path, sent, response.status, answer, time.monotonic()))
        return response

    def _changes_of(self, request: web.Request) -> list[Change]:
        return [change for path, change in self._changes if re.search(path, request.path)]

    async def _answered(self, request: web.Request, body: bytes) -> web.Response:
        for path, answer in self._answers:
            if re.search(path, request.path):
                return answer(request)
        dropped = _OWN_HEADERS | ({"if-none-match"} if self._changes_of(request) else set())
        headers = {name: value for name, value in request.headers.items() if name.lower() not in dropped}
        try:
            async with self._session.request(
                request.method, self._target() + request.path_qs, headers=headers, data=body, allow_redirects=False
            ) as got:
                kept = {name: value for name, value in got.headers.items() if name.lower() not in _OWN_HEADERS}
                return web.Response(status=got.status, headers=kept, body=await got.read())
        except aiohttp.ClientConnectionError:
            if request.transport is not None:
                request.transport.abort()
            return web.Response(status=502)


def _decoded(body: bytes) -> Any:
    with contextlib.suppress(ValueError):
        return json.loads(body)
    return None
