"""How long things take around an item's turn in a region: being made ready, being waited for, and staying. Pure; in seconds."""

from __future__ import annotations

from player.core.content import Item

PREPARE_LIMIT_S = 10.0
PAGE_LIMIT_S = 30.0  # a slow page holds nothing up: others play meanwhile
GRACE_S = 0.5  # what comes a little late comes in its order
HOLD_S = 1.0  # nothing holds what is on screen longer than that beyond its time
SPARE_LEAD_S, SPARE_AFTER_S = 2.5, 0.5  # a spare is prepared so long before the turn, for what has been loading so long
SPARE_FIRST_S = 4.0  # while nothing is on screen: the first items of all take longer than any other
STREAM_LEAD_S = 8.0
PAGE_LEAD_S = 6.0
STAND_IN_S = 60.0  # what stands in for an item stays no longer, so that the item itself is tried again soon
DEFAULT_DURATION_S = 10.0
WITHDRAWN_S = 14.0  # what the playlist lists no more is gone within fifteen seconds, its fade included
SHORTEST_S = 1.0  # nothing is wished shorter: a playlist of blinks would be a hot loop


def limit_s(item: Item) -> float:
    """How long an item may take to be made ready."""
    return PAGE_LIMIT_S if item.kind.is_page else PREPARE_LIMIT_S


def planned_s(item: Item, *, natural_s: float | None, asked_s: float | None, stand_in: bool) -> float | None:
    """How long it is to stay; None: without an end (a stream), or not known.

    `natural_s`: its content's own length; `asked_s`: what somebody asked for instead of its duration (None, 0: nothing);
    `stand_in`: something else is shown in its place.
    """
    wish = asked_s or item.duration_s
    wish = max(SHORTEST_S, wish) if wish else 0.0
    if item.kind.ends_by_itself:
        return min(wish, natural_s) if wish and natural_s else wish or natural_s
    if item.kind.is_stream:
        return wish or None
    return min(wish or DEFAULT_DURATION_S, STAND_IN_S) if stand_in else wish or DEFAULT_DURATION_S
