"""Lists that come in pages: how many rows of them are held, and how many bytes, however many pages a server makes of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from player.cms.wire import Listed, table, text

ROWS = 20_000
_MIB = 1024 * 1024
HELD_BYTES = 32 * _MIB  # of JSON; one answer has half of it at most


class ByteRoom:
    """What is gathered from many answers, each within its limit, has a limit as well: `most` bytes of JSON."""

    def __init__(self, most: int = HELD_BYTES) -> None:
        self._left = most

    def __repr__(self) -> str:
        return f"<room for {self._left} more bytes>"

    def fits(self, value: Any) -> bool:
        """Whether there is room for it; then it is taken."""
        size = len(msgspec.json.encode(value))
        if size > self._left:
            return False
        self._left -= size
        return True


class PagedRows:
    """The rows of one list by their ids, each as it came first; `cut`: why no more of them are taken, "" while there is room."""

    def __init__(self) -> None:
        self._rows: dict[str, dict[str, Any]] = {}
        self._room = ByteRoom()
        self.cut = ""

    def __len__(self) -> int:
        return len(self._rows)

    def add(self, found: Sequence[Any], *, page: str = "") -> None:
        """The rows of one page. What has no id is left out, or called by its place where the `page` has a name."""
        if not self._room.fits(found):
            self.cut = f"it is longer than {HELD_BYTES // _MIB} MiB"
            return
        left = ROWS - len(self._rows)
        for place, row in enumerate(map(table, found[:left])):
            name = text(row.get("id")) or (page and f"{page} {place}")
            if name:
                self._rows.setdefault(name, row)
        if len(found) > left:
            self.cut = f"it has more than {ROWS} rows"

    def listed(self, name: str, why: str = "") -> Listed:
        """All of them; `why` the list `name` was not read to its end ("": it was), or the reason of its own."""
        why = self.cut or why
        return Listed(tuple(self._rows.values()), f"{name}: {why}; what is beyond is not read" if why else "")
