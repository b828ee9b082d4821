"""A picture of seams: for each player a strip of dots, one a seam, holds in one half, blanks in the other (ms)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

WIDTH, ROW, TOP, LEFT, MIDDLE, RIGHT = 1600, 46, 96, 380, 40, 24
INK, FAINT, HOLD, BLANK, LINE = "#202428", "#d8dce0", "#1f6fb2", "#c23b22", "#6a7076"
TICKS = (0, 17, 50, 100, 200, 400, 800)
_FONTS = ("/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf",)


@dataclass(frozen=True, slots=True)
class Row:
    """One player at one size of the screen."""

    name: str
    hold_ms: Sequence[float]
    blank_ms: Sequence[float]


def draw(rows: Sequence[Row], path: Path) -> None:
    """Writes the picture as PNG."""
    image = Image.new("RGB", (WIDTH, TOP + ROW * len(rows) + 56), "white")
    pen, font = ImageDraw.Draw(image), _font(17)
    half = (WIDTH - LEFT - MIDDLE - RIGHT) // 2
    sides = (
        (LEFT, "last frame held too long, ms", (17, 50)),
        (LEFT + half + MIDDLE, "nothing or something wrong on screen, ms", (0,)),
    )
    for left, title, lines in sides:
        pen.text((left, 16), title, INK, _font(21))
        _axis(pen, left, half, len(rows), lines)
    for index, row in enumerate(rows):
        middle = TOP + ROW * index + ROW // 2
        pen.text((16, middle - 10), row.name, INK, font)
        _dots(pen, row.hold_ms, LEFT, half, middle, HOLD)
        _dots(pen, row.blank_ms, LEFT + half + MIDDLE, half, middle, BLANK)
    pen.text(
        (16, image.height - 34),
        "one dot a seam; square-root scale; dark lines: what is allowed (95 of 100 up to 17 ms, all up to 50 ms; never blank)",
        LINE,
        font,
    )
    image.save(path)


def place(value: float, width: int) -> float:
    """Where a time lies: square-root scale, so that 5 ms and 500 ms can both be told from their neighbours."""
    return width * math.sqrt(min(1.0, max(0.0, value) / TICKS[-1]))


def _axis(pen: ImageDraw.ImageDraw, left: int, width: int, rows: int, lines: Sequence[int]) -> None:
    for tick in TICKS:
        x = left + place(tick, width)
        pen.line((x, TOP - 8, x, TOP + ROW * rows), LINE if tick in lines else FAINT)
        pen.text((x, TOP - 28), str(tick), LINE, _font(14), anchor="ma")
    for row in range(rows + 1):
        pen.line((left, TOP + ROW * row, left + width, TOP + ROW * row), FAINT)


def _dots(pen: ImageDraw.ImageDraw, values: Sequence[float], left: int, width: int, middle: int, colour: str) -> None:
    for index, value in enumerate(values):
        x, y = left + place(value, width), middle + (index % 9 - 4) * 3
        pen.ellipse((x - 3, y - 3, x + 3, y + 3), outline=colour, width=2)


def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    for name in _FONTS:
        if Path(name).exists():
            return ImageFont.truetype(name, size)
    return ImageFont.load_default(size)
