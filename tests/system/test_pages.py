"""Pages on a device's real panel: their browser lives in a unit and as a user of its own, and comes back whoever of all dies.

A picture, a page from inside the network and a film take turns; one machine, in the order of this file. Before somebody is killed
the page gets another colour: the last picture of a stage that died stays on the panel, and what is seen is to be drawn afterwards.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import AsyncIterator, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from PIL import ImageColor

from player.demo.adcast.client import Operator
from player.demo.adcast.seed import EMAIL, PASSWORD
from player.demo.samples import Sample
from tests.fakes.samples import make_clip, make_picture
from tests.system.device import QUIET, SLOW, UNITS, Paired, installed
from tests.system.machine import HOST
from tests.system.panel import is_console

pytestmark = [pytest.mark.root, pytest.mark.nightly, pytest.mark.timeout(7200)]
PICTURE, FILM = 1, 2  # what the server calls them
PAGE = "<!doctype html><body style='background: {}'>"
GROWS = "<!doctype html><script>const all = []; setInterval(() => all.push(new Uint8Array(16 << 20).fill(1)), 50)</script>"
STEWARD = "systemctl show -P MainPID 'signage-browser@*'"
CLOSED = ("/var/lib/signage-player", "/var/cache/signage-player", "/etc/signage-player", "/run/signage-stage", "/run/dbus")
OURS = "signage,signage-stage,signage-browser"
FOLLOW = {  # who dies, and which units' processes are others afterwards: windows do not outlive their compositor
    "browser": set[str](),
    "steward": set[str](),
    "signage-stage": {"signage-stage"},
    "signage-compositor": {"signage-stage", "signage-compositor"},
}


class Pages(Paired):
    """A device, its server, and what stands at which path of a web server beside that."""

    def __init__(self, paired: Paired, site: str, at: dict[str, str]) -> None:
        super().__init__(paired.machine, paired.folder, paired.port)
        self.site, self._at = site, at

    def paint(self, colour: str) -> None:
        """The page has that colour from the next time on that it is asked for."""
        self._at["/"] = PAGE.format(colour)

    def shows(self, colour: str, name: str) -> bool:
        """Whether that is the colour on the panel."""
        rgb = ImageColor.getrgb(colour)
        return self.has_in_the_middle((rgb[0], rgb[1], rgb[2]), f"page-{name}")

    def wait_for(self, colour: str, name: str) -> None:
        """Until it is: a browser begins slowly on an emulated processor."""
        self.machine.wait(lambda: self.shows(colour, name), f"a page in {colour}, {name}", 3 * SLOW)

    def browser(self) -> int:
        """The process whose windows the stage shows; 0: none."""
        return int((self.status()["stage"] or {}).get("pids", {}).get("browser", 0))

    def process(self, name: str) -> int:
        """Of a unit, of the browser, or of who looks after that."""
        if name == "steward":
            return int(self.machine.sh(STEWARD))
        return self.browser() if name == "browser" else self.pids()[name]

    @contextlib.asynccontextmanager
    async def operated(self) -> AsyncIterator[Operator]:
        """Its server is there, and somebody has logged in."""
        async with self.server() as server, Operator(server.url) as operator:
            await operator.login(EMAIL, PASSWORD)
            yield operator

    async def proves(self, operator: Operator, page: int) -> None:
        """Until the server has one more play of the page."""

        async def count() -> int:
            (paired,) = await operator.devices()
            plays: list[dict[str, Any]] = await operator.plays(paired["id"])
            return sum(int(play["content_id"]) == page for play in plays)

        before = await count()
        async with asyncio.timeout(3 * SLOW):
            while await count() == before:  # noqa: ASYNC110 - what is waited for is the server's
                await asyncio.sleep(2)


@contextlib.contextmanager
def serving(at: dict[str, str]) -> Iterator[str]:
    """Those pages, each as it is when it is asked for; where the device finds them."""

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            content = at.get(self.path, "").encode()
            self.send_response(200 if content else 404)
            self.send_header("Content-Type", "text/html")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            """Nobody reads it."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Answer) as server:
        beside = threading.Thread(target=server.serve_forever)
        beside.start()
        try:
            yield f"http://{HOST}:{server.server_port}"
        finally:
            server.shutdown()
            beside.join()


@pytest.fixture(scope="module")
def device(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pages]:
    """A machine that is booting."""
    at = {"/grows": GROWS}
    with serving(at) as site, installed(tmp_path_factory.mktemp("pages")) as found:
        found.machine.boot(words=QUIET)
        yield Pages(found, site, at)


async def test_a_page_is_drawn_by_a_browser_that_lives_apart_and_is_proved(device: Pages) -> None:
    device.paint("lime")
    async with device.server() as server, Operator(server.url) as operator:
        picture, film = make_picture(device.folder / "Bean.png"), make_clip(device.folder / "Film.mp4", 2.0, (320, 180))
        await server.seed_samples([Sample("Bean", "image", picture, 5.0), Sample("Film", "video", film)])
        await device.pair(operator)
        page = await operator.link(f"{device.site}/", "web", "Board", 15)
        await operator.update_playlist(1, items=[PICTURE, page["id"], FILM])
        await asyncio.to_thread(device.wait_for, "lime", "first")
        await asyncio.to_thread(see_where_it_lives, device)
        await device.proves(operator, page["id"])


def see_where_it_lives(device: Pages) -> None:
    """As a user who reaches nothing of the player's, and no longer than the stage."""
    pid, run = device.browser(), device.machine.sh
    assert "/system.slice/signage-browser@" in run(f"cat /proc/{pid}/cgroup")
    assert run(f"stat -c %U /proc/{pid}") == "signage-browser"
    within = f"nsenter -t {pid} -m setpriv --reuid signage-browser --regid signage-browser --init-groups --"
    for folder in CLOSED:
        assert device.machine.try_sh(f"{within} ls {folder}/")[0] != 0, folder
    assert not device.faults() & {"browser_island", "browser_no_sandbox", "browser_gone", "stream_gate"}


@pytest.mark.parametrize(("victim", "colour"), [*zip(FOLLOW, ("blue", "red", "magenta", "yellow"), strict=True)])
def test_whoever_is_killed_the_page_comes_back_and_nobody_else_goes(device: Pages, victim: str, colour: str) -> None:
    before, gone = device.pids(), device.browser()
    killed = device.process(victim)
    device.paint(colour)
    device.machine.sh(f"kill -9 {killed}")
    seen = device.machine.watch(f"page-killed-{victim}", lambda: device.browser() not in (0, gone), 3 * SLOW)
    assert [one.path for one in seen if is_console(one.picture)] == []
    device.wait_for(colour, f"after-a-killed-{victim}")
    after = device.pids()
    assert {unit for unit in UNITS if after[unit] != before[unit]} == FOLLOW[victim]


async def test_a_page_that_grows_is_ended_and_the_programme_goes_on(device: Pages) -> None:
    before = await asyncio.to_thread(device.pids)
    async with device.operated() as operator:
        page = await operator.link(f"{device.site}/", "web", "Board", 15)
        grows = await operator.link(f"{device.site}/grows", "web", "Grows", 15)
        await operator.update_playlist(1, items=[PICTURE, grows["id"], page["id"], FILM])
        await asyncio.to_thread(device.machine.wait, lambda: "page_memory" in device.faults(), "a page to be ended", 3 * SLOW)
        device.paint("aqua")
        await asyncio.to_thread(device.wait_for, "aqua", "beside-one-that-grows")
        await operator.update_playlist(1, items=[PICTURE, page["id"], FILM])
        await asyncio.to_thread(device.machine.wait, lambda: "page_memory" not in device.faults(), "the fault to end", SLOW)
    assert await asyncio.to_thread(device.pids) == before


def test_nothing_is_left_of_a_player_that_is_stopped_and_started_again_it_shows_the_page(device: Pages) -> None:
    run = device.machine.sh
    run(f"systemctl stop {' '.join(UNITS)}")
    device.machine.wait(lambda: not run("systemctl list-units --no-legend 'signage-browser@*'"), "the browser's end", SLOW)
    assert device.machine.try_sh(f"ps -o pid,user,args -u {OURS} --no-headers")[1] == ""
    device.paint("orange")
    run(f"systemctl start --no-block {' '.join(UNITS)}")
    device.wait_for("orange", "started-again")


def test_after_a_reboot_the_page_is_back(device: Pages) -> None:
    before = device.boot_id()
    device.paint("teal")
    device.machine.sh("systemctl --no-block reboot")
    device.machine.wait(lambda: device.boot_id() != before, "a boot", 2 * SLOW)
    device.wait_for("teal", "after-a-reboot")
    assert device.machine.sh("systemctl --failed --no-legend") == ""
