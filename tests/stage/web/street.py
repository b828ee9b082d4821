"""A street: a good server with pages by their paths, a neighbour who must not be reached, a real browser behind the real wall."""

from __future__ import annotations

import asyncio
import contextlib
import json
import ssl
import tempfile
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field, replace
from ipaddress import IPv4Network
from pathlib import Path

from aiohttp import web
from PIL import Image

from player.compositor.sway import Sway
from player.core.address_policy import beside
from player.core.content import Item, Rect, WebOptions
from player.core.kinds import Kind
from player.core.ports.screen import Playable
from player.errors import ContentError
from player.runtime.tasks import Latest, keep_running
from player.stage.wall import Wall
from player.stage.web.browser import BrowserProcess
from player.stage.web.surface import WebSurface
from tests.conftest import Look, looking, running_sway
from tests.fakes.browsers import browser_process
from tests.fakes.names import FakeNames
from tests.fakes.neighbour import Neighbour, neighbour
from tests.fakes.proxy import private_authority
from tests.fakes.running import running
from tests.fakes.way_out import STRAIGHT

SITE = "127.0.0.2"  # where the good server stands, which alone is open
SIZE, AT = (640, 360), Rect(100, 50, 640, 360)
LONG = 100 * 1024 * 1024
OPEN = {"Access-Control-Allow-Origin": "*"}


@dataclass
class Site:
    """What the good server has: texts by path, with their types and further fields of their heads. What it was asked, and told."""

    texts: dict[str, tuple[str | bytes, str]] = field(default_factory=dict)
    heads: dict[str, dict[str, str]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    told: list[set[str]] = field(default_factory=list)

    def page(self, path: str, text: str, kind: str = "text/html", head: Mapping[str, str] | None = None) -> None:
        """From here on it has that."""
        self.texts[path], self.heads[path] = (text, kind), dict(head or {})

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """`/hops/N` leads on N times, and then to `to`; `/hangs` never answers; `/long` and `/endless` are no text."""
        path = request.path
        self.asked.append(path)
        if path.startswith("/hops/"):
            left, to = int(path[6:]) - 1, request.query["to"]
            return redirect(f"/hops/{left}?{request.query_string}" if left > 0 else to)
        if path.startswith("/round/"):
            return redirect(f"/round/{int(path[7:]) + 1}")
        if path == "/told":
            self.told.append(set(json.loads(await request.text())))
        if path == "/hangs":
            await asyncio.Event().wait()
        if path in ("/long", "/endless"):
            return await self._long(request, LONG if path == "/long" else 1 << 60)
        text, kind = self.texts.get(path, ("", "text/plain"))
        body = text.encode() if isinstance(text, str) else text
        return web.Response(body=body, headers=OPEN | {"Content-Type": kind} | self.heads.get(path, {}))

    async def _long(self, request: web.Request, size: int) -> web.StreamResponse:
        answer = web.StreamResponse(headers=OPEN | {"Content-Type": "font/woff2"})
        await answer.prepare(request)
        with contextlib.suppress(OSError):
            while size > 0:
                await answer.write(b"wOF2" + bytes(1 << 18))
                size -= 1 << 18
        return answer


def redirect(to: str) -> web.Response:
    """To any address, however it is written."""
    return web.Response(status=302, headers=OPEN | {"Location": to})


@dataclass
class Street:
    """The site by plain http and by TLS (which is trusted), the neighbour, the screen, and one page's surface behind the wall."""

    site: Site
    plain: str
    secure: str
    neighbour: Neighbour
    sway: Sway
    look: Look
    browser: BrowserProcess
    surface: WebSurface

    @property
    def inside(self) -> str:
        """Where the neighbour is."""
        return f"127.0.0.1:{self.neighbour.port}"

    async def open(self, url: str) -> None:
        """Shows it: returns once it stands on the screen. Raises ContentError."""
        await self.surface.load(playable(url))
        (window,) = [one for one in await self.sway.windows() if one.app_id == self.surface.app_id]
        await self.sway.place(window.id, AT)
        await self.sway.show_above(window.id)
        self.surface.start()

    async def code(self, url: str, within_s: float = 60.0) -> str:
        """How its showing ends; nobody waits longer than that for one that does not."""
        try:
            async with asyncio.timeout(within_s):
                await self.open(url)
                await self.surface.ended()
        except ContentError as error:
            return error.code
        raise AssertionError("it never ends")

    async def until_looks(self, holds: Callable[[Image.Image], bool], within_s: float = 60.0) -> None:
        """Waits until it holds for what is seen of the page."""
        async with asyncio.timeout(within_s):
            while not holds(await self.seen()):  # noqa: ASYNC110 - another process's state
                await asyncio.sleep(0.1)

    async def seen(self) -> Image.Image:
        """The page's place on the screen."""
        return (await self.look()).crop((AT.x, AT.y, AT.x + AT.width, AT.y + AT.height))

    async def ask(self, script: str) -> object:
        """What an expression comes to in the page."""
        return await self.surface._page._evaluate(script)


def playable(url: str) -> Playable:
    """A page of ten seconds, on blue."""
    return Playable(Item("i1", "c1", "a page", Kind.WEB, 10, url=url, web=WebOptions()), url, SIZE, background="#0000ff")


@contextlib.asynccontextmanager
async def street() -> AsyncIterator[Street]:
    """All of it; its surface is on screen at `AT`."""
    site = Site()
    with tempfile.TemporaryDirectory(prefix="s-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        tls, ca_file = private_authority(folder, "cms.test")
        async with neighbour() as other, served(site) as plain, served(site, tls) as secure:
            names = FakeNames()
            for good in ("cms.test", "page.test"):
                names.on(good, [SITE])
            names.on("inward.test", ["127.0.0.1"])
            policy = replace(beside("https://cms.example.com"), nets=(IPv4Network(f"{SITE}/32"),))
            wall = Wall(replace(STRAIGHT, ca_file=str(ca_file)), policy, names)
            async with screen_of(folder, wall) as (sway, browser):
                yield Street(
                    site, f"http://page.test:{plain}", f"https://cms.test:{secure}", other, sway, looking(sway, folder),
                    browser, WebSurface(browser, "main", None, None),
                )  # fmt: skip


@contextlib.asynccontextmanager
async def screen_of(folder: Path, wall: Wall) -> AsyncIterator[tuple[Sway, BrowserProcess]]:
    """A compositor, and a browser whose only way out is the wall."""
    with running_sway(folder) as socket:
        async with await Sway.connect(socket, 30) as sway:
            browser = browser_process(
                folder, sway.session.wayland_display, way_out=Latest(wall.for_pages), load_s=60, why=wall.why, admit=wall.also_at
            )
            async with running(wall.run(), keep_running("browser", browser.run)):
                yield sway, browser


@contextlib.asynccontextmanager
async def served(site: Site, tls: ssl.SSLContext | None = None) -> AsyncIterator[int]:
    """The site at a port of `SITE`."""
    application = web.Application(client_max_size=1 << 20)
    application.router.add_route("*", "/{path:.*}", site.answer)
    runner = web.AppRunner(application, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, SITE, 0, ssl_context=tls).start()
    try:
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()
