"""The screen as it goes, in a browser: JPEG pictures one after another (multipart/x-mixed-replace). Fault L6 bounds what it costs.

Pictures are shared: however many watch, one is taken at most every `EVERY_S`, and none while nobody watches, since a picture is
only ever taken for a watcher who waits for it. A watcher who left or does not read is dropped at the next picture.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from aiohttp import web

from player.agent.control.access import Refused
from player.errors import SignageError

EVERY_S = 0.5
WATCHERS = 4
WRITE_WITHIN_S = 10.0
DARK_S = 10.0  # how long pictures may fail (the stage starts again, say) before the view ends
_BOUNDARY = "picture"


class RemoteView:
    """`take` gives one picture of the screen as JPEG, raising SignageError. One object serves every watcher."""

    def __init__(self, take: Callable[[], Awaitable[bytes]], *, every_s: float = EVERY_S) -> None:
        self._take, self._every_s = take, every_s
        self._camera = asyncio.Lock()
        self._picture = b""
        self._number = 0
        self._began = self._taken = float("-inf")  # of the last picture; monotonic seconds
        self.watchers = 0

    def __repr__(self) -> str:
        return f"<remote view, {self.watchers} watching>"

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Answers until the watcher leaves. Raises Refused for one too many, SignageError when there is no first picture."""
        if self.watchers >= WATCHERS:
            raise Refused(503, f"{WATCHERS} are watching this screen already; one of them has to stop first")
        self.watchers += 1
        try:
            seen = await self._after(0)
            response = web.StreamResponse(headers={"Content-Type": f"multipart/x-mixed-replace; boundary={_BOUNDARY}"})
            await response.prepare(request)
            await self._show(request, response, seen)
            return response
        finally:
            self.watchers -= 1

    async def _show(self, request: web.Request, response: web.StreamResponse, seen: int) -> None:
        loop = asyncio.get_running_loop()
        last = loop.time()
        while request.transport is not None and not request.transport.is_closing():
            try:
                async with asyncio.timeout(WRITE_WITHIN_S):
                    await response.write(_part(self._picture))
            except (ConnectionError, TimeoutError):
                return
            try:
                seen, last = await self._after(seen), loop.time()
            except SignageError:
                if loop.time() - last > DARK_S:
                    return
                await asyncio.sleep(self._every_s)

    async def _after(self, seen: int) -> int:
        """Waits for a picture later than number `seen` and not older than `every_s`; answers its number."""
        loop = asyncio.get_running_loop()
        asked = loop.time()
        if self._is_fresh(seen, asked):
            return self._number
        async with self._camera:
            if not self._is_fresh(seen, asked):
                await asyncio.sleep(max(0.0, self._began + self._every_s - loop.time()))
                self._began = loop.time()
                self._picture = await self._take()
                self._number, self._taken = self._number + 1, loop.time()
            return self._number

    def _is_fresh(self, seen: int, asked: float) -> bool:
        return self._number > seen and self._taken > asked - self._every_s


def _part(picture: bytes) -> bytes:
    head = f"--{_BOUNDARY}\r\nContent-Type: image/jpeg\r\nContent-Length: {len(picture)}\r\n\r\n"
    return head.encode() + picture + b"\r\n"
