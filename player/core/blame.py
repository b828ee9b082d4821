"""Which item is kept off because the stage crashed with it on screen, and for how long (pure).

Only a crash of the stage's own blames anybody. Three within an hour keep an item off for five minutes, and each further one for
twice as long as the one before, up to two hours. A region never loses its last item by it: content that crashes is still content,
and crashes that go on are for safe mode (`core.crashes`). Times are seconds since the epoch; one that lies ahead of the clock is
another clock's, and counts for nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

DEATHS, WITHIN_S = 3, 3600.0
FIRST_S, LIMIT_S = 300.0, 7200.0


@dataclass(frozen=True, slots=True)
class ItemDeaths:
    """What is held against one item: crashes that followed each other, the last one, and until when it is kept off."""

    count: int = 0
    last_at: float = 0.0
    until: float = 0.0

    def one_more(self, at: float) -> ItemDeaths:
        """After another crash with it on screen. The hour begins when it may be shown again."""
        follows = self.last_at <= at < max(self.last_at, self.until) + WITHIN_S
        count = self.count + 1 if follows else 1
        if count < DEATHS:
            return ItemDeaths(count, at)
        return ItemDeaths(count, at, at + min(LIMIT_S, FIRST_S * 2.0 ** min(count - DEATHS, 20)))

    def is_kept_off(self, at: float) -> bool:
        """Whether it is not to be shown at `at`."""
        return self.last_at <= at < self.until


def barred(untils: Mapping[str, float | None]) -> frozenset[str]:
    """Which of a region's items stay away: `untils` is when each may come back, None where nothing is held against it.

    Where it would be all of them, the first that may come back is spared.
    """
    away = {name: until for name, until in untils.items() if until is not None}
    spared = min(away, key=lambda name: away[name]) if away and len(away) == len(untils) else None
    return frozenset(away) - {spared}
