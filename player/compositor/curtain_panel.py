"""One panel's part of the curtain: a surface below everything, and the copy of the screen that it shows."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
from pywayland.protocol.wayland import WlOutput, WlShm

from player.compositor.still_file import FORMS, HEAD, Still, make_still
from player.protocols.layer_shell import Anchor, Layer

_ALL = Anchor.TOP | Anchor.BOTTOM | Anchor.LEFT | Anchor.RIGHT
BLACK_EDGE = 512
_UPSIDE_DOWN = int(WlOutput.transform.flipped_180)
_INVERTED = 1  # zwlr_screencopy_frame_v1.flags: y_invert


@dataclass(frozen=True, slots=True)
class CurtainGlobals:
    """What the compositor offers, as bound by the curtain's connection."""

    compositor: Any
    shm: Any
    shell: Any
    viewporter: Any
    copier: Any


class _Hanging:
    """A picture that the compositor draws from: it keeps its file until another hangs there and it was let go of."""

    def __init__(self, shm: Any, folder: Path, still: Still | None, handle: int, size: tuple[int, int]) -> None:
        self._folder, self.still, self.size = folder, still, size
        start, stride = (HEAD, still.stride) if still else (0, 4 * size[0])
        pool = shm.create_pool(handle, start + stride * size[1])
        self.buffer = pool.create_buffer(start, *size, stride, still.form if still else int(WlShm.format.xrgb8888))
        pool.destroy()
        os.close(handle)
        self._free, self._wanted, self.is_gone = True, True, False
        self.buffer.dispatcher["release"] = self._released

    def attached(self) -> None:
        self._free = False

    def _released(self, _: Any) -> None:
        self._free = True
        self._go()

    def take_down(self) -> None:
        self._wanted = False
        self._go()

    def _go(self) -> None:
        if not self._free or self._wanted or self.is_gone:
            return
        self.is_gone = True
        self.buffer.destroy()
        if self.still:
            with contextlib.suppress(OSError):
                (self._folder / self.still.file).unlink()


class CurtainPanel:
    """Shows a still, black or nothing on `output`. `told` is called when another picture hangs there, and when it was drawn."""

    def __init__(self, bound: CurtainGlobals, folder: Path, output: Any, opened: Callable[[CurtainPanel], None],
                 told: Callable[[], None]) -> None:  # fmt: skip
        self._bound, self._folder, self._output, self._opened, self._told = bound, folder, output, opened, told
        self.name = ""
        self._turn = self._drawn_turn = 0
        self._size = (0, 0)
        self._surface: Any = None
        self._layer: Any = None
        self._viewport: Any = None
        self._hanging: _Hanging | None = None
        self._frame: Any = None
        self._coming: _Hanging | None = None
        self._leaving: list[_Hanging] = []  # the compositor draws from them for a moment more
        self._inverted = False
        output.dispatcher["name"] = self._named
        output.dispatcher["geometry"] = self._turned
        output.dispatcher["done"] = self._described

    def __repr__(self) -> str:
        return f"<curtain on {self.name}: {self.still.file if self.still else 'no still'}>"

    @property
    def still(self) -> Still | None:
        """The picture that hangs there."""
        return self._hanging.still if self._hanging else None

    @property
    def is_late(self) -> bool:
        """Whether a picture hangs there that waits for the panel's size, and is not seen yet."""
        return self._hanging is not None and 0 in self._size

    # --- the panel

    def _named(self, _: Any, name: str) -> None:
        self.name = name

    def _turned(self, *event: Any) -> None:
        self._turn = event[8]

    def _described(self, _: Any) -> None:
        if self._surface is None:
            self._open()
            self._opened(self)
        elif self._turn != self._drawn_turn:
            self._draw()

    def _open(self) -> None:
        bound = self._bound
        self._surface = bound.compositor.create_surface()
        self._layer = bound.shell.get_layer_surface(self._surface, self._output, int(Layer.BACKGROUND), "sig-curtain")
        self._viewport = bound.viewporter.get_viewport(self._surface)
        self._layer.dispatcher["configure"] = self._configured
        self._layer.dispatcher["closed"] = lambda _: self.close()
        self._layer.set_anchor(int(_ALL))
        self._layer.set_exclusive_zone(-1)
        self._layer.set_size(0, 0)
        nowhere = bound.compositor.create_region()
        self._surface.set_input_region(nowhere)
        nowhere.destroy()
        self._surface.commit()

    def _configured(self, layer: Any, serial: int, width: int, height: int) -> None:
        layer.ack_configure(serial)
        self._size = (width, height)
        self._draw()
        self._told()

    def _draw(self) -> None:
        """The picture as the panel has it: turned with the panel, it lies on the same pixels as when it was taken."""
        hanging = self._hanging
        if hanging is None or 0 in self._size:
            return
        self._drawn_turn = self._turn
        upside_down = hanging.still is not None and hanging.still.inverted
        self._surface.attach(hanging.buffer, 0, 0)
        hanging.attached()
        self._surface.set_buffer_transform(_composed(_UPSIDE_DOWN, self._turn) if upside_down else self._turn)
        self._viewport.set_destination(*self._size)
        self._surface.damage_buffer(0, 0, *hanging.size)
        self._surface.commit()

    # --- what hangs there

    def show(self, still: Still) -> None:
        """Hangs up a picture that is in the folder already. One that cannot be opened costs itself."""
        with contextlib.suppress(OSError):
            handle = os.open(self._folder / still.file, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
            self._hang(_Hanging(self._bound.shm, self._folder, still, handle, (still.width, still.height)))

    def black(self) -> None:
        """Hangs up black, of some pixels: pixman would end a single one, spread over a screen, some rows early."""
        self._give_up()
        size = (BLACK_EDGE, BLACK_EDGE)
        handle = os.memfd_create("black", os.MFD_CLOEXEC)
        os.ftruncate(handle, 4 * size[0] * size[1])
        self._hang(_Hanging(self._bound.shm, self._folder, None, handle, size))

    def clear(self) -> None:
        """Takes down what hangs there; what lies below is seen."""
        self._give_up()
        if self._surface is not None and self._hanging is not None:
            self._close_surface()
            self._open()
        self._hang(None)

    def _hang(self, hanging: _Hanging | None) -> None:
        before, self._hanging = self._hanging, hanging
        self._draw()
        if before is not None:
            before.take_down()
            self._leaving = [one for one in (*self._leaving, before) if not one.is_gone]
        self._told()

    # --- the copy

    def take(self) -> None:
        """Begins to copy the panel; what comes of it hangs there when it is whole."""
        self._give_up()
        if self._surface is None:
            return
        self._frame, self._inverted = self._bound.copier.capture_output(0, self._output), False
        for event, handler in {
            "buffer": self._offered, "flags": self._flagged, "ready": self._ready, "failed": lambda _: self._give_up(),
        }.items():  # fmt: skip
            self._frame.dispatcher[event] = handler

    def _offered(self, frame: Any, form: int, width: int, height: int, stride: int) -> None:
        still = Still(f"still-{self.name}-{time.monotonic_ns()}.bmp", width, height, stride, form)
        handle = -1
        with contextlib.suppress(OSError):  # the folder is full: the picture before stays
            handle = make_still(self._folder, still) if form in FORMS else -1
        if handle < 0:
            self._give_up()
            return
        self._coming = _Hanging(self._bound.shm, self._folder, still, handle, (width, height))
        frame.copy(self._coming.buffer)

    def _flagged(self, _: Any, flags: int) -> None:
        self._inverted = bool(flags & _INVERTED)

    def _ready(self, *_: Any) -> None:
        coming, self._coming = self._coming, None
        self._give_up()
        if coming is None or coming.still is None:
            return
        if self._inverted:
            coming.still = msgspec.structs.replace(coming.still, inverted=True)
            with contextlib.suppress(OSError), (self._folder / coming.still.file).open("r+b") as file:
                file.write(coming.still.head())
        self._hang(coming)

    def _give_up(self) -> None:
        """No copy is under way any more."""
        frame, coming, self._frame, self._coming = self._frame, self._coming, None, None
        if frame is not None:
            frame.destroy()
        if coming is not None:
            coming.take_down()

    # --- the end

    def _close_surface(self) -> None:
        for thing in (self._viewport, self._layer, self._surface):
            if thing is not None:
                thing.destroy()
        self._surface = self._layer = self._viewport = None
        self._size = (0, 0)

    def close(self) -> None:
        """The panel went."""
        self._give_up()
        self._close_surface()
        self._hang(None)


def _composed(first: int, then: int) -> int:
    """Two turns of wl_output.transform, one after the other (four quarters, and the same four mirrored)."""
    turned = (then - first) & 3 if then & 4 else (then + first) & 3
    return (first ^ then) & 4 | turned
