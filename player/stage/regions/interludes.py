"""What triggers show: kept ready out of sight, on screen at once over its region, and gone when it is over.

Each interlude is a region of its own in the place of another, half a layer above it. What is below stands still meanwhile and goes
on where it was, but for a stream, which begins again: it shows the present. An alert covers interludes too.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
from collections import Counter
from collections.abc import Callable, Mapping, Sequence

from player.core import cues
from player.core.content import Item, Layout, Manifest, Region, StandBy
from player.core.panels import is_mirror
from player.core.ports.box import Clock
from player.core.proof import timestamp
from player.core.standby import likeliest, over
from player.core.turns import PAGE_LIMIT_S
from player.errors import BoxError, ContentError
from player.stage.mark import Mark
from player.stage.plays import Plays
from player.stage.regions.driver import RegionDriver, RegionEvents
from player.stage.regions.making import RegionMaker, Running
from player.stage.regions.placement import Placement
from player.stage.regions.region_faults import RegionFaults

log = logging.getLogger(__name__)

READY = 3  # at most; each holds a decoder, or a page, with its first frame
MEMORY_EACH = 1024**3  # of the box, for each
FRESH_S = 300.0  # what ages is made ready anew after that
FIRST_FRAME_S = PAGE_LIMIT_S
REST_S = 2.0
ABOVE = 0.5


class Interlude:
    """What stands by for one trigger, over `place`; `born` is when it was begun (monotonic)."""

    def __init__(self, stand_by: StandBy, place: Layout, born: float) -> None:
        self.stand_by, self.place, self.born = stand_by, place, born
        self.running: list[Running] = []
        self.told: Mapping[str, str] = {}
        self.shown_at: float | None = None
        self.has_come = False
        self.news = asyncio.Event()

    def __repr__(self) -> str:
        return f"<{self.by} over {self.zone}>"

    @property
    def by(self) -> str:
        """As the proof of what it covers says it."""
        return f'the trigger "{self.stand_by.trigger}"'

    @property
    def zone(self) -> str:
        """The region that it lies over."""
        return self.place.regions[0].id

    @property
    def drivers(self) -> list[RegionDriver]:
        """One; and one for each panel that repeats it."""
        return [driver for driver, _ in self.running]

    @property
    def is_over(self) -> bool:
        """Whether there is nothing more of it to be seen."""
        return self.drivers[0].machine.is_empty

    def has_aged(self, now: float) -> bool:
        """Whether it was made ready too long ago."""
        return now - self.born > FRESH_S and any(item.kind.ages for item in self.stand_by.items)

    async def until(self, holds: Callable[[], bool]) -> None:
        """Waits; `holds` is asked whenever something about it changed."""
        while not holds():
            self.news.clear()
            await self.news.wait()


class Interludes:
    """`regions` are a layout's on all panels, `drivers` those of the layout that is on air."""

    def __init__(
        self,
        *,
        maker: RegionMaker,
        placement: Placement,
        regions: Callable[[Layout], Sequence[Region]],
        drivers: Callable[[], Sequence[RegionDriver]],
        plays: Plays,
        mark: Mark,
        faults: RegionFaults,
        clock: Clock,
        clock_synced: Callable[[], bool],
        changed: Callable[[], None],
    ) -> None:
        self._maker, self._placement, self._regions, self._drivers = maker, placement, regions, drivers
        self._plays, self._mark, self._faults, self._clock = plays, mark, faults, clock
        self._synced, self._changed = clock_synced, changed
        self._most = max(1, min(READY, os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // MEMORY_EACH))
        self._listed: dict[str, StandBy] = {}
        self._ready: dict[str, Interlude] = {}
        self._shown: list[Interlude] = []
        self._counts: Counter[str] = Counter()
        self._keeping = asyncio.Lock()
        self._covered: str | None = None
        self._dropped = 0

    def __repr__(self) -> str:
        return f"<{len(self._listed)} stand by, {len(self._ready)} are ready, {len(self._shown)} are on screen>"

    # --- kept ready

    def take(self, manifest: Manifest | None) -> None:
        """Another manifest holds."""
        self._listed = {one.trigger: one for one in manifest.stand_by if one.items} if manifest else {}

    async def keep_ready(self, layout: Layout | None, group: asyncio.TaskGroup) -> None:
        """Makes ready, out of sight, what is likeliest to be wanted over `layout`, and lets go of the rest."""
        async with self._keeping:
            wanted = {one.trigger: over(layout, one) for one in likeliest(self._listed.values(), self._counts, self._most)}
            for name, one in list(self._ready.items()):
                if wanted.get(name) != one.place or one.has_aged(self._clock.monotonic()):
                    await self._end(self._ready.pop(name))
            busy = {one.stand_by.trigger for one in self._shown}
            for name, place in wanted.items():
                if name not in self._ready and name not in busy:
                    self._ready[name] = self._begin(self._listed[name], place, group)

    async def forget_ready(self) -> None:
        """The panels are others: what is ready is made ready again."""
        async with self._keeping:
            while self._ready:
                await self._end(self._ready.popitem()[1])

    def _begin(self, stand_by: StandBy, place: Layout, group: asyncio.TaskGroup) -> Interlude:
        one = Interlude(stand_by, place, self._clock.monotonic())
        for region in self._regions(place):
            rect, playlist = self._placement.rect(region, place), self._faults.without_barred(region.playlist)
            first: list[cues.Event] = [cues.PlaylistChanged(playlist), cues.Covered("its trigger has not come")]
            events = self._silent(one) if is_mirror(region) else self._events(one)
            one.running.append(self._maker.begin(region, rect, group, events, first, layer=region.z + ABOVE))
        return one

    async def _end(self, one: Interlude) -> None:
        for driver, task in one.running:
            driver.stop(cues.Stopped("its time was over"))
            await driver.at_rest(REST_S)
            task.cancel()
            self._dropped += driver.pool.dropped_frames()
            await driver.pool.close()

    # --- on screen

    async def show(self, name: str, told: Mapping[str, str], layout: Layout | None, group: asyncio.TaskGroup) -> float:
        """Shows it over `layout`; when its first frame was on screen (seconds since the epoch). Raises BoxError."""
        stand_by = self._listed.get(name)
        if stand_by is None:
            raise BoxError("trigger", f'nothing stands by for "{name}"')
        if self._covered:
            raise BoxError("trigger", f'"{name}" is not shown: the screen is covered')
        place = over(layout, stand_by)
        for held in self._over(place.regions[0].id):
            if not held.is_over and held.stand_by.priority >= stand_by.priority:
                raise BoxError("trigger", f'"{name}" is not shown: "{held.stand_by.trigger}" is on screen')
        ready = self._ready.get(name)
        one = self._ready.pop(name) if ready and ready.place == place else self._begin(stand_by, place, group)
        one.told = told
        self._shown.append(one)
        self._counts[name] += 1
        for driver in one.drivers:
            driver.send(cues.Uncovered())
        seen: asyncio.Future[float | None] = asyncio.get_running_loop().create_future()
        group.create_task(self._watched(one, seen), name=f"trigger {name}")
        at = await seen
        if at is None:
            raise BoxError("trigger", f'what stands by for "{name}" cannot be shown; see the faults of its items')
        return at

    async def _watched(self, one: Interlude, seen: asyncio.Future[float | None]) -> None:
        """What goes wrong with it costs the interlude, and not the stage."""
        try:
            await self._see_through(one, seen)
        except (BoxError, ContentError) as error:
            log.warning("%s: %s", one.by, error)
        finally:
            if not seen.done():
                seen.set_result(None)

    async def _see_through(self, one: Interlude, seen: asyncio.Future[float | None]) -> None:
        driver = one.drivers[0]
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(FIRST_FRAME_S):
                await one.until(lambda: driver.shown.is_set() or one.is_over)
        if driver.shown.is_set():
            one.shown_at = self._clock.now().timestamp()
            log.info("%s is on screen", one.by)
        if not seen.done():
            seen.set_result(one.shown_at)
        for other in [held for held in self._over(one.zone) if held is not one and one.shown_at]:
            await self._take_off(other)
        limited = one.stand_by.seconds if len(one.stand_by.items) > 1 else 0.0
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(limited or None):
                await one.until(lambda: one.is_over or one not in self._shown or one.shown_at is None)
        await self._take_off(one)

    async def _take_off(self, one: Interlude) -> None:
        if one not in self._shown:
            return
        self._shown.remove(one)
        for driver in one.drivers:
            driver.stop(cues.Stopped("its time was over"))
        if not self._over(one.zone):
            self._mark.left(_mark_of(one.zone))
            for driver in self._below(one):
                self._go_on(driver)
        for driver in one.drivers:
            await driver.visibility.close()
        one.news.set()
        await self._end(one)

    def _go_on(self, driver: RegionDriver) -> None:
        if self._covered:
            return  # it goes on when that ends
        showing = driver.machine.on_screen
        driver.send(cues.Uncovered())
        if showing and showing.item.kind.is_stream:
            driver.send(cues.PlayAsked(showing.item, 0.0))

    def _over(self, zone: str) -> list[Interlude]:
        return [one for one in self._shown if one.zone == zone]

    def _below(self, one: Interlude) -> list[RegionDriver]:
        """The regions of the layout that it covers."""
        covered = {driver.region.id for driver in one.drivers}
        return [driver for driver in self._drivers() if driver.region.id in covered]

    # --- as the stage around it changes

    def cover(self, by: str | None) -> None:
        """Something covers all content, or does no more."""
        self._covered = by
        for one in self._shown:
            for driver in one.drivers:
                driver.send(cues.Covered(by) if by else cues.Uncovered())

    def covers(self, driver: RegionDriver) -> bool:
        """Whether nothing of a region is seen, for something lies over it."""
        return any(one.has_come and driver in self._below(one) for one in self._shown)

    async def follow(self, layout: Layout | None) -> None:
        """Another layout is on air: what is on screen goes where its region is there."""
        for one in self._shown:
            one.place = over(layout, one.stand_by)
            for driver, region in zip(one.drivers, self._regions(one.place), strict=False):
                driver.region = region
                await driver.pool.move(self._placement.rect(region, one.place))
            for driver in self._below(one) if one.has_come else ():
                driver.send(cues.Covered(one.by))

    @property
    def on_screen(self) -> list[RegionDriver]:
        """Of what has come on screen."""
        return [driver for one in self._shown if one.has_come for driver in one.drivers]

    @property
    def ready(self) -> tuple[str, ...]:
        """The triggers of which what they show is kept ready."""
        return tuple(sorted(self._ready))

    @property
    def all(self) -> list[RegionDriver]:
        """Of what is on screen, and what is ready."""
        return [driver for one in (*self._shown, *self._ready.values()) for driver in one.drivers]

    def frames_dropped(self) -> int:
        """Frames that triggered items lost since the start."""
        return self._dropped + sum(driver.pool.dropped_frames() for driver in self.all)

    # --- what the drivers tell

    def _events(self, one: Interlude) -> RegionEvents:
        def record(zone: str, play: cues.PlayRecord) -> None:
            self._record(one, zone, play)

        def about_to_show(zone: str, item: Item) -> None:
            self._comes_on(one, zone, item)

        return RegionEvents(record, self._faults.report, self._faults.recover, about_to_show, self._silent(one).changed)

    def _silent(self, one: Interlude) -> RegionEvents:
        """Of what only repeats it on another panel."""

        def changed() -> None:
            one.news.set()
            self._changed()

        return RegionEvents(_nothing, _nothing, _nothing, _nothing, changed)

    def _comes_on(self, one: Interlude, zone: str, item: Item) -> None:
        if not one.has_come:
            one.has_come = True
            before = [driver for held in self._over(one.zone) if held is not one for driver in held.drivers]
            for driver in (*self._below(one), *before):
                driver.send(cues.Covered(one.by))
        self._mark.shown(_mark_of(zone), item)
        self._faults.shown(item)

    def _record(self, one: Interlude, zone: str, play: cues.PlayRecord) -> None:
        region = one.drivers[0].region
        self._plays.record(
            play, playlist_id=region.playlist.id, zone=zone, screen_on=self._placement.was_seen(region, zone),
            clock_synced=self._synced(), trigger={**one.told, "shown_at": timestamp(one.shown_at or play.started.wall)},
        )  # fmt: skip
        if play.result is cues.PlayResult.COMPLETE:
            self._mark.went_well(play.item)


def _mark_of(zone: str) -> str:
    """Under which name the mark has what is on screen over a region."""
    return f"over {zone}"


def _nothing(*_: object) -> None:
    """What only repeats another region tells nothing."""
