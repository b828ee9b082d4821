"""What a region is told (events, in the past tense) and what it wants done (effects, imperative), with the times they happen at."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from player.core.content import Item, Playlist, Transition


@dataclass(frozen=True, slots=True)
class Moment:
    """One instant on both clocks."""

    mono: float
    wall: float


# --- events ----------------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class PlaylistChanged:
    """The region has another playlist (possibly empty)."""

    playlist: Playlist


@dataclass(frozen=True, slots=True)
class Resumed:
    """Before its first playlist: `item_id` was on screen, `position_s` after its beginning, when another stage ended.

    `over`: the region goes on after it; `silent`: its sound may be what ended that stage.
    """

    item_id: str
    position_s: float
    over: bool = False
    silent: bool = False


@dataclass(frozen=True, slots=True)
class ItemPrepared:
    """The surface behind `token` has drawn its first frame; `natural_s` is the content's own length, None when it has none.

    `stand_in`: what it drew stands in for the item, which could not be had.
    """

    token: int
    natural_s: float | None = None
    stand_in: bool = False


@dataclass(frozen=True, slots=True)
class PrepareFailed:
    """What `token` was to show cannot be shown."""

    token: int
    code: str
    reason: str


@dataclass(frozen=True, slots=True)
class Ended:
    """The content of `token` came to its natural end; its last frame stands."""

    token: int


@dataclass(frozen=True, slots=True)
class Broke:
    """The content of `token` stopped while on screen."""

    token: int
    code: str
    reason: str


@dataclass(frozen=True, slots=True)
class Ticked:
    """Time passed."""


@dataclass(frozen=True, slots=True)
class Skipped:
    """Somebody asked for the next item (`step` 1) or the one before (-1)."""

    step: int


@dataclass(frozen=True, slots=True)
class Reloaded:
    """Somebody asked for the content anew: what the playlist lists no more does not stay to its edge."""


@dataclass(frozen=True, slots=True)
class PlayAsked:
    """Somebody asked for `item`, once, for `seconds` (0: its own length)."""

    item: Item
    seconds: float


@dataclass(frozen=True, slots=True)
class Covered:
    """Something took the screen (an alert, the lock pad): nobody sees the item."""

    by: str


@dataclass(frozen=True, slots=True)
class Uncovered:
    """The item can be seen again."""


@dataclass(frozen=True, slots=True)
class Stopped:
    """The region ends."""

    reason: str = "the stage was stopped"


Event = (
    PlaylistChanged
    | Resumed
    | ItemPrepared
    | PrepareFailed
    | Ended
    | Broke
    | Ticked
    | Skipped
    | Reloaded
    | PlayAsked
    | Covered
    | Uncovered
    | Stopped
)

# --- effects ---------------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class PrepareItem:
    """Load `item` into a free surface, invisible; answer `Prepared` or `PrepareFailed`. A clip begins at `begin_s`."""

    token: int
    item: Item
    begin_s: float = 0.0
    silent: bool = False


@dataclass(frozen=True, slots=True)
class ShowItem:
    """Bring `token` on screen by `transition`, in place of `replaces` (None: nothing was there), which is then released."""

    token: int
    item: Item
    replaces: int | None
    transition: Transition


@dataclass(frozen=True, slots=True)
class Release:
    """Nobody needs `token` any more; if it is on screen, take it away. `late`: it was not ready to be shown in its time."""

    token: int
    late: bool = False


@dataclass(frozen=True, slots=True)
class Hold:
    """Pause (`held`) or go on with the item on screen."""

    token: int
    held: bool


class PlayResult(StrEnum):
    """How a showing ended; the values stand in proof of play."""

    COMPLETE = "complete"
    INTERRUPTED = "interrupted"  # earlier than planned, or covered
    FAILED = "failed"  # it broke while it was on screen


@dataclass(frozen=True, slots=True)
class PlayRecord:
    """One showing came to its end: the stuff of one proof-of-play event."""

    item: Item
    started: Moment
    ended: Moment
    planned_s: float
    result: PlayResult
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Report:
    """An item could not be shown: a fault for the operator."""

    item: Item
    code: str
    reason: str


@dataclass(frozen=True, slots=True)
class Recover:
    """An item that was at fault was made ready, or is another one now: its fault is over."""

    item: Item


Effect = PrepareItem | ShowItem | Release | Hold | PlayRecord | Report | Recover
