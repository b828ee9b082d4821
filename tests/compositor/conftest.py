"""Windows to place: mpv showing one colour, as a client of the compositor under test."""

from __future__ import annotations

import asyncio
import os
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import ExitStack
from pathlib import Path

import pytest
from PIL import Image

from player.compositor.sway import Sway
from player.core.ports.screen import Window

OpenWindow = Callable[..., Awaitable[Window]]


def mpv_window(folder: Path, display: str, app_id: str, colour: str, size: tuple[int, int]) -> subprocess.Popen[bytes]:
    picture = folder / f"{app_id}.png"
    Image.new("RGB", (64, 64), colour).save(picture)
    options = (
        "config=no load-scripts=no vo=wlshm ao=null osc=no osd-level=0 input-default-bindings=no terminal=no border=no "
        "keepaspect=no keepaspect-window=no image-display-duration=inf keep-open=yes"
    )
    return subprocess.Popen(
        [
            "mpv",
            *(f"--{option}" for option in options.split()),
            f"--wayland-app-id={app_id}",
            f"--title={app_id}",
            f"--geometry={size[0]}x{size[1]}",
            str(picture),
        ],
        env=os.environ | {"XDG_RUNTIME_DIR": str(folder), "WAYLAND_DISPLAY": display},
    )


@pytest.fixture
async def open_window(sway: Sway, runtime_dir: Path) -> AsyncIterator[OpenWindow]:
    """`await open_window("sig-a", "red", (300, 200))` -> the Window, transparent, its client drawing at that size."""
    with ExitStack() as stack:

        async def opened(app_id: str, colour: str, size: tuple[int, int]) -> Window:
            process = stack.enter_context(mpv_window(runtime_dir, sway.session.wayland_display, app_id, colour, size))
            stack.callback(process.terminate)
            async with asyncio.timeout(20):
                while True:
                    for window in await sway.windows():
                        if window.pid == process.pid:
                            return window
                    await asyncio.sleep(0.03)

        yield opened
