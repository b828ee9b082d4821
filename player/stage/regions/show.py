"""The regions of the layout that is on air: made, moved and ended as layouts change, with their plays and faults (`reports`)."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path

from player.core import backdrop, cues
from player.core.applet_layout import page_of
from player.core.brief import DeviceSettings
from player.core.content import Item, Layout, Manifest, Rect, Region
from player.core.cover import View
from player.core.curtain import Scene
from player.core.faults import Fault
from player.core.panels import is_mirror, mirrored
from player.core.ports.box import Clock
from player.core.ports.screen import Compositor
from player.core.ports.stage import NowPlaying, PausedItem
from player.core.turns import PAGE_LIMIT_S, PREPARE_LIMIT_S
from player.errors import BoxError
from player.runtime.fault_page import FaultPage
from player.stage.mark import Mark
from player.stage.plays import Plays
from player.stage.regions.coming import ComingLayout, shape
from player.stage.regions.driver import RegionDriver
from player.stage.regions.interludes import Interludes
from player.stage.regions.making import RegionMaker, Running
from player.stage.regions.placement import Placement
from player.stage.regions.region_faults import RegionFaults
from player.stage.regions.reports import RegionReports
from player.stage.regions.scene import grounds_of, scene_of
from player.stage.regions.surfaces import SurfaceMaker, Windows

log = logging.getLogger(__name__)
LATE_S = 5.0  # beyond the time that a page may take, so that its region has said that it cannot be shown


class Show:
    """Everything that plays. `changed` is called, at once, whenever something that others see has changed.

    `seed` shuffles: one for all regions, so that a mirrored panel shows what the first one shows. `resume` tells where a region was
    when the stage before this one ended.
    """

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
        settings: Callable[[], DeviceSettings],
        clock_synced: Callable[[], bool],
        resolve: Callable[[Item], Awaitable[str]],
        changed: Callable[[], None],
        screen_on: Callable[[], bool],
        page: Callable[[str], FaultPage],
        mirror: bool,
        seed: int,
        resume: Callable[[str], cues.Resumed | None],
        judged: Callable[[Item, bool], None],
    ) -> None:
        self._compositor, self._clock, self._mark = compositor, clock, mark
        self._changed, self._mirror, self._resume, self._dropped = changed, mirror, resume, 0
        self.placement = Placement(screen_on, page("regions"))
        self._drivers: dict[str, Running] = {}
        self._group: asyncio.TaskGroup | None = None
        self._changing: asyncio.Task[None] | None = None
        self._faults = RegionFaults(page, mark)
        self._maker = RegionMaker(
            compositor=compositor, windows=windows, make=make, placement=self.placement, clock=clock, cache=cache,
            settings=settings, resolve=resolve, seed=seed,
        )  # fmt: skip
        self.interludes = Interludes(
            maker=self._maker, placement=self.placement, regions=self._regions, drivers=lambda: self._everyone, plays=plays,
            mark=mark, faults=self._faults, clock=clock, clock_synced=clock_synced, changed=changed,
        )  # fmt: skip
        self._covered: str | None = None
        self._next: ComingLayout | None = None
        self.manifest: Manifest | None = None
        self._known: frozenset[str] = frozenset()
        self.layout: Layout | None = None
        self._standing: Layout | None = None  # whose regions are on screen, while `layout` is still made ready
        self._reports = RegionReports(
            placement=self.placement, plays=plays, mark=mark, faults=self._faults, find=self._region, synced=clock_synced,
            judged=judged,
        )  # fmt: skip
        self.first_shown = self._reports.first_shown

    def __repr__(self) -> str:
        return "; ".join(str(driver) for driver in self.drivers) or "nothing on air"

    @property
    def drivers(self) -> list[RegionDriver]:
        """The regions' drivers, the first region first; those that only repeat it on another panel are not counted."""
        return [driver for driver in self._everyone if not is_mirror(driver.region)]

    @property
    def size(self) -> tuple[int, int]:
        """Of the first panel, in pixels."""
        return self.placement.size

    def _region(self, name: str) -> Region | None:
        return next((driver.region for driver in self.drivers if driver.region.id == name), None)

    @property
    def _everyone(self) -> list[RegionDriver]:
        return [driver for driver, _ in self._drivers.values()]

    def take(self, manifest: Manifest | None) -> None:
        """Another manifest holds; what is on air is told by `apply`."""
        self.manifest = manifest
        self._known = frozenset(item.id for item in manifest.items) if manifest else frozenset()
        self._faults.keep_only(self._known)
        self.interludes.take(manifest)

    async def apply(self, layout: Layout | None, group: asyncio.TaskGroup, *, on_time: bool) -> None:
        """Puts a layout on air: another one, or `on_time`, in one step at once; else regions keep what they show to its edge."""
        self._group, before, self.layout = group, self.layout, layout
        if self._changing is not None:
            self._changing.cancel()
            self._changing, before = None, self._standing
            if layout == before:  # it has not left the screen
                return
        if layout and self.has_content and (on_time or shape(layout) != shape(before)):
            if self._next is None or self._next.layout != layout:
                await self.prepare(layout, group)
            coming, self._next = self._next, None
            if coming:
                self._changing = group.create_task(self._change_layout(coming), name="layout")
            return
        await self.forget_prepared()
        self._standing = layout
        wanted = {region.id: region for region in self._regions(layout)}
        for name in [name for name in self._drivers if name not in wanted]:
            await self._end(*self._drivers.pop(name))
        for region in wanted.values():
            if region.id in self._drivers:
                await self._update(self._drivers[region.id][0], region)
            else:
                self._drivers[region.id] = self._begin(region, self._rect(region), group, self._covered)
        await self.interludes.follow(layout)

    def _regions(self, layout: Layout | None) -> Sequence[Region]:
        whole = mirrored(layout, len(self.placement.panels)) if layout and self._mirror else layout
        return whole.regions if whole else ()

    async def prepare(self, layout: Layout, group: asyncio.TaskGroup) -> None:
        """Begins the layout's regions unseen, so that `apply` has them ready."""
        await self.forget_prepared()
        running = {one.id: self._begin(one, self.placement.rect(one, layout), group, "layout") for one in self._regions(layout)}
        self._next = ComingLayout(layout, running)

    @property
    def prepared(self) -> Layout | None:
        """The layout that waits unseen for its time."""
        return self._next.layout if self._next else None

    async def forget_prepared(self) -> None:
        """Its time does not come, or not as it was."""
        coming, self._next = self._next, None
        if coming:
            await self._end_all(coming.running)

    async def _update(self, driver: RegionDriver, region: Region) -> None:
        driver.region = region
        await driver.pool.move(self._rect(region))
        if driver.visibility.is_open is not self.placement.is_there(region):
            await self._place(driver)
        driver.set_volume()
        driver.send(cues.PlaylistChanged(self._faults.without_barred(region.playlist)))

    def _begin(self, region: Region, rect: Rect, group: asyncio.TaskGroup, covered: str | None) -> Running:
        """A region that prepares its first item, and shows it unless it is `covered`."""
        self.placement.note(region)
        plays = cues.PlaylistChanged(self._faults.without_barred(region.playlist))
        told: tuple[cues.Event | None, ...] = (self._resume(region.id), plays, cues.Covered(covered) if covered else None)
        events = self._reports.events(self._changed, repeats=is_mirror(region))
        return self._maker.begin(region, rect, group, events, [event for event in told if event], layer=region.z)

    async def _change_layout(self, coming: ComingLayout) -> None:
        """Shows every region of the layout when each is ready, and takes the ones before away.

        An applet's page that cannot be made ready leaves what was on air where it is.
        """
        is_applet = page_of(coming.layout) is not None
        try:
            await coming.settle(PAGE_LIMIT_S + LATE_S if is_applet else PREPARE_LIMIT_S)
        except asyncio.CancelledError:
            await self._end_all(coming.running)
            raise
        if is_applet and coming.is_vain:
            self._changing, self.layout = None, self._standing
            await self._end_all(coming.running)
            return
        for driver in self._everyone:  # recorded while its region is still known by its id
            driver.stop(cues.Stopped("the layout changed"))
        before, self._drivers, self._changing, self._standing = self._drivers, coming.running, None, coming.layout
        await coming.come_on(self._compositor, self._covered)
        await self._end_all(before)
        self.set_volume()
        await self.interludes.follow(coming.layout)
        log.info("the layout %s is on screen", coming.layout.id)

    async def _end_all(self, running: dict[str, Running]) -> None:
        for one in running.values():
            await self._end(*one)

    def _rect(self, region: Region) -> Rect:
        return self.placement.rect(region, self.layout) if self.layout else Rect(0, 0, *self.size)

    async def _end(self, driver: RegionDriver, task: asyncio.Task[None]) -> None:
        driver.stop(cues.Stopped("the layout changed"))
        task.cancel()
        if driver.region.id not in self._drivers:  # the next layout may have one of the same name
            self.placement.forget(driver.region)
        self._dropped += driver.pool.dropped_frames()
        await driver.pool.close()

    async def place_again(self, panels: Sequence[Rect | None]) -> None:
        """The panels by number, None where one is missing: regions move, go out of sight and come back with them."""
        more = self.placement.changed(panels)
        await self.interludes.forget_ready()
        for driver in sorted([*self._everyone, *self.interludes.on_screen], key=lambda driver: driver.region.z):
            await self._place(driver)
        await self.forget_prepared()
        if more and self._mirror and self.layout and self._group:
            await self.apply(self.layout, self._group, on_time=False)

    async def _place(self, driver: RegionDriver) -> None:
        """Out of sight before it moves; in sight when everything of it lies where it belongs."""
        there = self.placement.is_there(driver.region)
        self.placement.note(driver.region)
        if not there:
            self.placement.unseen([driver.region])
            await driver.visibility.close()
        driver.pool.rect = self._rect(driver.region)
        driver.alone = self.placement.is_alone(driver.region, driver.pool.rect)
        await driver.pool.place_again()
        if there:
            await driver.visibility.open()
            driver.give_up_stand_ins()

    def cover(self, by: str | None) -> None:
        """Something covers all content, or does no more."""
        if by == self._covered:
            return
        self._covered = by
        for driver in (one for one in self._everyone if by or not self.interludes.covers(one)):
            driver.send(cues.Covered(by) if by else cues.Uncovered())
        self.interludes.cover(by)

    async def keep_ready(self, group: asyncio.TaskGroup) -> None:
        """Has ready what triggers may show, once content is on screen: nothing comes before that."""
        self._group = group
        if self.first_shown.is_set() or self.layout is None:
            await self.interludes.keep_ready(self.layout, group)

    async def interrupt(self, trigger: str, told: Mapping[str, str]) -> float:
        """Shows what stands by for a trigger, now: as `Interludes.show`. Raises BoxError."""
        if self._group is None:
            raise BoxError("trigger", "the stage is only just starting")
        return await self.interludes.show(trigger, told, self.layout, self._group)

    def send(self, event: cues.Event) -> bool:
        """To the first region: what an operator means by next, previous and play. False when nothing is on air."""
        drivers = self.drivers
        for driver in self._everyone:
            if driver is drivers[0] or (driver.region.id.startswith(f"{drivers[0].region.id}@") and is_mirror(driver.region)):
                driver.send(event)
        return bool(drivers)

    def cut_unlisted(self) -> None:
        """What is on screen and in its region's playlist no more goes as soon as the next item is ready."""
        for driver in self._everyone:
            driver.send(cues.Reloaded())

    def reread(self) -> None:
        """Files behind items may have changed."""
        for driver in [*self._everyone, *self.interludes.all]:
            driver.pool.reread()

    def set_volume(self) -> None:
        """The volume of everything follows settings that changed."""
        for driver in [*self._everyone, *self.interludes.all]:
            driver.set_volume()

    def release(self) -> None:
        """Items that were kept off because the stage died with them on screen get another chance."""
        self._mark.release_all()
        self.judge_again()

    def judge_again(self) -> None:
        """Which items are kept off is another answer than before: those that come back are shown again."""
        self._faults.judge_again()
        for driver in self._everyone:
            driver.send(cues.PlaylistChanged(self._faults.without_barred(driver.region.playlist)))

    def item(self, content_id: str) -> Item | None:
        """The item of that content, if it is in the manifest."""
        return next((item for item in (self.manifest.items if self.manifest else ()) if item.content_id == content_id), None)

    @property
    def has_content(self) -> bool:
        """Whether anything is on screen."""
        return any(driver.machine.on_screen for driver in [*self.drivers, *self.interludes.on_screen])

    @property
    def item_faults(self) -> tuple[Fault, ...]:
        """Of items that should be on screen, once no other can come in their place; () where nothing is on air."""
        can_no_better = self.layout and all(driver.machine.settled for driver in self.drivers)
        return self._faults.all if can_no_better else ()

    def now_playing(self) -> tuple[NowPlaying, ...]:
        """Every region's item on screen; of one that a trigger's lies over, the trigger's."""
        seen = {driver.region.id: driver for driver in (*self.drivers, *self.interludes.on_screen) if driver.machine.on_screen}
        return tuple(now for driver in seen.values() if not is_mirror(driver.region) and (now := driver.now_playing()))

    @property
    def wants_backdrop(self) -> bool:
        """Whether anything of the layout's background is to be seen."""
        return backdrop.is_wanted([panel for panel in self.placement.panels if panel], grounds_of(self._everyone))

    def scene(self, view: View, *, passing: bool) -> Scene:
        """What is on screen, under the cards of `view`."""
        return scene_of([*self._everyone, *self.interludes.on_screen], view, listed=self._known, passing=passing)

    def paused(self) -> tuple[PausedItem, ...]:
        """Every region's items that failed and wait to be tried again."""
        now, wall = self._clock.monotonic(), self._clock.now().timestamp()
        found = (pair for driver in self.drivers for pair in driver.machine.paused(now).items())
        return tuple(PausedItem(name, round(wall + until - now)) for name, until in dict(found).items())

    def frames_dropped(self) -> int:
        """Frames that anything lost since the start."""
        return self._dropped + self.interludes.frames_dropped() + sum(one.pool.dropped_frames() for one in self._everyone)

    def stop(self) -> None:
        """Records what is on screen; nothing follows."""
        for driver in [*self.interludes.all, *self._everyone]:
            driver.stop(cues.Stopped())

    def unseen(self) -> None:
        """The screen is dark: the plays under way were not seen all through."""
        self.placement.unseen(driver.region for driver in self.drivers)
