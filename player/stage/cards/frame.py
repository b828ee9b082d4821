"""What cards have in common: the margin, the line at the head (mark, name, clock), the facts at the foot."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from player.core.content import Rect
from player.stage.drawing.palette import BOLD, MUTED, REGULAR, WHITE

if TYPE_CHECKING:
    from player.stage.drawing.canvas import Canvas

Size = tuple[int, int]
Facts = Sequence[tuple[str, str]]
MARGIN = 7.0  # units on every side
_VALUES = (3.3, 3.0, 2.7, 2.4)  # units: values are of the largest size at which all fit
_LABEL, _ROW = 2.5, 11.0


def blank(size: Size) -> Canvas:
    """A card with nothing on it yet; Pillow is imported here and not before."""
    from player.stage.drawing.canvas import Canvas

    return Canvas(size)


def header(canvas: Canvas, title: str, now: datetime | None) -> None:
    """The mark and `title` on the left, the hour on the right; `now` in the zone to show."""
    margin, tall = canvas.px(MARGIN), canvas.px(9)
    top = margin - canvas.px(1.5)
    x = margin + canvas.mark(margin, margin, 6) + canvas.px(2.2)
    clock = canvas.px(18) if now else 0
    name = Rect(x, top, canvas.width - margin - clock - x, tall)
    canvas.text(name, title, 4.2, weight=BOLD, align="left", valign="middle", lines=1)
    if now:
        right = Rect(canvas.width - margin - clock, top, clock, tall)
        canvas.text(right, f"{now:%H:%M}", 4.2, fill=MUTED, align="right", valign="middle", lines=1)


def facts_area(canvas_size: Size, count: int) -> Rect:
    """Where `count` facts stand: one row on a wide screen, rows of two on a tall one."""
    unit = min(canvas_size) / 100
    margin = round(MARGIN * unit)
    rows = 1 if canvas_size[0] >= canvas_size[1] else -(-count // 2)
    tall = round(rows * _ROW * unit)
    return Rect(margin, canvas_size[1] - margin - tall + round(2 * unit), canvas_size[0] - 2 * margin, tall)


def facts(canvas: Canvas, box: Rect, values: Facts) -> None:
    """Labelled values under a fine line, all of one size on common baselines. Empty ones are left out."""
    shown = [(label, value) for label, value in values if value]
    if not shown:
        return
    columns = len(shown) if canvas.width >= canvas.height else 2
    units, places = _columns(canvas, box, shown, columns)
    canvas.panel(Rect(box.x, box.y, box.width, canvas.px(0.2)), WHITE, alpha=0.18, radius=0)
    for index, (label, value) in enumerate(shown):
        top = box.y + index // columns * canvas.px(_ROW)
        x, width = places[index % columns]
        _written(canvas, x, top + canvas.px(4.6), width, label, _LABEL, MUTED)
        _written(canvas, x, top + canvas.px(8.8), width, value, units, WHITE)


def _columns(canvas: Canvas, box: Rect, shown: Facts, columns: int) -> tuple[float, list[tuple[int, int]]]:
    """The size of values, in units, and (left, width) of each column: as wide as its texts want, what is left over shared.

    Values grow smaller, all together, before any of them is cut.
    """
    from player.stage.drawing import typeset

    for units in _VALUES:
        sizes = (canvas.px(_LABEL), canvas.px(units))
        wide = [max(typeset.one_line(text, size).width for text, size in zip(fact, sizes, strict=True)) for fact in shown]
        wanted = [round(max(wide[index::columns], default=0)) + canvas.px(3) for index in range(columns)]
        if sum(wanted) <= box.width:
            break
    share = box.width / sum(wanted)
    spare = max(0, box.width - sum(wanted)) // columns
    out, x = [], box.x
    for width in wanted:
        held = round(min(1.0, share) * width)
        out.append((x, held - canvas.px(1.5)))
        x += held + spare
    return units, out


def _written(canvas: Canvas, x: int, baseline: int, width: int, text: str, units: float, fill: tuple[int, int, int]) -> None:
    from player.stage.drawing import typeset

    size = canvas.px(units)
    typeset.draw_line(canvas.draw, typeset.truncated(text, width, size, REGULAR), x, baseline, size, fill)
