"""The pictures that the player itself draws, each of exactly the size asked for: one place to find them all.

Here are the plain full-screen cards; pairing, alerts, the lock pad and overlays have modules of their own. One design for all (see
`canvas`). Pillow is imported at the first card, so that a stage that shows content does not carry it.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from player.core.brief import CardFacts
from player.core.content import Rect
from player.core.faults import meaning_of
from player.core.problem import Problem
from player.stage.cards.alert import alert_card, alert_colours, ticker_strip
from player.stage.cards.frame import MARGIN, Facts, Size, blank, facts, facts_area, header
from player.stage.cards.lock_pad import lock_pad
from player.stage.cards.overlays import (
    corner_card,
    corner_size,
    message_card,
    message_size,
    overlay_bytes,
    problem_corner,
    problem_corner_size,
    watermark,
    watermark_size,
)
from player.stage.cards.pairing import pairing_card
from player.stage.cards.still import still_card
from player.stage.drawing.palette import ACCENT, BOLD, CODE, MUTED, WARM, WHITE

if TYPE_CHECKING:
    from PIL.Image import Image

    from player.stage.drawing.canvas import Canvas

__all__ = [
    "alert_card",
    "alert_colours",
    "background_card",
    "corner_card",
    "corner_size",
    "identify_card",
    "idle_card",
    "lock_pad",
    "message_card",
    "message_size",
    "overlay_bytes",
    "pairing_card",
    "problem_card",
    "problem_corner",
    "problem_corner_size",
    "progress_card",
    "safe_mode_card",
    "ticker_strip",
    "watermark",
    "watermark_size",
]


def idle_card(size: Size, *, device_name: str = "", note: str = "", now: datetime | None = None) -> Image:
    """Nothing is on air: the hour (in the zone of `now`), the screen's name; `note` is one quiet line, such as why."""
    from player.stage.drawing.canvas import Piece

    canvas = blank(size)
    margin, middle = canvas.px(MARGIN), canvas.height // 2
    wide = canvas.width - 2 * margin
    if now is None:
        _centred_mark(canvas, 18)
    else:
        canvas.mark(margin, margin, 6)
        clock = Piece(f"{now:%H:%M}", 22, weight=BOLD, lines=1)
        date = Piece(f"{now:%A}, {now.day} {now:%B %Y}", 4.4, fill=MUTED, lines=1)
        canvas.stack(Rect(margin, middle - canvas.px(24), wide, canvas.px(44)), (clock, date), gap=0, align="center")
    names = (Piece(device_name, 3.8, lines=1, share=0.5), Piece(note, 2.9, fill=MUTED, lines=2))
    foot = Rect(margin, canvas.height - margin - canvas.px(14), wide, canvas.px(14))
    canvas.stack(foot, names, gap=0.4, align="center", valign="bottom")
    return canvas.image


def background_card(size: Size) -> Image:
    """What shows while the stage starts again: the mark alone."""
    canvas = blank(size)
    _centred_mark(canvas, 14)
    return canvas.image


def safe_mode_card(size: Size, stills: Sequence[Path], problem: Problem, told: CardFacts, now: datetime | None) -> Image:
    """The first still that can be shown; where there is none, what is wrong."""
    return still_card(size, stills) or problem_card(size, problem, told, now)


def problem_card(size: Size, problem: Problem, told: CardFacts, now: datetime | None) -> Image:
    """There is nothing to show: what is wrong, this case of it, what to do about it, and where this box is to be found."""
    meaning = meaning_of(problem.code)
    return _trouble(
        size, _sentence(meaning.meaning).rstrip("."), _sentence(problem.sentence), _sentence(meaning.remedy), _where(told), now
    )


def progress_card(size: Size, ready: int, total: int, told: CardFacts, now: datetime | None) -> Image:
    """The first content is on its way: how many of its files are here."""
    from player.stage.drawing.canvas import Piece

    canvas = blank(size)
    header(canvas, told.server_name, now)
    values = _where(told)
    foot = facts_area(size, sum(bool(value) for _, value in values))
    facts(canvas, foot, values)
    left, top = canvas.px(MARGIN), canvas.px(18)
    wide = canvas.width - 2 * left
    pieces = (
        Piece("Fetching content", 10, weight=BOLD, share=0.5, lines=2),
        Piece(f"{ready} of {total} files are here", 5.2, share=0.3, lines=1),
    )
    body = Rect(left, top, wide, foot.y - top - canvas.px(12))
    took = canvas.stack(body, pieces, gap=2, align="start")
    bar = Rect(left, took.y + took.height + canvas.px(5), wide, canvas.px(2.4))
    canvas.panel(bar, WHITE, alpha=0.16, radius=1.2)
    if ready:
        canvas.panel(Rect(bar.x, bar.y, max(bar.height, bar.width * ready // total), bar.height), ACCENT, radius=1.2)
    return canvas.image


def _where(told: CardFacts) -> Facts:
    return (
        ("Server", urlsplit(told.server_url).netloc or told.server_name),
        ("Address", told.address or "none yet"),
        ("Network", told.network),
        ("Screen", told.device_name),
        ("Box", told.box_id),
    )


def _sentence(words: str) -> str:
    """As a person reads it from a screen: a capital, a full stop, no marks of code."""
    plain = words.replace("`", "").strip()
    return plain[:1].upper() + plain[1:] + ("" if not plain or plain[-1] in ".?!" else ".")


def identify_card(size: Size, name: str, address: str, code: str, *, panel: str = "") -> Image:
    """Which screen is this one: its name as large as it goes, seen from across the hall, in a bright frame.

    `panel` tells the panels of one screen apart.
    """
    from player.stage.drawing.canvas import Piece

    canvas = blank(size)
    edge, margin = canvas.px(2.2), canvas.px(MARGIN)
    for side in (
        Rect(0, 0, canvas.width, edge),
        Rect(0, canvas.height - edge, canvas.width, edge),
        Rect(0, 0, edge, canvas.height),
        Rect(canvas.width - edge, 0, edge, canvas.height),
    ):
        canvas.panel(side, ACCENT, radius=0)
    wide = canvas.width - 2 * margin
    canvas.text(Rect(margin, margin, wide, canvas.px(7)), "This screen is", 4.4, fill=ACCENT, align="center")
    pieces = (
        Piece(name or code or "Unnamed screen", 26, weight=BOLD, share=0.66, smallest=5, lines=4),
        Piece(panel, 8, fill=ACCENT, weight=BOLD, share=0.2, lines=1),
        Piece(code if name else "", 8, weight=CODE, share=0.2, lines=1),
        Piece(address or "no address", 4.4, fill=MUTED, lines=1),
    )
    canvas.stack(
        Rect(margin, margin + canvas.px(8), wide, canvas.height - 2 * margin - canvas.px(8)), pieces, gap=1.5, align="center"
    )
    return canvas.image


def _trouble(size: Size, title: str, told: str, advice: str, values: Facts, now: datetime | None) -> Image:
    from player.stage.drawing.canvas import Piece

    canvas = blank(size)
    header(canvas, "", now)
    foot = facts_area(size, sum(bool(value) for _, value in values))
    facts(canvas, foot, values)
    left, top = canvas.px(MARGIN), canvas.px(18)
    body = Rect(left + canvas.px(5), top, canvas.width - 2 * left - canvas.px(5), foot.y - top - canvas.px(4))
    pieces = (
        Piece(title, 10, weight=BOLD, share=0.34, lines=2),
        Piece(told, 5.2, share=0.5),
        Piece(advice, 4.4, fill=MUTED, lines=3),
    )
    took = canvas.stack(body, pieces, gap=2, align="start")
    canvas.panel(Rect(left, took.y, canvas.px(1.2), took.height), WARM, radius=0.6)
    return canvas.image


def _centred_mark(canvas: Canvas, units: float) -> None:
    width = round(canvas.px(units) * 1.45)
    canvas.mark((canvas.width - width) // 2, (canvas.height - canvas.px(units)) // 2, units)
