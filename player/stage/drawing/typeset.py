"""Text of any script into a box: runs by font and direction, line breaking, and the largest size that fits. Nothing overflows.

Sizes are pixels an em. A text that does not fit at its smallest size ends in an ellipsis.
"""

from __future__ import annotations

import bisect
import functools
import math
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

from PIL import Image, ImageDraw, features

from player.core.content import Rect
from player.stage.drawing import bidi, fonts
from player.stage.drawing import line_break as linebreak
from player.stage.drawing.palette import REGULAR

MAX_BALANCED = 5  # lines: longer texts are read as paragraphs
ELLIPSIS = "…"
_IN_COLOUR = "\ufe0f"  # asks for the character before it as a picture
_SHAPING: bool = features.check("raqm") is True


@dataclass(frozen=True, slots=True)
class TextRun:
    """Neighbouring characters of one font and one direction, in logical order."""

    text: str
    face: fonts.Face | None
    rtl: bool


@dataclass(frozen=True, slots=True)
class Line:
    """Runs from left to right, and what they measure: pixels from the baseline up, down, and across."""

    runs: tuple[TextRun, ...]
    width: float
    ascent: int
    descent: int
    rtl: bool


@dataclass(frozen=True, slots=True)
class Block:
    """Lines at one size, ready to be drawn."""

    lines: tuple[Line, ...]
    size: int
    truncated: bool = False

    @property
    def width(self) -> float:
        """Of the widest line."""
        return max((line.width for line in self.lines), default=0)

    @property
    def height(self) -> int:
        """Of all lines, accents and descenders included."""
        return sum(line.ascent + line.descent for line in self.lines)


def one_line(text: str, size: int, weight: str = REGULAR) -> Line:
    """The text on one line, however wide."""
    clean = linebreak.cleaned(text).replace("\n", " ")
    return _line(clean, size, weight, fonts.cjk_face(clean), rtl=bidi.is_rtl(clean))


def fit(text: str, width: int, height: int, sizes: tuple[int, int], weight: str = REGULAR, max_lines: int = 99) -> Block:
    """The text at the largest size from `sizes` (smallest, largest) at which it fits `width` x `height`."""
    clean = linebreak.cleaned(text)
    low, high = max(4, min(sizes)), max(4, *sizes)
    best: Block | None = None
    while low <= high:
        size = high if best is None and high == max(4, *sizes) else (low + high) // 2
        block = _wrapped(clean, width, size, weight, limit=height // size + 2)  # a line is taller than its size: more cannot fit
        if not block.truncated and block.height <= height and len(block.lines) <= max_lines and block.width <= width:
            best, low = block, size + 1
        else:
            high = size - 1
    if best is not None:
        return _balanced(clean, best, width, weight)
    return _cut(
        _wrapped(clean, width, max(4, min(sizes)), weight, limit=height // max(4, min(sizes)) + 2), width, height, weight, max_lines
    )


def _balanced(text: str, block: Block, width: int, weight: str) -> Block:
    """The same number of lines, all about as long: no single word is left over for the last one."""
    count = len(block.lines)
    if not 2 <= count <= MAX_BALANCED or "\n" in text:
        return block
    narrow, wide = width // 2, width
    while wide - narrow > max(4, width // 60):
        middle = (narrow + wide) // 2
        tried = _wrapped(text, middle, block.size, weight, limit=count + 1)
        if len(tried.lines) == count and tried.width <= middle:
            block, wide = tried, middle
        else:
            narrow = middle
    return block


def draw(canvas: ImageDraw.ImageDraw, block: Block, box: Rect, fill: object, align: str = "left", valign: str = "top") -> Rect:
    """Draws into `box`; returns the rectangle that the lines take. `align`: start (left, or right for right-to-left), left, center,
    right; `valign`: top, middle, bottom."""
    free = box.height - block.height
    top = box.y + {"top": 0, "middle": free // 2, "bottom": free}[valign]
    y, left = top, box.x + box.width
    for line in block.lines:
        x = box.x + _offset(line, box.width, align)
        draw_line(canvas, line, x, y + line.ascent, block.size, fill)
        y, left = y + line.ascent + line.descent, min(left, x)
    return Rect(left, top, round(block.width), block.height)


def draw_line(canvas: ImageDraw.ImageDraw, line: Line, x: float, baseline: float, size: int, fill: object) -> None:
    """Draws one line from `x` on its baseline."""
    for run in line.runs:
        font = fonts.font(run.face, size)
        if fonts.is_emoji(run.face):
            _draw_emoji(canvas, run, x, baseline, size)
            x += _width(run.text, run.face, size, run.rtl)
            continue
        canvas.text((x, baseline), _drawable(run), font=font, fill=fill, anchor="ls", direction=_direction(run.face, rtl=run.rtl))  # type: ignore[arg-type]  # fill: any colour Pillow takes
        x += _width(run.text, run.face, size, run.rtl)


def _draw_emoji(canvas: ImageDraw.ImageDraw, run: TextRun, x: float, baseline: float, size: int) -> None:
    """Draws pictures at the one size they have, and lays them down at the size that is wanted."""
    font, scale = fonts.font(run.face, size), fonts.scale(run.face, size)
    (ascent, descent), wide = font.getmetrics(), font.getlength(run.text, direction=_direction(run.face, rtl=run.rtl))
    sheet = Image.new("RGBA", (max(1, round(wide)), ascent + descent))
    ImageDraw.Draw(sheet).text(
        (0, ascent), run.text, font=font, anchor="ls", embedded_color=True, direction=_direction(run.face, rtl=run.rtl)
    )
    small = sheet.resize((max(1, round(sheet.width * scale)), max(1, round(sheet.height * scale))), Image.Resampling.LANCZOS)
    left, top = round(x), round(baseline - ascent * scale)
    target = canvas._image
    under = target.crop((left, top, left + small.width, top + small.height))
    target.paste(Image.alpha_composite(under.convert("RGBA"), small).convert(target.mode), (left, top))


def _offset(line: Line, width: int, align: str) -> int:
    free = round(width - line.width)
    if align == "start":
        align = "right" if line.rtl else "left"
    return {"left": 0, "center": free // 2, "right": free}[align]


def _direction(face: fonts.Face | None, *, rtl: bool) -> str | None:
    """For the shaping engine; None where there is none, and for Pillow's own font, which does without."""
    return ("rtl" if rtl else "ltr") if _SHAPING and face else None


def _drawable(run: TextRun) -> str:
    """Without a shaping engine, right-to-left letters are at least put in the right order."""
    return run.text[::-1] if run.rtl and not _direction(run.face, rtl=True) else run.text


def _wrapped(text: str, width: int, size: int, weight: str, limit: int) -> Block:
    lines: list[Line] = []
    cjk = fonts.cjk_face(text)
    for paragraph in text.split("\n"):
        rtl = bidi.is_rtl(paragraph)
        for piece in _broken(paragraph, width, size, weight, cjk):
            if len(lines) >= limit:
                return Block(tuple(lines), size, truncated=True)
            lines.append(_line(piece, size, weight, cjk, rtl=rtl))
    return Block(tuple(lines), size)


def _broken(paragraph: str, width: int, size: int, weight: str, cjk: int) -> Iterator[str]:
    """The paragraph in pieces that fit `width`; a word wider than a whole line is broken where it must."""
    line, used = "", 0.0
    for piece in linebreak.pieces(paragraph):
        visible = _measure(piece.rstrip(" "), size, weight, cjk)
        if line and used + visible > width:
            yield line.rstrip(" ")
            line, used = "", 0.0
        if visible > width:
            for cluster in linebreak.clusters(piece):
                step = _measure(cluster, size, weight, cjk)
                if line and used + step > width:
                    yield line
                    line, used = "", 0.0
                line, used = line + cluster, used + step
            continue
        line, used = line + piece, used + _measure(piece, size, weight, cjk)
    yield line.rstrip(" ")


def _cut(block: Block, width: int, height: int, weight: str, max_lines: int) -> Block:
    """As many lines as fit, the last one ending in an ellipsis."""
    kept: list[Line] = []
    used = 0
    for line in block.lines[:max_lines]:
        used += line.ascent + line.descent
        if used > height and kept:
            break
        kept.append(line)
    logical = "".join(run.text for run in _logical(kept[-1]))
    kept[-1] = _ended(logical, width, block.size, weight, rtl=kept[-1].rtl)
    return Block(tuple(kept), block.size, truncated=True)


def _logical(line: Line) -> tuple[TextRun, ...]:
    return tuple(reversed(line.runs)) if line.rtl else line.runs


def _stays(char: str, face: fonts.Face | None, weight: str) -> bool:
    """Whether the character belongs to the one before it, whose face is `face`."""
    kind = unicodedata.category(char)
    if kind[0] == "M" or kind == "Cf":
        return True
    if kind[0] == "L" or face is None or not fonts.has_glyph(face, char):
        return False
    primary = fonts.primary(weight)
    return not (fonts.is_emoji(face) and primary and fonts.has_glyph(primary, char))  # digits are in that font too


def _ended(text: str, width: float, size: int, weight: str, *, rtl: bool) -> Line:
    cjk, clusters = fonts.cjk_face(text), list(linebreak.clusters(text))
    fitting = bisect.bisect_right(range(1, len(clusters) + 1), width, key=lambda n: _ended_width(clusters[:n], size, weight, cjk))
    return _line("".join(clusters[:fitting]).rstrip() + ELLIPSIS, size, weight, cjk, rtl=rtl)


def _ended_width(clusters: list[str], size: int, weight: str, cjk: int) -> float:
    return _measure("".join(clusters) + ELLIPSIS, size, weight, cjk)


def truncated(text: str, width: float, size: int, weight: str = REGULAR) -> Line:
    """The text on one line of at most `width`, ending in an ellipsis where it had to be cut."""
    line = one_line(text, size, weight)
    if line.width <= width:
        return line
    clean = linebreak.cleaned(text).replace("\n", " ")
    return _ended(clean, width, size, weight, rtl=line.rtl)


def _measure(text: str, size: int, weight: str, cjk: int) -> float:
    return sum(_width(run.text, run.face, size, run.rtl) for run in _font_runs(text, weight, cjk, bidi.is_rtl(text)))


@functools.lru_cache(maxsize=8192)
def _width(text: str, face: fonts.Face | None, size: int, rtl: bool) -> float:
    return fonts.font(face, size).getlength(text, direction=_direction(face, rtl=rtl)) * fonts.scale(face, size)


def _line(text: str, size: int, weight: str, cjk: int, *, rtl: bool) -> Line:
    runs: list[TextRun] = []
    for piece, backwards in bidi.visual_runs(text, rtl=rtl):
        found = _font_runs(piece, weight, cjk, backwards)
        runs += reversed(found) if backwards else found
    metrics = [_metrics(face, size) for face in {run.face for run in runs} or {fonts.primary(weight)}]
    width = sum(_width(run.text, run.face, size, run.rtl) for run in runs)
    return Line(tuple(runs), width, max(m[0] for m in metrics), max(m[1] for m in metrics), rtl)


def _metrics(face: fonts.Face | None, size: int) -> tuple[int, int]:
    scale, (ascent, descent) = fonts.scale(face, size), fonts.font(face, size).getmetrics()
    return math.ceil(ascent * scale), math.ceil(descent * scale)


@functools.lru_cache(maxsize=4096)
def _font_runs(text: str, weight: str, cjk: int, rtl: bool) -> tuple[TextRun, ...]:
    """The text split where the font changes; blanks, marks and punctuation stay with the letters before them."""
    runs: list[TextRun] = []
    face = fonts.primary(weight)
    for char, after in zip(text, [*text[1:], ""], strict=True):
        if not _stays(char, face, weight):
            face = (fonts.emoji() if after == _IN_COLOUR else None) or fonts.face_for(char, weight, cjk)
            if face is None and fonts.primary(weight):
                char = "\ufffd"  # noqa: PLW2901 - no font has it: the sign for that, not an empty box
                face = fonts.face_for(char, weight, cjk)
        if runs and runs[-1].face == face:
            runs[-1] = TextRun(runs[-1].text + char, face, rtl)
        else:
            runs.append(TextRun(char, face, rtl))
    return tuple(runs)
