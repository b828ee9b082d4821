"""The screen: the compositor that places and fades windows, and the surfaces that draw in them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from player.core.content import Item, Orientation, Rect


@dataclass(frozen=True, slots=True)
class Window:
    """A window as the compositor knows it. `id` is sway's con_id; `title` tells the windows of one browser apart."""

    id: int
    app_id: str
    pid: int
    rect: Rect
    title: str = ""


@dataclass(frozen=True, slots=True)
class Output:
    """A panel as read back from the compositor: `rect` is logical (after turning), `mode` is (width, height, mHz)."""

    name: str
    rect: Rect
    mode: tuple[int, int, int]
    orientation: Orientation
    power: bool
    make: str = ""
    model: str = ""
    scale: float = 1.0


@dataclass(frozen=True, slots=True)
class WindowOpened:
    """A window appeared (still transparent: the compositor's rules see to that)."""

    window: Window


@dataclass(frozen=True, slots=True)
class WindowClosed:
    """A window went away."""

    window_id: int


@dataclass(frozen=True, slots=True)
class OutputsChanged:
    """A panel came, went, turned or changed its mode: read `outputs()` again."""


@dataclass(frozen=True, slots=True)
class CompositorGone:
    """The compositor's connection closed; windows are lost."""


CompositorEvent = WindowOpened | WindowClosed | OutputsChanged | CompositorGone


class Compositor(Protocol):
    """What places, stacks and fades windows, and takes pictures of the whole screen. Raises BoxError; every call has a deadline."""

    async def windows(self) -> Sequence[Window]: ...
    async def outputs(self) -> Sequence[Output]: ...
    async def place(self, window_id: int, rect: Rect) -> None: ...
    async def move(self, places: Mapping[int, Rect]) -> None: ...  # several at once, without a change of size
    async def opacity(self, window_id: int, value: float) -> None: ...
    async def show_above(self, window_id: int, value: float = 1.0, at: Rect | None = None) -> None: ...  # moved there first
    async def show_together(self, window_ids: Sequence[int]) -> None: ...  # raised in this order, opaque, in one frame
    async def swap(self, front: int, back: int | None, at: Rect | None = None) -> None: ...
    async def turn(self, output: str, orientation: Orientation) -> None: ...
    async def mode(self, output: str, width: int, height: int, refresh_mhz: int | None = None) -> None: ...
    async def scale(self, output: str, value: float) -> None: ...
    async def power(self, output: str, on: bool) -> None: ...
    async def screenshot(self, path: Path) -> None: ...
    def events(self) -> AsyncIterator[CompositorEvent]: ...


@dataclass(frozen=True, slots=True)
class Playable:
    """An item made concrete for a surface: an absolute path or a checked URL, in pixels of the screen."""

    item: Item
    target: str
    size: tuple[int, int]
    fit: str = "contain"
    background: str = "#000000"
    volume: int = 100
    muted: bool = False
    loop: bool = False


class Surface(Protocol):
    """One window that can show one item. `load` returns when its first frame is drawn, invisible; raises ContentError.

    `ended` returns when the item came to its natural end (its last frame was shown), or raises ContentError when it broke;
    for kinds without an end it never returns.
    """

    @property
    def app_id(self) -> str: ...
    @property
    def pid(self) -> int: ...
    async def load(self, playable: Playable) -> None: ...
    def start(self) -> None: ...
    def pause(self) -> None: ...
    async def ended(self) -> None: ...
    async def unload(self) -> None: ...
    def resize(self, width: int, height: int) -> None: ...
    def set_volume(self, volume: int, *, muted: bool) -> None: ...
    def duration_s(self) -> float | None: ...
    def dropped_frames(self) -> int: ...
    async def close(self) -> None: ...
