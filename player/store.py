"""The two durable forms, and nothing else: the atomic snapshot and the append-only journal (house rule 15).

*Snapshot*: temporary file, fsync, rename, fsync of the folder. A corrupt one is set aside as `NAME.corrupt` and treated as absent.
*Journal*: JSON lines with a checksum each, in segments, one writer. A torn last line is cut off at open. A reader keeps a cursor
(a sequence number); a segment goes when everything in it was accepted. Every file carries a format version; a file of a newer
format is refused with a sentence and never destroyed.
"""

from __future__ import annotations

import base64
import contextlib
import itertools
import logging
import os
import threading
import time
import zlib
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Generic, TypeVar

import msgspec

from player.errors import StorageError

log = logging.getLogger(__name__)
T = TypeVar("T")
FORMAT = 1
SEGMENT_BYTES = 256 * 1024
CHECKSUM = 9  # bytes of a line before its text: eight digits and a space
PACKED, PACKED_LIMIT = "packed", 1 << 24  # the name that marks a packed line; bytes that one may hold
TAIL, TAIL_LINES = "tail", 1000  # the link's name; more lines do not wait in memory-backed storage


def sync_folder(folder: Path) -> None:
    """Makes a rename in `folder` survive a power cut."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def write_atomically(path: Path, content: bytes, mode: int = 0o600) -> None:
    """Replaces `path` by `content`, all or nothing. Raises StorageError."""
    temporary = path.with_name(path.name + ".tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, mode)
        with os.fdopen(handle, "wb") as out:
            os.fchmod(out.fileno(), mode)
            out.write(content)
            out.flush()
            os.fsync(out.fileno())
        temporary.replace(path)
        sync_folder(path.parent)
    except OSError as error:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise StorageError(str(path), f"cannot be written: {error.strerror}") from error


class Snapshot(Generic[T]):
    """One value of type `kind` in one file; `kind` is a dataclass or anything msgspec can carry."""

    def __init__(self, path: Path, kind: type[T], *, mode: int = 0o600) -> None:
        self.path, self._kind, self._mode = path, kind, mode

    def read(self) -> T | None:
        """The value, or None where there is none or it was corrupt (then it is set aside). Raises StorageError when newer."""
        try:
            content = self.path.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise StorageError(str(self.path), f"cannot be read: {error.strerror}") from error
        try:
            envelope = msgspec.json.decode(content)
            if envelope["format"] > FORMAT:
                raise StorageError(
                    str(self.path), f"was written by a newer player (format {envelope['format']}, this one reads {FORMAT})"
                )
            return self._of_body(envelope["body"])
        except (ValueError, KeyError, TypeError, RecursionError) as error:  # msgspec's own are ValueErrors; so is what is not UTF-8
            aside = self.path.with_name(self.path.name + ".corrupt")
            log.warning("%s is damaged (%s): set aside as %s", self.path, error, aside.name)
            with contextlib.suppress(OSError):
                self.path.replace(aside)
            return None

    def write(self, value: T) -> None:
        """Replaces the value, durably. Raises StorageError."""
        write_atomically(self.path, msgspec.json.encode({"format": FORMAT, "body": self._body_of(value)}), self._mode)

    def _of_body(self, body: Any) -> T:
        """The value in a file's body. Raises ValueError, KeyError, TypeError where it is damaged."""
        return msgspec.convert(body, self._kind)

    def _body_of(self, value: T) -> Any:
        return value


def _line(seq: int, body: Any) -> bytes:
    text = msgspec.json.encode([seq, body])
    return b"%08x %s\n" % (zlib.crc32(text), text)


def _pack(lines: Sequence[bytes]) -> bytes:
    """Lines as one, compressed, under the last one's number: records are much alike, and flash is written by the page."""
    if len(lines) == 1:
        return lines[0]
    texts = b"[" + b",".join(line[CHECKSUM:-1] for line in lines) + b"]"
    seq, _ = msgspec.json.decode(lines[-1][CHECKSUM:])
    return _line(seq, {PACKED: base64.b64encode(zlib.compress(texts, 9)).decode()})


def _parse(line: bytes) -> Sequence[tuple[int, Any]]:
    """The records in a line: one, several where they were packed, none where it is torn or damaged."""
    checksum, text = line[: CHECKSUM - 1], line[CHECKSUM:-1]
    try:
        if not line.endswith(b"\n") or int(checksum, 16) != zlib.crc32(text):
            return ()
        seq, body = msgspec.json.decode(text)
        if isinstance(body, dict) and body.keys() == {PACKED}:
            texts = zlib.decompressobj().decompress(base64.b64decode(body[PACKED]), PACKED_LIMIT)
            return [(number, one) for number, one in msgspec.json.decode(texts)]
    except (ValueError, TypeError, zlib.error):  # msgspec's own are ValueErrors
        return ()
    return ((seq, body),)


class Journal(Generic[T]):
    """Append-only records of type `T` in `folder`, numbered from 1, in segments named by their first number; its one writer.

    `sync_lines` and `sync_s`: fsync after so many lines, or when so many seconds have passed since the last one (at `append`
    and `sync`). A killed process loses nothing; a power cut loses at most what was not synced. `tail`: a file in memory-backed
    storage where lines wait for `sync`, which may run in a thread: flash is written a page at a time, however short a line is.
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
        self._synced_at = monotonic()
        self._waiting: deque[tuple[int, float]] = deque()  # unsynced records, and since when
        self._segment, self._turn = threading.RLock(), threading.Lock()  # held while a segment is written; while the tail is
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._out, self.last_seq = self._open_last()
            self._synced_through = self.last_seq
            self._tail = Tail(folder, tail, mode, after=self.last_seq) if tail else None
        except OSError as error:
            raise StorageError(str(folder), f"the journal cannot be opened: {error.strerror}") from error
        if self._tail and self._tail.lines:
            self.last_seq = self._tail.lines[-1][0]

    def _open_last(self) -> tuple[int, int]:
        found = segments(self.folder)
        if not found:
            return self._create(1), 0
        first, path = found[-1]
        handle = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW)
        content, end, good, last = path.read_bytes(), 0, 0, first - 1
        for line in content.splitlines(keepends=True):
            end += len(line)
            if records := _parse(line):
                good, last = end, records[-1][0]
        if good < len(content):
            log.warning("%s: a torn line at byte %d was cut off", path, good)
            os.ftruncate(handle, good)
        return handle, last

    def _path(self, first: int) -> Path:
        return self.folder / f"{first:012d}.log"

    def _create(self, first: int) -> int:
        path = self._path(first)
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW, self._mode)
        os.fchmod(handle, self._mode)
        sync_folder(self.folder)
        return handle

    def append(self, body: T) -> int:
        """Writes one record and returns its number. Raises StorageError (ENOSPC, EIO, read-only); then nothing was added."""
        seq = self.last_seq + 1
        line = _line(seq, body)
        if not self._wait_in_tail(seq, line):
            with self._segment:
                self._move_tail()
                self._write(seq, line)
        self._waiting.append((seq, self._monotonic()))
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
        self.last_seq += len(bodies)
        self._sync_if_due()

    def begin_anew(self, bodies: Sequence[T]) -> None:
        """These alone from here on: durable in a segment of their own before the ones before it go. Raises StorageError."""
        with self._segment:
            first = self.last_seq + 1
            write_atomically(self._path(first), self._lines(bodies), self._mode)
            handle = os.open(self._path(first), os.O_RDWR | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW)
            os.close(self._out)
            self._out, self.last_seq = handle, self.last_seq + len(bodies)
            self._synced_through = self.last_seq
            self.drop_through(first - 1)

    def _lines(self, bodies: Sequence[T]) -> bytes:
        return b"".join(_line(seq, body) for seq, body in enumerate(bodies, self.last_seq + 1))

    def _sync_if_due(self) -> None:
        if self.unsynced >= self._sync_lines or self._monotonic() - self._synced_at >= self._sync_s:
            self.sync()

    def _wait_in_tail(self, seq: int, line: bytes) -> bool:
        if self._tail is None or len(self._tail.lines) >= TAIL_LINES:
            return False
        with self._turn:
            return self._tail.add(seq, line)

    def _move_tail(self) -> None:
        """From memory-backed storage into the segment. Raises StorageError; then it all still waits there."""
        if self._tail is None:
            return
        with self._turn:
            held = tuple(self._tail.lines)
        if held:
            self._write(held[0][0], _pack([line for _, line in held]))
            with self._turn:
                self._tail.drop(len(held))

    def _write(self, seq: int, lines: bytes) -> None:
        """Lines whose first is number `seq`: all of them or none."""
        try:
            size = os.fstat(self._out).st_size
            if size >= SEGMENT_BYTES:
                self._sync_segment()
                os.close(self._out)
                self._out, size = self._create(seq), 0
            try:
                written = os.write(self._out, lines)
                if written != len(lines):
                    raise OSError(28, "No space left on device")  # noqa: TRY301 - undone by the arm below, as any refusal
            except OSError:
                os.ftruncate(self._out, size)
                raise
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
                self._synced_through = max(self._synced_through, through)
            while self._waiting and self._waiting[0][0] <= through:
                self._waiting.popleft()
        self._synced_at = self._monotonic()

    def _sync_segment(self) -> None:
        os.fsync(self._out)

    @property
    def unsynced(self) -> int:
        """How many records a power cut would take now."""
        return self.last_seq - self._synced_through

    def waits_s(self, after: int) -> float:
        """For how long (seconds) the oldest of them that is numbered above `after` has waited; 0 where there is none."""
        since = next((at for seq, at in tuple(self._waiting) if seq > after), None)
        return 0.0 if since is None else self._monotonic() - since

    def drop_through(self, seq: int) -> None:
        """Removes the segments whose records are all numbered `seq` or lower; the one being written stays."""
        found = segments(self.folder)
        for (_, path), (next_first, _) in itertools.pairwise(found):
            if next_first - 1 <= seq:
                path.unlink(missing_ok=True)

    def close(self) -> None:
        """Syncs and closes; the object is of no use afterwards."""
        self.sync()
        os.close(self._out)


class Tail:
    """The last lines of the journal in `folder`, in the file `path`; a link in the folder leads readers there.

    `after`: the last number in the segments; what the file holds of a writer before (it was killed) is taken over from there.
    Raises OSError.
    """

    def __init__(self, folder: Path, path: Path, mode: int, *, after: int) -> None:
        self._path, self._mode = path, mode
        path.parent.mkdir(parents=True, exist_ok=True)
        self.lines: list[tuple[int, bytes]] = [(seq, _line(seq, body)) for seq, body in _records(path) if seq > after]
        self._rewrite()
        link = folder / TAIL
        if not link.is_symlink() or link.readlink() != path:
            link.unlink(missing_ok=True)
            link.symlink_to(path)

    def add(self, seq: int, line: bytes) -> bool:
        """False where there is no room: then nothing was added."""
        try:
            with self._path.open("ab") as out:
                out.write(line)
        except OSError as error:
            log.debug("%s: %s", self._path, error)
            return False
        self.lines.append((seq, line))
        return True

    def drop(self, count: int) -> None:
        """The first `count` lines are in a segment."""
        del self.lines[:count]
        with contextlib.suppress(OSError):  # a line that is in both places is read once
            self._rewrite()

    def _rewrite(self) -> None:
        beside = self._path.with_name(self._path.name + ".tmp")
        handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, self._mode)
        with os.fdopen(handle, "wb") as out:
            os.fchmod(out.fileno(), self._mode)
            out.write(b"".join(line for _, line in self.lines))
        beside.replace(self._path)


def segments(folder: Path) -> list[tuple[int, Path]]:
    """The journal's segments as (first number, path), oldest first."""
    return sorted((int(path.stem), path) for path in folder.glob("*.log") if path.stem.isdigit())


def read_journal(folder: Path, after: int = 0) -> Iterator[tuple[int, Any]]:
    """The records numbered above `after`, in order; damaged lines are passed over, a half-written last line is never seen."""
    held = list(_records(folder / TAIL))  # first: lines move from here to the segments
    found = [] if held and held[0][0] <= after + 1 else segments(folder)  # a read file's time of reading is written, too
    for index, (_, path) in enumerate(found):
        if index + 1 < len(found) and found[index + 1][0] - 1 <= after:
            continue
        for record in _records(path):
            if record[0] > after:
                after = record[0]
                yield record
    yield from (record for record in held if record[0] > after)


def _records(path: Path) -> Iterator[tuple[int, Any]]:
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return
    for line in content.splitlines(keepends=True):
        yield from _parse(line)


def last_record(folder: Path) -> tuple[int, Any] | None:
    """The newest record, or None."""
    for first, _ in reversed(segments(folder)):
        newest = deque(read_journal(folder, first - 1), maxlen=1)
        if newest:
            return newest[0]
    return None


def journal_bytes(folder: Path) -> int:
    """How much disk the journal takes."""
    return sum(path.stat().st_size for _, path in segments(folder))
