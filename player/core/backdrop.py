"""Whether the layout's background is to be seen, or what stands behind the windows. Pure.

Where regions fill the screen, nothing of the background would be seen; it would only be what is left for a frame when they vanish.
A region whose items fade through the background does not fill it.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

from player.core.content import Playlist, Rect, TransitionKind


@dataclass(frozen=True, slots=True)
class RegionGround:
    """What a region takes of the screen: `shown`, something of it is on screen; `settled`, it can do no better at the moment;
    `fades`, what lies behind is seen between its items."""

    rect: Rect
    shown: bool
    settled: bool
    fades: bool


def fades(playlist: Playlist) -> bool:
    """Whether an item of the playlist comes in through the background."""
    transitions = (playlist.transition, *(item.transition for item in playlist.items))
    return any(transition is not None and transition.kind is TransitionKind.FADE for transition in transitions)


def is_wanted(panels: Sequence[Rect], grounds: Sequence[RegionGround]) -> bool:
    """Not while a region has yet to come: until then the picture before it stands there."""
    if any(not ground.shown and not ground.settled for ground in grounds):
        return False
    rects = [ground.rect for ground in grounds if ground.shown and not ground.fades]
    return not all(_covered(panel, rects) for panel in panels)


def _covered(panel: Rect, rects: Sequence[Rect]) -> bool:
    """Whether the rectangles leave no pixel of the panel free: no cell of the grid of all their edges."""
    across = _edges(panel.x, panel.width, [(rect.x, rect.x + rect.width) for rect in rects])
    down = _edges(panel.y, panel.height, [(rect.y, rect.y + rect.height) for rect in rects])
    corners = itertools.product(across[:-1], down[:-1])
    return all(any(_holds(rect, x, y) for rect in rects) for x, y in corners)


def _edges(start: int, length: int, pairs: Sequence[tuple[int, int]]) -> list[int]:
    found = {start, start + length, *(edge for pair in pairs for edge in pair if start < edge < start + length)}
    return sorted(found)


def _holds(rect: Rect, x: int, y: int) -> bool:
    return rect.x <= x < rect.x + rect.width and rect.y <= y < rect.y + rect.height
