"""`proof export`, `proof verify` and `proof key`: proof of play out of the stage's journal, for whoever wants to count for himself.

All work without a running player and never change the journal. An export holds what no power cut can take, as a server does: the
plays of the last minute may not be in it.
"""

from __future__ import annotations

import argparse
import base64
import contextlib
import csv
import functools
import json
import sys
import time
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import IO, Any

from player.cli import spans
from player.cli.terminal import say
from player.config import Config
from player.core import proof
from player.core.plaintext import cell, printable
from player.core.proofcheck import check
from player.dirs import Dirs
from player.errors import ContentError, StorageError
from player.identity import is_signed, load
from player.journal_reader import read_synced

COLUMNS = (
    "seq", "id", "started_at", "ended_at", "duration_ms", "planned_ms", "result", "reason", "name", "type", "content_id", "item_id",
    "playlist_id", "zone", "schedule_id", "campaign_id", "file_hash", "screen_on", "clock", "server",
    "lost", "prev", "hash", "key_id", "signature",
)  # fmt: skip
KEY_BYTES = 32


def main(chosen: argparse.Namespace, _: Config, dirs: Dirs) -> int:
    """Runs the action; 1 when the chain is broken."""
    if chosen.action == "key":
        return _print_key(dirs)
    if chosen.action == "verify":
        return _verify(Path(chosen.file), _key(chosen.key, dirs))
    first = spans.since(chosen.since, time.time()) if chosen.since else 0.0
    with _output(chosen.output) as out:
        if chosen.format == "csv":
            _write_csv(_signed(_events(dirs.plays, first), dirs), out)
        else:
            _write_lines(_signed(_closed(_events(dirs.plays, first)), dirs), out)
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
        for _, event in read_synced(folder):
            if datetime.fromisoformat(event["started_at"]).timestamp() >= first:
                yield event
    except PermissionError as error:
        raise StorageError(str(folder), "cannot be read: it belongs to the player's user; ask with sudo") from error


def _closed(events: Iterator[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    """With the record that makes a cut end show; nothing after nothing."""
    count, first, last = 0, "", ""
    for event in events:
        count, last = count + 1, str(event.get("hash"))
        first = first or last
        yield event
    if count:
        yield proof.closing(count, first, last, time.time())


def _print_key(dirs: Dirs) -> int:
    identity = load(dirs.state)
    if identity is None:
        raise StorageError(str(dirs.state), "holds no identity that may be read; start the player once, or ask with sudo")
    say(base64.b64encode(identity.public_key).decode())
    return 0


def _signed(events: Iterator[Mapping[str, Any]], dirs: Dirs) -> Iterator[Mapping[str, Any]]:
    """With this box's signature, where its key may be read."""
    identity = load(dirs.state)
    return (identity.signed(event) for event in events) if identity else events


def _key(given: str | None, dirs: Dirs) -> bytes | None:
    """The public key to check signatures by: the one given (base64), else this box's own."""
    if given is None:
        identity = load(dirs.state)
        return identity.public_key if identity else None
    try:
        key = base64.b64decode(given, validate=True)
    except ValueError:
        key = b""
    if len(key) != KEY_BYTES:
        raise ContentError("bad_key", "--key", "expected a public key of 32 bytes in base64, as `proof key` prints it")
    return key


def _write_lines(events: Iterator[Mapping[str, Any]], out: IO[str]) -> None:
    for event in events:
        out.write(printable(json.dumps(event, ensure_ascii=False)) + "\n")


def _write_csv(events: Iterator[Mapping[str, Any]], out: IO[str]) -> None:
    writer = csv.writer(out)
    writer.writerow(COLUMNS)
    for event in events:
        writer.writerow([_cell(event.get(column)) for column in COLUMNS])


def _cell(value: Any) -> Any:
    """Names come from a server, and a spreadsheet takes some for formulas."""
    return cell(value) if isinstance(value, str) else "" if value is None else value


def _verify(path: Path, key: bytes | None) -> int:
    signed = None if key is None else functools.partial(is_signed, public_key=key)
    try:
        with path.open("rb") as lines:
            checked = check(lines, signed)
    except OSError as error:
        raise StorageError(str(path), f"cannot be read: {error.strerror}") from error
    for found in checked.breaks:
        say(found)
    say(checked)
    return 1 if checked.breaks else 0
