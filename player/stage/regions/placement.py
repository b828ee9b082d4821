"""Where regions lie on the panels that there are, and which plays nobody can have seen.

A region whose panel is missing is laid out as if it had one of the first panel's size, and plays on out of sight. A play counts as
seen only when the screen was on, and its region's panel there, from its beginning to its end.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from player.core.content import Layout, Rect, Region
from player.core.geometry import on_panel
from player.core.panels import is_mirror
from player.runtime.fault_page import FaultPage


class Placement:
    """`panels` by number, None where one is missing; `size` is the first one's. `screen_on` is read back."""

    def __init__(self, screen_on: Callable[[], bool], faults: FaultPage) -> None:
        self._screen_on, self._faults = screen_on, faults
        self._unseen: set[str] = set()
        self.panels: tuple[Rect | None, ...] = ()
        self.size = (1920, 1080)

    def __repr__(self) -> str:
        return f"<placement on {len(self.panels)} panels, {len(self._faults.faults)} regions out of sight>"

    def changed(self, panels: Sequence[Rect | None]) -> bool:
        """The panels as they are now; answers whether there is one more than ever before."""
        more, self.panels = len(panels) > len(self.panels), tuple(panels)
        first = panels[0] if panels else None
        if first is not None:
            self.size = (first.width, first.height)
        return more

    # --- where

    def has_panel(self) -> bool:
        """Whether anything can be shown at all."""
        return any(self.panels)

    def is_there(self, region: Region) -> bool:
        """Whether the region's own panel is."""
        return region.output < len(self.panels) and self.panels[region.output] is not None

    def rect(self, region: Region, layout: Layout) -> Rect:
        """In the compositor's pixels."""
        return on_panel(region.rect, layout, self._panel(region))

    def is_alone(self, region: Region, rect: Rect) -> bool:
        """Whether nothing else lies beside a region that fills `rect`: no other region, no other panel."""
        panel = self._panel(region)
        return len(self.panels) == 1 and (rect.width, rect.height) == (panel.width, panel.height)

    def _panel(self, region: Region) -> Rect:
        panel = self.panels[region.output] if region.output < len(self.panels) else None
        return panel or Rect(0, 0, *self.size)

    # --- seen or not

    def unseen(self, regions: Iterable[Region]) -> None:
        """The plays under way there were not seen all through."""
        self._unseen.update(region.id for region in regions)

    def was_seen(self, region: Region | None, zone: str) -> bool:
        """Of the play that ends there now."""
        there = region is None or self.is_there(region)
        seen = self._screen_on() and there and zone not in self._unseen
        self._unseen.discard(zone)
        return seen

    def note(self, region: Region) -> None:
        """A region whose panel is missing while others are there is a fault; that there is none at all is another one."""
        if self.is_there(region) or not self.has_panel() or is_mirror(region):
            self._faults.clear(region.id)
        else:
            words = f"region {region.id} belongs on panel {region.output + 1}, which is not connected; it plays on unseen"
            self._faults.report(region.id, "panel_missing", words, count=1)

    def forget(self, region: Region) -> None:
        """The region is no more."""
        self._faults.clear(region.id)
        self._unseen.discard(region.id)
