"""`proof export` and `proof verify`: proof of play out of the stage's journal, for whoever wants to count for himself.

Both work without a running player and never change the journal.
"""

from __future__ import annotations

import argparse
import contextlib
import csv
import json
import sys
import time
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import IO, Any

from player import spans
from player.config import Config, Dirs
from player.core import proof
from player.errors import StorageError
from player.store import read_journal

COLUMNS = (
    "seq", "id", "started_at", "ended_at", "duration_ms", "planned_ms", "result", "reason", "name", "type", "content_id", "item_id",
    "playlist_id", "zone", "schedule_id", "campaign_id", "file_hash", "screen_on", "clock", "prev", "hash", "key_id", "signature",
)  # fmt: skip
_RISKY = ("=", "+", "-", "@", "\t", "\r")


def main(chosen: argparse.Namespace, _: Config, dirs: Dirs) -> int:
    """Runs the action; 1 when the chain is broken."""
    if chosen.action == "verify":
        return _verify(Path(chosen.file))
    first = spans.since(chosen.since, time.time()) if chosen.since else 0.0
    with _output(chosen.output) as out:
        (_write_csv if chosen.format == "csv" else _write_lines)(_events(dirs.plays, first), out)
    return 0


@contextlib.contextmanager
def _output(file: str | None) -> Iterator[IO[str]]:
    if not file:
        yield sys.stdout
        return
    try:
        with Path(file).open("w", encoding="utf-8", newline="") as out:
            yield out
    except OSError as error:
        raise StorageError(file, f"cannot be written: {error.strerror}") from error


def _events(folder: Path, first: float) -> Iterator[Mapping[str, Any]]:
    try:
        for _, event in read_journal(folder):
            if datetime.fromisoformat(event["started_at"]).timestamp() >= first:
                yield event
    except PermissionError as error:
        raise StorageError(str(folder), "cannot be read: it belongs to the player's user; ask with sudo") from error


def _write_lines(events: Iterator[Mapping[str, Any]], out: IO[str]) -> None:
    for event in events:
        out.write(json.dumps(event, ensure_ascii=False) + "\n")


def _write_csv(events: Iterator[Mapping[str, Any]], out: IO[str]) -> None:
    writer = csv.writer(out)
    writer.writerow(COLUMNS)
    for event in events:
        writer.writerow([_cell(event.get(column)) for column in COLUMNS])


def _cell(value: Any) -> Any:
    """Text that a spreadsheet would take for a formula is quoted: names come from a server."""
    if isinstance(value, str) and value.startswith(_RISKY):
        return "'" + value
    return "" if value is None else value


def _verify(path: Path) -> int:
    events = list(_read_lines(path))
    breaks = proof.verify(events)
    for found in breaks:
        print(f"event {found.seq}: {found.reason}")
    span = f"{events[0].get('started_at')} to {events[-1].get('ended_at')}" if events else "none"
    print(f"{len(events)} events, {span}: " + (f"{len(breaks)} breaks" if breaks else "the chain holds"))
    return 1 if breaks else 0


def _read_lines(path: Path) -> Iterator[Mapping[str, Any]]:
    try:
        with path.open(encoding="utf-8") as lines:
            for number, line in enumerate(lines, 1):
                event = json.loads(line)
                if not isinstance(event, dict):
                    raise StorageError(
                        str(path), f"line {number} is not an event; expected what `proof export --format jsonl` writes"
                    )
                yield event
    except OSError as error:
        raise StorageError(str(path), f"cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise StorageError(str(path), "is not JSON lines; expected what `proof export --format jsonl` writes") from error
