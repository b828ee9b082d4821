"""The second durable form, the append-only journal (house rule 15; the other is `player.store`).

JSON lines with a checksum each, in segments, one writer. A torn last line is cut off before the first that follows. A reader keeps
a cursor (a sequence number); a segment goes when everything in it was accepted. The writer opens its segment at the first write: a
disk that takes nothing keeps nobody from starting.

Flash is written a page at a time, however short a line is. So what fits into a page crosses none: blanks fill the one before. And
lines may wait for one another in a `Tail`, in memory-backed storage, where a killed process loses none and a power cut takes all.
Then the room of a segment is taken when it is made, and blanks are written together with the line before them: a sync writes the
line's page and the inode's, and nothing else. Zeros follow the last page.
"""

from __future__ import annotations

import contextlib
import itertools
import logging
import os
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Generic, TypeVar

from player.errors import StorageError
from player.folders import make_folder, sync_folder
from player.journal_reader import FOLLOWED, TAIL, end_of, line_of, pack, records_in, segments
from player.store import write_atomically

log = logging.getLogger(__name__)
T = TypeVar("T")
SEGMENT_BYTES = 256 * 1024
OPEN = os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW
PAGE_BYTES = 4096  # of ext4, f2fs and the page cache
PACKED_LINES = 200  # that are written as one
TAIL_LINES = 20_000  # more do not wait in memory-backed storage
FOLLOWED_LINES = 100  # synced ones that lie there besides


class Journal(Generic[T]):
    """Append-only records of type `T` in `folder`, numbered from 1, in segments named by their first number; its one writer.

    `sync_lines` and `sync_s`: fsync after so many lines, or when so many seconds have passed since the last one (at `append`
    and `sync`). A killed process loses nothing; a power cut loses at most what was not synced. `tail`: a file in memory-backed
    storage where lines wait for `sync`, which may run in a thread. Raises StorageError where what is there cannot be read.
    """

    def __init__(
        self,
        folder: Path,
        *,
        sync_lines: int = 1,
        sync_s: float = 30.0,
        mode: int = 0o600,
        monotonic: Callable[[], float] = time.monotonic,
        tail: Path | None = None,
    ) -> None:
        self.folder, self._sync_lines, self._sync_s, self._mode, self._monotonic = folder, sync_lines, sync_s, mode, monotonic
        self._opened_at = monotonic()
        self._synced_at: float | None = None
        self._segment, self._turn = threading.RLock(), threading.Lock()  # held while a segment is written; while the tail is
        self._out: int | None = None
        self._end, self._filled = 0, False  # where the next line goes; whether blanks follow to the end of its page
        self._moved = 0  # lines of the tail that are in the segment, and not synced there
        try:
            self.last_seq, self._sound = end_of(folder)
            self._synced_through = self.last_seq
            self._tail = Tail(folder, tail, mode, after=self.last_seq) if tail else None
        except OSError as error:
            raise StorageError(str(folder), f"the journal cannot be read: {error.strerror}") from error
        if self._tail and self._tail.lines:
            self.last_seq = self._tail.lines[-1][0]

    def _opened(self, first: int) -> int:
        """The segment to write to, whose next record has the number `first`."""
        if self._out is None:
            make_folder(self.folder)
            found = segments(self.folder)
            if not found or self._sound < 0:
                return self._create(first)
            out = os.open(found[-1][1], OPEN)
            self._turn_to(out, self._sound)
            rest = os.pread(out, os.fstat(out).st_size, self._sound)
            if rest.strip(b" \n\0"):
                log.warning("%s: a torn line at byte %d was cut off", found[-1][1], self._sound)
                os.ftruncate(out, self._sound)
            else:
                self._filled = rest.startswith(_blanks(-self._sound % PAGE_BYTES))
            return out
        return self._out

    def _path(self, first: int) -> Path:
        return self.folder / f"{first:012d}.log"

    def _create(self, first: int) -> int:
        handle = os.open(self._path(first), OPEN | os.O_CREAT, self._mode)
        os.fchmod(handle, self._mode)
        end = os.fstat(handle).st_size
        if self._tail is not None and not end:
            with contextlib.suppress(OSError):  # a full disk says so when the line is written, which may be short enough
                os.posix_fallocate(handle, 0, SEGMENT_BYTES)
        sync_folder(self.folder)
        self._turn_to(handle, end)
        return handle

    def _turn_to(self, handle: int | None, end: int) -> None:
        if self._out is not None:
            os.close(self._out)
        self._out, self._end, self._filled = handle, end, False

    def append(self, body: T) -> int:
        """Writes one record and returns its number. Raises StorageError (ENOSPC, EIO, read-only); then nothing was added."""
        seq = self.last_seq + 1
        line = line_of(seq, body)
        if not self._wait_in_tail(seq, line):
            with self._segment:
                self._move_tail()
                self._write(seq, line)
                self._drop_moved()
        self.last_seq = seq
        self._sync_if_due()
        return seq

    def extend(self, bodies: Sequence[T]) -> None:
        """Writes records together: all of them or none. Raises StorageError."""
        if not bodies:
            return
        with self._segment:
            self._move_tail()
            self._write(self.last_seq + 1, self._lines(bodies))
            self._drop_moved()
        self.last_seq += len(bodies)
        self._sync_if_due()

    def begin_anew(self, bodies: Sequence[T]) -> None:
        """These alone from here on: durable in a segment of their own before the ones before it go. Raises StorageError."""
        with self._segment:
            first = self.last_seq + 1
            lines = self._lines(bodies)
            write_atomically(self._path(first), lines, self._mode)
            self._turn_to(os.open(self._path(first), OPEN), len(lines))
            self.last_seq += len(bodies)
            self._synced_through = self.last_seq
            self.drop_through(first - 1)

    def _lines(self, bodies: Sequence[T]) -> bytes:
        return b"".join(line_of(seq, body) for seq, body in enumerate(bodies, self.last_seq + 1))

    def _sync_if_due(self) -> None:
        since = self._opened_at if self._synced_at is None else self._synced_at
        if self.unsynced >= self._sync_lines or self._monotonic() - since >= self._sync_s:
            self.sync()

    def _wait_in_tail(self, seq: int, line: bytes) -> bool:
        if self._tail is None or len(self._tail.lines) >= TAIL_LINES:
            return False
        with self._turn:
            return self._tail.add(seq, line)

    def _move_tail(self) -> None:
        """From memory-backed storage into the segment. Raises StorageError; then what is not there still waits."""
        if self._tail is None:
            return
        with self._turn:
            held = tuple(self._tail.lines[self._moved :])
        for first in range(0, len(held), PACKED_LINES):
            some = held[first : first + PACKED_LINES]
            self._write(some[0][0], pack([line for _, line in some]))
            self._moved += len(some)

    def _drop_moved(self) -> None:
        if self._tail is not None and self._moved:
            with self._turn:
                self._tail.drop(self._moved)
            self._moved = 0

    def _write(self, seq: int, lines: bytes) -> None:
        """Lines whose first is number `seq`: all of them or none."""
        try:
            out = self._opened(seq)
            if self._end >= SEGMENT_BYTES:
                self._sync_segment()
                out = self._create(seq)
            room = -self._end % PAGE_BYTES
            skipped = room if room < len(lines) <= PAGE_BYTES else 0
            start = self._end + skipped if self._filled else self._end
            content = lines if self._filled else _blanks(skipped) + lines
            end = start + len(content)
            if self._tail is not None:
                content += _blanks(-end % PAGE_BYTES)
            try:
                os.lseek(out, start, os.SEEK_SET)
                if os.write(out, content) != len(content):
                    raise OSError(28, "No space left on device")  # noqa: TRY301 - undone by the arm below, as any refusal
            except OSError:
                os.ftruncate(out, self._end)
                self._filled = False
                raise
            self._end, self._filled = end, self._tail is not None
        except OSError as error:
            raise StorageError(str(self.folder), f"the journal cannot be written: {error.strerror}") from error

    def sync(self) -> None:
        """Makes everything appended survive a power cut; what another thread appends meanwhile is not covered.

        Raises OSError, and StorageError where the tail finds no room.
        """
        with self._segment:
            through = self.last_seq
            self._move_tail()
            if through > self._synced_through:
                self._sync_segment()
                self._drop_moved()
                self._synced_through = max(self._synced_through, through)
                if self._tail is not None:
                    self._tail.follow(through)
        self._synced_at = self._monotonic()

    def _sync_segment(self) -> None:
        """What the disk has refused once it may have forgotten, and a second call would not say so: it is written anew (S5)."""
        if self._out is None:
            return
        try:
            os.fdatasync(self._out)
        except OSError:
            self._moved = 0
            with contextlib.suppress(OSError):
                again = self._create(self._synced_through + 1)  # it may be the same one, and end in the middle of a line
                os.lseek(again, self._end, os.SEEK_SET)
                self._end += os.write(again, b"\n")
            raise

    @property
    def unsynced(self) -> int:
        """How many records a power cut would take now."""
        return self.last_seq - self._synced_through

    @property
    def rested_s(self) -> float:
        """For how long (seconds) nothing was synced; infinite before the first time."""
        return float("inf") if self._synced_at is None else self._monotonic() - self._synced_at

    def drop_through(self, seq: int) -> None:
        """Removes the segments whose records are all numbered `seq` or lower; the one being written stays."""
        found = segments(self.folder)
        for (_, path), (next_first, _) in itertools.pairwise(found):
            if next_first - 1 <= seq:
                path.unlink(missing_ok=True)

    def close(self) -> None:
        """Syncs and closes; the object is of no use afterwards."""
        self.sync()
        self._turn_to(None, 0)


class Tail:
    """The last lines of the journal in `folder`, in the file `path`; a link in the folder leads readers there.

    `after`: the last number in the segments; what the file holds of a writer before (it was killed) is taken over from there.
    A second file, likewise linked, holds the last of those that are synced. Raises OSError.
    """

    def __init__(self, folder: Path, path: Path, mode: int, *, after: int) -> None:
        self._path, self._mode, self._followed_path = path, mode, path.with_name(f"{path.stem}.{FOLLOWED}")
        path.parent.mkdir(parents=True, exist_ok=True)
        self.lines: list[tuple[int, bytes]] = [(seq, line_of(seq, body)) for seq, body in records_in(path) if seq > after]
        self._followed: deque[tuple[int, bytes]] = deque(maxlen=FOLLOWED_LINES)
        self._rewrite(self._path, self.lines)
        self._rewrite(self._followed_path, ())
        for name, target in ((TAIL, self._path), (FOLLOWED, self._followed_path)):
            link = folder / name
            if not link.is_symlink() or link.readlink() != target:
                with contextlib.suppress(OSError):  # a disk that takes no link: readers have the segments
                    make_folder(folder)
                    link.unlink(missing_ok=True)
                    link.symlink_to(target)

    def add(self, seq: int, line: bytes) -> bool:
        """False where there is no room: then nothing was added."""
        try:
            handle = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC, self._mode)
        except OSError as error:
            log.debug("%s: %s", self._path, error)
            return False
        try:
            size = os.fstat(handle).st_size
            if not _written(handle, line):
                os.ftruncate(handle, size)
                return False
        finally:
            os.close(handle)
        self.lines.append((seq, line))
        return True

    def drop(self, count: int) -> None:
        """The first `count` lines are in a segment."""
        self._followed.extend(self.lines[:count])
        del self.lines[:count]
        with contextlib.suppress(OSError):  # a line that is in both places is read once
            self._rewrite(self._path, self.lines)

    def follow(self, through: int) -> None:
        """The journal is synced up to the number `through`: readers find its last lines in memory, where these are all there."""
        numbers = [seq for seq, _ in self._followed]
        if numbers != list(range(through - len(numbers) + 1, through + 1)):
            self._followed.clear()
        try:
            self._rewrite(self._followed_path, self._followed)
        except OSError:
            self._followed_path.unlink(missing_ok=True)  # rather none than one that ends too early

    def _rewrite(self, path: Path, lines: Iterable[tuple[int, bytes]]) -> None:
        beside = path.with_name(path.name + ".tmp")
        handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, self._mode)
        with os.fdopen(handle, "wb") as out:
            os.fchmod(out.fileno(), self._mode)
            out.write(b"".join(line for _, line in lines))
        beside.replace(path)


def _blanks(count: int) -> bytes:
    """A line of so many bytes that says nothing."""
    return b" " * (count - 1) + b"\n" if count else b""


def _written(handle: int, line: bytes) -> bool:
    try:
        return os.write(handle, line) == len(line)
    except OSError as error:
        log.debug("no room in memory-backed storage: %s", error)
        return False
