"""The lock pad: a card with large keys, and where each key is, so that a touch finds it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from player.core.content import Rect
from player.stage.drawing.palette import ACCENT, BOLD, MUTED, NIGHT, WARM, WHITE

if TYPE_CHECKING:
    from PIL.Image import Image

    from player.stage.drawing.canvas import Canvas

KEYS = ("1", "2", "3", "4", "5", "6", "7", "8", "9", "backspace", "0", "enter")
_MARGIN = 6.0
_SHOWN = 12  # dots at most: how many digits were entered is no secret, but has to fit


def lock_pad(size: tuple[int, int], *, entered: int, wait_s: float, message: str) -> tuple[Image, dict[str, Rect]]:
    """The pad, and its keys' rectangles in pixels: "0" to "9", "backspace", "enter".

    `entered` digits show as dots; while `wait_s` is above 0 the keys are dim and the card says how long it takes.
    """
    from player.stage.drawing.canvas import Canvas

    canvas = Canvas(size)
    words, keys = _areas(canvas)
    _words(canvas, words, entered, wait_s, message)
    places = key_places(keys, canvas.px(2.2))
    for name, place in places.items():
        _key(canvas, name, place, awake=wait_s <= 0)
    return canvas.image, places


def key_places(area: Rect, gap: int) -> dict[str, Rect]:
    """Three columns by four rows of equal keys in `area`."""
    wide, tall = (area.width - 2 * gap) // 3, (area.height - 3 * gap) // 4
    return {
        name: Rect(area.x + index % 3 * (wide + gap), area.y + index // 3 * (tall + gap), wide, tall)
        for index, name in enumerate(KEYS)
    }


def _areas(canvas: Canvas) -> tuple[Rect, Rect]:
    """Words beside the keys, or above them on a tall screen."""
    margin = canvas.px(_MARGIN)
    if canvas.width >= canvas.height:
        pad = min(canvas.px(100), canvas.width // 2 - margin)
        keys = Rect(canvas.width - margin - pad, margin, pad, canvas.height - 2 * margin)
        return Rect(margin, margin, keys.x - 2 * margin, keys.height), keys
    tall = min(canvas.px(112), canvas.height * 6 // 10)
    keys = Rect(margin, canvas.height - margin - tall, canvas.width - 2 * margin, tall)
    return Rect(margin, margin, keys.width, keys.y - 2 * margin), keys


def _words(canvas: Canvas, box: Rect, entered: int, wait_s: float, message: str) -> None:
    canvas.mark(box.x, box.y, 6)
    top = box.y + max(canvas.px(10), box.height * 2 // 10)
    took = canvas.text(Rect(box.x, top, box.width, canvas.px(24)), "This screen is locked", 8, weight=BOLD, align="left", lines=2)
    dots = took.y + took.height + canvas.px(6)
    count = max(4, min(entered, _SHOWN))
    across = min(canvas.px(3.4), box.width * 10 // (count * 18))
    for index in range(count):
        x = box.x + across // 2 + index * across * 18 // 10
        canvas.dot(x, dots, across / canvas.unit, ACCENT if index < entered else WHITE, alpha=1.0 if index < entered else 0.22)
    below = dots + canvas.px(6)
    told = f"Too many wrong entries. Try again in {spoken(wait_s)}." if wait_s > 0 else message or "Enter the PIN."
    colour = WARM if wait_s > 0 or message else MUTED
    canvas.text(Rect(box.x, below, box.width, box.y + box.height - below), told, 3.8, fill=colour, align="start", smallest=2)


def spoken(seconds: float) -> str:
    """A wait in words: "45 s", "2 min", "1 h"."""
    whole = math.ceil(seconds)
    if whole < 100:
        return f"{whole} s"
    return f"{math.ceil(whole / 60)} min" if whole < 5400 else f"{math.ceil(whole / 3600)} h"


def _key(canvas: Canvas, name: str, place: Rect, *, awake: bool) -> None:
    if name == "enter":
        canvas.panel(place, ACCENT, alpha=1.0 if awake else 0.25, radius=2.4)
    else:
        canvas.panel(place, WHITE, alpha=(0.06 if name == "backspace" else 0.12) if awake else 0.05, radius=2.4)
    ink = NIGHT if name == "enter" and awake else WHITE if awake else MUTED
    if name in ("enter", "backspace"):
        _glyph(canvas, name, place, ink)
    else:
        canvas.text(place, name, 8, fill=ink, weight=BOLD, align="center", valign="middle", lines=1)


def _glyph(canvas: Canvas, name: str, place: Rect, ink: tuple[int, int, int]) -> None:
    """A tick, or an arrow to the left."""
    from PIL import Image, ImageDraw

    side = min(canvas.px(7), place.width, place.height)
    mask = Image.new("L", (side * 4, side * 4))
    draw, s = ImageDraw.Draw(mask), side * 4
    strokes = (
        [[(0.12, 0.55), (0.4, 0.82), (0.9, 0.22)]]
        if name == "enter"
        else [[(0.45, 0.2), (0.12, 0.5), (0.45, 0.8)], [(0.12, 0.5), (0.9, 0.5)]]
    )
    for stroke in strokes:
        draw.line([(x * s, y * s) for x, y in stroke], fill=255, width=round(s * 0.12), joint="curve")
        for x, y in stroke:
            draw.ellipse((x * s - s * 0.06, y * s - s * 0.06, x * s + s * 0.06, y * s + s * 0.06), fill=255)
    x, y = place.x + (place.width - side) // 2, place.y + (place.height - side) // 2
    canvas.image.paste(ink, (x, y), mask.resize((side, side), Image.Resampling.LANCZOS))
