"""What was read of the box over time, kept. Samples wait in memory-backed storage and go to flash once an hour, packed.

At the default intervals that is far below a megabyte a day; a power cut takes the last hour.
"""

from __future__ import annotations

import asyncio
import functools
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from player.agent.devices.readings import Reading
from player.core.ports.box import Clock
from player.core.samples import BoxSample, SampleBook
from player.errors import SignageError, StorageError
from player.journal import Journal
from player.journal_reader import read_journal
from player.runtime.tasks import Mistakes

log = logging.getLogger(__name__)
LOOK_S = 30.0
SYNC_S = 3600.0
READ_WITHIN_S = 5.0
COMPACT_EVERY = 5000  # samples


class SampleKeeper:
    """`readings` by kind; `intervals_s` says how often each is read, and `wanted` whether anybody would ask for it.

    `folder` is on the disk, `tail` a file in memory-backed storage. Raises StorageError where the journal cannot be read.
    """

    def __init__(
        self, folder: Path, tail: Path, readings: Mapping[str, Reading], clock: Clock, *,
        intervals_s: Callable[[], Mapping[str, float]], wanted: Callable[[], bool],
    ) -> None:  # fmt: skip
        self._readings, self._clock, self._intervals_s, self._wanted = readings, clock, intervals_s, wanted
        self._journal, self._mistakes = _journal(folder, tail, clock), Mistakes()
        self._book = SampleBook.of(_records(folder))

    async def read(self, kind: str) -> Any:
        """How it is now; None where this box has no such thing, or nobody can say. Never raises for a reading."""
        try:
            async with asyncio.timeout(READ_WITHIN_S):
                with self._mistakes.kept_to(kind):
                    return await self._readings[kind]()
        except (TimeoutError, SignageError) as error:
            log.debug("%s cannot be read: %s", kind, error)
            return None

    def knows(self, kind: str) -> bool:
        """Whether there is such a kind at all."""
        return kind in self._readings

    async def latest(self) -> Mapping[str, Any]:
        """Every kind that can be read, as it is now."""
        found = {kind: await self.read(kind) for kind in self._readings}
        return {kind: reading for kind, reading in found.items() if reading is not None}

    def history(self, kind: str) -> Sequence[BoxSample]:
        """The readings of that kind that are kept, oldest first."""
        return self._book.of_kind(kind)

    async def run(self) -> None:
        """Reads what is due, for ever."""
        while True:
            if self._wanted():
                await self.look()
            await asyncio.sleep(LOOK_S)

    async def look(self) -> None:
        """Reads what is due."""
        every_s = {kind: interval_s for kind, interval_s in self._intervals_s().items() if kind in self._readings}
        for kind in self._book.due(every_s, self._now()):
            reading = await self.read(kind)
            if reading is not None:
                self._keep(BoxSample(kind, round(self._now(), 3), reading))

    def _keep(self, sample: BoxSample) -> None:
        self._book.write(sample)
        try:
            if self._journal.append(sample) % COMPACT_EVERY == 0:
                self._journal.sync()
                self._journal.begin_anew(self._book.all())
        except (StorageError, OSError) as error:
            log.debug("a sample of %s is not kept: %s", sample.kind, error)

    def close(self) -> None:
        """Closes the journal; the object is of no use afterwards."""
        self._journal.close()

    def _now(self) -> float:
        return self._clock.now().timestamp()


def _journal(folder: Path, tail: Path, clock: Clock) -> Journal[BoxSample]:
    made = functools.partial(Journal[BoxSample], folder, sync_lines=COMPACT_EVERY, sync_s=SYNC_S, monotonic=clock.monotonic)
    try:
        return made(tail=tail)
    except StorageError as error:
        log.warning("readings do not wait in memory-backed storage: %s", error)
        return made()


def _records(folder: Path) -> Iterator[BoxSample]:
    for _, body in read_journal(folder):
        try:
            yield msgspec.convert(body, BoxSample)
        except msgspec.ValidationError as error:
            log.debug("a sample cannot be read: %s", error)
