"""The look of Solvane Coffee & Bakery, an imaginary café that the samples advertise: palette, type, hills, sun, cup, beans.

Everything is drawn by Pillow at twice its size and reduced, since Pillow's own edges are hard. `unit` is a 1080th of the height.
"""

from __future__ import annotations

import functools
import math
import random
from collections.abc import Callable, Sequence
from pathlib import Path

from PIL import Image, ImageChops, ImageDraw, ImageFilter, ImageFont

NIGHT, TEAL, SAGE = (14, 42, 51), (31, 78, 85), (127, 160, 143)
CREAM, APRICOT, CORAL, RUST = (247, 236, 216), (242, 178, 121), (226, 115, 79), (180, 71, 47)
ESPRESSO, CRUST, CRUMB = (43, 26, 20), (196, 124, 66), (226, 164, 102)
Colour = tuple[int, int, int]
Size = tuple[int, int]
_FONTS = Path("/usr/share/fonts/truetype/noto")


@functools.lru_cache(maxsize=64)
def font(name: str, pixels: float) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    """A Noto face such as "SerifDisplay-Bold"; Pillow's own where Noto is not installed."""
    try:
        return ImageFont.truetype(str(_FONTS / f"Noto{name}.ttf"), max(4, round(pixels)))
    except OSError:
        return ImageFont.load_default(max(4, round(pixels)))


def mix(first: Colour, second: Colour, share: float) -> Colour:
    """`share` 0 is the first colour, 1 the second."""
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(first, second, strict=True))
    return red, green, blue


def gradient(size: Size, stops: Sequence[tuple[float, Colour]]) -> Image.Image:
    """Top to bottom through `stops` (0 to 1, colour)."""
    column = Image.new("RGB", (1, size[1]))
    for y in range(size[1]):
        at = y / max(1, size[1] - 1)
        index = max(i for i, (stop, _) in enumerate(stops[:-1]) if stop <= at)
        (low, first), (high, second) = stops[index], stops[index + 1]
        column.putpixel((0, y), mix(first, second, (at - low) / (high - low)))
    return column.resize(size)


def drawn(size: Size, draw: Callable[[ImageDraw.ImageDraw], None]) -> Image.Image:
    """A mask with smooth edges: `draw` paints in white on a canvas of twice the size."""
    mask = Image.new("L", (size[0] * 2, size[1] * 2))
    draw(ImageDraw.Draw(mask))
    return mask.reduce(2)


def fill(canvas: Image.Image, mask: Image.Image, colour: Colour | Image.Image, at: tuple[int, int] = (0, 0)) -> None:
    """Paints `colour` through `mask`."""
    canvas.paste(colour, (*at, at[0] + mask.width, at[1] + mask.height) if isinstance(colour, tuple) else at, mask)


def glow(radius: int, strength: int) -> Image.Image:
    """A round mask that fades to its edge."""
    small = Image.radial_gradient("L").point(lambda v: round(max(0, 1 - v / 180) ** 2 * strength))
    return small.resize((radius * 2, radius * 2), Image.Resampling.BICUBIC)


def hill(size: Size, height: float, waves: Sequence[tuple[int, float, float]]) -> Image.Image:
    """A ridge as a mask: `waves` are (periods over the width, share of the height, phase), so its ends meet."""

    def draw(pen: ImageDraw.ImageDraw) -> None:
        width, tall = size[0] * 2, size[1] * 2
        ridge = []
        for x in range(0, width + 8, 8):
            turn = 2 * math.pi * x / width
            y = tall * (1 - height - sum(share * math.sin(n * turn + phase) for n, share, phase in waves))
            ridge.append((x, y))
        pen.polygon([*ridge, (width, tall), (0, tall)], fill=255)

    return drawn(size, draw)


def write(canvas: Image.Image, at: tuple[float, float], text: str, face: str, pixels: float, colour: Colour) -> None:
    """One line of text, whose baseline begins there."""
    ImageDraw.Draw(canvas).text(at, text, font=font(face, pixels), fill=colour, anchor="ls")


def spaced(canvas: Image.Image, at: tuple[float, float], text: str, pixels: float, colour: Colour) -> None:
    """Small capitals, widely set, from the left."""
    x, pen, face = at[0], ImageDraw.Draw(canvas), font("Sans-Bold", pixels)
    for letter in text:
        pen.text((x, at[1]), letter, font=face, fill=colour, anchor="ls")
        x += pen.textlength(letter, font=face) + 0.28 * pixels


def logo(canvas: Image.Image, at: tuple[float, float], unit: float, colour: Colour) -> None:
    """The mark, a sun half risen over a line, and the name beside it."""
    radius, width = 26 * unit, 92 * unit
    box = (round(width), round(60 * unit))

    def draw(pen: ImageDraw.ImageDraw) -> None:
        centre, base = width, 46 * unit * 2
        pen.pieslice((centre - radius * 2, base - radius * 2, centre + radius * 2, base + radius * 2), 180, 360, fill=255)
        for angle in range(-75, 90, 30):
            sine, cosine = math.sin(math.radians(angle)), math.cos(math.radians(angle))
            near, far = 33 * unit * 2, 43 * unit * 2
            line = (centre + near * sine, base - near * cosine, centre + far * sine, base - far * cosine)
            pen.line(line, fill=255, width=max(1, round(5 * unit * 2)))
        pen.rectangle((0, base + 5 * unit * 2, width * 2, base + 9 * unit * 2), fill=255)

    fill(canvas, drawn(box, draw), colour, (round(at[0]), round(at[1] - 52 * unit)))
    spaced(canvas, (at[0] + 116 * unit, at[1] + 2 * unit), "SOLVANE", 36 * unit, colour)


def cup(size: Size) -> tuple[Image.Image, Image.Image, Image.Image]:
    """Masks of a cup seen from the side: body with handle and saucer, its shaded side, and the band of coffee."""
    width, height = size[0] * 2, size[1] * 2

    def body(pen: ImageDraw.ImageDraw) -> None:
        pen.ellipse((0.66 * width, 0.16 * height, 0.94 * width, 0.58 * height), fill=255)
        pen.ellipse((0.72 * width, 0.245 * height, 0.87 * width, 0.495 * height), fill=0)
        pen.pieslice((0.14 * width, -0.62 * height, 0.76 * width, 0.82 * height), 0, 180, fill=255)
        pen.rectangle((0.14 * width, 0.06 * height, 0.76 * width, 0.11 * height), fill=255)
        pen.rounded_rectangle((0.04 * width, 0.86 * height, 0.86 * width, 0.93 * height), 0.035 * height, fill=255)
        pen.rectangle((0.3 * width, 0.78 * height, 0.6 * width, 0.88 * height), fill=255)

    def shade(pen: ImageDraw.ImageDraw) -> None:
        pen.pieslice((0.14 * width, -0.62 * height, 0.76 * width, 0.82 * height), 0, 180, fill=255)
        pen.ellipse((-0.1 * width, -0.9 * height, 0.66 * width, 0.78 * height), fill=0)

    def band(pen: ImageDraw.ImageDraw) -> None:
        pen.rectangle((0.155 * width, 0.24 * height, 0.745 * width, 0.33 * height), fill=255)

    whole = drawn(size, body)
    return whole, drawn(size, shade), ImageChops.darker(drawn(size, band), whole)


def bean(canvas: Image.Image, centre: tuple[float, float], length: float, angle: float, colour: Colour) -> None:
    """One coffee bean with its crease, turned by `angle` degrees."""
    box = max(4, round(length * 1.2))

    def draw(pen: ImageDraw.ImageDraw) -> None:
        pen.ellipse((box - length * 0.66, box - length, box + length * 0.66, box + length), fill=255)
        crease = [(box + length * 0.16 * math.sin(step / 20 * 2 * math.pi), box + length * (step / 10 - 1)) for step in range(21)]
        pen.line(crease, fill=0, width=max(1, round(length * 0.14)), joint="curve")

    mask = drawn((box, box), draw).rotate(angle, Image.Resampling.BICUBIC)
    fill(canvas, mask, colour, (round(centre[0] - box / 2), round(centre[1] - box / 2)))


def scatter(canvas: Image.Image, area: tuple[float, float, float, float], length: float, colours: Sequence[Colour]) -> None:
    """Beans over an area (left, top, right, bottom), always the same."""
    dice = random.Random(7)  # noqa: S311 - a pattern, not a secret
    left, top, right, bottom = area
    step = length * 1.45
    for row in range(int((bottom - top) / step) + 1):
        for column in range(int((right - left) / step) + 1):
            x = left + (column + 0.5 * (row % 2)) * step + dice.uniform(-0.18, 0.18) * step
            y = top + row * step + dice.uniform(-0.18, 0.18) * step
            bean(canvas, (x, y), length * dice.uniform(0.85, 1.1), dice.uniform(0, 360), dice.choice(colours))


def bun(canvas: Image.Image, centre: tuple[float, float], radius: float) -> None:
    """A cardamom bun from above: a spiral of dough with sugar on it."""
    box = round(radius * 2.3)

    def disc(pen: ImageDraw.ImageDraw) -> None:
        pen.ellipse((box - radius * 2, box - radius * 2, box + radius * 2, box + radius * 2), fill=255)

    def spiral(pen: ImageDraw.ImageDraw) -> None:
        line = []
        for step in range(240):
            turn, reach = step / 240 * 3.1 * 2 * math.pi, radius * 2 * (0.1 + 0.82 * step / 240)
            line.append((box + reach * math.cos(turn), box + reach * math.sin(turn)))
        pen.line(line, fill=255, width=max(1, round(radius * 0.14)), joint="curve")

    at = (round(centre[0] - box / 2), round(centre[1] - box / 2))
    whole = drawn((box, box), disc)
    shadow = whole.filter(ImageFilter.GaussianBlur(radius * 0.06)).point(lambda v: v * 70 // 255)
    fill(canvas, shadow, ESPRESSO, (at[0] + round(radius * 0.06), at[1] + round(radius * 0.1)))
    fill(canvas, whole, CRUMB, at)
    fill(canvas, drawn((box, box), spiral), CRUST, at)
    dice = random.Random(3)  # noqa: S311 - a pattern, not a secret
    pen = ImageDraw.Draw(canvas)
    for _ in range(70):
        turn, reach = dice.uniform(0, 2 * math.pi), radius * math.sqrt(dice.random()) * 0.9
        x, y, grain = centre[0] + reach * math.cos(turn), centre[1] + reach * math.sin(turn), radius * 0.022
        pen.rectangle((x - grain, y - grain, x + grain, y + grain), fill=CREAM)
