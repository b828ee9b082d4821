"""The Spotwatch server as one object: its paths, its pictures and its replay; `async with` is its life."""

from __future__ import annotations

import asyncio
import io
import logging
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from types import TracebackType
from typing import Any, Self

import aiohttp
from aiohttp import web

from player.demo.serving import Serving
from player.demo.spotwatch.api import SpotwatchPaths
from player.demo.spotwatch.day import DayAd, advertisements
from player.demo.spotwatch.push import PushTo
from player.demo.spotwatch.replay import Replay
from player.demo.spotwatch.wire import SpotwatchDeclined, arguments_of, picture_path
from player.runtime.clock import SystemClock

log = logging.getLogger(__name__)
DEMO_KEY = "demonstration-only"
USUAL_SPEED = 60.0
_SIZES = {"preview": (640, 360), "preview_xs": (320, 180), "grid": (640, 360), "grid_xs": (320, 180)}
_BODY = 1024 * 1024


class SpotwatchServer:
    """`async with SpotwatchServer() as server: server.url, server.paths`. `speed`: how many seconds of its day pass in one."""

    def __init__(self, *, speed: float = USUAL_SPEED) -> None:
        self._clock, self._speed = SystemClock(), speed
        self._serving = Serving("127.0.0.1", 0)
        self._stack = AsyncExitStack()

    def __repr__(self) -> str:
        return f"SpotwatchServer({self.url})"

    @property
    def url(self) -> str:
        """The base address, without a slash at its end."""
        return self._serving.url

    async def __aenter__(self) -> Self:
        session = await self._stack.enter_async_context(aiohttp.ClientSession())
        replay = Replay(self._clock.now().timestamp(), self._speed)
        self.paths = SpotwatchPaths(DEMO_KEY, replay, PushTo(session), self._clock)
        app = web.Application(middlewares=[_in_words], client_max_size=_BODY)
        app.add_routes([
            *(web.get(picture_path(ad.id, name), _picture(ad, size)) for ad in advertisements() for name, size in _SIZES.items()),
            web.route("*", "/{path:.+}", self._answer),
        ])  # fmt: skip
        self._stack.push_async_callback(self._serving.stop)
        await self._serving.start(app)
        group: asyncio.TaskGroup = await self._stack.enter_async_context(asyncio.TaskGroup())
        running = group.create_task(self._replayed(), name="replay")
        self._stack.callback(running.cancel)
        log.info("the Spotwatch server answers at %s", self.url)
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await self._stack.aclose()

    async def _answer(self, request: web.Request) -> web.Response:
        answer = await self.paths.call(request.path, await arguments_of(request))
        if isinstance(answer, str):
            kind = "text/csv" if answer.startswith('"') else "text/plain"
            return web.Response(text=answer, content_type=kind)
        return web.json_response(answer)

    async def _replayed(self) -> None:
        while True:
            now = self._clock.now().timestamp()
            for seen in self.paths.replay.due(now):
                endpoint = self.paths.push.endpoint
                if endpoint is not None:
                    writer = self.paths.writer({"time_fmt": endpoint.time_fmt})
                    await self.paths.push.deliver(writer.message(seen, now, endpoint.ad_fields))
            await asyncio.sleep(max(0.01, min(1.0, self.paths.replay.next_at - self._clock.now().timestamp())))

    async def push(self, message: dict[str, Any]) -> None:
        """Delivers a message of one's own, as if it had been on television."""
        await self.paths.push.deliver(message)


@web.middleware
async def _in_words(request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]) -> web.StreamResponse:
    """Refusals are text."""
    try:
        return await handler(request)
    except SpotwatchDeclined as declined:
        return web.Response(text=declined.sentence, status=declined.status)


def _picture(ad: DayAd, size: tuple[int, int]) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def send(_: web.Request) -> web.Response:
        return web.Response(body=await asyncio.to_thread(_drawn, ad, size), content_type="image/png")

    return send


def _drawn(ad: DayAd, size: tuple[int, int]) -> bytes:
    """A frame of an advertisement that never was."""
    from PIL import Image, ImageDraw

    from player.demo.artwork import CREAM, TEAL, font

    picture = Image.new("RGB", size, TEAL)
    pen = ImageDraw.Draw(picture)
    pen.text(
        (size[0] // 2, size[1] // 2), f"{ad.brand}\n{ad.description}", CREAM, font("Sans-Bold", size[1] / 9), "mm", align="center"
    )
    out = io.BytesIO()
    picture.save(out, "PNG")
    return out.getvalue()
