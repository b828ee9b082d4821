"""Whose each play is: a play goes to the server whose content it showed, and to no other.

The stage's journal is one for all servers. It may drop what this server has, as long as no other one that is known here still waits
for a play of its own: it is spoken to again when somebody goes back to it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from player.agent.server_folder import CURSOR, NONE, first_of
from player.journal_reader import read_synced
from player.store import Snapshot


@dataclass(frozen=True, slots=True)
class Cursor:
    """Everything through this number of the stage's journal is accepted or set aside. `recent`: (number, id), ascending."""

    through: int = 0
    recent: tuple[tuple[int, str], ...] = ()
    refused: int = 0
    refused_since: float = 0.0
    last_sent: float | None = None


class PlayOwners:
    """`folder` is the server's that is spoken to now; the others lie beside it."""

    def __init__(self, folder: Path) -> None:
        self._servers, self._mine, self._first = folder.parent, folder.name, first_of(folder.parent)
        self._others = self._cursors()
        self._awaited: int | None = None  # the lowest number that another one waits for

    def _cursors(self) -> dict[str, int]:
        """Through which number the others have theirs, by what a start would find."""
        others = (path for path in self._servers.iterdir() if path.name not in (self._mine, NONE))
        return {path.name: Snapshot(path / CURSOR, Cursor).read_or(Cursor()).through for path in others}

    def is_mine(self, play: Mapping[str, Any]) -> bool:
        """Whether it is for the server that is spoken to now."""
        return self._owner(play) == self._mine

    def passed(self, number: int, play: Mapping[str, Any]) -> None:
        """Notes a play that was passed over, where another one has not got it."""
        through = self._others.get(self._owner(play))
        if through is not None and number > through and (self._awaited is None or number < self._awaited):
            self._awaited = number

    def look(self, plays: Path, through: int) -> None:
        """Notes what others wait for among the journal's plays up to number `through`: before now they were passed over."""
        if self._others:
            for number, body in read_synced(plays, after=min(self._others.values())):
                if number > through:
                    return
                self.passed(number, body if isinstance(body, dict) else {})

    def look_again(self, plays: Path, through: int) -> None:
        """Whether others have got more by now: two servers may be spoken to at a time."""
        if (others := self._cursors()) != self._others:
            self._others, self._awaited = others, None
            self.look(plays, through)

    def droppable(self, through: int) -> int:
        """Of the plays up to `through`, which this server has: through which the journal may drop them."""
        return through if self._awaited is None else min(through, self._awaited - 1)

    def _owner(self, play: Mapping[str, Any]) -> str:
        return str(play.get("server", self._first))
