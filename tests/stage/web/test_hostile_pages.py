"""Pages that mean harm, in a real browser on a real screen: what each takes has an end, and costs itself alone."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import pytest_asyncio
from aiohttp import web

from player.compositor.sway import Sway
from player.core.content import Item, Rect, WebOptions
from player.core.kinds import Kind
from player.core.ports.screen import Playable
from player.errors import ContentError
from player.stage.web.browser import BrowserProcess
from player.stage.web.renderers import held_by, renderers_of
from player.stage.web.surface import WebSurface
from tests.conftest import Look, looking
from tests.fakes.browsers import MEMORY, running_browser
from tests.fakes.measured import seconds_at_most
from tests.fakes.running import eventually

pytestmark = [pytest.mark.stage, pytest.mark.asyncio(loop_scope="module")]
SIZE, AT = (640, 360), Rect(100, 50, 640, 360)
LIME = (0, 255, 0)
WITHIN_S = 40.0
GROWS = "const kept = []; setInterval(() => kept.push(new Uint8Array(16 << 20).fill(1)), 40)"
HOLDS = "const kept = []; const go = () => kept.push(new Uint8Array(16 << 20).fill(1)) < 12 && setTimeout(go, 40); go()"
HEAD = "<!doctype html><body style='margin:0;background:lime'>"


def multiplied(levels: int) -> str:
    """Each level draws the one below ten times."""
    groups = (f"<g id='l{n}'>" + f"<use href='#l{n - 1}'/>" * 10 + "</g>" for n in range(1, levels + 1))
    size = "xmlns='http://www.w3.org/2000/svg' width='640' height='360'"
    return f"<svg {size}><defs><rect id='l0' width='9' height='9'/>{''.join(groups)}</defs><use href='#l{levels}'/></svg>"


@dataclass
class Site:
    """Pages by their paths, at two addresses that are two sites; `files` is how often a file was asked for."""

    pages: dict[str, str]
    port: int = 0
    files: list[str] = field(default_factory=list)

    def url(self, path: str, host: str = "127.0.0.1") -> str:
        return f"http://{host}:{self.port}{path}"

    async def answer(self, request: web.Request) -> web.Response:
        if request.path.startswith("/file"):
            self.files.append(request.path)
            as_file = {"Content-Disposition": "attachment; filename=taken.bin"}
            return web.Response(body=b"x" * 100_000, headers=as_file, content_type="application/octet-stream")
        text = self.pages.get(request.path, "").replace("PORT", str(self.port))
        return web.Response(text=text, content_type="text/html", status=200 if text else 404)


PAGES = {
    "/good": HEAD,
    "/grows": f"{HEAD}<script>{GROWS}</script>",
    "/holds": f"{HEAD}<script>{HOLDS}</script>",
    "/frame": f"{HEAD}<iframe src='http://localhost:PORT/grows'></iframe>",
    "/asks": f"{HEAD}<a id=link></a><div style='opacity:0'><input type=file id=chosen><input type=color id=colour>"
    "<input type=date id=day><select id=one><option>1</select><video id=film muted></video><iframe name=frame></iframe></div>",
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
        return {*renderers_of(self.browser.pid)}

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
    async with running_browser(load_s=40) as (sway, browser, folder):
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
            held = held_by(renderers_of(pid))
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
    assert MEMORY.held // 2 < most < MEMORY.asked  # looked at less often than it is ended
    assert stand.browser.pid == pid


async def test_l3_where_the_room_of_all_is_full_what_comes_next_gives_way_and_comes_once_the_one_on_screen_is_left(stand: Stand):
    page = playable(stand.site.url("/holds"))
    on_screen, following = (WebSurface(stand.browser, name, None, None) for name in ("on-screen", "following"))
    await on_screen.load(page)
    on_screen.start()
    await eventually(lambda: max(held_by(renderers_of(stand.browser.pid)).values()) > MEMORY.held * 3 // 4, WITHIN_S)
    assert await code_of(following, page) == "page_memory"
    assert await on_screen._page._evaluate("kept.length") == 12
    for surface in (following, on_screen):
        await surface.unload()
    await following.load(page)
    await eventually(lambda: max(held_by(renderers_of(stand.browser.pid)).values()) > MEMORY.held * 3 // 4, WITHIN_S)
    assert await following._page._evaluate("kept.length") == 12
    assert sum(held_by(renderers_of(stand.browser.pid)).values()) < MEMORY.together(1), "what was left holds nothing"
    for surface in (on_screen, following):
        await surface.close()
    await stand.unharmed()


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


async def test_l3_a_page_whose_process_ends_while_it_is_drawn_is_told_at_once(stand: Stand):
    before, shown = stand.renderers(), playable(stand.site.url("/good"))
    surface = WebSurface(stand.browser, "ends", None, None)
    for _ in seconds_at_most(8.0):  # the browser's answer, which such a process never gives, is waited for ten seconds
        await surface.fetch(shown)
        its = stand.renderers() - before
        signal_to(its, signal.SIGSTOP)
        drawing = asyncio.ensure_future(surface.load(shown))
        await asyncio.sleep(0.5)
        signal_to(its, signal.SIGKILL)
        with pytest.raises(ContentError) as caught:
            await drawing
        assert caught.value.code in ("page_crashed", "page_memory"), "the latter where another was ended a moment ago"
    await surface.close()
    await eventually(lambda: stand.renderers() == before, WITHIN_S)
    await stand.unharmed()


def signal_to(pids: set[int], number: signal.Signals) -> None:
    """Of the page that was there before, the process may be going by itself."""
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)


# What would open a window, ask people, or take a file; each in a touch of its own.
PROGRAMS = (
    "mailto:a@b.example", "tel:1", "intent://a", "ms-word:a", "magnet:?a", "x-unheard-of:a", "file:///etc/passwd", "chrome://version",
)  # fmt: skip
CLICKS = "link.dispatchEvent(new MouseEvent('click', {bubbles: true, %s}))"
WAYS = (
    "for (let n = 0; n < 1000; n++) open('/good')",
    "open('/good', '_blank', 'noopener,width=300')", "open('', '_blank', 'noopener')",
    *(f"link.href = '/good'; {CLICKS % key}" for key in ("ctrlKey: true", "shiftKey: true", "button: 1")),
    "link.href = '/file'; link.download = 'taken'; link.click()", "link.href = '/file-frame'; link.target = 'frame'; link.click()",
    "link.href = URL.createObjectURL(new Blob([new Uint8Array(100000)])); link.download = 'taken'; link.click()",
    "link.href = 'data:application/x-taken,' + 'x'.repeat(100000); link.click()", "chosen.click()", "colour.showPicker()",
    "day.showPicker()", "one.showPicker()", "showOpenFilePicker()", "showSaveFilePicker()", "showDirectoryPicker()",
    "navigator.mediaDevices.getDisplayMedia()", "navigator.mediaDevices.getUserMedia({audio: true, video: true})",
    "Notification.requestPermission()", "navigator.geolocation.getCurrentPosition(() => 0)", "navigator.share({title: 'a'})",
    "film.requestPictureInPicture()", "documentPictureInPicture.requestWindow()", "new EyeDropper().open()",
    "link.target = ''; link.removeAttribute('download')",
    *(f"link.href = frames[0].location = '{to}'; link.click()" for to in PROGRAMS),
    "document.body.requestPointerLock()", "alert('a'); confirm('b'); prompt('c'); print()", "onbeforeunload = () => 'stay'",
)  # fmt: skip


async def test_l3_a_touched_page_opens_no_window_asks_nobody_and_takes_no_file(stand: Stand):
    pid, surface = stand.browser.pid, WebSurface(stand.browser, "asks", None, None)
    await surface.open("asks")
    await surface.load(playable(stand.site.url("/asks")))
    windows = {window.app_id: window.id for window in await stand.sway.windows()}
    await stand.sway.place(windows[surface.app_id], AT)
    await stand.sway.show_above(windows[surface.app_id])
    page, place = surface._page, (AT.x, AT.y, AT.x + AT.width, AT.y + AT.height)
    beside = (0, 0, AT.x, AT.y + AT.height)
    for way in WAYS:
        await page._cdp.call("Runtime.evaluate", page._session, 60, expression=f"{{ {way} }}", userGesture=True)
    assert await page._evaluate("document.title || 'there'") == "there"
    picture = await stand.look()
    async with asyncio.timeout(WITHIN_S):
        while (await seen(stand), {*picture.crop(place).get_flattened_data()}) != ((windows, len(windows)), {LIME}):
            await asyncio.sleep(0.1)
            picture = await stand.look()
    assert len({*picture.crop(beside).get_flattened_data()}) == 1
    assert {"/file", "/file-frame"} <= {*stand.site.files}
    assert [path for path in stand.folder.rglob("*") if "taken" in path.name or "ownload" in path.parts[-1]] == []
    await surface.unload()
    await surface.load(playable(stand.site.url("/good")))
    await surface.close()
    await stand.unharmed()
    assert stand.browser.pid == pid


async def seen(stand: Stand) -> tuple[dict[str, int], int]:
    """The windows on the screen, and how many pages the browser has, its own included."""
    targets = (await stand.browser._cdp.call("Target.getTargets"))["targetInfos"]
    pages = [target for target in targets if target["type"] in ("page", "browser_ui")]
    return {window.app_id: window.id for window in await stand.sway.windows()}, len(pages)
