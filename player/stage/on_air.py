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

from player.core.applet_layout import applet_layouts, beside, with_applets
from player.core.applet_pauses import AppletPauses
from player.core.applets import AppletPlan, AppletTurn, applet_on, turned
from player.core.browser_rest import needs_pages
from player.core.content import Item, Manifest
from player.core.onair import Because, Listings, OnAir, Source
from player.core.ports.stage import PausedItem
from player.core.schedule import Facts
from player.core.turns import PREPARE_LIMIT_S
from player.stage.regions.show import Show

log = logging.getLogger(__name__)

LOOK_S = 2.0
LEAD_S = PREPARE_LIMIT_S + 2.0
SHORTEST_S = 0.001


class OnAirWatch:
    """`now`: the instant by which rules are judged, `mono` what turns of applets are counted by; `zone` and `facts`: on whose wall
    clock, and what is known of the world; `applets`: what the management wants of them."""

    def __init__(
        self, show: Show, *, now: Callable[[], datetime], mono: Callable[[], float], zone: Callable[[], ZoneInfo],
        facts: Callable[[], Facts], applets: Callable[[], AppletPlan],
    ) -> None:  # fmt: skip
        self._show, self._now, self._mono, self._zone, self._facts = show, now, mono, zone, facts
        self._applets = applets
        self._plan, self._turn, self._tapped = AppletPlan(), AppletTurn(), False
        self._pauses = AppletPauses()
        self._turn_ends_s: float | None = None
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
        """The manifest, the applets, the zone or the facts may be others."""
        async with self._looking:
            wanted = (manifest, self._zone())
            plan = self._applets()
            is_news = (manifest.version if manifest else None) != (self._listed[0].version if self._listed[0] else None)
            if is_news or plan != self._plan:
                self._plan = plan
                self._pauses.keep_only({layout.id for layout in applet_layouts(plan)})
                self._show.take(with_applets(manifest, plan))
            if is_news or wanted[1] != self._listed[1]:
                self._listed, self._listings = wanted, Listings(manifest, wanted[1]) if manifest else None
            await self._look(group, on_time=not is_news)
        self._again.set()

    def tapped(self) -> None:
        """Somebody touched an applet's page."""
        self._tapped = True
        self._again.set()

    def judged(self, item: Item, *, well: bool) -> None:
        """An item is on screen, or could not be shown; of an applet's page it is remembered."""
        if item.applet is not None and well:
            self._pauses.shown(item.id, self._mono())
        elif item.applet is not None:
            self._pauses.failed(item.id, self._mono())
            self._again.set()

    @property
    def paused(self) -> tuple[PausedItem, ...]:
        """Applets' pages that could not be shown, and when each is tried again."""
        wall, mono = self._now().timestamp(), self._mono()
        return tuple(PausedItem(name, round(wall + until - mono)) for name, until in self._pauses.at(mono).items())

    async def run(self, group: asyncio.TaskGroup) -> None:
        """Puts on air what the rules say, at their times, until cancelled."""
        while True:
            async with self._looking:
                await self._look(group, on_time=True)
            await self._show.keep_ready(group)
            self._again.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._wait_s()):
                    await self._again.wait()

    @property
    def needs_pages(self) -> bool:
        """Whether pages are shown now or soon: the programme's, or applets."""
        if self._plan.runs:
            return True
        manifest = self._show.manifest
        if self._listings is None or manifest is None:
            return False
        return needs_pages(self._listings, self._now(), self._facts(), manifest.stand_by)

    def _wait_s(self) -> float:
        until = self.on_air.until if self.on_air else None
        left = (until - self._now()).total_seconds() if until else LOOK_S
        turn = [] if self._turn_ends_s is None else [self._turn_ends_s]
        return max(SHORTEST_S, min(LOOK_S, left, *turn, *([left - LEAD_S] if left > LEAD_S else [])))

    async def _look(self, group: asyncio.TaskGroup, *, on_time: bool) -> None:
        """Puts on air what is to be. `on_time`: because its time has come, and not because somebody changed the programme."""
        before, now = self.on_air, self._now()
        found = self._found(now)
        if self._listings is None and found.layout is None:
            self.on_air = None
            await self._show.apply(None, group, on_time=False)
            return
        self.on_air = found
        if found.layout != self._show.layout:
            if before is not None and on_time:
                log.info("%s is on air: %s", found.layout.id if found.layout else "nothing", found.why)
            await self._show.apply(found.layout, group, on_time=on_time)
        await self._prepare_next(found, now, group)

    def _found(self, now: datetime) -> OnAir:
        """What is on air now; whose turn it is among applets is remembered."""
        at, mono = now.timestamp(), self._mono()
        self._turn, self._tapped = turned(self._turn, self._plan, at, mono, tapped=self._tapped), False
        on = applet_on(self._plan, self._turn, at, mono)
        self._turn_ends_s = on.ends_in_s
        return beside(self._programme(now), self._plan, on, self._pauses.at(mono))

    def _then(self, at: datetime) -> OnAir:
        """What will be on air then, while nobody taps."""
        wall, mono = at.timestamp(), self._mono()
        on = applet_on(self._plan, turned(self._turn, self._plan, wall, mono), wall, mono)
        return beside(self._programme(at), self._plan, on, self._pauses.at(mono))

    def _programme(self, at: datetime) -> OnAir:
        return self._listings.at(at, self._facts()) if self._listings else OnAir(None, None, Because(Source.NOTHING))

    async def _prepare_next(self, found: OnAir, now: datetime, group: asyncio.TaskGroup) -> None:
        if found.until is None or (found.until - now).total_seconds() > LEAD_S:
            return
        coming = self._then(found.until).layout
        if coming is not None and coming != found.layout and coming != self._show.prepared and self._show.has_content:
            await self._show.prepare(coming, group)
