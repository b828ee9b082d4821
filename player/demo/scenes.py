"""The samples themselves: two moving scenes, frame by frame, and two pictures; all at any size, from the pieces in `artwork`.

A scene is a function of its size and its number of frames that yields every frame; the last one leads back to the first where
the scene goes round (`steam`).
"""

from __future__ import annotations

import math
from collections.abc import Iterator

from PIL import Image, ImageChops, ImageDraw, ImageFilter

from player.demo.artwork import (
    APRICOT,
    CORAL,
    CREAM,
    ESPRESSO,
    NIGHT,
    RUST,
    SAGE,
    TEAL,
    Size,
    bun,
    cup,
    drawn,
    fill,
    font,
    glow,
    gradient,
    hill,
    logo,
    mix,
    scatter,
    spaced,
    write,
)


def _eased(at: float) -> float:
    """0 to 1, slow at both ends."""
    at = min(1.0, max(0.0, at))
    return at * at * (3 - 2 * at)


def sunrise(size: Size, frames: int) -> Iterator[Image.Image]:
    """The sun rises behind hills that pass by, and the words come in."""
    width, height = size
    unit = height / 1080
    sky = gradient(
        (width, height * 2), ((0, NIGHT), (0.3, TEAL), (0.46, CORAL), (0.62, APRICOT), (0.8, CREAM), (1, mix(CREAM, SAGE, 0.3)))
    )
    sun = drawn((round(300 * unit),) * 2, lambda pen: pen.ellipse((0, 0, 600 * unit, 600 * unit), fill=255))
    halo = glow(round(520 * unit), 150)
    ridges = [
        (mix(CORAL, NIGHT, 0.42), 0.46, ((1, 0.06, 0.4), (3, 0.035, 1.0)), 1),
        (mix(RUST, NIGHT, 0.62), 0.36, ((2, 0.06, 2.2), (5, 0.02, 0.5)), 2),
        (mix(TEAL, NIGHT, 0.55), 0.25, ((1, 0.07, 4.0), (4, 0.025, 2.0)), 3),
        (NIGHT, 0.13, ((2, 0.05, 0.9), (3, 0.03, 3.1)), 5),
    ]
    layers = []
    for colour, tall, waves, speed in ridges:
        mask = hill((width, height * 3 // 4), tall, waves)
        top, end = _band(mask)
        layers.append((mask.crop((0, top, width, end)), height - mask.height + top, colour, speed))
    words, words_at = _trimmed(_sunrise_words(size))
    for frame in range(frames):
        at = frame / frames
        risen = _eased(at * 1.15)
        picture = sky.crop((0, round(height * (0.12 + 0.42 * risen)), width, round(height * (0.12 + 0.42 * risen)) + height))
        x, y = round(width * 0.79), round(height * (0.88 - 0.5 * risen))
        fill(picture, halo, mix(APRICOT, CREAM, 0.5), (x - halo.width // 2, y - halo.height // 2))
        fill(picture, sun, mix(APRICOT, CREAM, 0.2 + 0.6 * risen), (x - sun.width // 2, y - sun.height // 2))
        for mask, top, colour, speed in layers:
            shift = round(frame * speed * max(1, width // 1920)) % width
            for left in (-shift, width - shift):
                fill(picture, mask, colour, (left, top))
            picture.paste(colour, (0, top + mask.height, width, height))
        shown = _eased((at - 0.22) / 0.25)
        if shown:
            alpha = words.getchannel("A").point([round(v * shown) for v in range(256)])
            picture.paste(words, (words_at[0], words_at[1] + round((1 - shown) * 30 * unit)), alpha)
        yield picture


def _band(mask: Image.Image) -> tuple[int, int]:
    """The rows (first, end) where a ridge is neither empty nor full: all that a mask is needed for."""
    filled, gaps = mask.getbbox(), ImageChops.invert(mask).getbbox()
    return (filled or (0, 0, 0, 0))[1], (gaps or (0, 0, 0, 1))[3]


def _trimmed(words: Image.Image) -> tuple[Image.Image, tuple[int, int]]:
    """Without its empty margins, and where it belongs: what is pasted for every frame should be small."""
    box = words.getchannel("A").getbbox() or (0, 0, 1, 1)
    return words.crop(box), (box[0], box[1])


def _sunrise_words(size: Size) -> Image.Image:
    unit = size[1] / 1080
    words = Image.new("RGBA", size, (*CREAM, 0))
    write(words, (140 * unit, 420 * unit), "Good morning.", "SerifDisplay-Bold", 138 * unit, CREAM)
    write(words, (146 * unit, 500 * unit), "The oven has been on since four.", "Sans-Regular", 46 * unit, CREAM)
    logo(words, (146 * unit, 980 * unit), unit, CREAM)
    return words


def steam(size: Size, frames: int) -> Iterator[Image.Image]:
    """A cup, its steam, and slow rays behind; goes round without a seam."""
    width, height = size
    unit = height / 1080
    cup_picture = _cup((round(760 * unit), round(620 * unit)))
    centre, cup_at = (round(1380 * unit), round(610 * unit)), (round(1050 * unit), round(410 * unit))
    words, words_at = _trimmed(_steam_words(size))
    table = (0, round(950 * unit), width, height)
    for frame in range(frames):
        turn = frame / frames
        picture = Image.new("RGB", size, CORAL)
        fill(picture, _rays(size, centre, turn), mix(CORAL, APRICOT, 0.3))
        picture.paste(mix(RUST, ESPRESSO, 0.25), table)
        fill(picture, _ribbons(unit, turn), CREAM, (round(1050 * unit), 0))
        picture.paste(cup_picture, cup_at, cup_picture)
        picture.paste(words, words_at, words)
        yield picture


def _cup(size: Size) -> Image.Image:
    body, shade, band = cup(size)
    picture = Image.new("RGB", size, CREAM)
    fill(picture, shade, mix(CREAM, APRICOT, 0.45))
    fill(picture, band, TEAL)
    picture.putalpha(body)
    return picture


def _rays(size: Size, centre: tuple[int, int], turn: float) -> Image.Image:
    """Twelve rays, drawn at half the size for soft edges; one step of the pattern each round."""
    half = Image.new("L", (size[0] // 2, size[1] // 2))
    pen, reach = ImageDraw.Draw(half), float(size[0])
    x, y = centre[0] / 2, centre[1] / 2
    for ray in range(12):
        ends = [math.radians(30 * (ray + turn) + side) for side in (0, 15)]
        pen.polygon([(x, y), *((x + reach * math.cos(end), y + reach * math.sin(end)) for end in ends)], fill=255)
    return half.resize(size, Image.Resampling.BILINEAR)


def _ribbons(unit: float, turn: float) -> Image.Image:
    """Three ribbons of steam, 640 x 460 units, blurred at a quarter of the size."""
    size, quarter = (max(4, round(640 * unit)), max(4, round(460 * unit))), unit / 4
    small = Image.new("L", (max(1, size[0] // 4), max(1, size[1] // 4)))
    pen = ImageDraw.Draw(small)
    for ribbon in (-1, 0, 1):
        for step in range(60):
            up = step / 60
            sway = math.sin(2 * math.pi * (1.6 * up - turn * 2 + ribbon * 0.29)) * (10 + 34 * up)
            wide = (15 + 20 * up) * (0.55 + 0.45 * math.sin(2 * math.pi * (up * 1.1 - turn + ribbon * 0.4)))
            left, top = (312 + ribbon * 92 + sway - wide) * quarter, (425 - 400 * up) * quarter
            strength = round(205 * math.sin(math.pi * min(1, up * 1.02)) ** 0.8 * (1 - up * 0.5))
            pen.ellipse((left, top, left + wide * 2 * quarter, top + 24 * quarter), fill=strength)
    return small.filter(ImageFilter.GaussianBlur(12.8 * quarter)).resize(size, Image.Resampling.BICUBIC)


def _steam_words(size: Size) -> Image.Image:
    unit = size[1] / 1080
    words = Image.new("RGBA", size, (*CREAM, 0))
    spaced(words, (146 * unit, 300 * unit), "ALL DAY", 30 * unit, CREAM)
    write(words, (140 * unit, 450 * unit), "Flat white", "SerifDisplay-Bold", 160 * unit, CREAM)
    write(words, (146 * unit, 540 * unit), "Two short shots, silky milk,", "Sans-Regular", 44 * unit, CREAM)
    write(words, (146 * unit, 602 * unit), "a seat at the window.", "Sans-Regular", 44 * unit, CREAM)
    write(words, (140 * unit, 800 * unit), "3.80", "SerifDisplay-Bold", 130 * unit, ESPRESSO)
    logo(words, (146 * unit, 1026 * unit), unit, CREAM)
    return words


def bakery(size: Size) -> Image.Image:
    """A picture: three buns on a cream table, and what they are called."""
    width, height = size
    unit = height / 1080
    picture = Image.new("RGB", size, CREAM)
    block = drawn(size, lambda pen: pen.rectangle((1940 * unit, 0, width * 2, height * 2), fill=255))
    fill(picture, block, SAGE)
    plate = drawn(size, lambda pen: pen.ellipse((2040 * unit, 220 * unit, 3680 * unit, 1860 * unit), fill=255))
    fill(picture, plate.filter(ImageFilter.GaussianBlur(18 * unit)).point(lambda v: v // 4), ESPRESSO, (0, round(22 * unit)))
    fill(picture, plate, mix(CREAM, SAGE, 0.12))
    rim = drawn(size, lambda pen: pen.ellipse((2180 * unit, 360 * unit, 3540 * unit, 1720 * unit), fill=255))
    fill(picture, rim, CREAM)
    for x, y in ((1270, 420), (1560, 470), (1390, 700)):
        bun(picture, (x * unit, y * unit), 165 * unit)
    spaced(picture, (146 * unit, 300 * unit), "FROM THE OVEN", 30 * unit, RUST)
    for line, text in enumerate(("Cardamom", "buns")):
        write(picture, (140 * unit, (440 + 135 * line) * unit), text, "SerifDisplay-Bold", 128 * unit, ESPRESSO)
    write(picture, (146 * unit, 665 * unit), "Warm at eight, gone by noon.", "Sans-Regular", 44 * unit, ESPRESSO)
    write(picture, (140 * unit, 850 * unit), "2.90", "SerifDisplay-Bold", 120 * unit, RUST)
    logo(picture, (146 * unit, 990 * unit), unit, ESPRESSO)
    return picture


def roast(size: Size) -> Image.Image:
    """A picture: this week's beans, a bag before a field of beans."""
    width, height = size
    unit = height / 1080
    picture = Image.new("RGB", size, ESPRESSO)
    shades = [mix(ESPRESSO, RUST, share) for share in (0.16, 0.24, 0.32)]
    scatter(picture, (1130 * unit, 0, width, height), 84 * unit, shades)
    bag = drawn(size, lambda pen: pen.rounded_rectangle((2460 * unit, 300 * unit, 3360 * unit, 1900 * unit), 36 * unit, fill=255))
    fill(picture, bag.filter(ImageFilter.GaussianBlur(30 * unit)).point(lambda v: v // 2), (0, 0, 0), (0, round(20 * unit)))
    fill(picture, bag, mix(TEAL, NIGHT, 0.2))
    pen = ImageDraw.Draw(picture)
    pen.rectangle((1230 * unit, 235 * unit, 1680 * unit, 242 * unit), fill=mix(TEAL, CREAM, 0.35))
    pen.rounded_rectangle((1300 * unit, 400 * unit, 1610 * unit, 810 * unit), 14 * unit, fill=CREAM)
    sun = drawn(size, lambda paint: paint.pieslice((2740 * unit, 920 * unit, 3080 * unit, 1260 * unit), 180, 360, fill=255))
    fill(picture, sun, CORAL)
    pen.text((1455 * unit, 690 * unit), "Guji", font=font("SerifDisplay-Bold", 84 * unit), fill=ESPRESSO, anchor="ms")
    pen.text((1455 * unit, 750 * unit), "250 g  ·  filter", font=font("Sans-Regular", 30 * unit), fill=RUST, anchor="ms")
    spaced(picture, (146 * unit, 300 * unit), "THIS WEEK'S ROAST", 30 * unit, APRICOT)
    for line, text in enumerate(("Peach, jasmine,", "a long finish.")):
        write(picture, (140 * unit, (440 + 130 * line) * unit), text, "SerifDisplay-Bold", 112 * unit, CREAM)
    write(picture, (146 * unit, 670 * unit), "Washed, roasted on Tuesday, in small batches.", "Sans-Regular", 38 * unit, CREAM)
    write(picture, (140 * unit, 840 * unit), "14.50", "SerifDisplay-Bold", 120 * unit, APRICOT)
    logo(picture, (146 * unit, 990 * unit), unit, CREAM)
    return picture
