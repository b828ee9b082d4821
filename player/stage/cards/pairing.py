"""The card that an installer sees first: the pairing code in letters for five metres, and a QR code to enter it by."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit

from player.core.content import Rect
from player.stage.cards.frame import MARGIN, blank, facts, facts_area, header
from player.stage.drawing.palette import BOLD, CODE, MUTED, WHITE

if TYPE_CHECKING:
    from PIL.Image import Image

    from player.stage.drawing.canvas import Canvas

Size = tuple[int, int]
_CAPITAL, _CELL = 0.73, 0.602  # of the code's face, in ems: height of a capital, width of a letter
_TILE, _GAP, _MIDDLE = 1.09, 0.1, 0.35  # in cells: a letter's tile, the space between two, what the middle has more
_LARGEST = 18.5  # units: capitals beyond a sixth of the height add nothing
_SMALLEST_QR = 26.0  # units: below that it goes elsewhere


@dataclass(frozen=True, slots=True)
class PairingLayout:
    """Where things stand on the pairing card, in pixels; `letter` is the height of the code's capitals."""

    heading: Rect
    code: Rect
    qr: Rect
    letter: int


def pairing_layout(size: Size, letters: int) -> PairingLayout:
    """On a wide screen, capitals of up to eight letters are at least a sixth of its height; the QR code goes where room is."""
    unit = min(size) / 100
    margin, top = round(MARGIN * unit), round(18 * unit)
    room = Rect(margin, top, size[0] - 2 * margin, facts_area(size, 4).y - top - round(5 * unit))
    if size[0] < size[1]:
        return _tall(room, letters, unit)
    needed = _code_width(letters, size[1] / 6 + 2)
    square = int(min(room.height, 44 * unit, room.width - needed - 6 * unit))
    return _wide(room, square, letters, unit) if square >= _SMALLEST_QR * unit else _squarish(room, letters, unit)


def _wide(room: Rect, square: int, letters: int, unit: float) -> PairingLayout:
    """Heading and code on the left, the QR code on the right."""
    qr = Rect(room.x + room.width - square, room.y + (room.height - square) // 2, square, square)
    beside = qr.x - room.x - round(6 * unit)
    letter = _letter(beside, letters, unit)
    code = Rect(room.x, qr.y + square - round(letter * 1.5), beside, round(letter * 1.5))
    return PairingLayout(Rect(room.x, qr.y, beside, code.y - qr.y - round(2 * unit)), code, qr, letter)


def _squarish(room: Rect, letters: int, unit: float) -> PairingLayout:
    """The code over the whole width, heading and QR code above it."""
    letter = _letter(room.width, letters, unit)
    code_height = round(letter * 1.5)
    square = min(room.height - code_height - round(4 * unit), round(40 * unit))
    qr = Rect(room.x + room.width - square, room.y, square, square)
    code = Rect(room.x, room.y + room.height - code_height, room.width, code_height)
    return PairingLayout(Rect(room.x, room.y, qr.x - room.x - round(5 * unit), square), code, qr, letter)


def _tall(room: Rect, letters: int, unit: float) -> PairingLayout:
    """Heading, code and QR code under each other."""
    letter = _letter(room.width, letters, unit)
    heading = Rect(room.x, room.y, room.width, round(min(22 * unit, room.height * 0.3)))
    code = Rect(room.x, heading.y + heading.height + round(4 * unit), room.width, round(letter * 1.62))
    below = code.y + code.height + round(6 * unit)
    square = max(1, min(room.width, room.y + room.height - below, round(62 * unit)))
    qr = Rect(room.x + (room.width - square) // 2, below + (room.y + room.height - below - square) // 2, square, square)
    return PairingLayout(heading, code, qr, letter)


def _letter(width: int, letters: int, unit: float) -> int:
    """The height of capitals at which the code fills `width`, up to the largest that is of use."""
    return int(min(_LARGEST * unit, width / _code_width(letters, 1)))


def _code_width(letters: int, letter: float) -> float:
    return letter / _CAPITAL * _CELL * (letters * _TILE + (letters - 1) * _GAP + _MIDDLE)


def pairing_card(
    size: Size,
    *,
    code: str,
    server_name: str,
    server_url: str,
    pair_url: str,
    device_name: str,
    address: str,
    network: str,
    now: datetime,
    box_id: str,
) -> Image:
    """The code, a QR code that opens `pair_url` with it, and where this box is. `now` in the zone to show.

    Without a code yet, the card says that it waits for one; without `pair_url` there is no QR code.
    """
    canvas = blank(size)
    host = urlsplit(server_url).netloc
    header(canvas, server_name or host, now)
    layout = pairing_layout(size, len(code) or 6)
    _heading(canvas, layout.heading, waiting=not code, server=server_name or host, pair_url=pair_url)
    _letters(canvas, layout.code, code or " " * 6, layout.letter)
    if code and pair_url:
        page = f"{pair_url}{'&' if '?' in pair_url else '?'}code={quote(code, safe='')}"
        canvas.qr(layout.qr, _matrix(page), "right" if size[0] >= size[1] else "center")
    told = (("Screen", device_name), ("Address", address or "none yet"), ("Network", network), ("Box", box_id))
    facts(canvas, facts_area(size, sum(bool(value) for _, value in told)), told)
    return canvas.image


def _heading(canvas: Canvas, box: Rect, *, waiting: bool, server: str, pair_url: str) -> None:
    from player.stage.drawing.canvas import Piece

    title = "Waiting for a code" if waiting else "Pair this screen"
    if waiting:
        hint = f"It appears as soon as {server or 'the server'} answers."
    elif pair_url:
        hint = f"Scan the QR code, or open {pair_url.partition('://')[2] or pair_url} and enter:"
    else:
        hint = f"Enter this code at {server or 'your server'}:"
    pieces = (Piece(title, 7.4, weight=BOLD, share=0.6, lines=2), Piece(hint, 3.6, fill=MUTED, smallest=2.2))
    canvas.stack(box, pieces, gap=0.6, align="left", valign="top")


def _letters(canvas: Canvas, box: Rect, code: str, letter: int) -> None:
    """The letters in tiles, with a wider gap in the middle of six or eight: codes are read out loud in halves."""
    from player.stage.drawing import typeset

    em = round(letter / _CAPITAL)
    cell = em * _CELL
    half = len(code) // 2 if len(code) in (6, 8) else 0
    at = box.x + (max(0.0, box.width - _code_width(len(code), letter)) / 2 if box.width > canvas.width * 0.8 else 0)
    for index, char in enumerate(code):
        at += cell * _MIDDLE if half and index == half else 0
        canvas.panel(Rect(round(at), box.y, round(cell * _TILE), box.height), WHITE, alpha=0.1, radius=1.6)
        line = typeset.one_line(char, em, CODE) if char != " " else None
        if line:
            spare = cell * _TILE - line.width
            typeset.draw_line(canvas.draw, line, at + spare / 2, box.y + (box.height + letter) / 2, em, WHITE)
        at += cell * (_TILE + _GAP)


def _matrix(text: str) -> list[bytearray]:
    import segno

    return list(segno.make(text, micro=False, error="m").matrix)
