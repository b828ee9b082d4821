"""What stands behind the windows, to be seen when the stage is gone: its decisions. Pure.

The curtain (`compositor.curtain`) outlives the stage. It holds the screen's last picture, and takes another when it is told to:
soon after the screen came to rest on something else, and while it moves, every few seconds. What must not be seen is not kept: a
screen that is off stays black, an item that the programme lists no more goes at once, and what a person is doing at the screen (the
lock pad, a message) is not taken at all. A stage that stays away is followed by the brand: what was on may have been withdrawn
meanwhile.

On disk no picture of content is kept, but the brand alone: a box may have been off for months. Times are monotonic seconds.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from player.core.cover import Cover, View

SETTLE_S = 0.25  # after a seam; the next item is not loaded before 0.3 s
FRESH_S = 5.0
IDLE_DRAWN = "drawn"  # the stage has drawn the brand anew
AWAY_S = 60.0  # longer than any start of a stage, its watchdog's time included


class Behind(StrEnum):
    """What the curtain is to do; the values are the words between the two processes."""

    STILL = "still"  # take a picture of the screen as it is, and hold it
    BRAND = "brand"
    BLACK = "black"


@dataclass(frozen=True, slots=True)
class Scene:
    """What is on screen: the `view`, the `showings` (region and number of each), their `items`, and the items `listed` on air.

    `steady`: no transition is under way; `moves`: something of it does, all the time; `passing`: words that stay for a while.
    """

    view: View
    showings: frozenset[tuple[str, int]]
    items: frozenset[str]
    listed: frozenset[str]
    steady: bool
    moves: bool
    passing: bool


class CurtainWatch:
    """When the curtain is told what. `held`: the items on the picture that an earlier stage left."""

    def __init__(self, held: frozenset[str] = frozenset()) -> None:
        self._held, self._behind = held, Behind.STILL
        self._key: tuple[View, frozenset[tuple[str, int]]] | None = None
        self._opened = 0
        self.due: float | None = None

    def look(self, scene: Scene, at: float, opened: int) -> Behind | None:
        """What to tell at `at`; None: nothing. `opened`: how often the line to the curtain was; another one knows nothing."""
        if opened != self._opened:
            self._opened, self._key, self._behind = opened, None, Behind.STILL
        if scene.view.curtain:
            return self._say(Behind.BLACK)
        if not (self._held | scene.items) <= scene.listed:
            self._held = frozenset()
            return self._say(Behind.BRAND)
        if scene.view.cover is Cover.LOCK_PAD or scene.passing:
            self._key = None
            return self._say(Behind.BRAND) if self._behind is Behind.BLACK else None
        return self._still(scene, at)

    def _say(self, behind: Behind) -> Behind | None:
        """Each is said once, and not again and again."""
        before, self._behind = self._behind, behind
        self._key = self.due = None
        return None if before is behind else behind

    def _still(self, scene: Scene, at: float) -> Behind | None:
        if not scene.steady:
            self._key = self.due = None
            return None
        key = (scene.view, scene.showings)
        if key != self._key:
            self._key, self.due = key, at + SETTLE_S
        if self.due is None or at < self.due:
            return None
        self.due = at + FRESH_S if scene.moves else None
        self._held, self._behind = scene.items, Behind.STILL
        return Behind.STILL
