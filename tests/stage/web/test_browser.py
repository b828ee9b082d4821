"""Web pages on the real screen: a real Chromium under a real sway, pages from a real server on loopback."""

from __future__ import annotations

import asyncio
import contextlib
import io
import os
import re
import signal
import wave
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
import pytest_asyncio
from aiohttp import web

from player.compositor.sway import Sway
from player.core.allowance import LINES_AT_ONCE
from player.core.content import Item, Rect, WebOptions
from player.core.kinds import Kind
from player.core.ports.screen import Playable
from player.errors import BoxError, ContentError
from player.runtime.tasks import keep_running
from player.stage.web.browser import REST_LOOK_S, BrowserProcess
from player.stage.web.chromium import find_browser
from player.stage.web.rooms import ROOM_LIMIT
from player.stage.web.surface import WebSurface
from tests.conftest import Look, looking
from tests.fakes.browsers import browser_process, running_browser
from tests.fakes.faults import fault_page
from tests.fakes.quarters import unit_at
from tests.fakes.running import alive, eventually

pytestmark = [pytest.mark.stage, pytest.mark.asyncio(loop_scope="module")]
RED, LIME, BLUE = (255, 0, 0), (0, 255, 0), (0, 0, 255)
SIZE = (640, 360)


class Site:
    """Pages, and what was asked for."""

    def __init__(self) -> None:
        self.pages: dict[str, str] = {}
        self.status: dict[str, int] = {}
        self.asked: list[web.Request] = []
        self.address = ""
        self.never: set[str] = set()
        self.sounds: set[str] = set()

    async def answer(self, request: web.Request) -> web.Response:
        self.asked.append(request)
        if request.path in self.never:
            await asyncio.sleep(60)
        if request.path in self.sounds:
            return web.Response(body=tone(), content_type="audio/wav")
        text = self.pages.get(request.path, "")
        return web.Response(text=text, content_type="text/html", status=self.status.get(request.path, 200 if text else 404))

    def page(self, path: str, colour: str, script: str = "", body: str = "") -> str:
        self.pages[path] = f"<!doctype html><body style='margin:0;background:{colour}'>{body}<script>{script}</script>"
        return self.address + path


def tone() -> bytes:
    """A second of a beep."""
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setparams((1, 2, 8000, 8000, "NONE", ""))
        file.writeframes(b"\x00\x10\x00\xf0" * 4000)
    return out.getvalue()


@pytest_asyncio.fixture(loop_scope="module")
async def site() -> AsyncIterator[Site]:
    site = Site()
    application = web.Application()
    application.router.add_route("*", "/{path:.*}", site.answer)
    runner = web.AppRunner(application, shutdown_timeout=0.5)
    await runner.setup()
    await (listening := web.TCPSite(runner, "127.0.0.1", 0)).start()
    site.address = f"http://127.0.0.1:{listening._server.sockets[0].getsockname()[1]}"
    yield site
    await runner.cleanup()


@dataclass
class Box:
    """One sway and one browser for the whole file: starting them takes longer than most tests."""

    sway: Sway
    browser: BrowserProcess
    look: Look
    surfaces: int = 0

    def surface(self) -> WebSurface:
        self.surfaces += 1
        return WebSurface(self.browser, f"region-{self.surfaces}", None, None)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def box() -> AsyncIterator[Box]:
    async with running_browser(load_s=20) as (sway, browser, folder):
        yield Box(sway, browser, looking(sway, folder))


@pytest.fixture
def browser(box: Box) -> BrowserProcess:
    return box.browser


@pytest.fixture
def sway(box: Box) -> Sway:
    return box.sway


@pytest.fixture
def look(box: Box) -> Look:
    return box.look


def playable(url: str, **options) -> Playable:
    item = Item("i1", "c1", "a page", Kind.WEB, 10, url=url, web=WebOptions(**options))
    return Playable(item, url, SIZE, background="#0000ff")


async def place(sway, surface, rect):
    """Opens the surface's window and puts it there, as the stage does."""
    await surface.open("")
    async with asyncio.timeout(20):
        while not (found := [w for w in await sway.windows() if w.app_id == surface.app_id]):  # noqa: ASYNC110
            await asyncio.sleep(0.02)
    assert found[0].pid == os.getpid(), "the browser's line to the compositor is the stage's"
    await sway.place(found[0].id, rect)
    return found[0].id


@pytest_asyncio.fixture(loop_scope="module")
async def shown(box: Box) -> AsyncIterator[tuple[WebSurface, int]]:
    """A surface whose window lies at 100, 50, and the window's id."""
    surface = box.surface()
    yield surface, await place(box.sway, surface, Rect(100, 50, *SIZE))
    await surface.close()
    await no_window(box.sway)


async def no_window(sway):
    async with asyncio.timeout(20):
        while await sway.windows():  # noqa: ASYNC110
            await asyncio.sleep(0.02)


async def until(look, point, colour):
    async with asyncio.timeout(20):
        while (picture := await look()).getpixel(point) != colour:  # noqa: ASYNC110 - the screen has no event
            await asyncio.sleep(0.05)
    return picture


async def test_a_page_fills_its_window_to_the_pixel_and_is_drawn_when_load_returns(shown, sway, site, look):
    surface, window = shown
    await surface.load(playable(site.page("/a", "lime")))
    await sway.show_above(window)
    picture = await look()
    inside, outside = [(100, 50), (739, 50), (100, 409), (739, 409)], [(99, 50), (740, 50), (100, 49), (100, 410)]
    assert [picture.getpixel(at) for at in inside] == [LIME] * 4
    assert LIME not in [picture.getpixel(at) for at in outside]


async def test_c16_a_page_whose_words_are_no_text_costs_no_other_page_anything(shown, sway, site, look, browser):
    surface, window = shown
    pid = browser.pid
    words = r"document.title = '\ud800 a'; console.log('\ud800'); location.hash = '\udfff'; alert('\ud800')"
    await surface.load(playable(site.page("/half", "lime", words)))
    await sway.show_above(window)
    await until(look, (300, 200), LIME)
    await surface.load(playable(site.page("/whole", "red")))
    await until(look, (300, 200), RED)
    assert browser.pid == pid


async def test_two_pages_stand_side_by_side_in_windows_of_their_own_and_are_swapped(box, shown, sway, site, look):
    first, window = shown
    second = box.surface()
    other = await place(sway, second, Rect(100, 50, *SIZE))
    await first.load(playable(site.page("/a", "lime")))
    await second.load(playable(site.page("/b", "red")))
    await sway.show_above(window)
    assert (await look()).getpixel((300, 200)) == LIME
    await sway.swap(other, window)
    assert (await look()).getpixel((300, 200)) == RED
    await first.unload()
    await first.load(playable(site.page("/c", "blue")))
    await sway.swap(window, other)
    assert (await look()).getpixel((300, 200)) == BLUE
    await second.close()
    async with asyncio.timeout(20):
        while len(await sway.windows()) > 1:  # noqa: ASYNC110
            await asyncio.sleep(0.02)


async def test_c8_a_region_of_any_name_gets_its_window(box):
    assert len({WebSurface(box.browser, name, None, None).app_id for name in ("a b", "a%20b", "a-b", "a/b", "ä" * 300)}) == 5
    surface = WebSurface(box.browser, "Zone Ä/1 #50%20'\"<b>-1", None, None)
    await place(box.sway, surface, Rect(0, 0, *SIZE))
    await surface.close()
    await no_window(box.sway)


async def test_c16_a_page_that_hangs_on_screen_is_left_in_time(shown, site):
    surface, _ = shown
    await surface.load(playable(site.page("/a", "red", "setTimeout(() => { while (true) {} }, 300)")))
    await asyncio.sleep(0.4)
    async with asyncio.timeout(20):
        await surface.unload()
    await surface.load(playable(site.page("/b", "lime")))


@pytest.mark.parametrize(("status", "code"), [(404, "page_error"), (503, "page_error")])
async def test_c19_an_error_answer_is_refused_before_it_is_drawn(shown, site, status, code):
    surface, _ = shown
    url = site.page("/a", "red")
    site.status["/a"] = status
    with pytest.raises(ContentError, match=f"answered {status}") as caught:
        await surface.load(playable(url))
    assert caught.value.code == code
    site.status.clear()
    await surface.load(playable(url))


async def test_c19_a_page_that_cannot_be_reached_is_refused_and_the_next_one_loads(shown, site):
    surface, _ = shown
    with pytest.raises(ContentError) as caught:
        await surface.load(playable("http://127.0.0.1:9/"))
    assert caught.value.code == "page_unreachable"
    with pytest.raises(ContentError) as caught:
        await surface.load(playable("http://127.0.0.1:1024/"))
    assert "cannot be reached: ConnectionRefused" in str(caught.value)
    await surface.load(playable(site.page("/a", "lime")))


@pytest.mark.parametrize("url", ["file:///etc/passwd", "chrome://version", "data:text/html,hello", "view-source:http://127.0.0.1/"])
async def test_c16_what_is_not_http_is_refused(shown, url):
    surface, _ = shown
    with pytest.raises(ContentError, match="not http or https") as caught:
        await surface.load(playable(url))
    assert caught.value.code == "page_refused"


async def test_c16_a_page_cannot_lead_to_a_file_or_out_of_the_browser(shown, sway, site, look, caplog):
    surface, window = shown
    script = """
      go = () => { for (const url of ['file:///etc/passwd', 'chrome://version', 'mailto:a@b.c', 'steam://run']) {
        try { location.href = url } catch (error) {}
        document.body.append(Object.assign(document.createElement('iframe'), {src: url, style: 'display:none'}));
        window.open(url);
      } }"""
    await surface.load(playable(site.page("/a", "lime", script)))
    await sway.show_above(window)
    await surface._page._evaluate("new Promise(async done => { for (let n = 0; n < 12; n++) { go(); await 0 } done() })")

    def refused() -> int:
        return len([line for line in caplog.messages if "which is refused" in line])

    await eventually(refused)
    await asyncio.sleep(0.5)
    assert refused() <= LINES_AT_ONCE
    picture = await look()
    assert {picture.getpixel(at) for at in ((100, 50), (739, 50), (300, 200), (739, 409))} == {LIME}
    assert [w.id for w in await sway.windows()] == [window]


async def test_c16_a_page_that_is_only_a_way_out_of_the_browser_is_refused(shown, site):
    surface, _ = shown
    with pytest.raises(ContentError, match="leads to steam://run"):
        await surface.load(playable(site.page("/a", "lime", "location.href = 'steam://run'")))
    await surface.load(playable(site.page("/b", "lime")))


async def test_c16_dialogs_printing_and_popups_do_not_stop_a_page(shown, sway, site, look):
    surface, window = shown
    script = """alert('a'); confirm('b'); prompt('c'); print(); window.open('/b', '', 'width=300,height=300');
      onbeforeunload = event => event.preventDefault(); document.body.style.background = 'lime'"""
    site.page("/b", "blue")
    await surface.load(playable(site.page("/a", "red", script)))
    await sway.show_above(window)
    await until(look, (300, 200), LIME)
    async with asyncio.timeout(20):
        while [w.id for w in await sway.windows()] != [window]:  # noqa: ASYNC110
            await asyncio.sleep(0.05)
    await surface.unload()
    await surface.load(playable(site.page("/c", "blue")))
    await until(look, (300, 200), BLUE)


async def test_c16_no_box_of_the_browsers_is_seen_whatever_a_page_on_screen_asks(shown, sway, site, look):
    surface, window = shown
    asks = "setInterval(() => { alert('a'); said = [confirm('b'), prompt('c'), ++times].join() }, 10)"
    await surface.load(playable(site.page("/a", "lime", f"let times = 0, said = ''; {asks}")))
    await sway.show_above(window)
    surface.start()
    for _ in range(15):
        picture = await look()
        assert picture.crop((100, 50, 740, 410)).getcolors() == [(SIZE[0] * SIZE[1], LIME)]
        assert [w.id for w in await sway.windows()] == [window]
    await until_said(surface, "said", "false,,[1-9][0-9]+", as_pattern=True)


async def test_c16_a_page_that_never_stops_computing_is_refused_in_time_and_its_window_replaced(shown, sway, site):
    surface, _ = shown
    surface._page._load_s = 3.0
    with pytest.raises(ContentError, match="3 s"):
        await surface.load(playable(site.page("/a", "red", "while (true) {}")))
    await surface.load(playable(site.page("/b", "lime")))
    assert [w.app_id for w in await sway.windows()] == [surface.app_id]


async def test_a_window_in_which_a_page_was_not_drawn_in_time_is_not_used_again(shown, sway, site):
    surface, window = shown
    await surface.load(playable(site.page("/a", "lime")))
    site.never.add("/never")
    surface._page._load_s = 3.0
    with pytest.raises(ContentError, match="was not drawn within 3 s"):
        await surface.load(playable(f"{site.address}/never"))
    await surface.load(playable(site.page("/b", "red")))
    await surface.load(playable(site.page("/a", "lime")))
    (other,) = await sway.windows()
    assert other.id != window
    assert other.app_id == surface.app_id


async def test_c16_a_page_that_crashes_ends_with_an_error_and_the_next_one_gets_a_window(shown, browser, site):
    surface, _ = shown
    await surface.load(playable(site.page("/a", "lime")))
    surface._page._post("Page.crash")
    with pytest.raises(ContentError) as caught:
        async with asyncio.timeout(20):
            await surface.ended()
    assert caught.value.code == "page_crashed"
    pid = browser.pid
    await surface.load(playable(site.page("/b", "red")))
    assert browser.pid == pid


def temporary_files(pid: int) -> set[Path]:
    """What a browser keeps where its environment tells it to."""
    words = Path(f"/proc/{pid}/environ").read_text().split("\0")
    return set(Path(dict(word.split("=", 1) for word in words if word)["TMPDIR"]).glob("org.chromium.*"))


async def test_p1_a_browser_that_dies_fails_its_pages_and_is_started_again(shown, browser, site):
    surface, _ = shown
    await surface.load(playable(site.page("/a", "lime")))
    first = browser.pid
    left = temporary_files(first)
    os.kill(first, signal.SIGKILL)
    with pytest.raises(ContentError) as caught:
        async with asyncio.timeout(20):
            await surface.ended()
    assert caught.value.code in ("browser_gone", "page_closed", "page_crashed")
    await surface.load(playable(site.page("/b", "red")))
    assert browser.pid not in (0, first)
    assert left, "its temporary files lie in its profile"
    assert not any(path.exists() for path in left), "and go with it"


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """HTML unpacked on disk, and a file beside its folder that is none of its business."""
    folder = tmp_path / "package"
    folder.mkdir()
    (tmp_path / "secret.js").write_text("document.body.style.background = 'red'")
    (folder / "style.css").write_text("body { margin: 0; background: lime }")
    (folder / "index.html").write_text(
        "<!doctype html><link rel=stylesheet href=style.css><body><script src='/../secret.js'></script>"
        "<script src='/%2e%2e/secret.js'></script><script src='/..%2fsecret.js'></script><script src=link.js></script>"
    )
    (folder / "link.js").symlink_to(tmp_path / "secret.js")
    return folder


async def test_c8_a_package_is_shown_from_its_folder_and_cannot_leave_it(shown, sway, package, look):
    surface, window = shown
    await surface.load(playable(str(package)))
    await sway.show_above(window)
    assert (await look()).getpixel((300, 200)) == LIME
    await surface.load(playable(str(package / "index.html")))
    with pytest.raises(ContentError, match=r"no file /other\.html"):
        await surface.load(playable(str(package / "other.html")))


async def test_a_page_is_opened_as_the_item_says(shown, sway, site, look):
    surface, window = shown
    marks = "<div style='height:2000px'></div><div style='height:2000px;background:lime'></div>"
    url = site.page("/a", "red", "fetch('/own'); document.title = [innerWidth, innerHeight].join()", marks)
    other = url.replace("127.0.0.1", "localhost").replace("/a", "/elsewhere")
    site.pages["/a"] += f"<script>fetch('{other}', {{mode: 'no-cors'}})</script><iframe src='{other}/frame'></iframe>"
    options = {"zoom": 2.0, "scroll_y": 2000, "user_agent": "Signage/1", "headers": {"X-Token": "t0k"}}
    await surface.load(playable(url, **options))
    await sway.show_above(window)
    await until(look, (110, 60), LIME)
    await until(look, (730, 400), LIME)
    async with asyncio.timeout(20):
        while not {"/own", "/elsewhere", "/elsewhere/frame"} <= {request.path for request in site.asked}:  # noqa: ASYNC110
            await asyncio.sleep(0.02)
    seen = {request.path: (request.headers["User-Agent"], request.headers.get("X-Token")) for request in site.asked}
    assert seen["/a"] == ("Signage/1", "t0k")
    assert seen["/own"] == ("Signage/1", "t0k")
    assert seen["/elsewhere"][1] is None
    assert seen["/elsewhere/frame"][1] is None
    assert await surface._page._evaluate("document.title") == "320,180"
    site.asked.clear()
    await surface.load(playable(site.page("/b", "red")))
    assert "Chrome" in site.asked[0].headers["User-Agent"]
    assert "X-Token" not in site.asked[0].headers
    await until(look, (730, 400), RED)


async def test_c19_a_page_is_fetched_again_and_stays_while_its_server_is_away(shown, sway, site, look):
    surface, window = shown
    await surface.load(playable(site.page("/a", "red"), reload_s=0.3))
    await sway.show_above(window)
    ended = asyncio.ensure_future(surface.ended())
    try:
        site.page("/a", "lime")
        await until(look, (300, 200), LIME)
        site.status["/a"] = 502
        site.page("/a", "blue")
        await asyncio.sleep(1)
        assert (await look()).getpixel((300, 200)) == LIME
        site.status.clear()
        await until(look, (300, 200), BLUE)
        assert not ended.done()
    finally:
        ended.cancel()


async def test_a_page_that_was_paused_draws_on(shown, sway, site, look):
    surface, window = shown
    script = "setInterval(() => document.body.style.background = window.late ? 'blue' : 'lime', 50)"
    await surface.load(playable(site.page("/a", "lime", script + "; setTimeout(() => window.late = true, 1500)")))
    await sway.show_above(window)
    surface.pause()
    await asyncio.sleep(0.3)
    surface.start()
    await until(look, (300, 200), BLUE)


async def test_an_empty_page_shows_the_background_of_its_region_and_no_white(shown, sway, site, look):
    surface, window = shown
    site.pages["/a"] = "<!doctype html>"
    await surface.load(playable(site.address + "/a"))
    await sway.show_above(window)
    assert (await look()).getpixel((300, 200)) == BLUE


async def test_the_volume_reaches_what_plays_on_the_page(shown, site):
    surface, _ = shown
    await surface.load(replace(playable(site.page("/a", "lime", body="<audio id=a></audio>")), volume=40))
    surface.start()
    assert await surface._page._evaluate("[a.volume, a.muted].join()") == "0.4,false"
    surface.set_volume(70, muted=True)
    assert await surface._page._evaluate("[a.volume, a.muted].join()") == "0.7,true"


SOUNDS = """<audio id=a autoplay loop src=/tone></audio><audio id=b muted autoplay loop src=/tone></audio>
  <iframe id=f src=/inner></iframe>"""
PLAYED = "[a, b, own, f.contentWindow.c].map(one => [one.paused, one.muted, one.volume].join(' ')).join()"


async def test_case_5_a_page_is_silent_until_it_is_shown_and_then_as_loud_as_ordered(shown, site):
    surface, _ = shown
    site.page("/inner", "lime", body="<audio id=c autoplay loop src=/tone></audio>")
    url = site.page("/a", "lime", "const own = new Audio('/tone'); own.loop = true; own.play(); f.contentWindow.c", SOUNDS)
    site.sounds.add("/tone")
    await surface.load(replace(playable(url), volume=40))
    playing = "new Promise(done => { const look = () => own.currentTime > 0 ? done(true) : setTimeout(look, 20); look(); })"
    assert await surface._page._evaluate(playing)
    await until_said(surface, f"f.contentWindow.c ? {PLAYED} : ''", "false true 0,false true 0,false true 0,false true 0")
    surface.start()
    assert await surface._page._evaluate(PLAYED) == "false false 0.4,false true 0.4,false false 0.4,false false 0.4"
    surface.pause()
    assert await surface._page._evaluate(PLAYED) == "false true 0,false true 0,false true 0,false true 0"


async def until_said(surface: WebSurface, expression: str, wanted: str, *, as_pattern: bool = False) -> None:
    """Until the page answers so (or so that the pattern fits), which is another process's state."""
    async with asyncio.timeout(20):
        while (found := await surface._page._evaluate(expression)) != wanted and not (as_pattern and re.fullmatch(wanted, found)):
            await asyncio.sleep(0.05)
            assert len(found or "") < 4096, found


TELLS = """const seen = [document.visibilityState], sound = document.querySelector('audio');
  document.addEventListener('visibilitychange', () => seen.push(document.visibilityState));
  setInterval(() => top.postMessage({at: location.pathname,
    as: [sound.paused, sound.muted, sound.volume, navigator.userAgent, ...seen].join(' ')}, '*'), 50)"""
HEARS = "const said = {}; addEventListener('message', ({data}) => said[data.at] = data.as)"


async def test_frames_of_other_sites_are_hushed_and_hidden_as_the_page_itself_is(shown, site):
    surface, _ = shown
    here, there = site.address, site.address.replace("127.0.0.1", "localhost")
    site.sounds.add("/tone")
    audio = "<audio autoplay loop src=/tone></audio>"
    site.page("/theirs", "lime", TELLS, f"{audio}<iframe src={here}/within></iframe>")
    site.page("/within", "lime", TELLS, audio)
    url = site.page("/a", "lime", HEARS, f"<iframe src={there}/theirs></iframe>")
    await surface.load(replace(playable(url, user_agent="Signage/1"), volume=40))
    said = "[said['/theirs'], said['/within']].join()"
    before, after = ("false true 0 Signage/1 hidden", "false false 0.4 Signage/1 hidden visible")
    await until_said(surface, said, f"{before},{before}")
    surface.start()
    await until_said(surface, said, f"{after},{after}")
    surface.set_volume(70, muted=True)
    quiet = "false true 0.7 Signage/1 hidden visible"
    await until_said(surface, said, f"{quiet},{quiet}")
    await surface._page._evaluate(f"document.querySelector('iframe').src = '{there}/within'; delete said['/within']")
    await until_said(surface, "said['/within']", quiet)


async def test_case_4_a_page_is_ready_when_it_is_painted_whatever_never_comes(shown, sway, site, look):
    surface, window = shown
    site.never.add("/never.png")
    await surface.load(playable(site.page("/a", "lime", body="<img src=/never.png>")))
    await sway.show_above(window)
    assert (await look()).getpixel((300, 200)) == LIME


async def test_case_6_a_page_knows_when_it_is_seen_and_not_before(shown, site):
    surface, _ = shown
    script = """const told = [document.visibilityState, document.hidden];
      document.addEventListener('visibilitychange', () => told.push(document.visibilityState, document.hidden));"""
    await surface.load(playable(site.page("/a", "lime", script)))
    assert await surface._page._evaluate("told.join()") == "hidden,true"
    surface.start()
    surface.start()
    assert await surface._page._evaluate("told.join()") == "hidden,true,visible,false"
    surface._page.reload()
    async with asyncio.timeout(20):
        while await surface._page._evaluate("told.join()") != "hidden,true,visible,false":  # noqa: ASYNC110 - another process's state
            await asyncio.sleep(0.05)


async def test_a_resized_window_lays_its_page_out_again(shown, sway, site, look):
    surface, window = shown
    await surface.load(playable(site.page("/a", "lime")))
    await sway.place(window, Rect(0, 0, 501, 303))
    surface.resize(501, 303)
    await sway.show_above(window)
    picture = await until(look, (501, 302), (32, 32, 32))
    assert picture.getpixel((500, 302)) == LIME
    assert await surface._page._evaluate("[innerWidth, innerHeight].join()") == "501,303"


async def test_the_browser_keeps_its_sandbox_and_has_no_port(shown, browser, site):
    surface, _ = shown
    await surface.load(playable(site.page("/a", "lime")))
    command = Path(f"/proc/{browser.pid}/cmdline").read_text()  # noqa: ASYNC240
    assert "--no-sandbox" not in command
    assert "remote-debugging-port" not in command
    assert Path(f"/proc/{browser.pid}/oom_score_adj").read_text() == "500\n"  # noqa: ASYNC240


@pytest.mark.parametrize("sandbox", [True, False])
async def test_a_browser_never_gives_up_its_sandbox_by_itself(sway, runtime_dir, site, sandbox):
    program = runtime_dir / "chromium"
    willing = f'case "$*" in *--no-sandbox*|--version) exec {find_browser("auto")} "$@";; esac'
    program.write_text(f'#!/bin/sh\n{willing}\necho "No usable sandbox!" >&2; exit 1\n')
    program.chmod(0o755)
    faults = fault_page()
    browser = browser_process(runtime_dir, sway.session.wayland_display, faults=faults, program=str(program), sandbox=sandbox)
    running = asyncio.ensure_future(keep_running("browser", browser.run))
    surface = WebSurface(browser, "bare", None, None)
    try:
        if sandbox:
            with pytest.raises(ContentError, match="No usable sandbox"):
                await surface.load(playable(site.page("/a", "lime")))
            (fault,) = faults.faults
            assert fault.code == "browser_no_sandbox"
            assert "stage.browser_sandbox = false" in fault.message
        else:
            window = await place(sway, surface, Rect(0, 0, *SIZE))
            await surface.load(playable(site.page("/a", "lime")))
            assert [w.id for w in await sway.windows()] == [window]
            assert faults.faults == ()
    finally:
        running.cancel()
        await asyncio.wait([running])


async def test_a_browser_that_is_not_installed_is_an_error_at_once_with_its_remedy(runtime_dir):
    surface = WebSurface(browser_process(runtime_dir, "wayland-9", program="no-such-browser"), "main-a", None, None)
    with pytest.raises(ContentError, match="apt install chromium"):
        await surface.load(playable("http://127.0.0.1/"))
    with pytest.raises(BoxError, match="shows nothing"):
        await surface.ended()


async def test_emoji_on_a_page_are_in_colour_and_differ(site, shown, sway, look):
    surface, window = shown
    body = "".join(
        f"<p style='position:absolute;left:{left}px;top:0;margin:0;font-size:100px'>{char}</p>"
        for left, char in ((20, "🍕"), (220, "🔥"))
    )
    await surface.load(playable(site.page("/emoji", "white", body=body)))
    await sway.show_above(window)
    picture = await until(look, (100 + SIZE[0] - 4, 50 + SIZE[1] - 4), (255, 255, 255))
    drawn = [picture.crop((100 + left, 50, 260 + left, 200)) for left in (20, 220)]
    for one in drawn:
        assert sum(max(pixel) - min(pixel) > 100 for pixel in one.convert("RGB").get_flattened_data()) > 1000
    assert drawn[0].tobytes() != drawn[1].tobytes()


KEPT = """new Promise(done => {
  const asked = indexedDB.open('kept');
  asked.onupgradeneeded = () => asked.result.createObjectStore('all');
  asked.onsuccess = () => {
    const reading = asked.result.transaction('all').objectStore('all').count();
    reading.onsuccess = () => done([localStorage.length, document.cookie, reading.result].join());
  };
})"""
KEEP = """new Promise((done, failed) => {
  localStorage.setItem('who', 'a'); document.cookie = 'who=a; max-age=1000';
  const asked = indexedDB.open('kept');
  asked.onupgradeneeded = () => asked.result.createObjectStore('all');
  asked.onsuccess = () => {
    const writing = asked.result.transaction('all', 'readwrite');
    writing.objectStore('all').put('a', 1);
    writing.oncomplete = () => { asked.result.close(); done('kept'); };
  };
})"""


async def said(surface: WebSurface, expression: str, *, touched: bool = False):
    """What the page answers, or what it throws."""
    answer = await surface._page._cdp.call(
        "Runtime.evaluate",
        surface._page._session,
        60,
        expression=expression,
        awaitPromise=True,
        returnByValue=True,
        userGesture=touched,
    )
    return (
        answer["exceptionDetails"]["exception"].get("description")
        if "exceptionDetails" in answer
        else answer["result"].get("value")
    )


async def gone(folder: Path) -> None:
    async with asyncio.timeout(30):
        while folder.exists():  # noqa: ASYNC110, ASYNC240 - another process's files
            await asyncio.sleep(0.1)


async def test_what_one_item_keeps_another_of_the_same_server_does_not_see(box, site):
    url = site.page("/a", "lime")
    one, other = box.surface(), box.surface()
    for surface, room in ((one, "one"), (other, "other")):
        await surface.open(room)
        await surface.load(playable(url))
    assert await said(one, KEEP) == "kept"
    assert (await said(one, KEPT), await said(other, KEPT)) == ("1,who=a,1", "0,,0")
    await other.open("one")
    await other.load(playable(url))
    assert await said(other, KEPT) == "1,who=a,1"
    await one.close()
    await other.close()
    await no_window(box.sway)
    again = box.surface()
    await again.open("one")
    await again.load(playable(url))
    assert await said(again, KEPT) == "1,who=a,1", "kept while the item is in the programme"
    folder = box.browser._folder / again._page.profile
    assert folder.exists()
    box.browser.keep_rooms(())
    await again.close()
    await gone(folder)
    await again.open("one")
    await again.load(playable(url))
    assert await said(again, KEPT) == "0,,0", "it left the programme, and what it kept with it"
    await again.close()
    await no_window(box.sway)


FLOOD = """(async () => {
  const asked = indexedDB.open('flood');
  asked.onupgradeneeded = () => asked.result.createObjectStore('all');
  await new Promise(done => asked.onsuccess = done);
  const block = new Uint8Array(8 << 20);
  for (let at = 0; at < block.length; at += 65536) crypto.getRandomValues(block.subarray(at, at + 65536));
  for (let count = 0; count < 250; count++) {
    const writing = asked.result.transaction('all', 'readwrite', {durability: 'relaxed'});
    writing.objectStore('all').put(block.slice(), count);
    const refused = await new Promise(done => {
      writing.oncomplete = () => done('');
      writing.onabort = () => done(String(writing.error));
    });
    if (refused) return [count * 8, refused].join(' MB, then ');
  }
  return 'all of it';
})()"""


async def test_a_page_that_keeps_two_gigabytes_keeps_no_more_than_its_quota_and_the_rest_goes_on(box, shown, site):
    neighbour, _ = shown
    await neighbour.load(playable(site.page("/b", "lime")))
    surface, pid = box.surface(), box.browser.pid
    await surface.open("flood")
    await surface.load(playable(site.page("/a", "red")))
    answer = await said(surface, FLOOD)
    assert "QuotaExceeded" in answer
    assert int(answer.split()[0]) <= 50
    profile = box.browser._folder / surface._page.profile
    held = sum(path.stat().st_size for path in profile.rglob("*") if path.is_file())
    assert held < ROOM_LIMIT
    assert await said(neighbour, "document.body.style.background") == "lime"
    assert box.browser.pid == pid
    await surface.close()


async def test_a_room_that_is_full_all_the_same_is_emptied_and_its_page_begins_anew(box, shown, site):
    surface, _ = shown
    await surface.open("full")
    await surface.load(playable(site.page("/a", "red")))
    folder = box.browser._folder / surface._page.profile
    with (folder / "what no quota counts").open("wb") as file:
        file.write(b"x" * (ROOM_LIMIT + 1))
    with pytest.raises(ContentError, match="keeps more than it may") as caught:
        async with asyncio.timeout(30):
            await surface.ended()
    assert caught.value.code == "page_storage"
    await surface.open("full")
    assert surface._page.profile != folder.name
    await surface.load(playable(site.page("/a", "red")))
    await gone(folder)


async def test_a_flood_of_words_from_a_page_ends_neither_the_browser_nor_its_neighbour(box, shown, site):
    neighbour, _ = shown
    await neighbour.load(playable(site.page("/b", "lime")))
    surface, pid = box.surface(), box.browser.pid
    await surface.open("flood of words")
    await surface.load(playable(site.page("/a", "red")))
    flood = "'x'.repeat(17 << 20)"  # more than a message may be, and less than a page may hold
    assert await said(surface, f"console.log({flood}); setTimeout(() => {{ throw {flood} }}); 1") == 1
    assert await said(surface, "new Promise(done => setTimeout(() => done('there'), 300))") == "there"
    assert await said(neighbour, "document.body.style.background") == "lime"
    assert box.browser.pid == pid
    await surface.close()


async def test_a_touched_page_cannot_fill_the_screen(shown, sway, site):
    surface, window = shown
    url = site.page("/a", "lime", body="<video id=v></video><iframe id=f allow=fullscreen src=/b></iframe>")
    site.page("/b", "red")
    await surface.load(playable(url))
    await sway.show_above(window)
    asked = "document.body.requestFullscreen().then(() => 'full', error => error.name)"
    assert await said(surface, asked, touched=True) == "TypeError"
    assert await said(surface, f"f.contentWindow.eval(`{asked}`)", touched=True) == "TypeError"
    assert await said(surface, "v.webkitRequestFullscreen().then(() => 'full', error => error.name)", touched=True) == "TypeError"
    assert [w.rect for w in await sway.windows()] == [Rect(100, 50, *SIZE)]


def names_below(pid: int) -> dict[int, tuple[str, str]]:
    """Name and state of every process that descends from `pid`."""
    stats = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            words = path.read_text()
            name, (state, parent) = words[words.index("(") + 1 : words.rindex(")")], words[words.rindex(")") + 2 :].split()[:2]
            stats[int(path.parent.name)] = (name, state, int(parent))
    found, more = {pid}, True
    while more:
        more = {one for one, (_, _, parent) in stats.items() if parent in found} - found
        found |= more
    return {one: stats[one][:2] for one in found if one in stats}


async def test_a_crashed_page_leaves_no_dead_process_and_nothing_catches_crashes(box, shown, site):
    surface, _ = shown
    for _ in range(2):
        await surface.load(playable(site.page("/a", "lime")))
        surface._page._post("Page.crash")
        with pytest.raises(ContentError):
            async with asyncio.timeout(20):
                await surface.ended()
        await surface.open("")
    below = names_below(os.getpid())
    assert [name for name, _ in below.values() if "crashpad" in name] == []
    async with asyncio.timeout(20):
        while [name for name, state in names_below(os.getpid()).values() if state == "Z"]:  # noqa: ASYNC110 - they are reaped soon
            await asyncio.sleep(0.1)


async def test_a_window_that_comes_too_late_is_there_for_who_asks_next(box, site):
    surface = box.surface()
    asking = asyncio.ensure_future(surface.open("late"))
    async with asyncio.timeout(20):
        while not box.browser._opening:  # noqa: ASYNC110 - it has been asked for
            await asyncio.sleep(0.01)
    asking.cancel()
    await asyncio.wait([asking])
    await surface.close()
    async with asyncio.timeout(20):
        while not await box.sway.windows():  # noqa: ASYNC110 - another process's state
            await asyncio.sleep(0.05)
    other = box.surface()
    await other.open("late")
    await other.load(playable(site.page("/a", "lime")))
    assert [w.app_id for w in await box.sway.windows()] == [other.app_id]
    await other.close()
    await no_window(box.sway)


async def test_a_browser_that_nothing_needs_ends_and_comes_back_with_what_pages_keep(box, site):
    url, surface = site.page("/a", "lime"), box.surface()
    await surface.open("one")
    await surface.load(playable(url))
    assert await said(surface, KEEP) == "kept"
    before, box.browser._needed, box.browser._rest_after_s = box.browser.pid, lambda: False, 0.1
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(REST_LOOK_S + 1):
            await surface.ended()
    assert box.browser.pid == before, "a page is on screen"
    await surface.unload()
    async with asyncio.timeout(60):
        while box.browser.pid:  # noqa: ASYNC110 - another process's state
            await asyncio.sleep(0.05)
    box.browser._needed = lambda: True
    await surface.open("one")
    await surface.load(playable(url))
    assert box.browser.pid not in (0, before)
    assert (await said(surface, KEPT)).startswith("1,")
    await surface.close()
    await no_window(box.sway)


async def test_a_browser_in_a_unit_of_its_own_shows_pages_and_ends_with_its_line(sway, site, look, runtime_dir):
    door, folder = runtime_dir / "door", runtime_dir / "of-the-unit"
    folder.mkdir()
    async with unit_at(door, folder) as stewards:
        browser = browser_process(runtime_dir, sway.session.wayland_display, door=door)
        running = asyncio.ensure_future(keep_running("browser", browser.run))
        surface = WebSurface(browser, "lodged", None, None)
        await surface.open("")
        window = await place(sway, surface, Rect(100, 50, *SIZE))
        await surface.load(playable(site.page("/a", "lime")))
        await sway.show_above(window)
        await until(look, (300, 200), LIME)
        pid = browser.pid
        assert (folder / "Default").exists()
        running.cancel()
        await asyncio.wait([running])
        await eventually(lambda: not alive(pid))
        async with asyncio.timeout(20):
            assert [await steward.wait() for steward in stewards] == [0]
    await no_window(sway)


@pytest.mark.nightly
async def test_the_browser_asks_the_network_for_nothing_of_its_own(sway, runtime_dir, site):
    log, program = runtime_dir / "net.json", runtime_dir / "chromium"
    asked = f'case "$*" in *remote-debugging-pipe*) exec {find_browser("auto")} --log-net-log={log} "$@";; esac'
    program.write_text(f'#!/bin/sh\n{asked}\nexec {find_browser("auto")} "$@"\n')
    program.chmod(0o755)
    browser = browser_process(runtime_dir, sway.session.wayland_display, program=str(program))
    running = asyncio.ensure_future(keep_running("browser", browser.run))
    surface = WebSurface(browser, "quiet", None, None)
    try:
        await surface.open("an item's")
        await surface.load(playable(site.page("/a", "lime")))
        await asyncio.sleep(40)
    finally:
        running.cancel()
        await asyncio.wait([running])
    hosts = set(re.findall(r'"url":"\w+://([^/:"]+)', log.read_text(errors="replace")))
    assert hosts == {"127.0.0.1"}
