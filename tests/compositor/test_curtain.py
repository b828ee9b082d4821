"""The curtain itself, beside windows of mpv: what it takes, holds and gives up."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from player.core.curtain import IDLE_DRAWN
from tests.e2e.player_box import until
from tests.fakes.running import eventually

pytestmark = pytest.mark.stage

HALF = (640, 720)


class Line:
    """The stage's part."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.reader: asyncio.StreamReader | None = None
        self.writer: asyncio.StreamWriter | None = None

    async def open(self) -> None:
        self.close()

        async def opened() -> bool:
            try:
                self.reader, self.writer = await asyncio.open_unix_connection(str(self.folder / "curtain.sock"))
            except OSError:
                return False
            return True

        await until("opened", opened, 20.0)

    def close(self) -> None:
        if self.writer:
            self.writer.close()

    async def say(self, word: str) -> None:
        assert self.reader
        assert self.writer
        self.writer.write(f"{word}\n".encode())
        async with asyncio.timeout(20):
            assert await self.reader.readexactly(1) == b"."

    @property
    def record(self) -> dict[str, Any]:
        try:
            found: dict[str, Any] = json.loads((self.folder / "curtain.json").read_text())
        except (OSError, ValueError):
            return {}
        return found

    async def take(self) -> None:
        """A picture, until it hangs there."""
        before = self.record.get("panels")
        await self.say("still")
        await eventually(lambda: self.record.get("panels") not in (None, {}, before), 20)


@pytest.fixture
async def line(headless_sway, runtime_dir: Path) -> AsyncIterator[Line]:
    made = Line(runtime_dir)
    await made.open()
    yield made
    made.close()


def curtain_pid(folder: Path) -> int:
    """The curtain of the compositor in `folder`."""
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            ours = b"player.compositor.curtain" in (entry / "cmdline").read_bytes().split(b"\0")
            if ours and f"XDG_RUNTIME_DIR={folder}".encode() in (entry / "environ").read_bytes().split(b"\0"):
                return int(entry.name)
        except OSError:
            continue
    return 0


async def test_what_windows_showed_stays_to_the_pixel_when_they_are_gone(line: Line, sway, look, open_window):
    left = await open_window("sig-left", "red", HALF)
    right = await open_window("sig-right", "blue", HALF)
    for window, x in ((left, 0), (right, 640)):
        await sway._run(f"[con_id={window.id}] move absolute position {x} px 0 px")
        await sway.show_above(window.id)

    async def drawn() -> bool:
        seen = await look()
        return (seen.getpixel((10, 10)), seen.getpixel((1270, 700))) == ((255, 0, 0), (0, 0, 255))

    await until("drawn", drawn, 20.0)
    before = await look()
    await line.take()
    for window in (left, right):
        os.kill(window.pid, signal.SIGKILL)

    async def gone() -> bool:
        return not await sway.windows()

    await until("gone", gone, 20.0)
    assert (await look()).tobytes() == before.tobytes()
    await eventually(lambda: len(list(line.folder.glob("still-*.bmp"))) == 1, 20)

    await sway._run("output HEADLESS-1 transform 90")

    async def turned() -> bool:
        seen = await look()
        return seen.size == (720, 1280) and seen.transpose(Image.Transpose.ROTATE_270).tobytes() == before.tobytes()

    await until("turned", turned, 20.0)  # it lies on the same pixels of the panel
    await sway._run("output HEADLESS-1 transform normal")

    before_it = curtain_pid(line.folder)
    os.kill(before_it, signal.SIGKILL)
    await eventually(lambda: curtain_pid(line.folder) not in (0, before_it), 20)
    await line.open()

    async def again() -> bool:
        return (await look()).tobytes() == before.tobytes()

    await until("again", again, 20.0)
    await line.take()
    await line.take()
    await eventually(lambda: len(list(line.folder.glob("still-*.bmp"))) == 1, 20)  # what hangs there no more takes no memory


async def test_black_the_brand_and_a_picture_follow_each_other_as_they_are_told(line: Line, sway, look, open_window):
    Image.new("RGB", (1280, 720), "lime").save(line.folder / "idle.png")
    await line.say(IDLE_DRAWN)
    for word, colour in (("brand", (0, 255, 0)), ("black", (0, 0, 0)), ("brand", (0, 255, 0))):
        await line.say(word)

        async def shown(colour=colour) -> bool:
            return {(await look()).getpixel(at) for at in ((0, 0), (640, 360), (1279, 719))} == {colour}

        await until("shown", shown, 20.0)
    window = await open_window("sig-a", "red", (1280, 720))
    await sway.show_above(window.id)

    async def red() -> bool:
        return (await look()).getcolors(1) == [(1280 * 720, (255, 0, 0))]

    await until("red", red, 20.0)
    await line.take()
    os.kill(window.pid, signal.SIGKILL)
    await eventually(lambda: line.record.get("swaybg") == 0, 20)
    await until("red", red, 20.0)
