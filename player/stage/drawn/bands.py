"""Pictures for drawn regions: the band of a ticker, and a clock's face. Drawn in a thread, never on the loop.

A band is one long strip: its lines one after the other, joined end to start, and so much of its beginning again as a view is wide.
Lines of right-to-left scripts lie from right to left, and the view moves the other way. Where a band takes the place of another
that is moving, it begins with what of that one is on screen and about to come (its *lead*), so that nobody sees the seam.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from player.core.content import Rect
from player.stage.drawing.palette import BOLD, Colour
from player.stage.drawing.running import is_rtl
from player.stage.wayland.window import SharedPicture

if TYPE_CHECKING:
    from PIL.Image import Image

MOST_PIXELS = 6_000_000  # of one round of a band: 24 MB
_BETWEEN = "•"


@dataclass(frozen=True, slots=True)
class Style:
    """What a band or a face is drawn to: its size in pixels, the colour behind, and that of the letters."""

    size: tuple[int, int]
    background: Colour
    ink: Colour


@dataclass(frozen=True, slots=True)
class Band:
    """A ticker's picture: `lead` pixels that come once, then `period` pixels that come again and again."""

    picture: SharedPicture
    view: int
    lead: int
    period: int
    rtl: bool

    def x(self, offset: float) -> int:
        """Where the view, `view` pixels wide, lies when it has moved `offset` pixels (0 to lead + period) along."""
        return self.picture.width - self.view - int(offset) if self.rtl else int(offset)


@dataclass(frozen=True, slots=True)
class _Cell:
    """A line or a separator, and how much of the band it takes."""

    image: Image
    width: int


def draw_band(lines: Sequence[str], style: Style, before: tuple[Sequence[str], int] | None = None) -> Band:
    """The band of `lines`. `before`: the lines of the band on screen, and how many pixels of its round have passed."""
    rtl = is_rtl(lines)
    cells = _cells(lines, style)
    wide, high = style.size
    led, lead = _lead(before[0], style, before[1]) if before and is_rtl(before[0]) == rtl else ([], 0)
    period = sum(cell.width for cell in cells)
    picture = SharedPicture(lead + period + wide, high)
    placed = (*led, *_placed(cells, lead), *_placed(cells, lead + period))
    picture.paint(_pixel(style.background), _pieces(placed, picture.width, rtl=rtl))
    return Band(picture, wide, lead, period, rtl)


def _pixel(colour: Colour) -> bytes:
    red, green, blue = colour
    return bytes((blue, green, red, 255))


def _pieces(placed: Iterable[tuple[int, Image]], wide: int, *, rtl: bool) -> Iterator[tuple[int, int, bytes]]:
    """What of each image lies in the band: x, width, pixels."""
    for at, image in placed:
        x = wide - at - image.width if rtl else at
        left, right = max(0, -x), min(image.width, wide - x)
        if left < right:
            yield x + left, right - left, image.crop((left, 0, right, image.height)).tobytes("raw", "BGRX")


def _cells(lines: Sequence[str], style: Style) -> list[_Cell]:
    """As many lines as fit, each followed by a separator; what is shorter than the view is filled up with the background."""
    from player.stage.cards.catalogue import ticker_strip

    wide, high = style.size
    most = max(wide, MOST_PIXELS // high)
    cells: list[_Cell] = []
    between = ticker_strip(high, _BETWEEN, color=style.ink, background=style.background).convert("RGB")
    for line in lines:
        image = ticker_strip(high, line, color=style.ink, background=style.background, max_width=most).convert("RGB")
        if cells and sum(cell.width for cell in cells) + image.width > most:
            break
        cells += (_Cell(image, image.width), _Cell(between, between.width))
    used = sum(cell.width for cell in cells)
    if used < wide:
        cells[-1:] = [_Cell(between.crop((0, 0, 1, high)), wide - used + between.width)]
    return cells


def _placed(cells: Sequence[_Cell], at: int) -> list[tuple[int, Image]]:
    placed = []
    for cell in cells:
        placed.append((at, cell.image))
        at += cell.width
    return placed


def _lead(lines: Sequence[str], style: Style, passed: int) -> tuple[list[tuple[int, Image]], int]:
    """What of the band before is still to be seen: two widths of it, the second for the time that drawing takes."""
    at, placed = -passed, []
    cells = itertools.cycle(_cells(lines, style))
    while at < 2 * style.size[0]:
        for cell in itertools.islice(cells, 2):  # a line with what follows it
            placed.append((at, cell.image))
            at += cell.width
    return placed, at


def draw_clock(text: str, style: Style) -> SharedPicture:
    """The time in the middle of the region, as large as it fits; its size follows from its shape, so that digits do not jump."""
    from PIL import Image, ImageDraw

    from player.stage.drawing import typeset

    wide, high = style.size
    box = Rect(wide // 25, high // 20, wide - 2 * (wide // 25), high - 2 * (high // 20))
    shape = "".join("0" if char.isdigit() else char for char in text)
    size = typeset.fit(shape, box.width, box.height, (4, high), BOLD).size
    sheet = Image.new("RGB", style.size, style.background)
    block = typeset.fit(text, box.width, box.height, (4, size), BOLD)
    typeset.draw(ImageDraw.Draw(sheet), block, box, style.ink, align="center", valign="middle")
    return SharedPicture(wide, high, sheet.tobytes("raw", "BGRX"))
