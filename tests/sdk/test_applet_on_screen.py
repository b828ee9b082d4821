"""An applet of the public library on the screen of a whole player: uploaded, packing and unpacking files, refreshed, reloaded."""

from __future__ import annotations

import hashlib
import io
import json
import shutil
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp.test_utils import unused_port

from tests.e2e.player_box import PlayerBox, until
from tests.sdk.test_front_applet import BUNDLE

pytestmark = [pytest.mark.stage, pytest.mark.nightly]
LEFT, RIGHT = (320, 360), (960, 360)
PAGE = """<!doctype html><body style="margin:0;background:red">
<style>iframe {position: fixed; left: 50%; top: 0; width: 50%; height: 100%; border: 0}</style>
<script src="bundle.js"></script><script>
sos.onReady(async () => {
  const files = sos.fileSystem;
  const [unit] = await files.listInternalStorageUnits();
  const at = filePath => ({storageUnit: unit, filePath});
  const kept = await files.exists(at('out'));
  await sos.command.dispatch({type: 'Begun', kept, noted: localStorage.getItem('note')});
  localStorage.setItem('note', 'kept');
  if (!kept) {
    await files.createDirectory(at('in'));
    await files.writeFile(at('in/colour'), 'lime');
    await files.writeFile(at('in/page.html'), '<body style="background:blue">');
    await files.createArchive(at('all.zip'), [at('in')]);
    await files.deleteFile(at('in'), true);
    await files.createDirectory(at('out'));
    await files.extractFile(at('all.zip'), at('out'), 'zip');
  }
  let torn = '';
  try { await files.extractFile(at('out/in/colour'), at('out'), 'zip'); } catch (error) { torn = error.message; }
  const inner = document.body.appendChild(document.createElement('iframe'));
  inner.src = (await files.getFile(at('out/in/page.html'))).localUri;
  document.body.style.background = await files.readFile(at('out/in/colour'));
  await sos.command.dispatch({type: 'Shown', torn, listed: (await files.listFiles(at('out/in'))).map(one => one.filePath)});
});
</script>"""


@pytest.fixture
async def box() -> AsyncIterator[tuple[PlayerBox, str]]:
    """A player without a server, and the address of its management."""
    folder = Path(tempfile.mkdtemp(prefix="t-"))
    listen = f"127.0.0.1:{unused_port()}"
    made = PlayerBox(folder, "http://127.0.0.1:9", SIGNAGE__CONTROL__LISTEN=listen, SIGNAGE__DEVICES__CONTENT="above")
    for path in (made.dirs.state, made.dirs.cache, made.dirs.runtime):
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    await made.start()
    try:
        yield made, f"http://{listen}"
    finally:
        await made.stop()
        shutil.rmtree(folder, ignore_errors=True)


class Tool:
    """Whoever manages it."""

    def __init__(self, session: aiohttp.ClientSession, url: str, auth: str) -> None:
        self._session, self._url, self._headers = session, url, {"X-Auth": auth}

    async def ask(self, method: str, path: str, body: Any = None) -> Any:
        """What is answered, or, where it is made, its uid."""
        async with self._session.request(method, self._url + path, json=body, headers=self._headers) as answer:
            said = await answer.read()
            assert answer.status < 300, said
            made = answer.headers.get("Location") or answer.headers.get("Link", "").strip("<>")
            return made.rpartition("/")[2] or json.loads(said)

    async def upload(self, version: str, path: str, raw: bytes) -> None:
        """A file of an applet."""
        md5 = hashlib.md5(raw, usedforsecurity=False).hexdigest()
        asked = await self.ask("POST", f"{version}/file", {"path": path, "type": "text/html", "hash": md5})
        form = aiohttp.MultipartWriter("form-data")
        form.append(io.BytesIO(raw)).set_content_disposition("form-data", name="file")
        async with self._session.post(asked["upload"]["request"]["url"], data=form) as answer:
            assert answer.status == 201


async def test_archives_are_packed_and_unpacked_on_the_screen_and_a_reload_begins_without_them(box: tuple[PlayerBox, str]):
    player, url = box
    await player.until(lambda status: status["stage"], "the stage")
    _, said, _ = await player.say("token", "create", "--kind", "device", "--name", "tool", "--scope", "admin")
    auth = next(line.split()[1] for line in said.splitlines() if line.startswith("X-Auth"))
    async with aiohttp.ClientSession() as session:
        tool = Tool(session, url, auth)
        (this,) = await tool.ask("GET", "/v1/device")
        device, applet = this["uid"], await tool.ask("POST", "/v1/applet", {"name": "Menu"})
        version = f"/v1/applet/{applet}/version"
        await tool.ask("POST", version, {"version": "1.0.0", "frontAppletVersion": "8.2.4", "entryFile": "index.html"})
        await tool.upload(f"{version}/1.0.0", "bundle.js", BUNDLE.read_bytes())
        await tool.upload(f"{version}/1.0.0", "index.html", PAGE.encode())
        await tool.ask("POST", f"/v1/device/{device}/applet", {"appletUid": applet, "appletVersion": "1.0.0"})

        async def told(count: int) -> list[Any] | None:
            """What the page said, oldest first, once it is so much."""
            found = await tool.ask("GET", f"/v1/device/{device}/applet/{applet}/command")
            return [one["command"] for one in reversed(found)] if len(found) >= count else None

        async def powered(word: str) -> None:
            await tool.ask("POST", f"/v1/device/{device}/power-action", {"devicePowerAction": word})

        for count, word, begun in (
            (2, "APPLET_REFRESH", {"type": "Begun", "kept": False, "noted": None}),
            (4, "APPLET_RELOAD", {"type": "Begun", "kept": True, "noted": "kept"}),
            (6, "", {"type": "Begun", "kept": False, "noted": None}),
        ):
            said_so_far = await until(f"{count} words of the page's", lambda wanted=count: told(wanted), 60)
            assert said_so_far[count - 2] == begun
            assert (said_so_far[count - 1]["listed"], "no zip archive" in said_so_far[count - 1]["torn"]) == (
                ["out/in/colour", "out/in/page.html"], True,
            )  # fmt: skip
            await player.until_seen("lime", at=LEFT)
            await player.until_seen("blue", at=RIGHT)
            if word:
                await powered(word)
    own = list((player.dirs.cache / "applets/own").glob("*/files/*"))
    assert sorted(path.name for path in own) == ["all.zip", "out"]
    assert not list((player.dirs.cache / "applets/parts").glob("*"))
