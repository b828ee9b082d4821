"""Makes the regions of a stage: each gets surfaces, windows and a driver of its own."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable
from pathlib import Path

from player.core import cues
from player.core.brief import DeviceSettings
from player.core.content import Item, Rect, Region
from player.core.ports.box import Clock
from player.core.ports.screen import Compositor
from player.stage.regions.driver import RegionDriver, RegionEvents
from player.stage.regions.placement import Placement
from player.stage.regions.surfaces import SurfaceMaker, SurfacePool, Windows, loads_at_once
from player.stage.regions.visibility import Visibility

Running = tuple[RegionDriver, asyncio.Task[None]]


class RegionMaker:
    """`seed` shuffles: one for all regions, so that a mirrored panel shows what the first one shows."""

    def __init__(
        self,
        *,
        compositor: Compositor,
        windows: Windows,
        make: SurfaceMaker,
        placement: Placement,
        clock: Clock,
        cache: Path,
        settings: Callable[[], DeviceSettings],
        resolve: Callable[[Item], Awaitable[str]],
        seed: int,
    ) -> None:
        self._compositor, self._windows, self._make, self._placement = compositor, windows, make, placement
        self._clock, self._cache, self._settings, self._resolve, self._seed = clock, cache, settings, resolve, seed
        self._turns = asyncio.Semaphore(loads_at_once(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")))
        self._pools = 0

    def begin(
        self, region: Region, rect: Rect, group: asyncio.TaskGroup, events: RegionEvents, first: list[cues.Event], *, layer: float
    ) -> Running:
        """A region that runs in `rect`, its windows in that layer of the stack; `first` are the events that it begins with."""
        visibility = Visibility(self._compositor, is_open=self._placement.is_there(region))
        self._pools += 1
        pool = SurfacePool(
            f"r{self._pools}", self._make, self._windows, visibility,
            lambda window: self._compositor.set_layer(window, layer), self._placement.has_panel,
        )  # fmt: skip
        driver = RegionDriver(
            region, pool=pool, visibility=visibility, cache=self._cache, clock=self._clock, region_events=events,
            settings=self._settings, resolve=self._resolve, turns=self._turns, seed=self._seed,
        )  # fmt: skip
        pool.rect = rect
        driver.alone = self._placement.is_alone(region, rect)
        for event in first:
            driver.send(event)
        return driver, group.create_task(driver.run(), name=f"region {region.id}")
