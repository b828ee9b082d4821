"""The journal of commands, and the ledger that it adds up to: a batch of records is one write and one fsync, in a thread.

What the journal holds is bounded: when it has grown, it begins anew with what the ledger still remembers.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import msgspec

from player.core.ledger import CommandRecord, Ledger
from player.errors import StorageError
from player.journal import Journal
from player.journal_reader import journal_bytes, read_journal

log = logging.getLogger(__name__)
LARGEST = 8 << 20  # bytes of a journal; twice what a ledger may remember
LOOK_EVERY = 5000  # records read between two looks at what need not be remembered


class CommandBook:
    """The journal in `folder`; `now` is when it is opened (seconds since the epoch). Raises StorageError when it cannot be."""

    def __init__(self, folder: Path, now: float, *, largest: int = LARGEST) -> None:
        self._folder, self._largest = folder, largest
        self._pen, self._turn = threading.Lock(), asyncio.Lock()  # held by the thread that writes; by the task that waits for it
        self._closed = False
        self._later: list[CommandRecord] = []
        self._journal: Journal[CommandRecord] = Journal(folder, sync_lines=10**9, sync_s=float("inf"))
        self.ledger = _read(folder, now)
        if journal_bytes(folder) > largest:
            with contextlib.suppress(StorageError):  # a full disk: as long as it was
                self._journal.begin_anew(tuple(self.ledger.records()))

    def __repr__(self) -> str:
        return f"<CommandBook {self._folder}: {len(self.ledger.entries)} commands>"

    async def write(self, records: Sequence[CommandRecord]) -> None:
        """All of them or none, durably; then they are known. Raises StorageError."""
        async with self._turn:
            batch = (*self._later, *records)
            if not batch:
                return
            size = await self._in_thread(self._append, batch)
            del self._later[: len(batch) - len(records)]
            for record in records:
                self.ledger.apply(record)
            if size > self._largest:
                await self._in_thread(self._begin_anew, tuple(self.ledger.records()))

    def later(self, record: CommandRecord) -> None:
        """Known at once, and written with the next batch: for what a power cut may take."""
        self.ledger.apply(record)
        self._later.append(record)

    async def _in_thread(self, work: Callable[[Sequence[CommandRecord]], int], records: Sequence[CommandRecord]) -> int:
        """A task that is cancelled does not stop the thread."""
        return await asyncio.shield(asyncio.get_running_loop().run_in_executor(None, work, records))

    def _append(self, records: Sequence[CommandRecord]) -> int:
        with self._pen:
            if self._closed:
                raise StorageError(str(self._folder), "the journal is closed")
            try:
                self._journal.extend(records)
                self._journal.sync()
            except OSError as error:
                raise StorageError(str(self._folder), f"the journal cannot be written: {error.strerror}") from error
            return journal_bytes(self._folder)

    def _begin_anew(self, records: Sequence[CommandRecord]) -> int:
        with self._pen, contextlib.suppress(StorageError):
            if not self._closed:
                self._journal.begin_anew(records)
        return 0

    def close(self) -> None:
        """Writes what waited, and closes; the object is of no use afterwards."""
        with self._pen:
            self._closed = True
            with contextlib.suppress(StorageError):
                self._journal.extend(self._later)
            self._journal.close()


def _read(folder: Path, now: float) -> Ledger:
    """The ledger after everything that was ever written: never more of it in memory than is remembered."""
    ledger = Ledger()
    for number, record in enumerate(_records(folder), 1):
        ledger.apply(record)
        if number % LOOK_EVERY == 0:
            ledger.forget(now, clock_trusted=False)
    ledger.forget(now, clock_trusted=False)
    return ledger


def _records(folder: Path) -> Iterator[CommandRecord]:
    for _, body in read_journal(folder):
        try:
            yield msgspec.convert(body, CommandRecord)
        except msgspec.ValidationError as error:
            log.debug("a command in the journal cannot be read and is skipped: %s", error)
