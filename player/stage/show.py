"""The regions of the manifest that is on air: made, moved and ended as manifests change, with their plays and faults.

What a region driver tells (a play, a fault, an item about to be shown) arrives here and is written down at once.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path

from player.core import playback
from player.core.content import Fault, Item, Manifest, Orders, Playlist, Region
from player.core.geometry import to_pixels
from player.core.ports import Clock, Compositor, NowPlaying
from player.stage.director import Desk, RegionDriver
from player.stage.plays import Mark, Plays
from player.stage.surfaces import SurfaceMaker, SurfacePool, Windows

log = logging.getLogger(__name__)


def loads_at_once(memory: int) -> int:
    """How many items may be loaded at once on a box with `memory` bytes: decoders and pages are at their largest then."""
    return max(1, min(4, memory // (1024**3 + 512 * 1024**2)))


class Show:
    """Everything that plays. `changed` is called, at once, whenever something that others see has changed."""

    def __init__(
        self,
        *,
        compositor: Compositor,
        windows: Windows,
        make: SurfaceMaker,
        plays: Plays,
        mark: Mark,
        clock: Clock,
        cache: Path,
        orders: Callable[[], Orders],
        clock_synced: Callable[[], bool],
        resolve: Callable[[str], Awaitable[str]],
        changed: Callable[[], None],
    ) -> None:
        self._compositor, self._windows, self._make, self._clock, self._cache = compositor, windows, make, clock, cache
        self._plays, self._mark, self._orders, self._synced, self._resolve = plays, mark, orders, clock_synced, resolve
        self._changed = changed
        self._drivers: dict[str, tuple[RegionDriver, asyncio.Task[None]]] = {}
        self._faults: dict[str, Fault] = {}
        self._covered: str | None = None
        self._dropped = 0
        self._turns = asyncio.Semaphore(loads_at_once(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")))
        self.manifest: Manifest | None = None
        self.size = (1, 1)
        self.first_shown = asyncio.Event()

    def __repr__(self) -> str:
        return "; ".join(str(driver) for driver in self.drivers) or "nothing on air"

    @property
    def drivers(self) -> list[RegionDriver]:
        """The regions' drivers, the first region first."""
        return [driver for driver, _ in self._drivers.values()]

    async def apply(self, manifest: Manifest | None, group: asyncio.TaskGroup) -> None:
        """Puts a manifest on air: regions that stay keep what they show until its edge."""
        self.manifest = manifest
        wanted = {region.id: region for region in manifest.layout.regions} if manifest else {}
        known = {item.id for item in manifest.items} if manifest else set()
        self._faults = {key: fault for key, fault in self._faults.items() if fault.item_id in known}
        for name in [name for name in self._drivers if name not in wanted]:
            await self._end(name)
        for region in wanted.values():
            await self._apply_region(region, group)

    async def _apply_region(self, region: Region, group: asyncio.TaskGroup) -> None:
        if self.manifest is None:
            return
        rect = to_pixels(region.rect, self.manifest.layout, self.size)
        if region.id in self._drivers:
            driver = self._drivers[region.id][0]
            driver.region = region
            await driver.pool.move(rect)
            driver.set_volume()
        else:
            driver = self._make_driver(region)
            driver.pool.rect = rect
            self._drivers[region.id] = (driver, group.create_task(driver.run(), name=f"region {region.id}"))
            if self._covered:
                driver.send(playback.Covered(self._covered))
        driver.alone = (rect.width, rect.height) == self.size
        driver.send(playback.PlaylistChanged(self._playable(region.playlist)))

    def _make_driver(self, region: Region) -> RegionDriver:
        def into_layer(window: int) -> None:
            set_layer = getattr(self._compositor, "set_layer", None)
            if set_layer:
                set_layer(window, region.z)

        pool = SurfacePool(region.id, self._make, self._windows, self._compositor, into_layer)
        desk = Desk(self._record, self._report, self._recover, self._about_to_show, self._changed)
        return RegionDriver(
            region, pool=pool, compositor=self._compositor, cache=self._cache, clock=self._clock, desk=desk,
            orders=self._orders, resolve=self._resolve, turns=self._turns,
        )  # fmt: skip

    async def _end(self, name: str) -> None:
        driver, task = self._drivers.pop(name)
        driver.stop()
        task.cancel()
        self._dropped += driver.pool.dropped_frames()
        await driver.pool.close()

    def _playable(self, playlist: Playlist) -> Playlist:
        kept = tuple(item for item in playlist.items if not self._mark.quarantined(item))
        for item in playlist.items:
            if item not in kept:
                words = f"{item.name}: the stage died three times with it on screen; it is kept off for a day"
                self._fault(item, "quarantined", words)
        return replace(playlist, items=kept)

    async def place_again(self, size: tuple[int, int]) -> None:
        """The panel has another size, or came back."""
        self.size = size
        for driver in self.drivers:
            if self.manifest:
                driver.pool.rect = to_pixels(driver.region.rect, self.manifest.layout, size)
            await driver.pool.place_again()

    def cover(self, by: str | None) -> None:
        """Something covers all content, or does no more."""
        if by == self._covered:
            return
        self._covered = by
        for driver in self.drivers:
            driver.send(playback.Covered(by) if by else playback.Uncovered())

    def send(self, event: playback.Event) -> bool:
        """To the first region: what an operator means by next, previous and play. False when nothing is on air."""
        drivers = self.drivers
        if drivers:
            drivers[0].send(event)
        return bool(drivers)

    def set_volume(self) -> None:
        """The orders changed."""
        for driver in self.drivers:
            driver.set_volume()

    def item(self, content_id: str) -> Item | None:
        """The item of that content, if it is in the manifest."""
        items = self.manifest.items if self.manifest else ()
        return next((item for item in items if item.content_id == content_id), None)

    @property
    def has_content(self) -> bool:
        """Whether anything is on screen."""
        return any(driver.machine.on_screen for driver in self.drivers)

    def now_playing(self) -> tuple[NowPlaying, ...]:
        """Every region's item on screen."""
        return tuple(now for driver in self.drivers if (now := driver.now_playing()))

    def frames_dropped(self) -> int:
        """Since the start."""
        return self._dropped + sum(driver.pool.dropped_frames() for driver in self.drivers)

    def faults(self) -> tuple[Fault, ...]:
        """Of items and of the journal."""
        return (*self._faults.values(), *self._plays.faults())

    def stop(self) -> None:
        """Records what is on screen; nothing follows."""
        for driver in self.drivers:
            driver.stop()

    # --- the desk

    def _record(self, zone: str, record: playback.Record) -> None:
        playlist = next((d.region.playlist.id for d in self.drivers if d.region.id == zone), "")
        self._plays.record(record, playlist_id=playlist, zone=zone, screen_on=self._orders().screen_on, clock_synced=self._synced())
        if record.result == "complete":
            self._mark.went_well(record.item)

    def _report(self, report: playback.Report) -> None:
        self._fault(report.item, report.code, f"{report.item.name}: {report.reason}")

    def _fault(self, item: Item, code: str, words: str) -> None:
        before = self._faults.get(item.id)
        if before and before.code == code:
            self._faults[item.id] = replace(before, message=words, count=before.count + 1)
            return
        log.warning("%s (%s)", words, code)
        self._faults[item.id] = Fault(code, words, self._clock.now().timestamp(), item.id, item.content_id)

    def _recover(self, item: Item) -> None:
        if self._faults.pop(item.id, None):
            log.info("%s plays again", item)

    def _about_to_show(self, zone: str, item: Item) -> None:
        self._mark.shown(zone, item)
        self.first_shown.set()
