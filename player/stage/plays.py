"""The journal of proof of play, and the mark of what is on screen: what happened is written down before anything else happens.

An event is in the journal before the next item is shown: in its tail, which lies in memory-backed storage, so that a killed process
loses none and flash is written once for ten events, or a minute after one that no server has yet; a power cut costs at most those
(whoever owns this calls `sync` from a thread, since flash can take its time). When the disk refuses, at the start or later, events
wait in memory and are written as soon as it lets them: the screen never waits for the journal. While no server takes them all wait
here; what one has is kept as well, for whoever counts for himself. Beyond the limits whole segments of the oldest go; those that no
server has are counted and reported, never lost silently.

The mark is written, in memory-backed storage, before an item is shown. A stage that finds one at its start, and that the one before
it crashed (`crashes.left_words`), holds that against the items that were on screen (`core.blame`), until one is shown to its end.
"""

from __future__ import annotations

import logging
import os
from collections import deque
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import msgspec

from player.core import proof
from player.core.blame import ItemDeaths, barred
from player.core.content import Item
from player.core.cues import PlayRecord
from player.errors import StorageError
from player.runtime.fault_page import FaultPage
from player.store import Journal, Snapshot, journal_bytes, last_record, read_journal, segments

log = logging.getLogger(__name__)

SYNC_LINES, SYNC_S = 10, 58.0  # whoever calls looks each second: a power cut costs a minute at most
WAITING_LIMIT = 20_000


class Plays:
    """The one writer of the journal in `folder`. `wall` gives seconds since the epoch.

    `tail`: a file in memory-backed storage; None: there is no such storage, and every event is written to the disk.
    """

    def __init__(
        self,
        folder: Path,
        *,
        tail: Path | None,
        keep_days: int,
        keep_bytes: int,
        wall: Callable[[], float],
        faults: FaultPage,
        dice: Callable[[int], bytes] = os.urandom,
    ) -> None:
        self._tail, self._taken = tail, 0
        self._folder, self._keep_days, self._keep_bytes, self._wall, self._dice = folder, keep_days, keep_bytes, wall, dice
        self._faults = faults
        self._journal: Journal[dict[str, Any]] | None = None
        self._waiting: deque[dict[str, Any]] = deque()
        self._lost = 0
        self._unsafe: Exception | None = None
        self.write_waiting()
        found = last_record(folder)
        self._prev = found[1]["hash"] if found else proof.GENESIS
        self._found_seq = found[0] if found else 0
        self._seq = max(self.last_seq, found[1]["seq"] if found else 0)

    @property
    def last_seq(self) -> int:
        """The number of the last event on disk."""
        return self._journal.last_seq if self._journal else self._found_seq

    def record(self, record: PlayRecord, *, playlist_id: str, zone: str, screen_on: bool, clock_synced: bool) -> dict[str, Any]:
        """Writes one event, or keeps it in memory while the disk refuses. Returns it."""
        self._seq += 1
        event = proof.event(
            record, seq=self._seq, dice=self._dice(10), prev=self._prev,
            playlist_id=playlist_id, zone=zone, screen_on=screen_on, clock_synced=clock_synced,
        )  # fmt: skip
        self._prev = event["hash"]
        self._waiting.append(event)
        self.write_waiting()
        return event

    def write_waiting(self) -> None:
        """Tries to put on disk what waits in memory."""
        try:
            if self._journal is None:
                self._journal = Journal(self._folder, sync_lines=10**9, sync_s=float("inf"), mode=0o640, tail=self._tail)
            while self._waiting:
                self._journal.append(self._waiting[0])
                self._waiting.popleft()
        except StorageError as error:
            while len(self._waiting) > WAITING_LIMIT:
                self._waiting.popleft()
                self._lost += 1
            words = f"proof of play cannot be written and waits in memory: {error}"
            self._faults.report("waiting", "proof_degraded", words, count=len(self._waiting))
        else:
            self._tell_unsafe()
        if self._lost:
            words = f"{self._lost} plays were lost from the proof of play: the limit was reached before a server took them"
            self._faults.report("lost", "proof_dropped", words, count=self._lost)

    def _tell_unsafe(self) -> None:
        error, journal = self._unsafe, self._journal
        if error is None or journal is None:
            self._faults.clear("waiting")
            return
        words = f"proof of play is not safe from a power cut: {error}"
        self._faults.report("waiting", "proof_degraded", words, count=journal.unsynced)

    def sync_is_due(self) -> bool:
        """Whether `sync` should be called, from a thread."""
        journal = self._journal
        return journal is not None and (journal.unsynced >= SYNC_LINES or journal.waits_s(self._taken) >= SYNC_S)

    def sync(self) -> None:
        """Makes every event on disk survive a power cut. Blocks."""
        try:
            if self._journal:
                self._journal.sync()
        except (OSError, StorageError) as error:
            self._unsafe = error
        else:
            self._unsafe = None

    def taken_through(self, number: int) -> None:
        """No server waits for a play up to the journal's number `number`: these may go without being missed."""
        self._taken = max(self._taken, number)

    def trim(self) -> None:
        """Holds the limits: the oldest segments go. Blocks; the next `write_waiting` reports what no server had."""
        oldest = self._wall() - self._keep_days * 86400
        while self._journal and len(found := segments(self._folder)) > 1:
            first, path = found[0]
            if journal_bytes(self._folder) <= self._keep_bytes and path.stat().st_mtime >= oldest:
                return
            following = found[1][0]
            self._lost += sum(1 for seq, _ in read_journal(self._folder, first - 1) if self._taken < seq < following)
            self._journal.drop_through(following - 1)

    def close(self) -> None:
        """Everything to disk; what it does not take stays in the tail, for the stage that comes after."""
        self.write_waiting()
        try:
            if self._journal:
                self._journal.close()
        except (OSError, StorageError) as error:
            log.error("proof of play is not safe from a power cut: %s", error)


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
        self._saved = True
        self._deaths = self._remembered()
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

    def _remembered(self) -> _Deaths:
        """What is known of earlier deaths. A file that cannot be read is left alone: it costs that knowledge and not the show."""
        try:
            return self._snapshot.read() or _Deaths()
        except StorageError as error:
            log.warning("%s; how often the stage crashed before is not known", error)
            self._saved = False
            return _Deaths()

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

    def went_well(self, item: Item) -> None:
        """`item` was shown to its end: earlier deaths were not its fault."""
        if self._deaths.forget(item.id):
            self._save()

    def quarantined(self, item: Item) -> bool:
        """Whether it is kept off now."""
        return self._deaths.of(item.id).is_kept_off(self._wall())

    def release_all(self) -> None:
        """Gives every item another chance (an operator cleared the cache)."""
        self._deaths = _Deaths()
        self._save()

    def clear(self) -> None:
        """A clean end: nothing to blame."""
        self._path.unlink(missing_ok=True)

    def _save(self) -> None:
        if not self._saved:
            return
        try:
            self._snapshot.write(self._deaths)
        except StorageError as error:
            log.warning("%s", error)
