"""Pages on the real stage when their servers are away, when they break, and as packages without any network."""

from __future__ import annotations

import asyncio
import contextlib
import re
import zipfile
from collections.abc import AsyncIterator
from pathlib import Path

import psutil
import pytest
from aiohttp import web
from PIL import Image

from player.core.content import Item
from player.core.kinds import Kind
from player.core.showing import STAND_IN
from player.core.turns import PAGE_LEAD_S
from player.media.prepare.parent import prepare
from tests.e2e.world import installation
from tests.fakes.browsers import MEMORY
from tests.fakes.running import bound, eventually
from tests.stage.conftest import StageBox

pytestmark = pytest.mark.stage


class Site:
    """A server that can go away and come back at the same address."""

    def __init__(self) -> None:
        self.pages: dict[str, str] = {}
        self.asked: list[str] = []
        self.silent = False
        self.slow_s: dict[str, float] = {}
        self._runner: web.AppRunner | None = None
        self._port = 0

    async def up(self) -> None:
        application = web.Application()
        application.router.add_get("/{path:.*}", self._answer)
        self._runner = web.AppRunner(application, shutdown_timeout=0.2)
        await self._runner.setup()
        runner = self._runner
        await bound(lambda: web.TCPSite(runner, "127.0.0.1", self._port, reuse_address=True).start())
        self._port = runner.addresses[0][1]

    async def down(self) -> None:
        if self._runner:
            runner, self._runner = self._runner, None
            await runner.cleanup()

    async def _answer(self, request: web.Request) -> web.Response:
        self.asked.append(request.path)
        if self.silent:
            await asyncio.sleep(30)
        await asyncio.sleep(self.slow_s.get(request.path, 0.0))
        text = self.pages.get(request.path)
        if text is None:
            return web.Response(status=503)
        return web.Response(text=text, content_type="text/html")

    def page(self, path: str, colour: str, script: str = "") -> str:
        self.pages[path] = f"<!doctype html><body style='margin:0;background:{colour}'><script>{script}</script>"
        return f"http://127.0.0.1:{self._port}{path}"


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    site = Site()
    await site.up()
    yield site
    await site.down()


async def until_kept(box: StageBox, count: int = 1) -> None:
    await eventually(lambda: len(list((box.dirs.stage / "keepsakes").glob("*.jpg"))) >= count, 30)


async def test_c19_a_page_whose_server_is_away_is_shown_by_its_last_picture_and_comes_back(box: StageBox, site: Site):
    box.publish(box.page("page", site.page("/a", "lime"), 4), box.picture("blue", 1.5))
    box.start()
    await box.until_seen("lime")
    await until_kept(box)
    await site.down()
    await box.until_shown("blue")
    status = await box.until(lambda s: any(f.code == "page_offline" for f in s.faults), 40)
    await box.until_shown("page")
    await box.until_seen("lime")
    (fault,) = [f for f in status.faults if f.item_id == "page"]
    assert "Connection refused" in fault.message
    assert "its last picture, of " in fault.message
    site.page("/a", "red")
    await site.up()
    await box.until_seen("red")
    await box.until(lambda s: not any(f.item_id for f in s.faults))
    reasons = [play.get("reason") for play in box.plays() if play["name"] == "page"]
    assert (reasons[0], STAND_IN in reasons) == (None, True)


async def test_c19_a_lone_page_comes_back_by_itself_even_after_a_restart_without_its_server(box: StageBox, site: Site):
    box.publish(box.page("page", site.page("/a", "lime"), 6))
    box.start()
    await box.until_seen("lime")
    await until_kept(box)
    site.pages.clear()  # answers, but with an error
    box.end("stage")
    box.start("stage")
    status = await box.until(lambda s: any(f.code == "page_offline" for f in s.faults))
    assert "answered 503" in str(status.faults)
    await box.until_seen("lime")
    site.page("/a", "red")
    await box.until_seen("red")


async def test_c19_a_server_that_says_nothing_costs_no_more_than_the_time_there_is(box: StageBox, site: Site):
    box.publish(box.page("page", site.page("/a", "lime"), 4), box.picture("blue", 2))
    box.start()
    await box.until_seen("lime")
    await until_kept(box)
    site.silent = True
    status = await box.until(lambda s: any(f.code == "page_offline" for f in s.faults), 40)
    assert "was not drawn within 6 s" in str(status.faults)
    await box.until_seen("lime")


async def test_c19_a_page_without_a_picture_is_skipped(box: StageBox, site: Site):
    url = site.page("/a", "lime")
    await site.down()
    box.publish(box.page("page", url, 3), box.picture("blue", 2))
    box.start()
    await box.until(lambda s: any(f.code == "page_unreachable" for f in s.faults))
    await box.until_seen("blue")


AGE = """const told = [document.visibilityState];
  document.addEventListener('visibilitychange', () => fetch(`/${told[0]}/${document.visibilityState}/${performance.now()}`));"""


async def test_case_6_a_page_is_young_when_it_is_shown_and_was_told_that_nobody_sees_it(box: StageBox, site: Site):
    box.publish(box.picture("red", 16), box.page("page", site.page("/a", "lime", AGE), 10))
    box.start()
    await box.until_seen("red")
    await box.until_seen("lime")
    async with asyncio.timeout(20):
        while not (told := [path.split("/")[1:] for path in site.asked if path.startswith("/hidden")]):  # noqa: ASYNC110
            await asyncio.sleep(0.05)
    (_, now, age) = told[0]
    assert now == "visible"
    assert float(age) / 1000 < PAGE_LEAD_S + 8, "loaded when the box started it would be as old as the picture was on"


async def test_a_slow_page_goes_on_loading_while_others_play_and_comes_when_it_can(box: StageBox, site: Site):
    box.publish(box.picture("red", 3), box.page("page", site.page("/a", "lime"), 600), box.picture("blue", 3))
    site.slow_s["/a"] = 13.0
    box.start()
    await box.until_seen("lime", limit_s=60)
    assert site.asked.count("/a") == 1
    status = await box.until(lambda _: True)
    assert not [fault for fault in status.faults if fault.item_id]
    assert {play["name"] for play in box.plays()} == {"red", "blue"}, "meanwhile"


async def test_eight_pages_that_never_come_hold_no_picture_while_one_of_them_is_waited_for(box: StageBox, site: Site):
    site.silent = True
    pages = [box.page(f"page{n}", site.page(f"/{n}", "lime"), 3) for n in range(8)]
    box.publish(box.picture("red", 2), *pages, box.picture("blue", 2))
    box.start()
    await box.until_seen("blue")
    await box.until(lambda s: s.last_play_seq >= 5)
    plays = [(play["name"], play["duration_ms"] / 1000) for play in box.plays()]
    assert all(seconds <= 6 for _, seconds in plays), plays
    assert {name for name, _ in plays} == {"red", "blue"}


# The first is ended by who looks at what pages hold; the second as well, or by the browser, which bounds what scripts keep. Both
# begin when they are seen: one that is ended before that is never on screen.
SEEN = "const kept = []; addEventListener('visibilitychange', () => setInterval(grow, 20), {once: true}); "
BUFFERS = f"{SEEN} const grow = () => {{ for (let i = 0; i < 8; i++) kept.push(new Uint8Array(8 << 20).fill(7)); }}"
ARRAYS = f"{SEEN} const grow = () => kept.push(new Array(4e6).fill(0.5))"


def largest_process(browser: int) -> int:
    """Bytes in memory of the browser's largest process."""
    root = psutil.Process(browser)
    sizes = []
    for process in [root, *root.children(recursive=True)]:
        with contextlib.suppress(psutil.NoSuchProcess):
            sizes.append(process.memory_info().rss)
    return max(sizes)


def told(log: str) -> set[str]:
    """The codes of the page's faults: each is over when the page is loaded again."""
    return set(re.findall(r" greedy: .*\((\w+)\)", log))


@pytest.mark.parametrize(
    ("script", "codes"), [(BUFFERS, {"page_memory"}), (ARRAYS, {"page_memory", "page_crashed"})], ids=["buffers", "arrays"]
)
async def test_c16_a_page_that_eats_all_memory_costs_itself_alone(box: StageBox, site: Site, script: str, codes: set[str]):
    box.environment["SIGNAGE__STAGE__PAGE_MEMORY"] = "256MiB"  # with which it is seen before it ends
    good, greedy = box.page("good", site.page("/good", "lime"), 2), box.page("greedy", site.page("/greedy", "red", script), 8)
    box.publish(good, greedy)
    box.start()
    browser = (await box.until_shown("greedy")).pids["browser"]
    largest = 0
    while (status := box.client.status) is None or any(item.name == "greedy" for item in status.items):
        largest = max(largest, await asyncio.to_thread(largest_process, browser))
        await asyncio.sleep(0.2)
    await box.until_seen("lime")
    assert largest < MEMORY.asked
    await eventually(lambda: told(box.log()), 20)
    assert told(box.log()) <= codes
    status = await box.until(lambda _: True)
    assert status.pids["browser"] == browser, "the browser itself lives on"


MENU = {
    "index.html": """<!doctype html><link rel=stylesheet href="css/menu.css">
        <body><img src="img/dish.png"><script src="js/menu.js"></script>""",
    "css/menu.css": """body { margin: 0; background: blue }
        img, div { position: absolute; left: 0; top: 0; width: 320px; height: 720px }
        div { left: 960px }""",
    "js/menu.js": """fetch('prices.json').then(answer => answer.json()).then(prices => {
        const box = document.createElement('div');
        box.style.background = prices.colour;
        document.body.append(box);
    })""",
    "prices.json": '{"colour": "white"}',
}


def menu(folder: Path) -> Path:
    """An archive of a page with a style sheet, a script, a picture and what the script fetches, in a folder of their own."""
    Image.new("RGB", (32, 72), "lime").save(folder / "dish.png")
    with zipfile.ZipFile(folder / "menu.zip", "w") as archive:
        archive.write(folder / "dish.png", "menu/img/dish.png")
        for name, text in MENU.items():
            archive.writestr(f"menu/{name}", text)
    return folder / "menu.zip"


async def test_a_package_is_shown_with_its_own_files_and_no_network(box: StageBox, tmp_path: Path):
    made = await prepare(menu(tmp_path), Kind.PACKAGE, "Menu", box.dirs.cache / "prepared", (1280, 720))
    box.publish(Item("m", "c-m", "Menu", Kind.PACKAGE, 30, file=str(made.file.relative_to(box.dirs.cache))))
    box.start()
    await box.until_seen("lime", at=(100, 360))
    await box.until_seen("blue", at=(640, 360))
    await box.until_seen("white", at=(1100, 360))


async def test_an_archive_and_a_drawing_come_from_the_server_to_the_screen(tmp_path: Path):
    (tmp_path / "sign.svg").write_text(
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 9"><path fill="blue" d="M0 0h16v9H0"/></svg>'
    )
    async with installation() as world:
        packed = await world.upload("Menu", lambda: menu(tmp_path), kind="web")
        drawn = await world.upload("Sign", lambda: tmp_path / "sign.svg", kind="image")
        await world.on_air({"content_id": packed, "duration": 4}, {"content_id": drawn, "duration": 4})
        await world.box.until_seen("lime", at=(100, 360), limit_s=30)
        await world.box.until_seen("blue", at=(100, 360), limit_s=30)
