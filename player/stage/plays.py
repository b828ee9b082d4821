"""The journal of proof of play: what happened is written down before anything else happens.

An event is in the journal before the next item is shown: in its tail, which lies in memory-backed storage, so that a killed process
loses none and flash is written once for ten events, or once a minute; a power cut costs at most those (whoever owns this calls
`sync` from a thread, since flash can take its time). Nobody is told of one before that: after a cut its number is given again.
When the disk refuses, at the start or later, events wait in the tail, then in memory, and are written as soon as it lets them: the
screen never waits for the journal. While no server takes them all wait here; what one has is kept as well, for whoever counts for
himself. Beyond the limits whole segments of the oldest go; those that no server has are counted and reported, never lost silently.

What memory cannot hold either, or a kill took from it, is not given another's number: the event that follows says how many are lost
before it (`lost`), and the chain goes on from the last that is there. The highest number in memory stands in memory-backed storage,
in a file whose page is taken at the start.
"""

from __future__ import annotations

import contextlib
import logging
import os
import struct
import zlib
from collections import deque
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from player.core import proof
from player.core.cues import PlayRecord
from player.errors import StorageError
from player.journal import Journal
from player.journal_reader import journal_bytes, last_record, read_journal, segments
from player.runtime.fault_page import FaultPage

log = logging.getLogger(__name__)

SYNC_LINES, SYNC_S = 10, 59.0  # whoever calls looks each second: a power cut costs a minute at most
WAITING_LIMIT = 20_000
NUMBER = struct.Struct("<QI")  # a number, and its CRC-32


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
    ) -> None:
        self._tail, self._taken = tail, 0
        self._folder, self._keep_days, self._keep_bytes, self._wall = folder, keep_days, keep_bytes, wall
        self._faults = faults
        self._journal: Journal[dict[str, Any]] | None = None
        self._waiting: deque[dict[str, Any]] = deque()
        self._lost = 0
        self._unsafe: Exception | None = None
        self._in_memory: _NumberInMemory | None = None
        self._gap = 0  # plays lost since the last event
        self.write_waiting()
        found = last_record(folder)
        self._prev = found[1]["hash"] if found else proof.GENESIS
        self._found_seq = found[0] if found else 0
        self._seq = max(self.last_seq, found[1]["seq"] if found else 0)
        if tail:
            self._in_memory = _NumberInMemory(tail.with_name("plays.number"))
            self._lose(self._in_memory.found - self._seq)

    def _lose(self, count: int) -> None:
        """So many the stage before this one held in memory alone, and took with it."""
        if count > 0:
            words = f"{count} plays are lost from the proof of play: the disk took none, and the stage ended before it did"
            self._faults.report("ended", "proof_dropped", words, count=count)
            self._gap, self._seq = count, self._seq + count

    @property
    def last_seq(self) -> int:
        """The number of the last event on disk."""
        return self._journal.last_seq if self._journal else self._found_seq

    def record(
        self, record: PlayRecord, *, playlist_id: str, zone: str, screen_on: bool, clock_synced: bool,
        trigger: Mapping[str, str] | None = None,
    ) -> None:  # fmt: skip
        """Writes one event, or keeps it in memory while the disk refuses; where there is no room either, it is counted."""
        self._seq += 1
        if len(self._waiting) < WAITING_LIMIT:
            event = proof.event(
                record, seq=self._seq, dice=os.urandom(10), prev=self._prev, lost=self._gap,
                playlist_id=playlist_id, zone=zone, screen_on=screen_on, clock_synced=clock_synced, trigger=trigger,
            )  # fmt: skip
            self._prev, self._gap = event["hash"], 0
            self._waiting.append(event)
        else:
            self._gap, self._lost = self._gap + 1, self._lost + 1
        self.write_waiting()

    def write_waiting(self) -> None:
        """Tries to put on disk what waits in memory."""
        try:
            if self._journal is None:
                self._journal = Journal(self._folder, sync_lines=10**9, sync_s=float("inf"), mode=0o640, tail=self._tail)
            while self._waiting:
                self._journal.append(self._waiting[0])
                self._waiting.popleft()
        except StorageError as error:
            words = f"proof of play cannot be written and waits in memory: {error}"
            self._faults.report("waiting", "proof_degraded", words, count=len(self._waiting))
        else:
            self._tell_unsafe()
        if self._in_memory:
            self._in_memory.note(self._seq if self._waiting or self._gap else 0)
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
        """Whether `sync` should be called, from a thread: the first play at once, since it is told to nobody before that."""
        journal = self._journal
        if journal is None or not journal.unsynced:
            return False
        return journal.unsynced >= SYNC_LINES or journal.rested_s >= SYNC_S

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


class _NumberInMemory:
    """The highest number that an event in memory alone has, in the file `path`; 0 where there is none.

    `found`: what the stage before this one left. The file is written in place: that works where no more room is given.
    """

    def __init__(self, path: Path) -> None:
        self.found, self._noted, self._handle = 0, 0, -1
        with contextlib.suppress(OSError):
            path.parent.mkdir(parents=True, exist_ok=True)
            self._handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
            self.found = self._noted = self._read()
            self._write(self.found)

    def _read(self) -> int:
        content = os.pread(self._handle, NUMBER.size, 0)
        number, _ = NUMBER.unpack(content) if len(content) == NUMBER.size else (0, 0)
        return int(number) if content == _packed(number) else 0

    def _write(self, number: int) -> None:
        os.pwrite(self._handle, _packed(number), 0)

    def note(self, number: int) -> None:
        """For the stage that comes after. Without memory-backed storage nothing can be done."""
        if number != self._noted and self._handle >= 0:
            self._noted = number
            with contextlib.suppress(OSError):
                self._write(number)


def _packed(number: int) -> bytes:
    return NUMBER.pack(number, zlib.crc32(number.to_bytes(8)))
