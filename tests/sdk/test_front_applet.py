"""An applet of the public library, @signageos/front-applet, in the real browser under a real sway, with the stage's host."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from player.compositor.sway import Sway
from player.core.applet_layout import applet_item
from player.core.applets import AppletRun
from player.core.content import Rect
from player.core.ports.applets import AppletEvent, AppletPlayed, AppletSpoke
from player.core.ports.screen import Playable
from player.errors import BoxError
from player.runtime.tasks import Latest, keep_running
from player.stage.applets import AppletBoard
from player.stage.web.browser import BrowserProcess
from player.stage.web.surface import WebSurface
from tests.conftest import looking, running_sway
from tests.fakes.faults import fault_page
from tests.fakes.way_out import STRAIGHT
from tests.what_plays import film

pytestmark = [pytest.mark.stage, pytest.mark.asyncio(loop_scope="module")]
BUNDLE = Path(__file__).parent / "node_modules/@signageos/front-applet/dist/bundle.js"
SIZE = (640, 360)
PAGE = """<!doctype html><body style="margin:0;background:red"><script src="../bundle.js"></script><script>
sos.onReady(async () => {
  const said = what => sos.command.dispatch(what);
  let opened;
  const open = new Promise(done => { opened = done; });
  sos.command.onCommand(({command}) => opened(command));
  await said({type: 'Ready', title: sos.config.title, version: sos.appletVersion, hash: sos.authHash});
  const command = await open;
  await said({type: 'Opened', dish: command.dish});
  let refused = '';
  try { await sos.management.audio.setVolume(10); } catch (error) { refused = error.code || error.message; }
  await said({type: 'Volume', refused});
  await sos.video.prepare('/film.mp4', 0, 0, 320, 360);
  await sos.video.play('/film.mp4', 0, 0, 320, 360);
  await said({type: 'Playing'});
  await sos.video.onceEnded('/film.mp4', 0, 0, 320, 360);
  await sos.proofOfPlay.recordItemPlayed({name: 'Film', customId: '7', type: 'video', fileName: 'film.mp4', playbackSuccess: true});
  await said({type: 'Done'});
});
</script>"""


@pytest_asyncio.fixture(loop_scope="module")
async def folder(tmp_path: Path) -> Path:
    """A built applet."""
    folder = tmp_path / "applets" / "built" / "f00d"
    (folder / "dist").mkdir(parents=True)
    shutil.copy(BUNDLE, folder / "bundle.js")
    (folder / "dist" / "index.html").write_text(PAGE, encoding="utf-8")
    await asyncio.to_thread(
        film("-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-f", "mp4"), folder / "film.mp4", "lime"
    )
    return folder


@pytest_asyncio.fixture(loop_scope="module")
async def sway() -> AsyncIterator[tuple[Sway, BrowserProcess, Path]]:
    with tempfile.TemporaryDirectory(prefix="s-", ignore_cleanup_errors=True) as name, running_sway(Path(name)) as socket:
        async with await Sway.connect(socket, 10) as sway:
            browser = BrowserProcess(
                Path(name),
                sway.session.wayland_display,
                Latest(STRAIGHT),
                faults=fault_page(),
                program="auto",
                gpu=False,
                sandbox=True,
            )
            running = asyncio.ensure_future(keep_running("browser", browser.run))
            yield sway, browser, Path(name)
            running.cancel()
            await asyncio.wait([running])


async def test_it_becomes_ready_is_commanded_plays_a_video_and_records_it(
    sway: tuple[Sway, BrowserProcess, Path], folder: Path
):  # fmt: skip
    screen, browser, place = sway
    board, look = AppletBoard(folder), looking(screen, place)
    told = {"auth_hash": "a1b2", "device_name": "Lobby", "player_version": "1"}
    run = AppletRun("menu", "1.0.0", {"title": "Menu"}, files="f00d", entry="dist/index.html", scope=1, told=told)
    surface = WebSurface(browser, "applet", None, board)

    async def told_of() -> AppletEvent:
        async with asyncio.timeout(20):
            return await board.events.get()

    async def said() -> Any:
        event = await told_of()
        assert isinstance(event, AppletSpoke)
        assert event.applet == "menu"
        return event.command

    with pytest.raises(BoxError):
        board.command("menu", {"type": "Open"})
    await surface.open("")
    async with asyncio.timeout(20):
        while not (found := [one for one in await screen.windows() if one.app_id == surface.app_id]):  # noqa: ASYNC110
            await asyncio.sleep(0.02)
    await screen.place(found[0].id, Rect(0, 0, *SIZE))
    item = applet_item(run, "t", 0)
    await surface.load(Playable(item, str(folder / "dist" / "index.html"), SIZE))
    await screen.show_above(found[0].id)
    surface.start()

    assert await said() == {"type": "Ready", "title": "Menu", "version": "1.0.0", "hash": "a1b2"}
    board.command("menu", {"type": "Open", "dish": 7})
    assert await said() == {"type": "Opened", "dish": 7}
    assert (await said())["refused"] == "NO_ACCESS"
    assert (await said())["type"] == "Playing"
    async with asyncio.timeout(20):
        while (await look()).getpixel((100, 100))[:2] != (0, 255):  # noqa: ASYNC110 - the screen has no event
            await asyncio.sleep(0.05)
    assert (await look()).getpixel((500, 100)) == (255, 0, 0)
    assert (await said())["type"] == "PoP.ItemPlayed"
    played = await told_of()
    assert isinstance(played, AppletPlayed)
    assert (played.play.name, played.play.custom_id, played.item) == ("Film", "7", item)
    assert (await said())["type"] == "Done"
    await surface.unload()
    assert repr(board) == "<applets: none open>"
    await surface.close()
