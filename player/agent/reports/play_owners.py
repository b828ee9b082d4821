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
        self._mine, self._first = folder.name, first_of(folder.parent)
        others = (path for path in folder.parent.iterdir() if path.name not in (self._mine, NONE))
        self._others = {path.name: Snapshot(path / CURSOR, Cursor).read_or(Cursor()).through for path in others}
        self._awaited: int | None = None  # the lowest number that another one waits for

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

    def droppable(self, through: int) -> int:
        """Of the plays up to `through`, which this server has: through which the journal may drop them."""
        return through if self._awaited is None else min(through, self._awaited - 1)

    def _owner(self, play: Mapping[str, Any]) -> str:
        return str(play.get("server", self._first))
