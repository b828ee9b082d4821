"""Cards above and below the content: a small Wayland client with layer surfaces, and the screen's input.

A card is drawn once into shared memory; the compositor does the rest. A ticker is one long strip in shared memory, of which the
compositor is shown another part at each frame: nothing is drawn again and no content frame is touched. Input arrives here too:
content windows take none. Keys come by a one-pixel surface that holds the keyboard, touches and clicks on whatever card lies there.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import mmap
import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pywayland.client.display import Display
from pywayland.protocol.viewporter import WpViewporter
from pywayland.protocol.wayland import WlCompositor, WlOutput, WlSeat, WlShm

from player.errors import BoxError
from player.stage.layershell import Anchor, Keyboard, Layer, ZwlrLayerShellV1
from player.stage.seat import Seat

log = logging.getLogger(__name__)

_ARGB8888 = 0
NOWHERE = Anchor(0)
_ALL = Anchor.TOP | Anchor.BOTTOM | Anchor.LEFT | Anchor.RIGHT
CONFIGURE_LIMIT_S = 3.0
KEYBOARD_PAUSE_S = 0.02
OUTPUT_NAMES = 4  # the version of wl_output that tells its name


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


class _Card:
    """One layer surface with its buffer."""

    def __init__(self, overlay: Overlay, name: str, place: Place, size: tuple[int, int]) -> None:
        self.overlay, self.name, self.place = overlay, name, place
        self.configured = asyncio.Event()
        self.size = size
        self.surface = overlay.compositor.create_surface()
        self.layer = overlay.shell.get_layer_surface(self.surface, overlay.output, int(place.layer), f"sig-{name}")
        self.viewport = overlay.viewporter.get_viewport(self.surface)
        self._buffer: Any = None
        self._pool: Any = None
        self._views: set[Any] = set()
        self._frame: Any = None
        self.layer.dispatcher["configure"] = self._configure
        self.layer.dispatcher["closed"] = self._closed
        self.layer.set_anchor(int(_ALL if place.whole_screen else place.anchor))
        self.layer.set_exclusive_zone(-1)
        self.layer.set_margin(*place.margin)
        self.layer.set_size(*((0, 0) if place.whole_screen else size))
        self.layer.set_keyboard_interactivity(int(place.keyboard))
        if not place.touchable:
            region = overlay.compositor.create_region()
            self.surface.set_input_region(region)
            region.destroy()
        self.surface.commit()

    def _configure(self, proxy: Any, serial: int, width: int, height: int) -> None:
        proxy.ack_configure(serial)
        if width and height:
            self.size = (width, height)
        self.configured.set()

    def _closed(self, _: Any) -> None:
        self.overlay.forget(self.name)

    def show(self, picture: Picture) -> None:
        """Puts the picture on the surface, scaled to its size."""
        self._fill(picture)
        self._buffer = self._pool.create_buffer(0, picture.width, picture.height, picture.width * 4, _ARGB8888)
        self.surface.attach(self._buffer, 0, 0)
        self.viewport.set_destination(*self.size)
        self.surface.damage_buffer(0, 0, picture.width, picture.height)
        self.surface.commit()

    def scroll(self, strip: Picture, speed: float, now: Callable[[], float]) -> None:
        """Moves the surface's view along the strip for ever, `speed` pixels a second, at each frame that the compositor asks for.

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
            self._pool = self.overlay.shm.create_pool(handle, size)
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
        self.viewport.destroy()
        self.layer.destroy()
        self.surface.destroy()
        self.free()


class Overlay:
    """The client. `on_key(code)` takes Linux key codes, `on_touch(card, x, y)` places in pixels of the card. `panel` has them."""

    def __init__(self, display: Display, on_key: Callable[[int], None], on_touch: Callable[[str, float, float], None]) -> None:
        self._display, self._on_key, self._on_touch = display, on_key, on_touch
        self._cards: dict[str, _Card] = {}
        self._globals: dict[str, tuple[int, int]] = {}
        self._outputs: dict[int, Any] = {}
        self._output_names: dict[int, str] = {}
        self.panel = ""
        self._loop = asyncio.get_running_loop()
        self.on_gone: Callable[[], None] = lambda: None

    @classmethod
    async def connect(
        cls, wayland_display: str, on_key: Callable[[int], None], on_touch: Callable[[str, float, float], None]
    ) -> Overlay:
        """Raises BoxError when the compositor is away or lacks layer surfaces."""
        display = Display(wayland_display)
        try:
            display.connect()
        except (ValueError, OSError) as error:
            raise BoxError("compositor", f"no Wayland display at {wayland_display}") from error
        overlay = cls(display, on_key, on_touch)
        overlay._bind()
        overlay._loop.add_reader(display.get_fd(), overlay._readable)
        return overlay

    def _bind(self) -> None:
        registry = self._display.get_registry()
        registry.dispatcher["global"] = self._came
        registry.dispatcher["global_remove"] = self._went
        self._display.roundtrip()

        def bind(interface: Any, version: int) -> Any:
            if interface.name not in self._globals:
                raise BoxError(
                    "compositor", f"it lacks {interface.name}; the player needs sway, or another compositor of the wlroots family"
                )
            number, offered = self._globals[interface.name]
            return registry.bind(number, interface, min(version, offered))

        self.compositor, self.shm = bind(WlCompositor, 4), bind(WlShm, 1)
        self.shell, self.viewporter = bind(ZwlrLayerShellV1, 4), bind(WpViewporter, 1)
        self._registry = registry
        self._seat = Seat(bind(WlSeat, 5), self._on_key, self._pressed, self._keyboard_lost)
        self._display.roundtrip()

    def _came(self, registry: Any, number: int, name: str, version: int) -> None:
        self._globals[name] = (number, version)
        if name == WlOutput.name and version >= OUTPUT_NAMES:
            output = self._outputs[number] = registry.bind(number, WlOutput, OUTPUT_NAMES)
            output.dispatcher["name"] = lambda _, called: self._output_names.update({number: called})

    def _went(self, _: Any, number: int) -> None:
        self._output_names.pop(number, None)
        if output := self._outputs.pop(number, None):
            output.release()

    @property
    def output(self) -> Any:
        """The panel that cards go to; None leaves it to the compositor."""
        return next((self._outputs[number] for number, called in self._output_names.items() if called == self.panel), None)

    def _keyboard_lost(self) -> None:
        """Asks for the keyboard again: the compositor gives it to a surface that newly says it wants all of it."""
        self._loop.call_later(KEYBOARD_PAUSE_S, self._take_keyboard)

    def _take_keyboard(self) -> None:
        for card in self._cards.values():
            if card.place.keyboard is Keyboard.EXCLUSIVE:
                for wish in (Keyboard.NONE, Keyboard.EXCLUSIVE):
                    card.layer.set_keyboard_interactivity(int(wish))
                    card.surface.commit()
        self.flush()

    def _pressed(self, surface: Any, x: float, y: float) -> None:
        for name, card in self._cards.items():
            if card.surface is surface:
                self._on_touch(name, x, y)
                return

    # --- cards

    async def put(self, name: str, picture: Picture, place: Place) -> None:
        """Shows a card, or changes its picture. Raises BoxError when the compositor does not take it."""
        card = self._cards.get(name)
        if card is not None and (card.place != place or (not place.whole_screen and card.size != (picture.width, picture.height))):
            self.remove(name)
            card = None
        if card is None:
            card = await self._add(name, place, (picture.width, picture.height))
        card.show(picture)
        self.flush()

    async def ticker(self, name: str, strip: Picture, place: Place, width: int, speed: float) -> None:
        """Shows `width` pixels of a long strip, moving left by `speed` pixels a second. Its end has to join its start."""
        self.remove(name)
        card = await self._add(name, place, (width, strip.height))
        card.scroll(strip, speed, self._loop.time)
        self.flush()

    async def _add(self, name: str, place: Place, size: tuple[int, int]) -> _Card:
        card = self._cards[name] = _Card(self, name, place, size)
        self.flush()
        try:
            async with asyncio.timeout(CONFIGURE_LIMIT_S):
                await card.configured.wait()
        except TimeoutError as error:
            self.forget(name)
            raise BoxError("compositor", f"it gave the card {name} no place within {CONFIGURE_LIMIT_S:.0f} s") from error
        return card

    def size_of(self, name: str) -> tuple[int, int]:
        """A card's size on screen, in pixels."""
        return self._cards[name].size

    def shows(self, name: str) -> bool:
        """Whether the card is there."""
        return name in self._cards

    def remove(self, name: str) -> None:
        """Takes a card away."""
        card = self._cards.pop(name, None)
        if card is not None:
            card.destroy()
            self.flush()

    def forget(self, name: str) -> None:
        """The compositor took the card away (its panel went)."""
        card = self._cards.pop(name, None)
        if card is not None:
            card.destroy()

    # --- the connection

    def _readable(self) -> None:
        try:
            self._display.read()
            self._display.dispatch(block=False)
            self._display.flush()
        except Exception:  # noqa: BLE001 - pywayland raises bare exceptions when the connection is gone; whatever it is, it is over
            self._loop.remove_reader(self._display.get_fd())
            self.on_gone()

    def flush(self) -> None:
        """Sends what was asked for."""
        with contextlib.suppress(Exception):
            self._display.flush()

    def close(self) -> None:
        """Takes everything away and disconnects."""
        self._loop.remove_reader(self._display.get_fd())
        for name in list(self._cards):
            self.remove(name)
        self._display.disconnect()
