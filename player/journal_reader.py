"""A journal's files as readers meet them: the line, its checksum, and two ways to read. `player.journal` writes them.

`read_journal` gives everything that was written; `read_synced` only what no power cut takes, and that alone may be told to others.
What was synced last lies in memory-backed storage besides, for the reader who follows: reading flash would write to it when it was
read. A reader keeps a cursor (a sequence number).
"""

from __future__ import annotations

import base64
import logging
import os
import zlib
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec

from player.errors import StorageError

log = logging.getLogger(__name__)
HELD_AT_MOST = 1_000_000  # records of a segment, by far
CHECKSUM = 9  # bytes of a line before its text: eight digits and a space
PACKED, PACKED_LIMIT = "packed", 1 << 24  # the name that marks a packed line; bytes that one may hold
TAIL, FOLLOWED = (
    "tail",
    "followed",
)  # links in the folder: to lines that wait in memory, and to the last that are synced


def line_of(seq: int, body: Any) -> bytes:
    """A record as a line: eight hex digits of CRC-32, a space, `[number, body]` as JSON, a newline."""
    text = msgspec.json.encode([seq, body])
    return b"%08x %s\n" % (zlib.crc32(text), text)


def pack(lines: Sequence[bytes]) -> bytes:
    """Lines as one, compressed, under the last one's number: records are much alike, and flash is written by the page."""
    if len(lines) == 1:
        return lines[0]
    texts = b"[" + b",".join(line[CHECKSUM:-1] for line in lines) + b"]"
    seq, _ = msgspec.json.decode(lines[-1][CHECKSUM:])
    return line_of(seq, {PACKED: base64.b64encode(zlib.compress(texts, 9)).decode()})


def parse(line: bytes) -> Sequence[tuple[int, Any]]:
    """The records in a line: one, several where they were packed, none where it is blank, torn or damaged."""
    checksum, text = line[: CHECKSUM - 1], line[CHECKSUM:-1]
    try:
        if not line.endswith(b"\n") or int(checksum, 16) != zlib.crc32(text):
            return ()
        seq, body = msgspec.json.decode(text)
        found = [(seq, body)]
        if isinstance(body, dict) and body.keys() == {PACKED}:
            texts = zlib.decompressobj().decompress(base64.b64decode(body[PACKED]), PACKED_LIMIT)
            found = [(number, one) for number, one in msgspec.json.decode(texts)]
    except (ValueError, TypeError, RecursionError, zlib.error):  # msgspec's own are ValueErrors
        return ()
    return found if all(type(number) is int for number, _ in found) else ()


def segments(folder: Path) -> list[tuple[int, Path]]:
    """The journal's segments as (first number, path), oldest first."""
    return sorted((int(path.stem), path) for path in folder.glob("*.log") if path.stem.isdigit())


def read_journal(folder: Path, after: int = 0) -> Iterator[tuple[int, Any]]:
    """The records numbered above `after`, in order; damaged lines are passed over, a half-written last line is never seen."""
    held = list(records_in(folder / TAIL))  # first: lines move from here to the segments
    if not (held and held[0][0] <= after + 1):
        for record in _in_segments(folder, after, synced=False):
            after = record[0]
            yield record
    yield from (record for record in held if record[0] > after)


def read_synced(folder: Path, after: int = 0) -> Iterator[tuple[int, Any]]:
    """As `read_journal`, only what no power cut takes. Raises StorageError where the disk does not vouch for it."""
    held = list(records_in(folder / FOLLOWED))
    if held and held[0][0] <= after + 1:
        yield from (record for record in held if record[0] > after)
    else:
        yield from _in_segments(folder, after, synced=True)


def _in_segments(folder: Path, after: int, *, synced: bool) -> Iterator[tuple[int, Any]]:
    found = segments(folder)
    for index, (_, path) in enumerate(found):
        if index + 1 < len(found) and found[index + 1][0] - 1 <= after:
            continue
        try:
            records = list(records_in(path, synced=synced))
        except PermissionError:
            raise
        except OSError as error:  # a bad block costs its segment, as a damaged line costs itself (S4)
            log.debug("%s is passed over: %s", path, error)
            continue
        for record in records:
            if record[0] > after:
                after = record[0]
                yield record


def records_in(path: Path, *, synced: bool = False) -> Iterator[tuple[int, Any]]:
    """Every whole record of one file, or only those that no power cut takes; none where there is no such file."""
    try:
        content = _synced_bytes(path) if synced else path.read_bytes()
    except FileNotFoundError:
        return
    for line in content.splitlines(keepends=True):
        yield from parse(line)


def _synced_bytes(path: Path) -> bytes:
    """What of a file is on the disk for good, where need be after it was asked to put it there."""
    with path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        try:
            os.fdatasync(file.fileno())
        except OSError as error:
            raise StorageError(str(path), f"is not safe from a power cut: {error.strerror}") from error
        return file.read(size)


def end_of(folder: Path) -> tuple[int, int]:
    """The last number in the segments, and where in the last one of them the last whole line ends.

    -1: that one cannot be read, and more is not to be written there; the number is higher than any that it can hold. Raises
    PermissionError.
    """
    found = segments(folder)
    if not found:
        return 0, 0
    first, path = found[-1]
    end, sound, last = 0, 0, first - 1
    try:
        content = path.read_bytes()
    except PermissionError:
        raise
    except OSError as error:
        log.warning("%s cannot be read (%s), and is passed over; what follows goes to another file", path, error.strerror)
        return first + HELD_AT_MOST, -1
    for line in content.splitlines(keepends=True):
        end += len(line)
        if records := parse(line):
            sound, last = end, records[-1][0]
    return last, sound


def last_record(folder: Path) -> tuple[int, Any] | None:
    """The newest record, or None."""
    return _last(folder, read_journal)


def last_synced(folder: Path) -> tuple[int, Any] | None:
    """The newest that no power cut takes, or None. Raises StorageError as `read_synced`."""
    held = deque(records_in(folder / FOLLOWED), maxlen=1)
    return held[0] if held else _last(folder, read_synced)


def _last(folder: Path, read: Callable[[Path, int], Iterator[tuple[int, Any]]]) -> tuple[int, Any] | None:
    for first in (*(first - 1 for first, _ in reversed(segments(folder))), 0):
        newest = deque(read(folder, first), maxlen=1)
        if newest:
            return newest[0]
    return None


def journal_bytes(folder: Path) -> int:
    """How much disk the journal takes."""
    return sum(path.stat().st_size for _, path in segments(folder))
