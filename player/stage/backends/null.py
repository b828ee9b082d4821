"""The stage without a picture (`stage.backend = "none"`): surfaces that only keep time, and a compositor that only agrees.

For logic and timing on machines that draw nothing, and for the many tests that need no picture.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping, Sequence
from datetime import datetime
from pathlib import Path

from player.core.content import Orientation, Rect
from player.core.curtain import Behind
from player.core.ports.screen import CompositorEvent, Output, Window
from player.errors import BoxError
from player.stage.applets import AppletBoard
from player.stage.regions.stand_in import TimedSurface
from player.stage.regions.surfaces import SurfaceSort


class NullCompositor:
    """Implements `Compositor` with one output of `size` and a window for every surface that was made.

    Whatever is done with windows succeeds.
    """

    def __init__(self, size: tuple[int, int]) -> None:
        self._size = size
        self._orientation = Orientation.LANDSCAPE
        self._power = True
        self._windows: list[Window] = []

    async def make(
        self, sort: SurfaceSort, name: str, size: tuple[int, int], now: Callable[[], datetime] | None = None
    ) -> TimedSurface:
        """A surface, and its window; every sort is the same here."""
        del sort, now
        surface = TimedSurface(f"sig-{name}")
        self._windows.append(Window(len(self._windows) + 1, surface.app_id, surface.pid, Rect(0, 0, *size)))
        return surface

    async def windows(self) -> Sequence[Window]:
        return self._windows

    async def outputs(self) -> Sequence[Output]:
        return [Output("NONE-1", Rect(0, 0, *self._size), (*self._size, 60000), self._orientation, self._power)]

    async def place(self, window_id: int, rect: Rect) -> None: ...

    async def move(self, places: Mapping[int, Rect]) -> None: ...

    async def opacity(self, window_id: int, value: float) -> None: ...

    async def show_above(self, window_id: int, value: float = 1.0, at: Rect | None = None) -> None: ...

    async def show_together(self, window_ids: Sequence[int]) -> None: ...

    async def swap(self, front: int, back: int | None, at: Rect | None = None) -> None: ...

    def set_layer(self, window_id: int, layer: float) -> None: ...

    async def turn(self, output: str, orientation: Orientation) -> None:  # noqa: ARG002 - the port's shape
        self._orientation = orientation

    async def mode(self, output: str, width: int, height: int, refresh_mhz: int | None = None) -> None:  # noqa: ARG002 - the port's shape
        self._size = (width, height)

    async def scale(self, output: str, value: float) -> None: ...

    async def power(self, output: str, on: bool) -> None:  # noqa: ARG002 - the port's shape
        self._power = on

    async def screenshot(self, path: Path) -> None:  # noqa: ARG002 - the port's shape
        raise BoxError("screenshot", 'this player draws no picture (stage.backend = "none")')

    async def events(self) -> AsyncIterator[CompositorEvent]:
        nothing: tuple[CompositorEvent, ...] = ()
        for event in nothing:
            yield event
        await asyncio.Event().wait()


class NullScreen:
    """Implements `screen.Screen` and draws nothing."""

    backend = "none"
    wayland_display = ""
    renderer = renderer_why = ""

    def __init__(self, compositor: NullCompositor) -> None:
        self.make = compositor.make
        self.applets = AppletBoard(Path())

    async def open_cards(self, *_: object) -> None: ...

    curtains = 0

    async def draw_brand(self, size: tuple[int, int]) -> None: ...

    def stand_behind(self, behind: Behind) -> None: ...

    def keep_rooms(self, rooms: Collection[str]) -> None: ...

    def expect_pages(self, needed: Callable[[], bool]) -> None: ...

    def background(self) -> dict[str, Callable[[], Awaitable[None]]]:
        return {}

    def pids(self) -> dict[str, int]:
        return {"stage": os.getpid()}
