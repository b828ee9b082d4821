"""The code that every frame of the test content carries: a strip of 32 cells, black or white, readable off a screen.

    4 sync (white, black, white, black) | 4 item | 10 frame | 6 checksum | 8 weight: one cell for each item, white for its own

While one item fades into another the weight cells are grey: the brightness of each is how much of that item is to be seen.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum

CELLS = 32
ITEMS = 8
FRAMES = 1024
_SYNC = (1, 0, 1, 0)
_WEIGHTS = slice(24, 32)
_DARK, _LIGHT = 80, 175
_NONE, _WHOLE = 24, 231  # a weight cell of an item that nothing shines through; video is not exact
_BLACK = 48


class Sort(Enum):
    """What a strip was read as."""

    ITEM = "item"
    MIX = "mix"
    BLACK = "black"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Seen:
    """One look at a strip: `item` and `frame` where it is one frame of one item, `weights` (0 to 1) of all."""

    sort: Sort
    item: int = -1
    frame: int = -1
    weights: tuple[float, ...] = field(default=(), compare=False)


BLACK, OTHER = Seen(Sort.BLACK), Seen(Sort.OTHER)


def levels(item: int, frame: int) -> tuple[int, ...]:
    """The cells of a frame, 0 or 255 each; `item` 0 to 7, `frame` counts from 0 and wraps at 1024."""
    frame %= FRAMES
    bits = [*_SYNC, *_bits(item, 4), *_bits(frame, 10), *_bits(_checksum(item, frame), 6)]
    return tuple(255 * bit for bit in [*bits, *(int(other == item) for other in range(ITEMS))])


def read(cells: Sequence[int]) -> Seen:
    """What a strip of 32 brightnesses (0 to 255) shows."""
    if max(cells) < _BLACK:
        return BLACK
    sync = [_bit(cell) for cell in cells[:4]]
    if tuple(sync) != _SYNC:
        return OTHER
    weights = tuple(round(cell / 255, 3) for cell in cells[_WEIGHTS])
    bits = [_bit(cell) for cell in cells[:24]]
    if None not in bits:
        item, frame, checksum = _number(bits[4:8]), _number(bits[8:18]), _number(bits[18:24])
        if item < ITEMS and checksum == _checksum(item, frame) and _alone(item, cells[_WEIGHTS]):
            return Seen(Sort.ITEM, item, frame, weights)
    return Seen(Sort.MIX, weights=weights)


def _checksum(item: int, frame: int) -> int:
    return (item * 31 + frame * 17 + 21) % 64


def _alone(item: int, weights: Sequence[int]) -> bool:
    return weights[item] >= _WHOLE and all(weight <= _NONE for other, weight in enumerate(weights) if other != item)


def _bits(number: int, width: int) -> list[int]:
    return [number >> place & 1 for place in reversed(range(width))]


def _number(bits: Sequence[int | None]) -> int:
    return int("".join(str(bit) for bit in bits), 2)


def _bit(cell: int) -> int | None:
    if cell <= _DARK:
        return 0
    return 1 if cell >= _LIGHT else None
