"""An applet of the public library, @signageos/front-applet, in the real browser under a real sway, with the stage's host."""

from __future__ import annotations

import asyncio
import itertools
import shutil
import time
import zipfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from aiohttp import web
from aiohttp.test_utils import TestServer

from player.agent.devices.applet_storage import AppletStorage
from player.compositor.sway import Sway
from player.core.applet_layout import applet_item
from player.core.applet_storage import PARTS
from player.core.applets import AppletRun
from player.core.content import Item, Rect
from player.core.ports.applets import AppletAsks, AppletEvent, AppletPlayed, AppletSpoke
from player.core.ports.screen import Playable
from player.errors import BoxError, SignageError
from player.media.prepare.parent import have_archive
from player.stage.applets import AppletBoard
from player.stage.web.applet_page import AT_ONCE
from player.stage.web.browser import LOAD_S, BrowserProcess
from player.stage.web.surface import WebSurface
from tests.conftest import looking
from tests.fakes.browsers import running_browser
from tests.fakes.downloads import FakeDownloads
from tests.fakes.running import eventually, running
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
  const {currentDate} = await sos.management.time.get();
  await sos.offline.cache.loadOrSaveFile('film.mp4', 'http://a.example/film.mp4');
  const film = (await sos.offline.cache.loadFile('film.mp4')).filePath;
  const [unit] = await sos.fileSystem.listInternalStorageUnits();
  await sos.fileSystem.writeFile({storageUnit: unit, filePath: 'note'}, 'kept');
  const note = await sos.fileSystem.readFile({storageUnit: unit, filePath: 'note'});
  const missing = await sos.fileSystem.getFile({storageUnit: unit, filePath: 'x'});
  await said({type: 'Files', note, missing, at: currentDate.getTime()});
  const at = filePath => ({storageUnit: unit, filePath});
  await sos.fileSystem.createArchive(at('all.zip'), [at('note')]);
  await sos.fileSystem.createDirectory(at('out'));
  await sos.fileSystem.extractFile(at('all.zip'), at('out'), 'zip');
  const out = await sos.fileSystem.readFile(at('out/note'));
  await sos.offline.cache.saveFile('menu.zip', 'http://a.example/menu.zip');
  await sos.offline.cache.decompressFile('menu.zip', 'menu', 'zip');
  const inner = document.body.appendChild(document.createElement('iframe'));
  inner.src = (await sos.offline.cache.loadFile('menu/index.html')).filePath;
  await new Promise(done => { inner.onload = done; });
  const dish = inner.contentDocument.body.textContent;
  inner.remove();
  let torn = '';
  try { await sos.fileSystem.extractFile(at('note'), at('out'), 'zip'); } catch (error) { torn = error.message; }
  await said({type: 'Archives', out, dish, torn});
  await sos.video.prepare(film, 0, 0, 320, 360);
  await sos.video.play(film, 0, 0, 320, 360);
  await said({type: 'Playing'});
  await sos.video.onceEnded(film, 0, 0, 320, 360);
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
    with zipfile.ZipFile(folder / "menu.zip", "w") as archive:
        archive.writestr("index.html", "<body><script src=js/dish.js></script>")
        archive.writestr("js/dish.js", "document.body.textContent = 'Soup';")
    await asyncio.to_thread(
        film("-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-f", "mp4"), folder / "film.mp4", "lime"
    )
    return folder


class Stage:
    """A surface on the screen of that sway, its board, and an agent that keeps files. `said` are the page's commands and plays."""

    def __init__(self, sway: tuple[Sway, BrowserProcess, Path], cache: Path) -> None:
        self.screen, self._browser, place = sway
        self.board, self.look = AppletBoard(cache), looking(self.screen, place)
        film_there = {f"http://a.example/{name}": cache / name for name in ("film.mp4", "menu.zip")}
        held = {url: path.read_bytes() for url, path in film_there.items() if path.exists()}
        self._storage = AppletStorage(cache, FakeDownloads(held, cache / PARTS).fetch, have_archive, spare=0, mono=time.monotonic)
        self.surface = WebSurface(self._browser, f"applet{next(NUMBERS)}", None, self.board)
        self._said: asyncio.Queue[AppletEvent] = asyncio.Queue()

    async def show(self, item: Item, target: str) -> None:
        """Brings the page on screen."""
        await self.surface.open("")
        async with asyncio.timeout(20):
            while not (found := [one for one in await self.screen.windows() if one.app_id == self.surface.app_id]):  # noqa: ASYNC110
                await asyncio.sleep(0.02)
        await self.screen.place(found[0].id, Rect(0, 0, *SIZE))
        await self.surface.load(Playable(item, target, SIZE))
        await self.screen.show_above(found[0].id)
        self.surface.start()

    async def answer(self) -> None:
        """Does what pages ask for, for ever."""
        while True:
            event = await self.board.events.get()
            if not isinstance(event, AppletAsks):
                self._said.put_nowait(event)
            elif event.what.startswith("management."):
                self.board.settle(event.number, {"currentDate": 86_400_000, "timezone": "Europe/Rome"})
            else:
                try:
                    self.board.settle(event.number, await self._storage.do(event.applet, event.what, event.asked))
                except (ValueError, SignageError) as error:
                    self.board.settle(event.number, refusal=str(error))

    async def told(self) -> AppletEvent:
        """What the page said next."""
        async with asyncio.timeout(20):
            return await self._said.get()

    async def said(self) -> Any:
        """The command that it said next."""
        event = await self.told()
        assert isinstance(event, AppletSpoke)
        assert event.applet == "menu"
        return event.command


NUMBERS = itertools.count(1)


@pytest_asyncio.fixture(loop_scope="module")
async def sway() -> AsyncIterator[tuple[Sway, BrowserProcess, Path]]:
    async with running_browser(LOAD_S) as found:
        yield found


async def test_it_becomes_ready_is_commanded_keeps_files_plays_a_video_and_records_it(
    sway: tuple[Sway, BrowserProcess, Path], folder: Path
):  # fmt: skip
    stage = Stage(sway, folder)
    board, look, said = stage.board, stage.look, stage.said
    told = {"auth_hash": "a1b2", "device_name": "Lobby", "player_version": "1"}
    run = AppletRun("menu", "1.0.0", {"title": "Menu"}, files="f00d", entry="dist/index.html", scope=1, told=told)
    with pytest.raises(BoxError):
        board.command("menu", {"type": "Open"})
    item = applet_item(run, "t", 0)
    await stage.show(item, str(folder / "dist" / "index.html"))
    async with running(stage.answer()):
        assert await said() == {"type": "Ready", "title": "Menu", "version": "1.0.0", "hash": "a1b2"}
        board.command("menu", {"type": "Open", "dish": 7})
        assert await said() == {"type": "Opened", "dish": 7}
        assert (await said())["refused"] == "NO_ACCESS"
        assert await said() == {"type": "Files", "note": "kept", "at": 86_400_000, "missing": None}
        unpacked = await said()
        assert (unpacked["type"], unpacked["out"], unpacked["dish"]) == ("Archives", "kept", "Soup")
        assert "no zip archive" in unpacked["torn"]
        assert (await said())["type"] == "Playing"
        async with asyncio.timeout(20):
            while (await look()).getpixel((100, 100))[:2] != (0, 255):  # noqa: ASYNC110 - the screen has no event
                await asyncio.sleep(0.05)
        assert (await look()).getpixel((500, 100)) == (255, 0, 0)
        assert (await said())["type"] == "PoP.ItemPlayed"
        played = await stage.told()
        assert isinstance(played, AppletPlayed)
        assert (played.play.name, played.play.custom_id, played.item) == ("Film", "7", item)
        assert (await said())["type"] == "Done"
        scripts = {
            "if (sos.config.title !== 'Menu') throw new Error('another title')": "",
            "throw new Error('no dish')": "no dish", "await Promise.reject('later')": "later", "dish(": "SyntaxError",
            "await sos.fileSystem.listInternalStorageUnits(); return {toString: 7}": "",
        }  # fmt: skip
        for script, failure in scripts.items():
            found = await board.examine("menu", "1.0.0", script)
            assert (failure in found) if failure else found == "", script
    await stage.surface.unload()
    assert repr(board) == "<applets: none open>"
    await stage.surface.close()


VIDEOS = """<!doctype html><body><script src="../bundle.js"></script><script>
const events = [];
const until = async true_ => { while (!true_()) await new Promise(done => setTimeout(done, 20)); };
for (const name of ['Ended', 'Error']) {
  sos.video[`on${name}`](({srcArguments}) => events.push([name, srcArguments.uri.split('/').pop(), srcArguments.y]));
}
sos.onReady(async () => {
  const film = new URL('../film.mp4', location).href, at = [0, 0, 64, 36];
  await sos.video.prepare(film, ...at);
  const [video] = document.querySelectorAll('video');
  const found = [];
  const look = () => found.push([video.style.visibility, video.paused, document.querySelectorAll('video').length]);
  look();
  await sos.video.play(film, ...at);
  await until(() => video.currentTime > 0);
  look();
  await sos.video.pause(film, ...at);
  look();
  await sos.video.resume(film, ...at);
  look();
  for (const name of ['ended', 'error']) video.dispatchEvent(new Event(name));
  dispatchEvent(new PointerEvent('pointerdown', {bubbles: true}));
  await until(() => events.length && video.ended);
  await sos.video.play(film, ...at);
  await until(() => video.currentTime > 0 && !video.ended);
  look();
  await sos.video.stop(film, ...at);
  look();
  await sos.video.play(new URL('none.mp4', location).href, ...at);
  await until(() => events.length > 1);
  for (let y = 1; y < 9; y++) await sos.video.prepare(film, 0, y, 64, 36);
  await until(() => events.length > 2);
  const {zIndex, position, objectFit, left, top, width, height} = document.querySelector('video').style;
  await sos.command.dispatch({type: 'Videos', found, events, style: [zIndex, position, objectFit, left, top, width, height]});
});
</script>"""


async def test_videos_are_prepared_paused_ended_and_stopped_and_nobody_but_they_says_so(
    sway: tuple[Sway, BrowserProcess, Path], folder: Path
):  # fmt: skip
    stage = Stage(sway, folder)
    (folder / "dist" / "index.html").write_text(VIDEOS, encoding="utf-8")
    run = AppletRun("menu", "1.0.0", {}, files="f00d", entry="dist/index.html")
    await stage.show(applet_item(run, "t", 0), str(folder / "dist" / "index.html"))
    async with running(stage.answer()):
        told = await stage.said()
    prepared, playing, paused = ["hidden", True, 1], ["visible", False, 1], ["visible", True, 1]
    assert told["found"] == [prepared, playing, paused, playing, playing, ["visible", True, 0]]
    assert told["events"] == [["Ended", "film.mp4", 0], ["Error", "none.mp4", 0], ["Error", "film.mp4", 8]]
    assert told["style"] == ["-1", "fixed", "fill", "0px", "7px", "64px", "36px"], "the last one lies lowest"
    await stage.surface.unload()
    await stage.surface.close()


HOSTILE = """<!doctype html><body><iframe srcdoc="<script>
parent.postMessage({type: 'hug_api.ready'}, '*');
parent.postMessage({type: 'hug.command.dispatch', invocationUid: 'f', command: {type: 'FromAFrame'}}, '*');
parent.postMessage('framed', '*');
</script>"></iframe><script>
const codes = {};
let answers = 0, framed = false;
const say = (type, uid, more) => postMessage({type: `hug.${type}`, invocationUid: uid, ...more});
const command = (type, more) => say('command.dispatch', type, {command: {type, ...more}});
addEventListener('message', event => {
  const {type, invocationUid, error, command: given} = event.data;
  if (event.data === 'framed') framed = true;
  if (type === 'hug.config.update') attack();
  if (type === 'hug.command.dispatch_to_applet') location.href = given.address;
  if (type === 'hug.invocation.success' || type === 'hug.invocation.error') {
    answers += 1;
    if (error) codes[error.code] = (codes[error.code] || 0) + 1;
    if (answers === 20006) command('Counted', {framed, many: codes.TOO_MANY, bad: codes.BAD_MESSAGE});
  }
});
const attack = () => {
  say('device_info.get_device_name', 'half', {text: '\\ud800'});
  say('device_info.get_device_name', 'wide', {number: 2 ** 64});
  say('device_info.get_device_name', 'deep', {list: Array(300).fill().reduce(held => [held], 7)});
  for (let n = 0; n < 20000; n++) say('device_info.get_device_name', `n${n}`);
  say('file_system.write_file', 'large', {contents: 'x'.repeat(2 ** 22)});
  const round = {};
  round.round = round;
  say('device_info.get_device_name', 'round', {round});
  say('device_info.get_device_name', 'big', {number: 1n});
};
dispatchEvent(new MessageEvent('message', {data: {type: 'hug_api.ready'}, source: window}));
document.addEventListener('DOMContentLoaded', () => postMessage({type: 'hug_api.ready'}));
</script>"""
ELSEWHERE = """<script>
addEventListener('message', event => fetch('/heard'));
postMessage({type: 'hug_api.ready'}, '*');
postMessage({type: 'hug.command.dispatch', invocationUid: 'e', command: {type: 'FromElsewhere'}}, '*');
fetch('/here');
</script>"""


async def test_a_page_that_floods_its_host_is_told_so_and_one_that_leads_elsewhere_has_none_there(
    sway: tuple[Sway, BrowserProcess, Path], folder: Path
):  # fmt: skip
    stage, asked = Stage(sway, folder), []

    async def elsewhere(request: web.Request) -> web.Response:
        asked.append(request.path)
        return web.Response(text=ELSEWHERE, content_type="text/html")

    (folder / "index.html").write_text(HOSTILE, encoding="utf-8")
    run = AppletRun("menu", "1.0.0", {}, files="f00d", scope=3)
    await stage.show(applet_item(run, "t", 0), str(folder / "index.html"))
    app = web.Application()
    app.router.add_get("/{path:.*}", elsewhere)
    async with running(stage.answer()), TestServer(app) as server:
        counted = await stage.said()
        assert (counted["type"], counted["framed"], counted["bad"]) == ("Counted", True, 2)
        assert 10_000 < counted["many"] < 20_000 - AT_ONCE
        stage.board.command("menu", {"type": "Leave", "address": str(server.make_url("/"))})
        await eventually(lambda: "/here" in asked, 20)
        assert "the page leads elsewhere" in await stage.board.examine("menu", "1.0.0", "fetch('/heard')")
        stage.board.command("menu", {"type": "Secret"})
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(1):
                await stage.told()
        assert asked.count("/heard") <= 2, "it hears what it says to itself, and nothing else"
    await stage.surface.unload()
    await stage.surface.close()
