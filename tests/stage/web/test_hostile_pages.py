"""Pages that mean harm, in a real browser on a real screen: what each takes has an end, and costs itself alone."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import pytest_asyncio
from aiohttp import web

from player.compositor.sway import Sway
from player.core.content import Item, WebOptions
from player.core.kinds import Kind
from player.core.ports.screen import Playable
from player.errors import ContentError
from player.stage.web.browser import BrowserProcess
from player.stage.web.renderers import held_by_renderers
from player.stage.web.surface import WebSurface
from tests.conftest import Look, looking
from tests.fakes.browsers import MEMORY, running_browser
from tests.fakes.running import eventually

pytestmark = [pytest.mark.stage, pytest.mark.asyncio(loop_scope="module")]
SIZE = (640, 360)
WITHIN_S = 40.0
GROWS = "const kept = []; setInterval(() => kept.push(new Uint8Array(16 << 20).fill(1)), 40)"
HEAD = "<!doctype html><body style='margin:0;background:lime'>"


def multiplied(levels: int) -> str:
    """Each level draws the one below ten times."""
    groups = (f"<g id='l{n}'>" + f"<use href='#l{n - 1}'/>" * 10 + "</g>" for n in range(1, levels + 1))
    size = "xmlns='http://www.w3.org/2000/svg' width='640' height='360'"
    return f"<svg {size}><defs><rect id='l0' width='9' height='9'/>{''.join(groups)}</defs><use href='#l{levels}'/></svg>"


@dataclass
class Site:
    """Pages by their paths, at two addresses that are two sites."""

    pages: dict[str, str]
    port: int = 0

    def url(self, path: str, host: str = "127.0.0.1") -> str:
        return f"http://{host}:{self.port}{path}"

    async def answer(self, request: web.Request) -> web.Response:
        text = self.pages.get(request.path, "").replace("PORT", str(self.port))
        return web.Response(text=text, content_type="text/html", status=200 if text else 404)


PAGES = {
    "/good": HEAD,
    "/grows": f"{HEAD}<script>{GROWS}</script>",
    "/frame": f"{HEAD}<iframe src='http://localhost:PORT/grows'></iframe>",
}


@dataclass
class Stand:
    """A screen, its browser, the site, and a page that means no harm beside the others."""

    sway: Sway
    browser: BrowserProcess
    look: Look
    folder: Path
    site: Site
    neighbour: WebSurface

    def renderers(self) -> set[int]:
        return {*held_by_renderers(self.browser.pid)}

    async def unharmed(self) -> None:
        """The neighbour answers, and is drawn by the processes that are left."""
        assert await self.neighbour._page._evaluate("document.body.style.background") == "lime"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stand() -> AsyncIterator[Stand]:
    site = Site(PAGES)
    application = web.Application()
    application.router.add_route("*", "/{path:.*}", site.answer)
    runner = web.AppRunner(application, shutdown_timeout=0.5)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    site.port = runner.addresses[0][1]
    async with running_browser(load_s=20) as (sway, browser, folder):
        neighbour = WebSurface(browser, "neighbour", None, None)
        await neighbour.load(playable(site.url("/good")))
        yield Stand(sway, browser, looking(sway, folder), folder, site, neighbour)
    await runner.cleanup()


def playable(target: str, kind: Kind = Kind.WEB) -> Playable:
    item = Item("i1", "c1", "a page", kind, 10, url=target, web=WebOptions())
    return Playable(item, target, SIZE, background="#0000ff")


async def code_of(surface: WebSurface, shown: Playable) -> str:
    """How its showing ends; it goes on for ever where the page means no harm."""
    try:
        async with asyncio.timeout(WITHIN_S):
            await surface.load(shown)
            await surface.ended()
    except ContentError as error:
        return error.code
    return "it ended"


async def test_l3_a_page_that_takes_too_much_memory_is_ended_and_costs_nobody_else_anything(stand: Stand, tmp_path: Path):
    drawing = tmp_path / "drawing.svg"
    drawing.write_text(multiplied(9))
    before, pid, most = stand.renderers(), stand.browser.pid, 0

    async def watch() -> None:
        nonlocal most
        while True:
            held = held_by_renderers(pid)
            most = max([most, *held.values()])
            await asyncio.sleep(0.2)

    watching = asyncio.ensure_future(watch())
    surface = WebSurface(stand.browser, "grows", None, None)
    for shown in (
        *(playable(stand.site.url(path)) for path in ("/grows", "/frame")), playable(str(drawing), Kind.SVG),
    ):  # fmt: skip
        assert await code_of(surface, shown) == "page_memory", shown.target
        await stand.unharmed()
    watching.cancel()
    await surface.load(playable(stand.site.url("/good")))
    await surface.close()
    await eventually(lambda: stand.renderers() == before, WITHIN_S)
    assert MEMORY.held < most < MEMORY.asked
    assert stand.browser.pid == pid


async def test_l3_a_page_that_answers_no_more_is_told_and_ended_whatever_it_is_busy_with(stand: Stand):
    before, pid = stand.renderers(), stand.browser.pid
    surface = WebSurface(stand.browser, "hangs", None, None)
    await surface.load(playable(stand.site.url("/good")))
    await surface._page.pulse(WITHIN_S)
    (hung,) = stand.renderers() - before
    os.kill(hung, signal.SIGSTOP)
    ended = asyncio.ensure_future(code_of(surface, surface._playable))
    await surface._page.pulse(0.5)
    ended.cancel()
    assert (surface._page._problem.code, hung in stand.renderers()) == ("page_hangs", True), "its last frame stands"
    await surface.unload()
    await eventually(lambda: hung not in stand.renderers(), WITHIN_S)
    await surface.load(playable(stand.site.url("/good")))
    await stand.unharmed()
    await surface.close()
    assert stand.browser.pid == pid
