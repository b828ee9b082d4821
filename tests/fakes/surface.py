"""A `core.ports.Surface` that does as it is told, and a maker of them with their windows."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path

from player.core.content import Rect
from player.core.ports.screen import Playable, Window
from player.errors import BoxError, ContentError
from player.stage.backends.null import NullCompositor
from player.stage.regions.stand_in import TimedSurface
from player.stage.regions.surfaces import SurfaceSort


class FakeSurface(TimedSurface):
    """Remembers what was asked of it; `unloads`, `opens` hold errors to raise, one a call."""

    def __init__(self, app_id: str, sort: SurfaceSort) -> None:
        super().__init__(app_id)
        self.sort = sort
        self.unloads: list[ContentError] = []
        self.sizes: list[tuple[int, int]] = []
        self.loads: list[Playable] = []
        self.closed = False

    async def load(self, playable: Playable) -> None:
        self.loads.append(playable)

    async def unload(self) -> None:
        if self.unloads:
            raise self.unloads.pop(0)

    def resize(self, width: int, height: int) -> None:
        self.sizes.append((width, height))

    async def close(self) -> None:
        self.closed = True


class FakePage(FakeSurface):
    """One that has to be opened again before each use, as a browser's."""

    def __init__(self, app_id: str, sort: SurfaceSort) -> None:
        super().__init__(app_id, sort)
        self.opens: list[BoxError] = []
        self.opened = 0
        self.room = ""

    async def open(self, room: str) -> bool:
        self.opened += 1
        self.room = room
        if self.opens:
            raise self.opens.pop(0)
        return True


class FakeCompositor(NullCompositor):
    """Has the windows that it was given, and remembers where they were placed, and which were shown."""

    def __init__(self) -> None:
        super().__init__((1280, 720))
        self.places: dict[int, Rect] = {}
        self.swapped: list[int] = []
        self.refused: set[int] = set()
        self.between = asyncio.Event()
        self.between.set()

    def add(self, app_id: str) -> int:
        self._windows.append(Window(len(self._windows) + 1, app_id, 1, Rect(0, 0, 1, 1)))
        return len(self._windows)

    async def place(self, window_id: int, rect: Rect) -> None:
        await self.between.wait()
        if window_id in self.refused:
            raise BoxError("compositor", f"there is no window {window_id}")
        self.places[window_id] = rect

    async def move(self, places: Mapping[int, Rect]) -> None:
        self.places |= places

    async def swap(self, front: int, *_: object) -> None:
        self.swapped.append(front)

    async def screenshot(self, _: Path) -> None:
        raise BoxError("screenshot", "a fake has no picture")


class Maker:
    """A `stage.surfaces.SurfaceMaker`; `fail` are errors to raise, one a call.

    `windowless` makes surfaces whose window does not come, `nameless` such as have none.
    """

    def __init__(self, compositor: FakeCompositor) -> None:
        self._compositor = compositor
        self.made: list[FakeSurface] = []
        self.fail: list[BoxError | ContentError] = []
        self.windowless = self.nameless = False

    async def __call__(self, sort: SurfaceSort, name: str, size: tuple[int, int]) -> FakeSurface:
        if self.fail:
            raise self.fail.pop(0)
        surface = (FakePage if sort is SurfaceSort.WEB else FakeSurface)("" if self.nameless else f"sig-{name}", sort)
        surface.sizes.append(size)
        self.made.append(surface)
        if not (self.windowless or self.nameless):
            self._compositor.add(surface.app_id)
        return surface
