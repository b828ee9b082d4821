"""Cards without a compositor: mpv lays them over its picture. It offers what `Presenter` asks of a panel, but no input.

The pixels go over in a memory file that mpv copies. Planes of one pixel are spread over the whole screen, those without any colour
are left out: they would only catch input. What belongs below the content is shown while there is none, over the empty window.
"""

from __future__ import annotations

import asyncio
import os

from player.errors import BoxError
from player.protocols.layer_shell import Anchor, Layer
from player.stage.backends.single_window import SingleWindow
from player.stage.wayland.layer_card import Picture, Place

STEP_S = 0.04
_FIRST = {Layer.BACKGROUND: 0, Layer.BOTTOM: 0, Layer.TOP: 16, Layer.OVERLAY: 40}  # mpv stacks its 64 overlays by number
_LAST = 63


class MpvCards:
    """Cards by name. `run` moves tickers along, for ever."""

    def __init__(self, window: SingleWindow) -> None:
        self._window = window
        self._numbers: dict[str, int] = {}
        self._strip: tuple[int, int, Picture, int, float] | None = None  # its number, memory file, pixels, width and speed
        self._strip_came = asyncio.Event()

    def shows(self, name: str) -> bool:  # noqa: ARG002 - the port's shape
        """What was put up stays: mpv takes no card away."""
        return True

    def close(self) -> None:
        """Takes everything away."""
        for name in list(self._numbers):
            self.remove(name)

    async def put(self, name: str, picture: Picture, place: Place) -> None:
        """Shows a card, or changes its picture. Raises BoxError."""
        if not any(picture.pixels[3::4]) or (place.layer <= Layer.BOTTOM and (picture.width, picture.height) == (1, 1)):
            return
        width, height = await self._size()
        if place.whole_screen and (picture.width, picture.height) == (1, 1):
            picture = Picture(width, height, picture.pixels * (width * height))
        number = self._number(name, place.layer)
        handle = _memory(picture)
        try:
            await self._show(number, _corner(place, picture, (width, height)), handle, 0, picture.width, picture)
        finally:
            os.close(handle)

    async def ticker(self, name: str, strip: Picture, place: Place, width: int, speed: float) -> None:
        """Shows `width` pixels of a long strip at the bottom. It moves left by `speed` pixels a second; where below 0, right."""
        self.remove(name)
        self._strip = (self._number(name, place.layer), _memory(strip), strip, width, speed)
        self._strip_came.set()

    def remove(self, name: str) -> None:
        """Takes a card away."""
        number = self._numbers.pop(name, None)
        if number is None:
            return
        if self._strip and self._strip[0] == number:
            os.close(self._strip[1])
            self._strip = None
            self._strip_came.clear()
        self._window.tell("overlay-remove", str(number))

    async def run(self) -> None:
        """Moves the ticker, a step at a time, for ever."""
        loop = asyncio.get_running_loop()
        while True:
            await self._strip_came.wait()
            began = loop.time()
            while strip := self._strip:
                number, handle, picture, width, speed = strip
                offset = int((loop.time() - began) * speed) % max(1, picture.width - width)
                _, height = await self._size()
                if self._strip is strip:
                    await self._show(number, (0, height - picture.height), handle, offset * 4, width, picture)
                await asyncio.sleep(STEP_S)

    async def _size(self) -> tuple[int, int]:
        width, height = await self._window.ask(lambda handle: (handle.osd_width, handle.osd_height))
        if not width or not height:
            raise BoxError("the window", "has no size yet")
        return width, height

    async def _show(self, number: int, corner: tuple[int, int], handle: int, offset: int, width: int, picture: Picture) -> None:
        words = (number, *corner, f"@{handle}", offset, "bgra", width, picture.height, picture.width * 4)
        await self._window.ask(lambda mpv: mpv.command("overlay-add", *(str(word) for word in words)))

    def _number(self, name: str, layer: Layer) -> int:
        taken = set(self._numbers.values())
        first = _FIRST[layer]
        if name not in self._numbers:
            self._numbers[name] = next(number for number in range(first, _LAST + 1) if number not in taken)
        return self._numbers[name]


def _memory(picture: Picture) -> int:
    """A memory file with the pixels, and a row more: a view that begins inside a row ends inside the next."""
    handle = os.memfd_create("card", os.MFD_CLOEXEC)
    with open(handle, "wb", closefd=False) as out:
        out.write(picture.pixels + bytes(picture.width * 4))
    return handle


def _corner(place: Place, picture: Picture, size: tuple[int, int]) -> tuple[int, int]:
    """Left and top, as a layer surface with that anchor and margin would have them."""
    top, right, bottom, left = place.margin
    x, y = (size[0] - picture.width) // 2, (size[1] - picture.height) // 2
    if place.anchor & Anchor.LEFT:
        x = left
    elif place.anchor & Anchor.RIGHT:
        x = size[0] - picture.width - right
    if place.anchor & Anchor.TOP:
        y = top
    elif place.anchor & Anchor.BOTTOM:
        y = size[1] - picture.height - bottom
    return max(0, x), max(0, y)
