"""Layout units -> pixels. Pure.

Edges are rounded, not sizes: regions that touch in the layout touch on the screen, with no gap and no overlap, at any scale.
"""

from __future__ import annotations

from collections.abc import Collection

from player.core.content import Layout, Rect
from player.core.kinds import Kind

NOWHERE = Rect(0, 0, 0, 0)


def placed(rect: Rect, canvas: tuple[int, int], kinds: Collection[Kind]) -> Rect | None:
    """The place of a region that plays these kinds on a canvas of (width, height) units.

    `NOWHERE` for one that is only heard and has no place there; None for one that is to be seen and has none.
    """
    width, height = canvas
    if rect.has_area and -rect.width < rect.x < width and -rect.height < rect.y < height:
        return rect
    return NOWHERE if kinds and all(kind.is_unseen for kind in kinds) else None


def to_pixels(rect: Rect, layout: Layout, screen: tuple[int, int]) -> Rect:
    """Where `rect` lies on a screen of (width, height) pixels: cut off at its edges, at least one pixel large; or `NOWHERE`."""
    if not rect.has_area:
        return NOWHERE
    left, right = (_edge(x, layout.width, screen[0]) for x in (rect.x, rect.x + rect.width))
    top, bottom = (_edge(y, layout.height, screen[1]) for y in (rect.y, rect.y + rect.height))
    left, top = min(left, screen[0] - 1), min(top, screen[1] - 1)
    return Rect(left, top, max(1, right - left), max(1, bottom - top))


def on_panel(rect: Rect, layout: Layout, panel: Rect) -> Rect:
    """The same on a panel that lies somewhere beside others."""
    found = to_pixels(rect, layout, (panel.width, panel.height))
    return Rect(panel.x + found.x, panel.y + found.y, found.width, found.height)


def _edge(unit: int, units: int, pixels: int) -> int:
    return min(pixels, max(0, (unit * pixels * 2 + units) // (units * 2)))
