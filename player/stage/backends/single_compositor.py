"""The compositor's part where there is none (`stage.backend = "single"`): one output, the window itself; and how it is opened."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import os
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from player.config import StageConfig
from player.core.address_policy import Why
from player.core.content import Orientation, Rect
from player.core.egress import WayOut
from player.core.ports.screen import CompositorEvent, CompositorGone, Output, OutputsChanged, Window
from player.errors import BoxError
from player.stage.backends.null import NullCompositor
from player.stage.backends.single import SingleScreen
from player.stage.video.gate import Gate
from player.stage.video.sound import always

OUTPUT = "window"
LOOK_S = 1.0  # how often the window's size is looked at


class SingleCompositor(NullCompositor):
    """Implements `core.ports.screen.Compositor` for the one window: it agrees to whatever placing and stacking would do."""

    def __init__(self, screen: SingleScreen, size: tuple[int, int]) -> None:
        super().__init__(size)
        self._screen = screen

    async def windows(self) -> Sequence[Window]:
        """One for every surface, all the same."""
        rect = Rect(0, 0, *self._size)
        return [Window(surface.number, surface.app_id, surface.pid, rect) for surface in self._screen.surfaces]

    async def outputs(self) -> Sequence[Output]:
        """The window, as large as it is. Raises BoxError when it does not answer."""
        width, height = await self._screen.window.ask(lambda handle: (handle.osd_width, handle.osd_height))
        if width and height:
            self._size = (width, height)
        return [Output(OUTPUT, Rect(0, 0, *self._size), (*self._size, 0), Orientation.LANDSCAPE, power=True)]

    async def turn(self, output: str, orientation: Orientation) -> None:
        """Raises BoxError but for what it is already."""
        if orientation is not Orientation.LANDSCAPE:
            raise BoxError(output, 'one window is not turned (stage.backend = "single"); turn the panel in its own menu')

    async def mode(self, output: str, width: int, height: int, refresh_mhz: int | None = None) -> None:
        """Raises BoxError."""
        del width, height, refresh_mhz
        raise BoxError(output, 'one window does not change the panel\'s mode (stage.backend = "single")')

    async def power(self, output: str, on: bool) -> None:
        """Raises BoxError where it is to go off: a black card makes the picture dark."""
        if not on:
            raise BoxError(output, 'one window does not switch the panel (stage.backend = "single")')

    async def screenshot(self, path: Path) -> None:
        """What the window shows, or, where mpv cannot read that back, the item without what lies over it. Raises BoxError."""
        await self.outputs()
        for what in ("window", "video"):
            with contextlib.suppress(BoxError):
                await self._screen.window.ask(functools.partial(_save, what, path, self._size))
                return
        raise BoxError("screenshot", "the window shows no picture now")

    async def events(self) -> AsyncIterator[CompositorEvent]:
        """The window's size changed, or it does not answer any more."""
        size = self._size
        with contextlib.suppress(BoxError):
            while not self._screen.gone.is_set():
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(LOOK_S):
                        await self._screen.gone.wait()
                await self.outputs()
                if self._size != size:
                    size = self._size
                    yield OutputsChanged()
        yield CompositorGone()


def _save(what: str, path: Path, size: tuple[int, int], handle: Any) -> None:
    from PIL import ImageOps

    ImageOps.pad(handle.screenshot_raw(what), size).save(path)


def output_options(environment: Mapping[str, str], config: StageConfig) -> dict[str, Any]:
    """mpv's options for the session that there is: Wayland, X11, or none, which means the panel itself."""
    found: dict[str, Any] = {"hwdec": config.hwdec}
    if environment.get("WAYLAND_DISPLAY"):
        found["vo"] = "gpu,wlshm"
    elif environment.get("DISPLAY"):
        found["vo"] = "gpu,xv,x11"
    else:
        found |= {"vo": "gpu,drm", "gpu_context": "drm"}
    found |= always(config.audio_device, config.levelling)
    return found if config.size else found | {"fullscreen": True}


def size_of(config: StageConfig) -> tuple[int, int]:
    """As configured; the window's own size counts once it is open."""
    width, height = (config.size or "1920x1080").split("x")
    return int(width), int(height)


async def open_single(
    config: StageConfig, way_out: WayOut, gate: Gate, why: Why, environment: Mapping[str, str] = os.environ, **options: Any
) -> tuple[SingleCompositor, SingleScreen]:
    """The window, as compositor and as screen; `options` are mpv's and come before those that follow from the configuration."""
    screen = await SingleScreen.open(size_of(config), way_out, gate, why, output_options(environment, config) | options)
    return SingleCompositor(screen, size_of(config)), screen
