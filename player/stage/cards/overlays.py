"""Small RGBA pictures that lie over content, each of exactly the size given: the code in a corner, a message, the watermark."""

from __future__ import annotations

from typing import TYPE_CHECKING

from player.core.brief import CardFacts
from player.core.content import Rect
from player.core.faults import meaning_of
from player.core.problem import Problem
from player.stage.drawing.palette import ACCENT, BOLD, CODE, MUTED, NIGHT, WARM, WHITE

if TYPE_CHECKING:
    from PIL.Image import Image

    from player.stage.drawing.canvas import Canvas

Size = tuple[int, int]


def corner_size(screen: Size) -> Size:
    """How large the code's corner card is on a screen: read from a few steps away, out of the content's way."""
    unit = min(screen) / 100
    return round(44 * unit), round(15 * unit)


def watermark_size(screen: Size) -> Size:
    """How large the watermark is on a screen."""
    unit = min(screen) / 100
    return round(28 * unit), round(6 * unit)


def message_size(screen: Size) -> Size:
    """How large a message's panel is on a screen: a band over its lower third."""
    unit = min(screen) / 100
    return screen[0] - round(14 * unit), round(26 * unit)


def corner_card(size: Size, code: str) -> Image:
    """The pairing code of a screen that plays but that the server does not know."""
    canvas = _panel(size, alpha=225)
    pad = size[1] // 8
    label = Rect(pad * 2, pad, size[0] - 4 * pad, size[1] * 26 // 100)
    canvas.text(label, "Pairing code", label.height / canvas.unit, fill=MUTED, align="center", valign="middle", smallest=1, lines=1)
    rest = Rect(label.x, label.y + label.height, label.width, size[1] - label.y - label.height - pad)
    canvas.text(rest, code or "…", rest.height / canvas.unit, weight=CODE, align="center", valign="middle", smallest=1, lines=1)
    return canvas.image


def problem_corner_size(screen: Size) -> Size:
    """How large the card beside content is on a screen: two lines, read from a few steps away."""
    unit = min(screen) / 100
    return round(58 * unit), round(13 * unit)


def problem_corner(size: Size, problem: Problem, told: CardFacts) -> Image:
    """What is wrong while content goes on, and where: for whoever comes to mend it."""
    title = meaning_of(problem.code).meaning
    title, where = title[:1].upper() + title[1:], " · ".join(filter(None, (problem.code, told.address, told.box_id)))
    canvas = _panel(size, alpha=225)
    pad = size[1] // 6
    canvas.panel(Rect(pad, pad, max(2, pad // 3), size[1] - 2 * pad), WARM, radius=1)
    left, wide = pad * 2, size[0] - 3 * pad
    first = Rect(left, pad, wide, (size[1] - 2 * pad) * 58 // 100)
    canvas.text(first, title, 4.2 * 100 / 13, weight=BOLD, align="left", valign="middle", smallest=12, lines=1)
    rest = Rect(left, first.y + first.height, wide, size[1] - 2 * pad - first.height)
    canvas.text(rest, where, 3.0 * 100 / 13, fill=MUTED, align="left", valign="middle", smallest=10, lines=1)
    return canvas.image


def message_card(size: Size, text: str) -> Image:
    """An operator's message, as large as it fits the panel."""
    canvas = _panel(size, alpha=238)
    pad = size[1] // 7
    canvas.panel(Rect(pad // 2, pad, max(2, pad // 4), size[1] - 2 * pad), ACCENT, radius=3)
    box = Rect(pad + pad // 2, pad // 2, size[0] - 3 * pad, size[1] - pad)
    canvas.text(box, text, 34, weight=BOLD, align="center", valign="middle", smallest=6)
    return canvas.image


def watermark(size: Size) -> Image:
    """The mark and the player's name, half transparent."""
    canvas = _panel(size, alpha=0)
    tall = size[1] * 7 // 10
    width = canvas.mark(0, (size[1] - tall) // 2, tall / canvas.unit)
    rest = Rect(width + tall // 3, 0, size[0] - width - tall // 3, size[1])
    canvas.text(rest, "Signage Player", tall / canvas.unit, weight=BOLD, align="left", valign="middle", smallest=4, lines=1)
    canvas.image.putalpha(canvas.image.getchannel("A").point([value * 6 // 10 for value in range(256)]))
    return canvas.image


def overlay_bytes(image: Image) -> bytes:
    """The picture as mpv's `overlay-add` takes it: BGRA, colours multiplied by alpha, four bytes a pixel, no padding."""
    from PIL import Image as pillow  # noqa: N813 - the module; its class has the name already

    red, green, blue, alpha = image.convert("RGBA").convert("RGBa").split()
    return pillow.merge("RGBA", (blue, green, red, alpha)).tobytes()


def _panel(size: Size, *, alpha: int) -> Canvas:
    """A night-blue panel with round corners; `alpha` 0 leaves it clear, in the text's colour so that edges have no dark rim."""
    from PIL import Image as pillow  # noqa: N813 - as above

    from player.stage.drawing.canvas import Canvas, rounded

    image = pillow.new("RGBA", size, (*(NIGHT if alpha else WHITE), 0))
    if alpha:
        image.putalpha(rounded(size, min(size) // 8).point([value * alpha // 255 for value in range(256)]))
    return Canvas(size, image)
