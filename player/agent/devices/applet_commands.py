"""Commands to applets and from them, in a journal: the last ones of either direction.

Bounded: `KEPT` commands of `MOST_BYTES` in all, for three days; what comes beyond takes the place of the oldest.
"""

from __future__ import annotations

import json
import logging
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import msgspec

from player.core.allowance import LINE_EVERY_S, LINES_AT_ONCE, Allowance
from player.core.ports.box import Clock
from player.errors import StorageError
from player.journal import Journal
from player.journal_reader import read_journal

log = logging.getLogger(__name__)
KEPT, KEPT_S = 500, 3 * 86400.0
MOST_BYTES = 2 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class AppletCommand:
    """One command. `received_at`: seconds since the epoch, no two alike."""

    uid: str
    applet: str
    received_at: float
    command: Mapping[str, Any]


class AppletCommands:
    """`folder` lies in memory-backed storage: a start of the agent loses none, one of the box all. Raises StorageError."""

    def __init__(self, folder: Path, clock: Clock) -> None:
        self._clock = clock
        self._journal: Journal[AppletCommand] = Journal(folder, sync_lines=KEPT)
        self._held: deque[tuple[int, int, AppletCommand]] = deque()  # number, size, command
        self._bytes, self._lines = 0, Allowance(LINES_AT_ONCE, LINE_EVERY_S)
        for seq, one in _records(folder):
            self._hold(seq, one)

    def __repr__(self) -> str:
        return f"<{len(self._held)} commands of applets, {self._bytes} bytes>"

    def all(self) -> Sequence[AppletCommand]:
        """Oldest first."""
        since = self._clock.now().timestamp() - KEPT_S
        return [one for _, _, one in self._held if one.received_at >= since]

    def hear(self, applet: str, command: Mapping[str, Any]) -> None:
        """Keeps what a page said; where there is no room for it, it is lost, which is told now and then."""
        try:
            self.add(applet, command)
        except StorageError as error:
            if self._lines.spare(self._clock.monotonic()):
                log.warning("what the applet %s said is lost: %s", applet, error)

    def add(self, applet: str, command: Mapping[str, Any]) -> AppletCommand:
        """Keeps one. Raises StorageError."""
        last = self._held[-1][2].received_at + 0.001 if self._held else 0.0
        at = max(round(self._clock.now().timestamp(), 3), round(last, 3))
        made = AppletCommand(uuid4().hex, applet, at, command)
        self._hold(self._journal.append(made), made)
        self._journal.drop_through(self._held[0][0] - 1)
        return made

    def _hold(self, seq: int, one: AppletCommand) -> None:
        size = len(json.dumps(one.command))
        self._held.append((seq, size, one))
        self._bytes += size
        while len(self._held) > KEPT or (self._bytes > MOST_BYTES and len(self._held) > 1):
            self._bytes -= self._held.popleft()[1]

    def close(self) -> None:
        """Closes the journal; the object is of no use afterwards."""
        self._journal.close()


def _records(folder: Path) -> Iterator[tuple[int, AppletCommand]]:
    for seq, body in read_journal(folder):
        try:
            yield seq, msgspec.convert(body, AppletCommand)
        except msgspec.ValidationError as error:
            log.warning("a command of an applet cannot be read: %s", error)
