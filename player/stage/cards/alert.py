"""Emergency alerts: the card that takes the screen over, and the strip that runs along it. Text of any length is shown."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING

from player.core.brief import Alert, Severity
from player.core.content import Rect
from player.stage.drawing.palette import BOLD, WHITE, Colour, ink_on, mixed, parsed

if TYPE_CHECKING:
    from PIL.Image import Image

    from player.stage.drawing.canvas import Canvas

log = logging.getLogger(__name__)
MAX_STRIP = 16384  # pixels: what a graphics chip still takes as one picture
_COLOURS: dict[Severity, Colour] = {
    Severity.EXTREME: (170, 12, 34),
    Severity.SEVERE: (194, 65, 12),
    Severity.MODERATE: (250, 190, 60),
    Severity.MINOR: (22, 98, 150),
    Severity.UNKNOWN: (58, 74, 92),
}
_WORDS = {
    Severity.EXTREME: "Emergency",
    Severity.SEVERE: "Warning",
    Severity.MODERATE: "Notice",
    Severity.MINOR: "Information",
    Severity.UNKNOWN: "Notice",
}


def alert_colours(alert: Alert) -> tuple[Colour, Colour]:
    """(background, ink): the alert's own colour where it is one, else its severity's; the ink is what reads better on it."""
    colour = parsed(alert.color) or _COLOURS[alert.severity]
    return colour, ink_on(colour)


def alert_card(size: tuple[int, int], alert: Alert, image: Path | None) -> Image:
    """The alert over the whole screen: severity, title, message, and its picture where it can be read."""
    from player.stage.drawing.canvas import Canvas, Piece, backdrop

    colour, ink = alert_colours(alert)
    canvas = Canvas(size, backdrop(size, mixed(colour, (0, 0, 0), 0.16), colour, mixed(colour, WHITE, 0.18)).copy())
    margin = canvas.px(7)
    body = Rect(margin, margin, canvas.width - 2 * margin, canvas.height - 2 * margin)
    picture = _picture(image, canvas) if image else None
    if picture:
        body = _place(canvas, picture, body)
    _head(canvas, body, alert, ink)
    used = canvas.px(14)
    rest = Rect(body.x, body.y + used, body.width, body.height - used)
    title = Piece(alert.title or _WORDS[alert.severity], 17, fill=ink, weight=BOLD, share=0.5 if alert.message else 1, smallest=3.4)
    message = Piece(alert.message, 8.4, fill=ink, smallest=2.8)
    canvas.stack(rest, (title, message), gap=2)
    return canvas.image


def _head(canvas: Canvas, body: Rect, alert: Alert, ink: Colour) -> None:
    """The sign of danger and the severity's word."""
    side = canvas.px(11)
    _sign(canvas, Rect(body.x, body.y, side, side), ink)
    word = Rect(body.x + side + canvas.px(3), body.y, body.width - side - canvas.px(3), side)
    canvas.text(word, _WORDS[alert.severity].upper(), 5, fill=ink, weight=BOLD, align="left", valign="middle", lines=1)


def _sign(canvas: Canvas, box: Rect, ink: Colour) -> None:
    """A triangle with an exclamation mark, drawn large and made small so that its edges are smooth."""
    from PIL import Image, ImageDraw

    side = box.width * 4
    mask = Image.new("L", (side, side))
    draw = ImageDraw.Draw(mask)
    points = [(side * 0.5, side * 0.1), (side * 0.95, side * 0.88), (side * 0.05, side * 0.88)]
    draw.line([*points, points[0], points[1]], fill=255, width=round(side * 0.085), joint="curve")
    draw.rounded_rectangle((side * 0.455, side * 0.36, side * 0.545, side * 0.64), radius=side * 0.045, fill=255)
    draw.ellipse((side * 0.45, side * 0.68, side * 0.55, side * 0.78), fill=255)
    canvas.image.paste(ink, (box.x, box.y), mask.resize((box.width, box.height), Image.Resampling.LANCZOS))


def _picture(path: Path, canvas: Canvas) -> Image | None:
    """The alert's picture, at most two fifths of the screen; None (and a line in the log) when it cannot be read."""
    from PIL import Image

    wide = canvas.width >= canvas.height
    most = (
        (canvas.width * 4 // 10, canvas.height - 2 * canvas.px(7))
        if wide
        else (canvas.width - 2 * canvas.px(7), canvas.height * 35 // 100)
    )
    try:
        with Image.open(path) as opened:
            opened.draft("RGB", most)
            picture = opened.convert("RGBA")
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        log.warning("the alert is shown without its picture: %s cannot be read: %s", path.name, error)
        return None
    scale = min(most[0] / picture.width, most[1] / picture.height)
    return picture.resize((max(1, round(picture.width * scale)), max(1, round(picture.height * scale))))


def _place(canvas: Canvas, picture: Image, body: Rect) -> Rect:
    """Puts the picture to the right, or on top of a tall screen; returns what is left for the words."""
    gap = canvas.px(5)
    if canvas.width >= canvas.height:
        x, y = body.x + body.width - picture.width, body.y + (body.height - picture.height) // 2
        canvas.image.paste(picture, (x, y), picture)
        return Rect(body.x, body.y, body.width - picture.width - gap, body.height)
    canvas.image.paste(picture, ((canvas.width - picture.width) // 2, body.y), picture)
    used = picture.height + gap
    return Rect(body.x, body.y + used, body.width, body.height - used)


def ticker_strip(
    height: int, text: str, *, color: Colour = WHITE, background: Colour | None = None, max_width: int = MAX_STRIP
) -> Image:
    """The text on one line, RGBA, `height` pixels high and as wide as the text, at most `max_width` (then it ends in an ellipsis).

    The player moves it along. Without a background it is transparent; half a height is left free before and after the text.
    """
    from PIL import Image, ImageDraw

    from player.stage.drawing import typeset

    pad, size = height // 2, max(6, round(height * 0.58))
    line = typeset.truncated(text, max(1, max_width - 2 * pad), size, BOLD)
    size = max(4, min(size, size * height // (line.ascent + line.descent)))
    line = typeset.truncated(text, max(1, max_width - 2 * pad), size, BOLD)
    fill = (*background, 255) if background else (*color, 0)
    strip = Image.new("RGBA", (min(max_width, round(line.width) + 2 * pad), height), fill)
    baseline = (height - line.ascent - line.descent) // 2 + line.ascent
    typeset.draw_line(ImageDraw.Draw(strip), line, pad, baseline, size, (*color, 255))
    return strip
