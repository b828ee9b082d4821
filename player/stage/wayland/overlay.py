"""Cards above and below the content, on every panel: a small Wayland client with layer surfaces, and the screen's input.

A layer surface lies on one panel, so a card that is to be everywhere is one surface a panel: `on_panel` gives what the cards of one
panel go through. Input arrives here too: content windows take none. Keys come by a one-pixel surface that holds the keyboard,
touches and clicks on whatever card lies there.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from typing import Any

from pywayland.client.display import Display
from pywayland.protocol.viewporter import WpViewporter
from pywayland.protocol.wayland import WlCompositor, WlOutput, WlSeat, WlShm

from player.errors import BoxError
from player.protocols.layer_shell import Keyboard, ZwlrLayerShellV1
from player.stage.wayland.layer_card import Globals, LayerCard, Picture, Place
from player.stage.wayland.seat import Seat

CONFIGURE_LIMIT_S = 3.0
KEYBOARD_PAUSE_S = 0.02
OUTPUT_NAMES = 4  # the version of wl_output that tells its name

Touched = Callable[[str, str, float, float], None]


class PanelOverlay:
    """The cards of one panel, by name."""

    def __init__(self, overlay: Overlay, panel: str) -> None:
        self._overlay, self.panel = overlay, panel
        self.cards: dict[str, LayerCard] = {}

    def __repr__(self) -> str:
        return f"{self.panel}: {', '.join(self.cards) or 'no cards'}"

    def shows(self, name: str) -> bool:
        """Whether the card is there."""
        return name in self.cards

    async def put(self, name: str, picture: Picture, place: Place) -> None:
        """Shows a card, or changes its picture. Raises BoxError when the compositor does not take it."""
        card = self.cards.get(name)
        if card is not None and (card.place != place or (not place.whole_screen and card.size != (picture.width, picture.height))):
            self.remove(name)
            card = None
        if card is None:
            card = await self._add(name, place, (picture.width, picture.height))
        card.show(picture)
        self._overlay.flush()

    async def ticker(self, name: str, strip: Picture, place: Place, width: int, speed: float) -> None:
        """Shows `width` pixels of a long strip, moving left by `speed` pixels a second. Its end has to join its start.

        Raises BoxError when the compositor does not take it.
        """
        self.remove(name)
        card = await self._add(name, place, (width, strip.height))
        card.scroll(strip, speed, asyncio.get_running_loop().time)
        self._overlay.flush()

    async def _add(self, name: str, place: Place, size: tuple[int, int]) -> LayerCard:
        try:
            async with asyncio.timeout(CONFIGURE_LIMIT_S):
                output = await self._overlay.output(self.panel)
                card = LayerCard(self._overlay.bound, output, name, place, size, lambda: self._closed(card))
                self.cards[name] = card
                self._overlay.flush()
                await card.configured.wait()
        except TimeoutError as error:
            self.remove(name)
            raise BoxError(self.panel, f"gave the card {name} no place within {CONFIGURE_LIMIT_S:.0f} s") from error
        if self.cards.get(name) is not card:
            raise BoxError(self.panel, f"went away while the card {name} was being put up")
        return card

    def _closed(self, card: LayerCard) -> None:
        """The compositor took the card away: its panel went."""
        if self.cards.get(card.name) is card:
            del self.cards[card.name]
            card.destroy()
            card.configured.set()  # nobody waits for a place any more
            self._overlay.on_lost()

    def remove(self, name: str) -> None:
        """Takes a card away."""
        card = self.cards.pop(name, None)
        if card is not None:
            card.destroy()
            self._overlay.flush()

    def close(self) -> None:
        """Takes everything away; the panel is no more."""
        for name in list(self.cards):
            self.remove(name)
        self._overlay.forget(self)


class Overlay:
    """The client. `on_key(code)` takes Linux key codes, `on_touch(panel, card, x, y)` places in pixels of the card.

    `on_gone` is called when the connection broke, `on_lost` when the compositor took a card away.
    """

    def __init__(self, display: Display, on_key: Callable[[int], None], on_touch: Touched) -> None:
        self._display, self._on_key, self._on_touch = display, on_key, on_touch
        self._panels: dict[str, PanelOverlay] = {}
        self._globals: dict[str, tuple[int, int]] = {}
        self._outputs: dict[int, Any] = {}
        self._output_names: dict[int, str] = {}
        self._named = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        self.on_gone: Callable[[], None] = lambda: None
        self.on_lost: Callable[[], None] = lambda: None

    @classmethod
    async def connect(cls, wayland_display: str, on_key: Callable[[int], None], on_touch: Touched) -> Overlay:
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

        self.bound = Globals(bind(WlCompositor, 4), bind(WlShm, 1), bind(ZwlrLayerShellV1, 4), bind(WpViewporter, 1))
        self._registry = registry
        self._seat = Seat(bind(WlSeat, 5), self._on_key, self._pressed, self._keyboard_lost)
        self._display.roundtrip()

    # --- panels

    def on_panel(self, panel: str) -> PanelOverlay:
        """What the cards of that panel go through, whether it is there already or comes soon."""
        if panel not in self._panels:
            self._panels[panel] = PanelOverlay(self, panel)
        return self._panels[panel]

    def forget(self, panel: PanelOverlay) -> None:
        """The panel's cards are gone."""
        if self._panels.get(panel.panel) is panel:
            del self._panels[panel.panel]

    async def output(self, panel: str) -> Any:
        """The panel in Wayland's terms, when it is told of; None from a compositor that names none. Whoever asks has a deadline."""
        while True:
            for number, called in self._output_names.items():
                if called == panel:
                    return self._outputs[number]
            if self._globals.get(WlOutput.name, (0, OUTPUT_NAMES))[1] < OUTPUT_NAMES:
                return None
            self._named.clear()
            await self._named.wait()

    def _came(self, registry: Any, number: int, name: str, version: int) -> None:
        self._globals[name] = (number, version)
        if name == WlOutput.name and version >= OUTPUT_NAMES:
            output = self._outputs[number] = registry.bind(number, WlOutput, OUTPUT_NAMES)
            output.dispatcher["name"] = lambda _, called: self._name(number, called)

    def _name(self, number: int, called: str) -> None:
        self._output_names[number] = called
        self._named.set()

    def _went(self, _: Any, number: int) -> None:
        self._output_names.pop(number, None)
        if output := self._outputs.pop(number, None):
            output.release()

    # --- input

    def _keyboard_lost(self) -> None:
        """Asks for the keyboard again: the compositor gives it to a surface that newly says it wants all of it."""
        self._loop.call_later(KEYBOARD_PAUSE_S, self._take_keyboard)

    def _take_keyboard(self) -> None:
        for card in (card for panel in self._panels.values() for card in panel.cards.values()):
            if card.place.keyboard is Keyboard.EXCLUSIVE:
                for wish in (Keyboard.NONE, Keyboard.EXCLUSIVE):
                    card.layer.set_keyboard_interactivity(int(wish))
                    card.surface.commit()
        self.flush()

    def _pressed(self, surface: Any, x: float, y: float) -> None:
        for panel in self._panels.values():
            for card in panel.cards.values():
                if card.surface is surface:
                    self._on_touch(panel.panel, card.name, x, y)
                    return

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
        for panel in list(self._panels.values()):
            panel.close()
        self._display.disconnect()
