"""The Wayland protocol wlr-screencopy (version 2), in pywayland's terms. Facts from wlr-screencopy-unstable-v1.xml."""

from __future__ import annotations

from typing import Any

from pywayland.protocol.wayland import WlBuffer, WlOutput
from pywayland.protocol_core.argument import Argument
from pywayland.protocol_core.interface import Interface
from pywayland.protocol_core.proxy import Proxy
from pywayland.scanner.argument import ArgumentType

_UINT, _INT = Argument(ArgumentType.Uint), Argument(ArgumentType.Int)
_BUFFER = Argument(ArgumentType.Object, interface=WlBuffer)
_OUTPUT = Argument(ArgumentType.Object, interface=WlOutput)


class ZwlrScreencopyFrameV1(Interface):
    """One picture to be taken."""

    name = "zwlr_screencopy_frame_v1"
    version = 2


class ZwlrScreencopyManagerV1(Interface):
    """The global that takes them."""

    name = "zwlr_screencopy_manager_v1"
    version = 2


_FRAME = Argument(ArgumentType.NewId, interface=ZwlrScreencopyFrameV1)


class ZwlrScreencopyFrameV1Proxy(Proxy[ZwlrScreencopyFrameV1]):
    """Requests in the protocol's order: their place is their number."""

    interface = ZwlrScreencopyFrameV1

    @ZwlrScreencopyFrameV1.request(_BUFFER)
    def copy(self, buffer: object) -> None:
        """Copies the screen into `buffer` as it is."""
        self._marshal(0, buffer)

    @ZwlrScreencopyFrameV1.request()
    def destroy(self) -> None:
        """It is done with."""
        self._marshal(1)
        self._destroy()

    @ZwlrScreencopyFrameV1.request(_BUFFER, version=2)
    def copy_with_damage(self, buffer: object) -> None:
        """As soon as something on the screen changed."""
        self._marshal(2, buffer)


class ZwlrScreencopyManagerV1Proxy(Proxy[ZwlrScreencopyManagerV1]):
    """Requests in the protocol's order."""

    interface = ZwlrScreencopyManagerV1

    @ZwlrScreencopyManagerV1.request(_FRAME, _INT, _OUTPUT)
    def capture_output(self, cursor: int, output: object) -> Any:
        """The whole of it."""
        return self._marshal_constructor(0, ZwlrScreencopyFrameV1, cursor, output)

    @ZwlrScreencopyManagerV1.request(_FRAME, _INT, _OUTPUT, _INT, _INT, _INT, _INT)
    def capture_output_region(self, cursor: int, output: object, x: int, y: int, width: int, height: int) -> Any:
        """A part of it."""
        return self._marshal_constructor(1, ZwlrScreencopyFrameV1, cursor, output, x, y, width, height)


def _declare_events() -> None:
    class FrameEvents:
        @ZwlrScreencopyFrameV1.event(_UINT, _UINT, _UINT, _UINT)
        def buffer(self, form: int, width: int, height: int, stride: int) -> None: ...

        @ZwlrScreencopyFrameV1.event(_UINT)
        def flags(self, flags: int) -> None: ...

        @ZwlrScreencopyFrameV1.event(_UINT, _UINT, _UINT)
        def ready(self, high: int, low: int, nanoseconds: int) -> None: ...

        @ZwlrScreencopyFrameV1.event()
        def failed(self) -> None: ...

        @ZwlrScreencopyFrameV1.event(_UINT, _UINT, _UINT, _UINT, version=2)
        def damage(self, x: int, y: int, width: int, height: int) -> None: ...


_declare_events()
for interface, proxy in (
    (ZwlrScreencopyFrameV1, ZwlrScreencopyFrameV1Proxy),
    (ZwlrScreencopyManagerV1, ZwlrScreencopyManagerV1Proxy),
):
    interface._gen_c()
    interface.proxy_class = proxy
