"""A `core.ports.Surface` that does as it is told, a maker of them with their windows, and the compositor that has these."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path

from player.core.content import Orientation, Rect
from player.core.ports.screen import CompositorEvent, Output, Playable, Surface, Window
from player.errors import BoxError, ContentError
from player.stage.regions.surfaces import SurfaceSort


class FakeSurface(Surface):
    """Remembers what was asked of it, and has no end; `unloads`, `opens` hold errors to raise, one a call."""

    def __init__(self, app_id: str, sort: SurfaceSort) -> None:
        self._app_id, self.sort = app_id, sort
        self.unloads: list[ContentError] = []
        self.sizes: list[tuple[int, int]] = []
        self.loads: list[Playable] = []
        self.closed = False

    @property
    def app_id(self) -> str:
        return self._app_id

    @property
    def pid(self) -> int:
        return os.getpid()

    async def load(self, playable: Playable) -> None:
        self.loads.append(playable)

    def start(self) -> None: ...

    def pause(self) -> None: ...

    async def ended(self) -> None:
        await asyncio.Event().wait()

    async def unload(self) -> None:
        if self.unloads:
            raise self.unloads.pop(0)

    def resize(self, width: int, height: int) -> None:
        self.sizes.append((width, height))

    def set_volume(self, volume: int, *, muted: bool) -> None: ...

    def duration_s(self) -> float | None:
        return None

    def dropped_frames(self) -> int:
        return 0

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


class FakeCompositor:
    """Has the windows that it was given, and remembers where they were placed, and which were shown."""

    def __init__(self) -> None:
        self._windows: list[Window] = []
        self.places: dict[int, Rect] = {}
        self.swapped: list[int] = []
        self.refused: set[int] = set()
        self.between = asyncio.Event()
        self.between.set()

    def add(self, app_id: str) -> int:
        self._windows.append(Window(len(self._windows) + 1, app_id, 1, Rect(0, 0, 1, 1)))
        return len(self._windows)

    async def windows(self) -> Sequence[Window]:
        return self._windows

    async def outputs(self) -> Sequence[Output]:
        return [Output("FAKE-1", Rect(0, 0, 1280, 720), (1280, 720, 60000), Orientation.LANDSCAPE, power=True)]

    async def place(self, window_id: int, rect: Rect) -> None:
        await self.between.wait()
        if window_id in self.refused:
            raise BoxError("compositor", f"there is no window {window_id}")
        self.places[window_id] = rect

    async def move(self, places: Mapping[int, Rect]) -> None:
        self.places |= places

    async def opacity(self, window_id: int, value: float) -> None: ...

    async def show_above(self, window_id: int, value: float = 1.0, at: Rect | None = None) -> None: ...

    async def show_together(self, window_ids: Sequence[int]) -> None: ...

    async def swap(self, front: int, *_: object) -> None:
        self.swapped.append(front)

    def set_layer(self, window_id: int, layer: float) -> None: ...

    async def turn(self, output: str, orientation: Orientation) -> None: ...

    async def mode(self, output: str, width: int, height: int, refresh_mhz: int | None = None) -> None: ...

    async def scale(self, output: str, value: float) -> None: ...

    async def power(self, output: str, on: bool) -> None: ...

    async def screenshot(self, _: Path) -> None:
        raise BoxError("screenshot", "a fake has no picture")

    async def events(self) -> AsyncIterator[CompositorEvent]:
        nothing: tuple[CompositorEvent, ...] = ()
        for event in nothing:
            yield event
        await asyncio.Event().wait()


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
