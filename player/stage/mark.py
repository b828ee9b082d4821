"""The mark of what is on screen, by which a stage that crashed tells the next one what to blame.

It is written, in memory-backed storage, before an item is shown. A stage that finds one at its start, and that the one before it
crashed (`crashes.last_death`), holds that against the items that were on screen (`core.blame`), until one is shown to its end.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from pathlib import Path

import msgspec

from player.core.blame import ItemDeaths, barred
from player.core.content import Item
from player.errors import StorageError
from player.store import Snapshot

log = logging.getLogger(__name__)


class _Deaths(msgspec.Struct):
    """Per item: how often the stage crashed with it on screen, when last, and until when it is kept off."""

    counts: dict[str, int] = msgspec.field(default_factory=dict)
    until: dict[str, float] = msgspec.field(default_factory=dict)
    last: dict[str, float] = msgspec.field(default_factory=dict)

    def of(self, item_id: str) -> ItemDeaths:
        return ItemDeaths(self.counts.get(item_id, 0), self.last.get(item_id, 0.0), self.until.get(item_id, 0.0))

    def hold(self, item_id: str, deaths: ItemDeaths) -> None:
        self.counts[item_id], self.last[item_id], self.until[item_id] = deaths.count, deaths.last_at, deaths.until

    def forget(self, item_id: str) -> bool:
        """Whether there was something."""
        return [kept.pop(item_id, None) for kept in (self.counts, self.last, self.until)] != [None] * 3


class Mark:
    """What is on screen, for the stage that comes after. `path` lies in memory-backed storage, `deaths` on disk.

    `crashed`: the stage before this one ended by a crash of its own; one that was killed, or lost its compositor, blames nothing.
    """

    def __init__(self, path: Path, deaths: Path, wall: Callable[[], float], *, crashed: bool) -> None:
        self._path, self._wall, self._crashed = path, wall, crashed
        self._snapshot = Snapshot(deaths, _Deaths)
        self._deaths = self._snapshot.read_or(_Deaths())  # one that cannot be read costs what it told, and not the show
        self._on_screen: dict[str, str] = {}
        self.found: tuple[str, ...] = ()  # the ids of what was on screen when the stage before this one died
        self._spared: frozenset[str] = frozenset()  # those of them that were kept off already, and shown all the same
        self._judge()
        self._told = self.kept_off

    @property
    def kept_off(self) -> frozenset[str]:
        """The ids of items with which the stage crashed too often."""
        return frozenset(name for name in self._deaths.until if self._deaths.of(name).is_kept_off(self._wall()))

    def is_another(self) -> bool:
        """Whether `kept_off` has changed since this was last asked."""
        before, self._told = self._told, self.kept_off
        return self._told != before

    @property
    def explaining(self) -> frozenset[str]:
        """Those that are gone from the screen, so that crashes with them are over. The last item of a region is not."""
        return self.kept_off - self._spared

    def barred(self, items: Iterable[Item]) -> frozenset[str]:
        """The ids of a region's items that are not shown now; never all of them."""
        kept_off = self.kept_off
        return barred({item.id: self._deaths.until[item.id] if item.id in kept_off else None for item in items})

    def _judge(self) -> None:
        """An item found in the mark was there when the stage before this one died."""
        try:
            before = msgspec.json.decode(self._path.read_bytes(), type=dict[str, str])
        except (OSError, ValueError):  # none, or not what this player writes
            return
        self.found = tuple(sorted(set(before.values())))
        if self._crashed and self.found:
            self._spared = self.kept_off & frozenset(self.found)
            for name in self.found:
                self._deaths.hold(name, self._deaths.of(name).one_more(self._wall()))
            self._save()
        self.clear()

    def shown(self, region: str, item: Item) -> None:
        """`item` is about to be shown."""
        self._on_screen[region] = item.id
        try:
            self._path.write_bytes(msgspec.json.encode(self._on_screen))
        except OSError as error:
            log.debug("the mark was not written: %s", error)

    def left(self, region: str) -> None:
        """Nothing of `region` is on screen any more."""
        self._on_screen.pop(region, None)

    def went_well(self, item: Item) -> None:
        """`item` was shown to its end: earlier deaths were not its fault."""
        if self._deaths.forget(item.id):
            self._save()

    def release_all(self) -> None:
        """Gives every item another chance (an operator cleared the cache)."""
        self._deaths = _Deaths()
        self._save()

    def clear(self) -> None:
        """A clean end: nothing to blame."""
        self._path.unlink(missing_ok=True)

    def _save(self) -> None:
        try:
            self._snapshot.write(self._deaths)
        except StorageError as error:
            log.warning("%s", error)
