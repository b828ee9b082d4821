"""How long clips were when they could be loaded, for the times when they cannot: what stands in for one takes as long."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from player.core.content import Item


class Lengths:
    """By item, in seconds; of the items of one playlist, so that it does not grow over the years."""

    def __init__(self) -> None:
        self._known: dict[str, float] = {}

    def remember(self, item: Item, natural_s: float | None, playlist: Iterable[Item]) -> None:
        """Nothing where it has none."""
        if natural_s is not None:
            kept = {one.id: self._known[one.id] for one in playlist if one.id in self._known}
            self._known = kept | {item.id: natural_s}

    def given(self, item: Item) -> Item:
        """The item with a duration: the one that it is to have, or else its known length."""
        return item if item.duration_s else replace(item, duration_s=self._known.get(item.id, 0.0))
