"""Items that are shown between two instants only, as a programme has them: a layout for each stretch of time, and a rule for each.

Pure. A stretch is named by the instant at which it begins, so that it keeps its name when that has passed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from player.core.content import Item, Layout, always
from player.core.schedule import Condition, Rule

STRETCHES, SHOWN = 48, 20_000


@dataclass(frozen=True, slots=True)
class DatedItem:
    """An item, and from when until when it is shown (seconds since the epoch, the end not included); None: that end is open."""

    item: Item
    begins: float | None = None
    ends: float | None = None

    def holds(self, begins: float) -> bool:
        """Whether it is shown in a stretch that begins then, and within which nothing changes."""
        return (self.begins is None or self.begins <= begins) and (self.ends is None or begins < self.ends)


def by_dates(layout: Layout, items: Mapping[str, Sequence[DatedItem]], now: float) -> tuple[tuple[Layout, ...], tuple[Rule, ...]]:
    """The layouts of all stretches from `now` on, and when each is on air. `items`: those of each region, by its id.

    Stretches beyond the first `STRETCHES` (fewer where items are many) are not told apart: the last one goes on.
    """
    dated = [one for rows in items.values() for one in rows]
    edges = sorted({edge for one in dated for edge in (one.begins, one.ends) if edge is not None})
    past = [edge for edge in edges if edge <= now]
    starts = [past[-1] if past else None, *(edge for edge in edges if edge > now)]
    starts = starts[: max(1, min(STRETCHES, SHOWN // max(1, len(dated))))]
    if len(starts) == 1:
        only = _at(layout, items, now, starts[0])
        return (only,), always(only)
    layouts = [_at(layout, items, now if start is None else start, start) for start in starts]
    ends = (*starts[1:], None)
    rules = (
        Rule(one.id, priority=-place, conditions=(Condition("instants", "between", [start, end]),), layout=one.id)
        for place, (one, start, end) in enumerate(zip(layouts, starts, ends, strict=True))
    )
    return tuple(layouts), tuple(rules)


def _at(layout: Layout, items: Mapping[str, Sequence[DatedItem]], at: float, start: float | None) -> Layout:
    name = layout.id if start is None else f"{layout.id}@{datetime.fromtimestamp(start, UTC).replace(tzinfo=None).isoformat()}"
    regions = tuple(
        replace(region, playlist=replace(region.playlist, items=tuple(one.item for one in items[region.id] if one.holds(at))))
        for region in layout.regions
    )
    return replace(layout, id=name, regions=regions)
