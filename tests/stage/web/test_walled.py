"""A real Chromium behind the real wall: a page tries every way to a neighbour that a browser has, and none arrives."""

from __future__ import annotations

from collections.abc import AsyncIterator
from urllib.parse import quote

import pytest
import pytest_asyncio
from PIL import Image

from player.errors import ContentError
from tests.core.test_address_policy import INSIDE
from tests.fakes.running import eventually
from tests.stage.web.street import Street, street
from tests.stage.web.ways_out import PLAIN, REPORTS, SECURE, WORKER, filled

pytestmark = [pytest.mark.stage, pytest.mark.asyncio(loop_scope="module")]
WITHIN_S = 60
LIME = (0, 255, 0)
GOOD = "<!doctype html><title>good</title><body style='margin:0;background:lime'>"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def made() -> AsyncIterator[Street]:
    async with street() as found:
        found.site.page("/good", GOOD)
        yield found


async def test_l4_every_way_out_of_a_page_leads_to_an_open_server_and_none_to_a_neighbour(made: Street):
    hosts = ("127.0.0.1", "localhost", "0x7f.1", "[::ffff:127.0.0.1]", "inward.test")
    inside = [f"{scheme}://{host}:{made.neighbour.port}" for host in hosts for scheme in ("http", "https")]
    made.site.page("/plain", filled(PLAIN, made.inside, f"{made.plain}/open", *inside))
    await made.open(f"{made.plain}/plain")
    await eventually(lambda: made.site.told, WITHIN_S)
    tried = made.site.told.pop()

    def arrived() -> set[str]:
        return {path.removeprefix("/open/") for path in made.site.asked if path.startswith("/open/")}

    # Of a page that loads so much at once the browser puts off what it takes for less important: pictures, for as long as it likes.
    await eventually(lambda: arrived() >= ALWAYS_SENT, WITHIN_S)
    assert ("online" in tried, tried >= arrived(), NOT_SENT & arrived()) == (True, True, set())
    assert made.neighbour.reached == []


# Windows of a page's own are closed before they load, links send no pings, and nobody sees an icon.
NOT_SENT = {"opened", "blank", "ping", "icon"}
ALWAYS_SENT = {"fetch", "post", "redirect", "beacon", "script", "style", "frame", "form", "socket", "events", "worker"}


async def test_l4_no_way_out_of_a_page_by_tls_nor_what_its_head_asks_for_leads_to_a_neighbour(made: Street):
    made.site.page("/secure", filled(SECURE, made.inside), head={name: filled(text, made.inside) for name, text in REPORTS.items()})
    made.site.page("/worker.js", filled(WORKER, made.inside), "text/javascript")
    await made.open(f"{made.secure}/secure")
    await eventually(lambda: made.site.told, WITHIN_S)
    assert made.site.told.pop() == {"worker"}
    assert made.neighbour.reached == []


async def test_a_page_that_may_not_be_opened_is_told_as_that(made: Street):
    inside = made.neighbour.port
    for url, code in {
        f"http://127.0.0.1:{inside}/": "forbidden_address",
        f"https://inward.test:{inside}/": "forbidden_address",
        f"{made.plain}/hops/1?to=http://inward.test:{inside}/": "forbidden_address",
        "http://nobody.test/": "page_unreachable",
        "https://nobody.test/": "page_unreachable",
    }.items():
        with pytest.raises(ContentError) as caught:
            await made.open(url)
        assert (caught.value.code, "network.allow_private" in caught.value.reason) == (code, code == "forbidden_address")
    made.site.page("/frames", f"<!doctype html><iframe src='http://127.0.0.1:{inside}/frame'></iframe>")
    await made.open(f"{made.plain}/frames")  # one frame that is refused is no reason to refuse the page
    assert made.neighbour.reached == []


# --- chains


@pytest.mark.parametrize("hops", [1, 5, 19])
async def test_l4_a_page_at_the_end_of_a_chain_is_shown_and_none_that_ends_inside(made: Street, hops: int):
    await made.open(f"{made.plain}/hops/{hops}?to=/good")
    assert await made.ask("document.title") == "good"
    for host in INSIDE if hops == 1 else ("127.0.0.1", "inward.test", "169.254.169.254"):
        to = f"http://{host.replace('%', '%25')}:{made.neighbour.port}/stolen"
        assert await made.code(f"{made.plain}/hops/{hops}?to={to}") in ("forbidden_address", "page_unreachable"), to
    assert made.neighbour.reached == []


ELSEWHERE = (
    "data:text/html,x", "blob:http://page.test/x", "file:///etc/passwd", "chrome://version", "about:blank", "javascript:1",
    "view-source:http://page.test", "intent://a", "mailto:a@b.example", "ftp://page.test/", "devtools://devtools/x",
    "x-unheard-of:a",
)  # fmt: skip


async def test_l4_a_page_that_is_redirected_to_what_is_no_page_is_told_and_nothing_of_it_is_seen(made: Street):
    await made.open(f"{made.plain}/good")
    windows = len(await made.sway.windows())
    for to in ELSEWHERE:
        assert await made.code(f"{made.plain}/hops/1?to={quote(to)}") == "page_refused", to
    assert await made.code(f"{made.plain}/hops/1?to={quote('http://[')}") == "page_unreachable", "an address that is none"
    await made.open(f"{made.plain}/good")
    await made.until_looks(lambda picture: {*picture.get_flattened_data()} == {LIME})
    assert len(await made.sway.windows()) == windows


AGAIN = ("<meta http-equiv=refresh content='0;url=/again'>", "<script>location = '/again?' + Math.random()</script>")


async def test_l3_a_page_that_leads_on_without_end_costs_its_turn_and_is_told_as_that(made: Street):
    pid, asked = made.browser.pid, made.site.asked
    for url in ("/round/1", "/hops/50?to=/good"):
        assert await made.code(f"{made.plain}{url}") == "page_unreachable", "so many hops are not gone"
    for again, path in [*((again, "/again") for again in AGAIN), (AGAIN[0], "/framed")]:
        made.site.page("/again", GOOD + again)
        made.site.page("/framed", GOOD + "<iframe src=/again></iframe>")
        asked.clear()
        assert await made.code(f"{made.plain}{path}") == "page_endless", again
        await made.surface.unload()
        assert asked.count("/again") < 200, again
        await made.open(f"{made.plain}/good")
        asked.clear()
        await made.open(f"{made.plain}/good")
        assert "/again" not in asked, again
    assert made.browser.pid == pid


# --- fonts

LINE = 40  # pixels
STYLE = "body {margin: 0; background: lime} p {margin: 0; height: 40px; font: 40px/1 none, sans-serif}"


async def test_l3_a_web_font_that_does_not_come_or_is_none_costs_no_text_and_leads_nowhere_else(made: Street):
    inside = f"http://{made.inside}/font"
    await made.open(f"{made.plain}/good")
    pid = made.browser.pid
    made.site.page("/none", b"wOF2" + bytes(1000), "font/woff2")
    fonts = (
        "/hangs", "/long", "/none", "/gone", "/round/1", inside, f"/hops/5?to={inside}", "file:///etc/passwd", "data:font/ttf,x",
    )  # fmt: skip
    many = [f"/hops/1?to=/none?{n}" for n in range(1000)]
    for urls in (fonts, many):
        faces = "".join(f"@font-face {{font-family: f{n}; src: url('{url}')}}" for n, url in enumerate(urls))
        used = "".join(f"<p style='font-family: f{n}, sans-serif'>M{n}</p>" for n, _ in enumerate(urls))
        made.site.page("/letters", f"<!doctype html><style>{faces} {STYLE}</style>{used}")
        await made.open(f"{made.plain}/letters")
        await made.until_looks(lambda picture: all(is_written(picture.crop((0, y, 200, y + LINE))) for y in range(0, 360, LINE)))
    await made.open(f"{made.plain}/good")
    assert made.neighbour.reached == []
    assert made.browser.pid == pid


def is_written(line: Image.Image) -> bool:
    """Whether there are letters in it."""
    return any(max(pixel) < 40 for pixel in line.get_flattened_data())
