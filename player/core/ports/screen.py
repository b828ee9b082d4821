"""The screen: the compositor that places and fades windows, and the surfaces that draw in them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from player.core.content import Item, Orientation, Rect
from player.errors import ContentError


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
    """What places, stacks and fades windows, and takes pictures of the whole screen.

    Every call has a deadline and raises BoxError when it passes, when the compositor is gone, or when there is no such window or
    panel. Windows are named by `Window.id`, panels by `Output.name`; rectangles are in pixels of the whole screen; an opacity is 0
    (not seen) to 1.
    """

    async def windows(self) -> Sequence[Window]:
        """Every window there is, in no order."""

    async def outputs(self) -> Sequence[Output]:
        """Every panel that is connected, as read back, in the compositor's order: `Region.output` counts in it."""

    async def place(self, window_id: int, rect: Rect) -> None:
        """Moves the window and gives it that size."""

    async def move(self, places: Mapping[int, Rect]) -> None:
        """Moves several windows (by id) in one frame; their sizes stay."""

    async def opacity(self, window_id: int, value: float) -> None:
        """Sets the window's opacity; its place in the stack stays."""

    async def show_above(self, window_id: int, value: float = 1.0, at: Rect | None = None) -> None:
        """Raises the window above the others of its layer, with that opacity; first moves it to `at`, where that is given."""

    async def show_together(self, window_ids: Sequence[int]) -> None:
        """Raises the windows in this order, each opaque, all in one frame."""

    async def swap(self, front: int, back: int | None, at: Rect | None = None) -> None:
        """In one frame: `front` (first moved to `at`, where that is given) opaque and raised, `back` not seen any more."""

    def set_layer(self, window_id: int, layer: float) -> None:
        """Windows of a higher layer (0 to 999; 0 at first) stay above those of a lower one when those are raised or shown."""

    async def turn(self, output: str, orientation: Orientation) -> None:
        """Turns the panel's picture; windows have to be placed again."""

    async def mode(self, output: str, width: int, height: int, refresh_mhz: int | None = None) -> None:
        """Sets the panel's mode: pixels before turning, and thousandths of a hertz (None: the compositor's choice)."""

    async def scale(self, output: str, value: float) -> None:
        """How many of the panel's pixels make one of a page's; windows have to be placed again."""

    async def power(self, output: str, on: bool) -> None:
        """Switches the signal to the panel; its windows stay. BoxError where the backend cannot (headless, nested)."""

    async def screenshot(self, path: Path) -> None:
        """Writes what is on screen, all panels, to `path` as PPM."""

    def events(self) -> AsyncIterator[CompositorEvent]:
        """What happens from now on, ending with `CompositorGone`. May be asked for once."""


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
    begin_s: float = 0.0  # of a clip: where it begins
    silent: bool = False  # no sound device is opened for it
    cover: str = ""  # of a sound: an absolute path, "" where it has none


class Surface(Protocol):
    """One window that can show one item at a time: `load`, `start`, `unload`, and again.

    Those who implement it say so as their base: what only few surfaces have (`notice`, `open`, `fetch`, `reread`) is absent
    unless they add it.
    """

    notice: ContentError | None = None  # why something else is shown in the item's place; None where the item itself is

    @property
    def app_id(self) -> str:
        """How the compositor knows the window, the same until it is opened again; "" for what is only heard and has none."""

    @property
    def pid(self) -> int:
        """The process that draws."""

    async def open(self, room: str) -> bool:  # noqa: ARG002 - only pages keep something
        """Called before each `load`, with the item's room. Whether the window may be another one now, and has to be looked for.

        Raises BoxError when the window is gone and no other can be opened.
        """
        return False

    async def fetch(self, playable: Playable) -> None:  # noqa: ARG002 - few need it
        """Called before each `load`: what can be done for it without being asked for a frame. Raises ContentError."""
        return

    async def load(self, playable: Playable) -> None:
        """Returns when the first frame is drawn, not seen and held. Raises ContentError."""

    def start(self) -> None:
        """Lets it run, or go on, with its sound."""

    def pause(self) -> None:
        """Holds it where it is, without sound."""

    async def ended(self) -> None:
        """Returns when the last frame was shown; never for what has no end. Raises ContentError when it broke."""

    async def unload(self) -> None:
        """Lets go of the item; the window stays. Raises ContentError when it cannot, and then it is to be closed."""

    def resize(self, width: int, height: int) -> None:
        """The window has another size, in pixels."""

    def reread(self) -> None:
        """The files behind what is shown may have changed."""
        return

    def set_volume(self, volume: int, *, muted: bool) -> None:
        """0 to 100, at once."""

    def duration_s(self) -> float | None:
        """The item's own length in seconds, known once it is loaded; None for what has none."""

    def dropped_frames(self) -> int:
        """Frames that were due and not shown, since the surface was made."""

    async def close(self) -> None:
        """Ends it, and the window with it. It is of no use afterwards."""
