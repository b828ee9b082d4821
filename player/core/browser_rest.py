"""When the browser is not worth its memory, a third of a gigabyte: no page is shown, and none will be for a while. Pure.

It is back within the time that a page may take to be made ready, so what nobody can foresee (somebody asks for a page, a fact
changes what is on air) finds it late, and not never.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta

from player.core.content import Layout, StandBy
from player.core.onair import Listings
from player.core.schedule import Facts

AHEAD = timedelta(minutes=10)
REST_AFTER_S = 120.0  # of showing nothing
_CHANGES = 50  # of layouts that are looked at: a programme may change with each second


def needs_pages(listings: Listings, at: datetime, facts: Facts, stand_by: Iterable[StandBy]) -> bool:
    """Whether the browser shows anything of what is on air at `at`, comes on air within `AHEAD`, or stands by for triggers."""
    items = [item for one in stand_by for item in one.items]
    for layout in _soon(listings, at, facts):
        items += [item for region in layout.regions for item in region.playlist.items]
    return any(item.kind.is_page for item in items)


def _soon(listings: Listings, at: datetime, facts: Facts) -> Iterator[Layout]:
    moment: datetime | None = at
    for _ in range(_CHANGES):
        if moment is None or moment > at + AHEAD:
            return
        found = listings.at(moment, facts)
        if found.layout:
            yield found.layout
        moment = found.until
