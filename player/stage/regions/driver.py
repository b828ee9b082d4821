"""Drives the regions: events from surfaces go in, effects come out and are carried out. Decisions are `core.playback`'s alone.

One `RegionDriver` a region. Its loop waits, handles and carries out, with no `await` between the last two; what takes time runs in
tasks of its own: loading concurrently, everything that changes the screen in one row.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, assert_never

from player.core import cues, playback, turns
from player.core.brief import DeviceSettings
from player.core.content import Item, Region, TransitionKind
from player.core.kinds import Kind
from player.core.ports.box import Clock
from player.core.ports.screen import Playable
from player.core.ports.stage import NowPlaying
from player.errors import BoxError, ContentError
from player.stage.regions.clip_lengths import Lengths
from player.stage.regions.loudness import Loudness
from player.stage.regions.soundfade import crossfade
from player.stage.regions.surfaces import Placed, SurfacePool, SurfaceSort
from player.stage.regions.targets import cover_of, target_of
from player.stage.regions.transitions import Change, change
from player.stage.regions.visibility import Visibility

log = logging.getLogger(__name__)

LOAD_SLACK_S, BROWSER_SLACK_S = 2.0, 90.0  # a slow box's browser starts in that, which is no page's time
SEAM_S = 0.3  # after a seam the incoming item has the machine to itself: nothing is loaded while its first frames are due
PARKED_AT = 4096  # pixels left of every panel


@dataclass(frozen=True, slots=True)
class RegionEvents:
    """What a region driver tells: every call returns at once."""

    record: Callable[[str, cues.PlayRecord], None]
    report: Callable[[cues.Report], None]
    recover: Callable[[Item], None]
    about_to_show: Callable[[str, Item], None]
    changed: Callable[[], None]


@dataclass(frozen=True, slots=True)
class OpenedItem:
    """A surface, and what it was told to open."""

    placed: Placed
    playable: Playable


class RegionDriver:
    """One region on the stage. `resolve(item)` tells what mpv opens for a stream; `turns` is how many load at once."""

    def __init__(
        self,
        region: Region,
        *,
        pool: SurfacePool,
        visibility: Visibility,
        cache: Path,
        clock: Clock,
        region_events: RegionEvents,
        settings: Callable[[], DeviceSettings],
        resolve: Callable[[Item], Awaitable[str]],
        turns: asyncio.Semaphore,
        seed: int,
    ) -> None:
        self.region, self.pool, self.visibility = region, pool, visibility
        self._cache, self._clock, self._region_events = cache, clock, region_events
        self._resolve, self._turns = resolve, turns
        self._loudness = Loudness(lambda: self.region, lambda: settings().muted)
        self.machine = playback.RegionMachine(region.id, seed)
        self._events: asyncio.Queue[cues.Event] = asyncio.Queue()
        self._rows: asyncio.Queue[Callable[[], Awaitable[None]]] = asyncio.Queue()
        self._opened: dict[int, OpenedItem] = {}  # by token, until its surface is given back
        self._tasks: dict[int, asyncio.Task[None]] = {}
        self._group: asyncio.TaskGroup | None = None
        self.settled, self.shown = asyncio.Event(), asyncio.Event()  # the first item is ready, or cannot be; it is on screen
        self._seam_over = 0.0
        self._lengths = Lengths()
        self.steady = True  # no transition is under way
        self.alone = True  # nothing else lies beside this region on its panel

    def __repr__(self) -> str:
        return repr(self.machine)

    def send(self, event: cues.Event) -> None:
        """Tells it what happened; events are handled in the order in which they came."""
        self._events.put_nowait(event)

    async def run(self) -> None:
        """Plays until cancelled."""
        async with asyncio.TaskGroup() as self._group:
            self._group.create_task(self._carry_out_in_row(), name=f"{self.region.id}: screen")
            while True:
                event = await self._next_event()
                for effect in self.machine.handle(event, self._now()):
                    self._carry_out(effect)
                if self.machine.settled:
                    self.settled.set()

    def stop(self, event: cues.Stopped) -> None:
        """The region ends: whatever is on screen is recorded, at once."""
        for effect in self.machine.handle(event, self._now()):
            self._carry_out(effect)

    async def at_rest(self, within_s: float) -> None:
        """After `stop`: waits until nothing is loaded, nor changes on screen, so that no surface is in the midst of a call."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(within_s):
                await self._rows.join()
                if self._tasks:
                    await asyncio.wait(self._tasks.values())

    def now_playing(self) -> NowPlaying | None:
        """What is on screen here."""
        showing = self.machine.on_screen
        if showing is None:
            return None
        item = showing.item
        position = round(showing.seen_s(self._clock.monotonic()), 1)
        return NowPlaying(self.region.id, item.id, item.content_id, item.name, item.kind.value, position, showing.planned_s or None)

    def is_heard(self, token: int, item: Item) -> bool:
        """Whether a sound device may be open for it."""
        playable = self.opened(token)
        return item.kind.is_heard and not self._loudness.muted and not (playable and playable.silent)

    def opened(self, token: int) -> Playable | None:
        """What a surface was told to open for it."""
        opened = self._opened.get(token)
        return opened.playable if opened else None

    def give_up_stand_ins(self) -> None:
        """There is a panel again: what only kept time in an item's place is shown for real, from its beginning."""
        showing = self.machine.on_screen
        if showing and any(opened.placed.sort is SurfaceSort.STAND_IN for opened in self._opened.values()):
            self.send(cues.PlayAsked(showing.item, 0.0))

    def set_volume(self) -> None:
        """The settings or the region changed: what is on screen follows."""
        showing = self.machine.on_screen
        if showing and (opened := self._opened.get(showing.token)):
            self._loudness.give(showing.item, opened.placed)

    # --- in

    def _now(self) -> cues.Moment:
        return cues.Moment(self._clock.monotonic(), self._clock.now().timestamp())

    async def _next_event(self) -> cues.Event:
        now = self._clock.monotonic()
        wake = self.machine.wake_at(now)
        try:
            async with asyncio.timeout(None if wake is None else max(0.0, wake - now)):
                return await self._events.get()
        except TimeoutError:
            return cues.Ticked()

    # --- out

    def _carry_out(self, effect: cues.Effect) -> None:
        match effect:
            case cues.PrepareItem(token, item):
                self._spawn(token, self._prepare(effect), f"prepare {item}")
            case cues.ShowItem(_, item, replaces, _):
                self._seam_over, self.steady = self._clock.monotonic() + SEAM_S, False
                self._region_events.about_to_show(self.region.id, item)
                log.debug("%s: %s", self.region.id, item)
                self._rows.put_nowait(lambda: self._show(effect))
                if replaces is not None:
                    self._cancel(replaces)
            case cues.Release(token, late):
                self._cancel(token)
                self._rows.put_nowait(lambda: self._release(token, late=late))
            case cues.Hold(token, held):
                self._rows.put_nowait(lambda: self._hold(token, held=held))
            case cues.PlayRecord():
                self._region_events.record(self.region.id, effect)
            case cues.Report():
                self._region_events.report(effect)
            case cues.Recover(item):
                self._region_events.recover(item)
            case _:
                assert_never(effect)
        self._region_events.changed()

    def _spawn(self, token: int, work: Coroutine[Any, Any, None], name: str) -> None:
        if self._group is None:
            raise RuntimeError("a region plays only while it runs")
        self._tasks[token] = self._group.create_task(work, name=f"{self.region.id}: {name}")

    def _cancel(self, token: int) -> None:
        task = self._tasks.pop(token, None)
        if task is not None:
            task.cancel()

    async def _carry_out_in_row(self) -> None:
        while True:
            work = await self._rows.get()
            try:
                await work()
            except (BoxError, ContentError) as error:
                log.warning("region %s: %s", self.region.id, error)
            self._rows.task_done()

    # --- loading

    async def _prepare(self, effect: cues.PrepareItem) -> None:
        token, item = effect.token, effect.item
        try:
            async with asyncio.timeout(turns.limit_s(item) + (BROWSER_SLACK_S if item.kind.is_page else LOAD_SLACK_S)):
                await asyncio.sleep(max(0.0, self._seam_over - self._clock.monotonic()))
                target = await target_of(item, self._cache, self._resolve)
                placed = await self.pool.take(item.kind, item.room)
                wanted = item if placed.sort is not SurfaceSort.STAND_IN else self._lengths.given(item)
                playable = self._playable(wanted, target, effect)
                self._opened[token] = OpenedItem(placed, playable)
                await self._park(placed)
                await placed.surface.fetch(playable)
                turn = self._turns if item.kind.has_file else contextlib.nullcontext()  # a slow network holds up itself alone
                async with turn:
                    # A window that gets no frames would not draw its first one.
                    await self.visibility.move({placed.window_id: self.pool.rect})
                    await placed.surface.load(playable)
                if not playable.begin_s:  # what goes on after a restart does not wait to be shown
                    await self._park(placed)
        except ContentError as error:
            self.send(cues.PrepareFailed(token, error.code, error.reason))
        except BoxError as error:
            self.send(cues.PrepareFailed(token, "no_surface", str(error)))
        except TimeoutError:
            self.send(cues.PrepareFailed(token, "timeout", "could not be made ready in time"))
        else:
            natural_s = placed.surface.duration_s() if item.kind.ends_by_itself else None
            if placed.sort is not SurfaceSort.STAND_IN:
                self._lengths.remember(item, natural_s, self.machine.playlist.items)
            self.send(cues.ItemPrepared(token, natural_s, stand_in=placed.surface.notice is not None))

    async def _park(self, placed: Placed) -> None:
        """Beyond every panel a window is asked for no frames and blended into none: what waits takes nothing from what is seen."""
        with contextlib.suppress(BoxError):  # a window that went away is in nobody's way
            await self.visibility.move({placed.window_id: replace(self.pool.rect, x=-PARKED_AT - self.pool.rect.width)})

    def _playable(self, item: Item, target: str, effect: cues.PrepareItem) -> Playable:
        rect = self.pool.rect
        return Playable(
            item, target, (rect.width, rect.height), fit=(item.fit or self.region.fit).value, background=self.region.background,
            volume=self._loudness.volume(item), muted=self._loudness.muted, begin_s=effect.begin_s, silent=effect.silent,
            cover=cover_of(item, self._cache),
        )  # fmt: skip

    # --- showing

    async def _show(self, effect: cues.ShowItem) -> None:
        opened, before = self._opened[effect.token], self._opened.get(effect.replaces or 0)
        placed = opened.placed
        sound = self._fade_sound(effect, placed, before)
        what = self._change(effect, placed, before)
        moves = opened.playable.begin_s > 0 if before is None else what.transition.kind is not TransitionKind.CUT
        if moves:  # what goes on after a restart has stood long enough
            placed.surface.start()
        try:
            await change(self.visibility, what)
            self._tell_notice(effect.item, placed)  # before it is watched: what broke it by then is told after, and stands
        finally:
            if not moves:  # only now: frames that passed before the window was seen would be lost
                placed.surface.start()
            if sound is not None:
                sound.cancel()
                self._loudness.give(effect.item, placed)
            showing = self.machine.on_screen
            if effect.item.kind.is_watched and showing and showing.token == effect.token:
                self._spawn(effect.token, self._watch(effect.token, placed), f"watch {effect.item}")
            if effect.replaces is not None:
                await self._give_back(effect.replaces, late=False)
            self.steady = self._rows.empty()
        self.shown.set()
        if self.visibility.is_open:
            self.give_up_stand_ins()
        self._region_events.changed()

    def _tell_notice(self, item: Item, placed: Placed) -> None:
        """What is shown in a page's place is a fault, which ends when the page itself is shown."""
        notice = placed.surface.notice
        if notice is not None:
            self._region_events.report(cues.Report(item, notice.code, notice.reason))
        elif item.kind is Kind.WEB:
            self._region_events.recover(item)

    def _change(self, effect: cues.ShowItem, placed: Placed, before: OpenedItem | None) -> Change:
        return Change(
            placed.window_id, before.placed.window_id if before else None, effect.transition, self.pool.rect,
            alone=self.alone, clipped=placed.sort is SurfaceSort.MPV,
        )  # fmt: skip

    def _fade_sound(self, effect: cues.ShowItem, placed: Placed, before: OpenedItem | None) -> asyncio.Task[None] | None:
        """Sound changes over while the picture does. None where there is nothing to fade: a cut, or silence."""
        cut = effect.transition.kind is TransitionKind.CUT or effect.transition.duration_s <= 0
        if cut or before is None or self._loudness.muted or self._group is None:
            return None
        if not (before.playable.item.kind.is_heard or effect.item.kind.is_heard):
            return None
        outgoing = partial(self._loudness.give, before.playable.item, before.placed)
        incoming = partial(self._loudness.give, effect.item, placed)
        incoming(0.0)
        return self._group.create_task(crossfade(effect.transition, outgoing, incoming), name=f"{self.region.id}: sound")

    async def _watch(self, token: int, placed: Placed) -> None:
        try:
            await placed.surface.ended()
        except ContentError as error:
            self.send(cues.Broke(token, error.code, error.reason))
        else:
            self.send(cues.Ended(token))

    async def _release(self, token: int, *, late: bool) -> None:
        if opened := self._opened.get(token):
            await self.visibility.opacity(opened.placed.window_id, 0.0)
        await self._give_back(token, late=late)

    async def _give_back(self, token: int, *, late: bool) -> None:
        if opened := self._opened.pop(token, None):
            await self._park(opened.placed)
            await self.pool.give_back(opened.placed, late=late)

    async def _hold(self, token: int, *, held: bool) -> None:
        if opened := self._opened.get(token):
            (opened.placed.surface.pause if held else opened.placed.surface.start)()
