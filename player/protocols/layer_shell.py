"""The Wayland protocol wlr-layer-shell (version 4), as far as the player needs it, in pywayland's terms.

Cards are layer surfaces and not windows: they have true transparency, they stay above or below all content without anybody
raising them, and a window that is opened later cannot cover an alert. Facts from wlr-layer-shell-unstable-v1.xml.
"""

from __future__ import annotations

from enum import IntEnum, IntFlag

from pywayland.protocol.wayland import WlOutput, WlSurface
from pywayland.protocol.xdg_shell import XdgPopup
from pywayland.protocol_core.argument import Argument
from pywayland.protocol_core.interface import Interface
from pywayland.protocol_core.proxy import Proxy
from pywayland.scanner.argument import ArgumentType


class Layer(IntEnum):
    """Where a surface lies: content windows are between BOTTOM and TOP."""

    BACKGROUND = 0
    BOTTOM = 1
    TOP = 2
    OVERLAY = 3


class Anchor(IntFlag):
    """The edges a surface clings to."""

    TOP = 1
    BOTTOM = 2
    LEFT = 4
    RIGHT = 8


class Keyboard(IntEnum):
    """Whether a surface takes the keyboard."""

    NONE = 0
    EXCLUSIVE = 1
    ON_DEMAND = 2


class ZwlrLayerSurfaceV1(Interface):
    """A surface in a layer."""

    name = "zwlr_layer_surface_v1"
    version = 4


class ZwlrLayerShellV1(Interface):
    """The global that makes them."""

    name = "zwlr_layer_shell_v1"
    version = 4


_UINT, _INT, _STRING = Argument(ArgumentType.Uint), Argument(ArgumentType.Int), Argument(ArgumentType.String)


class ZwlrLayerSurfaceV1Proxy(Proxy[ZwlrLayerSurfaceV1]):
    """Requests on a layer surface, in the protocol's order: their place is their number."""

    interface = ZwlrLayerSurfaceV1

    @ZwlrLayerSurfaceV1.request(_UINT, _UINT)
    def set_size(self, width: int, height: int) -> None:
        """Pixels; 0 means as wide or high as the edges it is anchored to."""
        self._marshal(0, width, height)

    @ZwlrLayerSurfaceV1.request(_UINT)
    def set_anchor(self, anchor: int) -> None:
        """Which edges to cling to."""
        self._marshal(1, anchor)

    @ZwlrLayerSurfaceV1.request(_INT)
    def set_exclusive_zone(self, zone: int) -> None:
        """-1: cover everything, move for nobody."""
        self._marshal(2, zone)

    @ZwlrLayerSurfaceV1.request(_INT, _INT, _INT, _INT)
    def set_margin(self, top: int, right: int, bottom: int, left: int) -> None:
        """Pixels from the anchored edges."""
        self._marshal(3, top, right, bottom, left)

    @ZwlrLayerSurfaceV1.request(_UINT)
    def set_keyboard_interactivity(self, keyboard: int) -> None:
        """Whether it takes the keyboard."""
        self._marshal(4, keyboard)

    @ZwlrLayerSurfaceV1.request(Argument(ArgumentType.Object, interface=XdgPopup))
    def get_popup(self, popup: object) -> None:
        """Not used; it holds the place of request 5."""
        self._marshal(5, popup)

    @ZwlrLayerSurfaceV1.request(_UINT)
    def ack_configure(self, serial: int) -> None:
        """Answers `configure`, before the next commit."""
        self._marshal(6, serial)

    @ZwlrLayerSurfaceV1.request()
    def destroy(self) -> None:
        """Takes it away."""
        self._marshal(7)
        self._destroy()

    @ZwlrLayerSurfaceV1.request(_UINT, version=2)
    def set_layer(self, layer: int) -> None:
        """Moves it to another layer."""
        self._marshal(8, layer)


class ZwlrLayerShellV1Proxy(Proxy[ZwlrLayerShellV1]):
    """The one request on the global."""

    interface = ZwlrLayerShellV1

    @ZwlrLayerShellV1.request(
        Argument(ArgumentType.NewId, interface=ZwlrLayerSurfaceV1),
        Argument(ArgumentType.Object, interface=WlSurface),
        Argument(ArgumentType.Object, interface=WlOutput, nullable=True),
        _UINT,
        _STRING,
    )
    def get_layer_surface(self, surface: object, output: object | None, layer: int, namespace: str) -> ZwlrLayerSurfaceV1Proxy:
        """Makes `surface` a layer surface on `output` (None: the compositor chooses)."""
        made: ZwlrLayerSurfaceV1Proxy = self._marshal_constructor(0, ZwlrLayerSurfaceV1, surface, output, layer, namespace)
        return made


def _declare_events() -> None:
    class Events:
        @ZwlrLayerSurfaceV1.event(_UINT, _UINT, _UINT)
        def configure(self, serial: int, width: int, height: int) -> None: ...

        @ZwlrLayerSurfaceV1.event()
        def closed(self) -> None: ...


_declare_events()
for interface, proxy in ((ZwlrLayerSurfaceV1, ZwlrLayerSurfaceV1Proxy), (ZwlrLayerShellV1, ZwlrLayerShellV1Proxy)):
    interface._gen_c()
    interface.proxy_class = proxy
