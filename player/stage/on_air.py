"""Keeps the layout on screen whose time it is: asks `core.onair`, wakes when that changes, and has what comes next ready before.

The wall clock is looked at again at least every `LOOK_S`, since it may be set while this waits. A layout is made ready `LEAD_S`
before its time, which is longer than an item may take to be prepared; so its first frame is on screen when its second begins.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable
from datetime import datetime
from zoneinfo import ZoneInfo

from player.core.content import Manifest
from player.core.onair import Listings, OnAir
from player.core.schedule import Facts
from player.core.turns import PREPARE_LIMIT_S
from player.stage.regions.show import Show

log = logging.getLogger(__name__)

LOOK_S = 2.0
LEAD_S = PREPARE_LIMIT_S + 2.0
SHORTEST_S = 0.001


class OnAirWatch:
    """`now`: the instant by which rules are judged; `zone` and `facts`: on whose wall clock, and what is known of the world."""

    def __init__(
        self, show: Show, *, now: Callable[[], datetime], zone: Callable[[], ZoneInfo], facts: Callable[[], Facts]
    ) -> None:
        self._show, self._now, self._zone, self._facts = show, now, zone, facts
        self._listings: Listings | None = None
        self._listed: tuple[Manifest | None, ZoneInfo | None] = (None, None)
        self._looking = asyncio.Lock()
        self._again = asyncio.Event()
        self.on_air: OnAir | None = None

    def __repr__(self) -> str:
        if self.on_air is None or self.on_air.layout is None:
            return "<nothing on air>"
        return f"<{self.on_air.layout.id} until {self.on_air.until or 'further notice'}: {self.on_air.why}>"

    async def take(self, manifest: Manifest | None, group: asyncio.TaskGroup) -> None:
        """The manifest, the zone or the facts may be others."""
        async with self._looking:
            wanted = (manifest, self._zone())
            is_news = (manifest.version if manifest else None) != (self._listed[0].version if self._listed[0] else None)
            if is_news:
                self._show.take(manifest)
            if is_news or wanted[1] != self._listed[1]:
                self._listed, self._listings = wanted, Listings(manifest, wanted[1]) if manifest else None
            await self._look(group, on_time=not is_news)
        self._again.set()

    async def run(self, group: asyncio.TaskGroup) -> None:
        """Until cancelled."""
        while True:
            async with self._looking:
                await self._look(group, on_time=True)
            await self._show.keep_ready(group)
            self._again.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._wait_s()):
                    await self._again.wait()

    def _wait_s(self) -> float:
        until = self.on_air.until if self.on_air else None
        left = (until - self._now()).total_seconds() if until else LOOK_S
        return max(SHORTEST_S, min(LOOK_S, left, *([left - LEAD_S] if left > LEAD_S else [])))

    async def _look(self, group: asyncio.TaskGroup, *, on_time: bool) -> None:
        """Puts on air what is to be. `on_time`: because its time has come, and not because somebody changed the programme."""
        if self._listings is None:
            self.on_air = None
            await self._show.apply(None, group, on_time=False)
            return
        before, now = self.on_air, self._now()
        self.on_air = found = self._listings.at(now, self._facts())
        if found.layout != self._show.layout:
            if before is not None and on_time:
                log.info("%s is on air: %s", found.layout.id if found.layout else "nothing", found.why)
            await self._show.apply(found.layout, group, on_time=on_time)
        await self._prepare_next(found, now, group)

    async def _prepare_next(self, found: OnAir, now: datetime, group: asyncio.TaskGroup) -> None:
        if self._listings is None or found.until is None or (found.until - now).total_seconds() > LEAD_S:
            return
        coming = self._listings.at(found.until, self._facts()).layout
        if coming is not None and coming != found.layout and coming != self._show.prepared and self._show.has_content:
            await self._show.prepare(coming, group)
