"""One card on one panel: a layer surface with its pixels in shared memory.

A card is drawn once; the compositor does the rest. A ticker is one long strip in shared memory, of which the compositor is shown
another part at each frame: nothing is drawn again and no content frame is touched.
"""

from __future__ import annotations

import asyncio
import mmap
import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from player.protocols.layer_shell import Anchor, Keyboard, Layer

_ARGB8888 = 0
NOWHERE = Anchor(0)
_ALL = Anchor.TOP | Anchor.BOTTOM | Anchor.LEFT | Anchor.RIGHT


@dataclass(frozen=True, slots=True)
class Picture:
    """Pixels to show: premultiplied BGRA rows without padding."""

    width: int
    height: int
    pixels: bytes


@dataclass(frozen=True, slots=True)
class Place:
    """Where a card lies. `anchor` NOWHERE centres it; `margin` is top, right, bottom, left, in pixels."""

    layer: Layer = Layer.TOP
    anchor: Anchor = NOWHERE
    margin: tuple[int, int, int, int] = (0, 0, 0, 0)
    whole_screen: bool = False
    keyboard: Keyboard = Keyboard.NONE
    touchable: bool = False


class PanelCards(Protocol):
    """Where the cards of one panel go (`overlay.PanelOverlay`, `single_cards.MpvCards`). `put` and `ticker` raise BoxError."""

    def shows(self, name: str) -> bool: ...
    async def put(self, name: str, picture: Picture, place: Place) -> None: ...
    async def ticker(self, name: str, strip: Picture, place: Place, width: int, speed: float) -> None: ...
    def remove(self, name: str) -> None: ...
    def close(self) -> None: ...


def plane(pixel: bytes, size: tuple[int, int]) -> Picture:
    """One colour, to be spread over `size`.

    pixman counts steps of 1/65536 of a pixel: a single pixel spread over 1080 rows would end six rows early. With a pixel for every
    eight the rounding stays within the last one, up to screens of 8192 pixels.
    """
    width, height = (-(-length // 8) for length in size)
    return Picture(width, height, pixel * (width * height))


@dataclass(frozen=True, slots=True)
class Globals:
    """What the compositor offers, as bound by the connection."""

    compositor: Any
    shm: Any
    shell: Any
    viewporter: Any


class LayerCard:
    """A layer surface on `output` (None: where the compositor likes); `closed` is called when the compositor took it away."""

    def __init__(
        self, bound: Globals, output: Any, name: str, place: Place, size: tuple[int, int], closed: Callable[[], None]
    ) -> None:
        self._shm, self.name, self.place = bound.shm, name, place
        self.configured = asyncio.Event()
        self.size = size
        self.surface = bound.compositor.create_surface()
        self.layer = bound.shell.get_layer_surface(self.surface, output, int(place.layer), f"sig-{name}")
        self.viewport = bound.viewporter.get_viewport(self.surface)
        self._buffer: Any = None
        self._pool: Any = None
        self._views: set[Any] = set()
        self._frame: Any = None
        self.layer.dispatcher["configure"] = self._configure
        self.layer.dispatcher["closed"] = lambda _: closed()
        self.layer.set_anchor(int(_ALL if place.whole_screen else place.anchor))
        self.layer.set_exclusive_zone(-1)
        self.layer.set_margin(*place.margin)
        self.layer.set_size(*((0, 0) if place.whole_screen else size))
        self.layer.set_keyboard_interactivity(int(place.keyboard))
        if not place.touchable:
            region = bound.compositor.create_region()
            self.surface.set_input_region(region)
            region.destroy()
        self.surface.commit()

    def _configure(self, proxy: Any, serial: int, width: int, height: int) -> None:
        proxy.ack_configure(serial)
        if width and height:
            self.size = (width, height)
        self.configured.set()

    def show(self, picture: Picture) -> None:
        """Puts the picture on the surface, scaled to its size."""
        if self.place.whole_screen and (picture.width, picture.height) == (1, 1):
            picture = plane(picture.pixels, self.size)
        self._fill(picture)
        self._buffer = self._pool.create_buffer(0, picture.width, picture.height, picture.width * 4, _ARGB8888)
        self.surface.attach(self._buffer, 0, 0)
        self.viewport.set_destination(*self.size)
        self.surface.damage_buffer(0, 0, picture.width, picture.height)
        self.surface.commit()

    def scroll(self, strip: Picture, speed: float, now: Callable[[], float]) -> None:
        """Moves the surface's view along the strip for ever, `speed` pixels a second, at each frame that the compositor asks for.

        Where `speed` is below 0 it moves back from the strip's end, which looks as its beginning does.

        Each view is a buffer of its own onto the same memory. (A viewport's source would be the obvious way; wlroots 0.15 with
        pixman ignores its offset.)
        """
        self._fill(strip)
        began, width = now(), self.size[0]

        def step(*_: Any) -> None:
            if self.surface.destroyed:
                return
            offset = int((now() - began) * speed) % max(1, strip.width - width)
            view = self._pool.create_buffer(offset * 4, width, strip.height, strip.width * 4, _ARGB8888)
            self._views.add(view)
            view.dispatcher["release"] = self._released
            self.surface.attach(view, 0, 0)
            self.surface.damage_buffer(0, 0, width, strip.height)
            self._frame = self.surface.frame()
            self._frame.dispatcher["done"] = step
            self.surface.commit()

        step()

    def _released(self, view: Any) -> None:
        self._views.discard(view)
        view.destroy()

    def _fill(self, picture: Picture) -> None:
        """The picture's pixels into memory that the compositor shares."""
        self.free()
        size = picture.width * (picture.height + 1) * 4  # a row more: a view that begins inside a row ends inside the next
        handle = os.memfd_create(self.name, os.MFD_CLOEXEC)
        try:
            os.ftruncate(handle, size)
            with mmap.mmap(handle, size) as memory:
                memory[: len(picture.pixels)] = picture.pixels
            self._pool = self._shm.create_pool(handle, size)
        finally:
            os.close(handle)

    def free(self) -> None:
        """Gives the memory back."""
        for thing in (self._buffer, *self._views, self._pool):
            if thing is not None:
                thing.destroy()
        self._views.clear()
        self._buffer = self._pool = None

    def destroy(self) -> None:
        """Takes it away."""
        self.viewport.destroy()
        self.layer.destroy()
        self.surface.destroy()
        self.free()
