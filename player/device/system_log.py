"""`core.ports.box.SystemLog`: the player's units in the system's journal, which root's helper reads.

The agent is not in the group that may read the journal: what other services of the box log is none of its business, or of
whoever gets hold of it.
"""

from __future__ import annotations

from collections.abc import Sequence

from player.core.ports.box import LoggedLine
from player.device.root import RootSocket
from player.errors import BoxError


class JournaledLog:
    """The journal of one box."""

    def __init__(self, root: RootSocket) -> None:
        self._root = root

    async def lines(self, since: float, until: float, *, newest_first: bool) -> Sequence[LoggedLine]:
        """Raises BoxError."""
        order = "newest" if newest_first else "oldest"
        found = await self._root.ask("system log", "journal", f"{max(0.0, since):.3f}", f"{max(0.0, until):.3f}", order)
        try:
            return [LoggedLine(float(one["at"]), str(one["unit"]), str(one["words"])) for one in found]
        except (TypeError, KeyError, ValueError):
            raise BoxError("system log", "root's helper answered something else") from None
