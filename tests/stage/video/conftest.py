"""Windows of libmpv on a real headless screen, and content made for them."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest_asyncio
from PIL import Image

from player.compositor.sway import Sway
from player.core.content import Item, Rect
from player.core.kinds import Kind
from player.core.ports.screen import Playable
from player.stage.video.mpv import LOAD_LIMIT_S, MpvSurface
from tests.conftest import Look, looking, running_sway
from tests.fakes.films import open_film

SIZE = (640, 360)
CORNER = Rect(0, 0, *SIZE)
CENTRE = (320, 180)
LIME, RED, BLACK = (0, 255, 0), (255, 0, 0), (0, 0, 0)
LOAD_S, STILL_S = 3.0, 1.5  # shorter than in use, so that waiting for them takes less of everyone's time
SOFTWARE = {"vo": "wlshm", "hwdec": "no", "ao": "null"}


def encode(path: Path, *words: str) -> Path:
    subprocess.run(["ffmpeg", "-v", "error", "-y", *words, str(path)], check=True, timeout=30)
    return path


def colour(name: str, seconds: float, size: str = "320x180", rate: int = 25) -> tuple[str, ...]:
    source = f"color={name}:s={size}:r={rate}:d={seconds}"
    return ("-f", "lavfi", "-i", source, "-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-g", str(rate))


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def screen() -> AsyncIterator[tuple[Sway, Look]]:
    """One headless screen for all of these tests, and this process as its client."""
    folder = Path(tempfile.mkdtemp(prefix="s-"))
    before = {name: os.environ.get(name) for name in ("WAYLAND_DISPLAY", "XDG_RUNTIME_DIR")}
    with running_sway(folder) as ipc:
        async with await Sway.connect(ipc, 30) as sway:
            os.environ |= {"WAYLAND_DISPLAY": sway.session.wayland_display, "XDG_RUNTIME_DIR": str(folder)}
            yield sway, looking(sway, folder)
    for name, value in before.items():
        os.environ.pop(name)
        if value is not None:
            os.environ[name] = value
    shutil.rmtree(folder, ignore_errors=True)


class Window:
    """A surface at the screen's corner, and what can be seen of it."""

    def __init__(self, surface: MpvSurface, sway: Sway, look: Look) -> None:
        self.surface, self._sway, self._look, self._rect = surface, sway, look, CORNER

    async def show(self, rect: Rect = CORNER) -> None:
        async with asyncio.timeout(20):
            while not (found := [w for w in await self._sway.windows() if w.app_id == self.surface.app_id]):  # noqa: ASYNC110 - another process's state
                await asyncio.sleep(0.02)
        self._rect = rect
        await self._sway.place(found[0].id, rect)
        await self._sway.show_above(found[0].id)

    async def seen(self, at: tuple[int, int] = CENTRE) -> tuple[int, int, int]:
        return (await self._look()).getpixel(at)

    async def picture(self) -> Image.Image:
        rect = self._rect
        return (await self._look()).crop((rect.x, rect.y, rect.x + rect.width, rect.y + rect.height))

    async def until_seen(self, wanted: tuple[int, int, int], at: tuple[int, int] = CENTRE, limit_s: float = 20.0) -> None:
        async with asyncio.timeout(limit_s):
            while not near(await self.seen(at), wanted):  # noqa: ASYNC110 - another process's state
                await asyncio.sleep(0.05)


def near(one: tuple[int, ...], other: tuple[int, ...]) -> bool:
    return all(abs(a - b) < 24 for a, b in zip(one, other, strict=True))


Open = Callable[..., Awaitable[Window]]


@pytest_asyncio.fixture(loop_scope="module")
async def open_window(screen: tuple[Sway, Look]) -> AsyncIterator[Open]:
    """Makes windows that end with the test."""
    async with contextlib.AsyncExitStack() as stack:

        async def opened(load_limit_s: float = LOAD_LIMIT_S, **options: object) -> Window:
            name = f"sig-test-{os.urandom(3).hex()}"
            surface = await open_film(name, SIZE, SOFTWARE | options, load_limit_s=load_limit_s)
            stack.push_async_callback(surface.close)
            return Window(surface, *screen)

        yield opened


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def window(screen: tuple[Sway, Look]) -> AsyncIterator[Window]:
    """One window that is used again and again, as a region does."""
    surface = await open_film("sig-test", SIZE, SOFTWARE, stall_s=STILL_S)
    made = Window(surface, *screen)
    await made.show()
    yield made
    await surface.close()


def playable(target: Path | str, kind: Kind = Kind.VIDEO, name: str = "clip", **more: object) -> Playable:
    return Playable(Item("i", "c", name, kind, 0.0), str(target), SIZE, **more)


def now() -> float:
    return asyncio.get_running_loop().time()
