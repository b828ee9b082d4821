"""The playlists and sequences that something names: each asked for once, and held as long as there is room for one more."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from player.cms.listing import ByteRoom
from player.cms.screenzzie.programme import ITEMS, MOST_ITEMS, Named, playlists_of
from player.cms.wire import rows

SOURCES = 200
Ask = Callable[[Named], Awaitable[Mapping[str, Any] | None]]  # None: it is not there


class Shelf:
    """`playlists` and `sequences` by their ids; `is_cut`: there was no room for all."""

    def __init__(self, ask: Ask) -> None:
        self._ask, self._asked, self._room, self._items = ask, set[Named](), ByteRoom(), 0
        self.playlists: dict[str, Mapping[str, Any]] = {}
        self.sequences: dict[str, Mapping[str, Any]] = {}
        self.is_cut = False

    async def has_any(self, source: Named) -> bool:
        """Whether there is anything in it; of a sequence, with its playlists."""
        held = self.playlists if source.kind == "playlist" else self.sequences
        if source not in self._asked and not self.is_cut:
            await self._take(source, held)
        if source.id not in held:
            return False
        if source.kind == "playlist":
            return bool(held[source.id].get("items"))
        named = await asyncio.to_thread(playlists_of, held[source.id])
        return any([await self.has_any(Named("playlist", one)) for one in named])

    async def _take(self, source: Named, into: dict[str, Mapping[str, Any]]) -> None:
        self._asked.add(source)
        found = await self._ask(source) if len(self._asked) <= SOURCES else {}
        if found is None:
            return
        self._items += min(len(rows(found.get("items")) or ()), ITEMS)
        self.is_cut = len(self._asked) > SOURCES or self._items > MOST_ITEMS or not self._room.fits(found)
        if not self.is_cut:
            into[source.id] = found
