"""The design that every card shares: colours, type scale, margins, and the few shapes that cards are made of.

Lengths are in units of a hundredth of the screen's shorter side, so that a card looks the same on 800x480 and on 4K. Text goes
into rectangles and never leaves them (see `typeset`).
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from PIL import Image, ImageChops, ImageDraw, ImageFilter

from player.core.content import Rect
from player.stage.drawing import typeset
from player.stage.drawing.palette import ACCENT, DUSK, GLOW, NIGHT, REGULAR, WARM, WHITE, Colour

Align = Literal["start", "left", "center", "right"]
Valign = Literal["top", "middle", "bottom"]


@dataclass(frozen=True, slots=True)
class Piece:
    """One text of a stack: its largest size in units, and the share of the stack's height that it may take."""

    text: str
    units: float
    fill: Colour = WHITE
    weight: str = REGULAR
    share: float = 1.0
    smallest: float = 1.8
    lines: int = 99


class Canvas:
    """An image of exactly `size`, and drawing in the player's colours."""

    def __init__(self, size: tuple[int, int], image: Image.Image | None = None) -> None:
        self.width, self.height = size
        self.image = image if image is not None else backdrop(size).copy()
        self.unit = min(size) / 100
        self.draw = ImageDraw.Draw(self.image)

    @property
    def area(self) -> Rect:
        """The rectangle of the whole image."""
        return Rect(0, 0, self.width, self.height)

    def px(self, units: float) -> int:
        """Units in pixels, at least one."""
        return max(1, round(units * self.unit))

    def text(
        self,
        box: Rect,
        text: str,
        units: float,
        *,
        fill: Colour = WHITE,
        weight: str = REGULAR,
        align: Align = "start",
        valign: Valign = "top",
        smallest: float = 1.8,
        lines: int = 99,
    ) -> Rect:
        """Text in `box`, `units` large or smaller where it would not fit; returns the rectangle that it takes."""
        if not text or box.width < 1 or box.height < 1:
            return Rect(box.x, box.y, 0, 0)
        block = typeset.fit(text, box.width, box.height, (self.px(min(smallest, units)), self.px(units)), weight, lines)
        return typeset.draw(self.draw, block, box, fill, align, valign)

    def stack(self, box: Rect, pieces: Sequence[Piece], *, gap: float, align: Align = "start", valign: Valign = "middle") -> Rect:
        """Texts under each other, `gap` units apart, as one group in `box`; returns the rectangle that they take."""
        space, room = self.px(gap), box.height
        blocks: list[tuple[typeset.Block, Colour]] = []
        for piece in (piece for piece in pieces if piece.text):
            most = min(room, round(box.height * piece.share))
            sizes = (self.px(piece.smallest), self.px(piece.units))
            block = typeset.fit(piece.text, box.width, most, sizes, piece.weight, piece.lines)
            blocks.append((block, piece.fill))
            room -= block.height + space
        tall = sum(block.height + space for block, _ in blocks) - space
        y = top = box.y + {"top": 0, "middle": (box.height - tall) // 2, "bottom": box.height - tall}[valign]
        for block, fill in blocks:
            typeset.draw(self.draw, block, Rect(box.x, y, box.width, block.height), fill, align)
            y += block.height + space
        return Rect(box.x, top, box.width, max(0, tall))

    def panel(self, box: Rect, colour: Colour = WHITE, *, alpha: float = 1.0, radius: float = 2.0) -> None:
        """A rectangle with round corners."""
        if box.width < 1 or box.height < 1:
            return
        mask = rounded((box.width, box.height), min(self.px(radius), min(box.width, box.height) // 2))
        if alpha < 1:
            mask = mask.point([round(value * alpha) for value in range(256)])
        self.image.paste(colour, (box.x, box.y), mask)

    def dot(self, x: int, y: int, units: float, colour: Colour, *, alpha: float = 1.0) -> None:
        """A disc about (x, y), `units` across."""
        across = self.px(units)
        self.panel(Rect(x - across // 2, y - across // 2, across, across), colour, alpha=alpha, radius=units)

    def mark(self, x: int, y: int, units: float) -> int:
        """The player's mark, three regions of a screen, from its top left, `units` tall; returns its width in pixels."""
        height = self.px(units)
        gap = max(1, round(height * 0.09))
        tall, small = round(height * 0.86), round(height * 0.5)
        upper = round(height * 0.58)
        radius = units * 0.13
        self.panel(Rect(x, y, tall, height), ACCENT, radius=radius)
        self.panel(Rect(x + tall + gap, y, small, upper), WHITE, radius=radius)
        self.panel(Rect(x + tall + gap, y + upper + gap, small, height - upper - gap), WARM, radius=radius)
        return tall + gap + small

    def qr(self, box: Rect, matrix: Sequence[Sequence[int]], align: Align = "center") -> Rect:
        """A QR code, dark on a white card with its quiet zone of four modules; returns the modules' rectangle."""
        count = len(matrix)
        module = max(1, min(box.width, box.height) // (count + 8))
        side = module * (count + 8)
        free = box.width - side
        card = Rect(box.x + (free if align == "right" else free // 2), box.y + (box.height - side) // 2, side, side)
        self.panel(card, (255, 255, 255), radius=1.6)
        small = Image.new("L", (count, count))
        small.putdata([0 if dark else 255 for row in matrix for dark in row])
        code = small.resize((module * count, module * count), Image.Resampling.NEAREST)
        place = Rect(card.x + 4 * module, card.y + 4 * module, code.width, code.height)
        self.image.paste(code.convert(self.image.mode), (place.x, place.y))
        return place


@functools.lru_cache(maxsize=64)
def rounded(size: tuple[int, int], radius: int) -> Image.Image:
    """A mask: white where a rectangle with round corners is. Do not draw on it."""
    mask = Image.new("L", size, 255)
    if radius < 1:
        return mask
    disc = Image.new("L", (radius * 8, radius * 8))
    ImageDraw.Draw(disc).ellipse((0, 0, radius * 8 - 1, radius * 8 - 1), fill=255)
    disc = disc.resize((radius * 2, radius * 2), Image.Resampling.LANCZOS)
    for x, left in ((0, 0), (size[0] - radius, radius)):
        for y, top in ((0, 0), (size[1] - radius, radius)):
            mask.paste(disc.crop((left, top, left + radius, top + radius)), (x, y))
    return mask


@functools.lru_cache(maxsize=2)
def backdrop(size: tuple[int, int], low: Colour = NIGHT, high: Colour = DUSK, glow: Colour = GLOW) -> Image.Image:
    """Night falling over the screen, a glow in one corner: calm, and nowhere black. Do not draw on it."""
    small = (max(2, size[0] // 6), max(2, size[1] // 6))
    fall = Image.linear_gradient("L").rotate(35, Image.Resampling.BILINEAR, expand=True)
    inner = fall.crop((fall.width // 4, fall.height // 4, fall.width * 3 // 4, fall.height * 3 // 4)).resize(small)
    image = Image.composite(Image.new("RGB", small, low), Image.new("RGB", small, high), inner)
    image.paste(glow, (0, 0), _halo(small))
    grown = image.resize(size, Image.Resampling.BICUBIC)
    return ImageChops.add(grown, _grain(size), offset=-1)


def _halo(size: tuple[int, int]) -> Image.Image:
    """A soft round light, mostly outside the lower right corner."""
    reach = round(max(size) * 1.15)
    light = ImageChops.invert(Image.radial_gradient("L")).resize((reach, reach)).filter(ImageFilter.GaussianBlur(4))
    mask = Image.new("L", size)
    mask.paste(light.point([round(max(0, v - 74) * 0.6) for v in range(256)]), (size[0] - reach * 5 // 8, size[1] - reach // 2))
    return mask


@functools.lru_cache(maxsize=2)
def _grain(size: tuple[int, int]) -> Image.Image:
    """A noise of one or two levels: without it, large panels show the gradient in bands."""
    tile = Image.effect_noise((256, 256), 60).point([0 if v < 110 else 1 if v < 150 else 2 for v in range(256)])
    noise = Image.new("L", size)
    for x in range(0, size[0], 256):
        for y in range(0, size[1], 256):
            noise.paste(tile, (x, y))
    return Image.merge("RGB", (noise, noise, noise))
