"""Where windows meet the compositor: each surface is made when first needed, found among the compositor's windows, and used again.

A region holds two surfaces of a sort, one on screen and one prepared behind it, and at most a third, that takes the place of what
is not ready; it is made only when neither comes free for a while, and goes afterwards, since the pictures of each are memory. A
surface that failed to let go of its item is thrown away and another is made, as is one whose page was not ready in time; its region
waits, the screen does not.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from player.core.content import Rect
from player.core.kinds import Kind
from player.core.ports.screen import Compositor, CompositorGone, OutputsChanged, Surface, Window, WindowClosed, WindowOpened
from player.errors import BoxError, ContentError
from player.stage.regions.visibility import NO_WINDOW

log = logging.getLogger(__name__)

WINDOW_LIMIT_S, PAGE_WINDOW_LIMIT_S = 8.0, 40.0  # the browser's come late on a slow box, and others play meanwhile
LOOK_S = 0.05
USUAL, PER_SORT = 2, 3
PATIENCE_S = 1.0  # the surface that left the screen is empty well before that


class SurfaceSort(StrEnum):
    """The sorts of surfaces: of libmpv, of the browser, drawn by the stage itself, heard without a picture of its own, and none
    but in name, which keeps the time of what cannot be opened."""

    MPV = "mpv"
    WEB = "web"
    DRAWN = "drawn"
    HEARD = "heard"
    STAND_IN = "stand-in"


class SurfaceMaker(Protocol):
    """Makes surfaces of every sort but stand-ins; `name` is unique on this stage, and one without a size has no window.

    Raises BoxError, ContentError.
    """

    async def __call__(self, sort: SurfaceSort, name: str, size: tuple[int, int]) -> Surface: ...


def loads_at_once(memory: int) -> int:
    """How many items may be loaded at once on a box with `memory` bytes: decoders and pages are at their largest then."""
    return max(1, min(4, memory // (1024**3 + 512 * 1024**2)))


def sort_of(kind: Kind) -> SurfaceSort:
    """Which sort of surface shows this kind."""
    if kind.is_drawn:
        return SurfaceSort.DRAWN
    if kind.is_unseen:
        return SurfaceSort.HEARD
    return SurfaceSort.WEB if kind.is_page else SurfaceSort.MPV


@dataclass(frozen=True, slots=True)
class Placed:
    """A surface and its window."""

    sort: SurfaceSort
    surface: Surface
    window_id: int


class Windows:
    """The compositor's windows as they come and go, told by its events."""

    def __init__(self, compositor: Compositor) -> None:
        self._compositor = compositor
        self._changed = asyncio.Condition()
        self.on_outputs: Callable[[], None] = lambda: None
        self.on_gone: Callable[[], None] = lambda: None

    async def run(self) -> None:
        """Listens until the compositor goes."""
        async for event in self._compositor.events():
            match event:
                case WindowOpened() | WindowClosed():
                    async with self._changed:
                        self._changed.notify_all()
                case OutputsChanged():
                    self.on_outputs()
                case CompositorGone():
                    self.on_gone()
                    return

    async def find(
        self, surface: Surface, worth_waiting: Callable[[], bool] = lambda: True, within_s: float = WINDOW_LIMIT_S
    ) -> Window:
        """The window of `surface`, once it is there. Raises BoxError, at once when waiting is not worth it any more."""
        try:
            async with asyncio.timeout(within_s):
                while (window := await self._window_of(surface)) is None:
                    if not worth_waiting():
                        raise BoxError("compositor", f"no window of {surface} can appear without a panel")
                    await self._any_change()
                return window
        except TimeoutError as error:
            raise BoxError("compositor", f"no window of {surface} appeared within {within_s:.0f} s") from error

    async def _window_of(self, surface: Surface) -> Window | None:
        return next((window for window in await self._compositor.windows() if window.app_id == surface.app_id), None)

    async def _any_change(self) -> None:
        """Of windows; or none for a while, since one may have come between a look and the wait for the next."""
        async with self._changed:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LOOK_S):
                    await self._changed.wait()


class SurfacePool:
    """The surfaces of one region, all in its rectangle."""

    def __init__(
        self,
        region: str,
        make: SurfaceMaker,
        windows: Windows,
        compositor: Compositor,
        prepare_window: Callable[[int], None],
        has_panel: Callable[[], bool],
    ) -> None:
        self._region, self._make, self._windows, self._compositor = region, make, windows, compositor
        self._prepare_window, self._has_panel = prepare_window, has_panel
        self._free: dict[SurfaceSort, list[Placed]] = {sort: [] for sort in SurfaceSort}
        self._made = dict.fromkeys(SurfaceSort, 0)
        self._names = 0
        self._freed = asyncio.Condition()
        self._all: list[Placed] = []
        self.rect = Rect(0, 0, 1, 1)

    async def take(self, kind: Kind, room: str) -> Placed:
        """A surface for an item of this kind and room, in place and invisible; waits for one to come free. Raises BoxError."""
        # A window without a panel draws its first frame late, or never; what has no window needs none.
        sort = sort_of(kind) if self._has_panel() or not self.rect.has_area else SurfaceSort.STAND_IN
        async with self._freed:
            if self._made[sort] == USUAL:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(PATIENCE_S):
                        await self._freed.wait_for(lambda: self._free[sort] or self._made[sort] < USUAL)
            await self._freed.wait_for(lambda: self._free[sort] or self._made[sort] < PER_SORT)
            kept = self._free[sort].pop() if self._free[sort] else None
            if kept is None:
                self._made[sort] += 1
        try:
            return await self._add(sort, room) if kept is None else await self._again(kept, room)
        except BaseException as error:
            await self._forget(sort)
            if isinstance(error, BoxError) and not self._has_panel():  # it went while the window was to be opened
                self._made[SurfaceSort.STAND_IN] += 1
                return self._stand_in()
            raise

    async def _add(self, sort: SurfaceSort, room: str) -> Placed:
        if sort is SurfaceSort.STAND_IN:
            return self._stand_in()
        self._names += 1
        surface = await self._make(sort, f"{self._region}-{self._names}", (self.rect.width, self.rect.height))
        try:
            await surface.open(room)
            return await self._settle(sort, surface)
        except BaseException:
            await surface.close()
            raise

    def _stand_in(self) -> Placed:
        """Without any panel windows cannot be opened: the item's time passes all the same."""
        from player.stage.regions.stand_in import TimedSurface

        placed = Placed(SurfaceSort.STAND_IN, TimedSurface(SurfaceSort.STAND_IN), NO_WINDOW)
        self._all.append(placed)
        return placed

    async def _again(self, placed: Placed, room: str) -> Placed:
        """A surface that was used before: its window may be another one (another room's, or the browser died and came back)."""
        self._all.remove(placed)
        try:
            if await placed.surface.open(room):
                return await self._settle(placed.sort, placed.surface)
        except BaseException:
            await placed.surface.close()
            raise
        self._all.append(placed)
        return placed

    async def _settle(self, sort: SurfaceSort, surface: Surface) -> Placed:
        if not surface.app_id:
            self._all.append(placed := Placed(sort, surface, NO_WINDOW))
            return placed
        within_s = PAGE_WINDOW_LIMIT_S if sort is SurfaceSort.WEB else WINDOW_LIMIT_S
        window = await self._windows.find(surface, self._has_panel, within_s)
        self._prepare_window(window.id)
        await self._compositor.place(window.id, self.rect)
        placed = Placed(sort, surface, window.id)
        self._all.append(placed)
        return placed

    async def give_back(self, placed: Placed, *, late: bool = False) -> None:
        """The surface is hidden: empty it and let others have it; not the window of a page that was too `late` to be shown."""
        if late and placed.sort is SurfaceSort.WEB:
            log.info("region %s: the window of a page that was not ready in time is closed", self._region)
            await self._throw_away(placed)
            return
        try:
            await placed.surface.unload()
        except ContentError as error:
            log.warning("region %s: %s; another surface takes its place", self._region, error)
            await self._throw_away(placed)
            return
        async with self._freed:
            if self._free[placed.sort] and self._made[placed.sort] > USUAL:
                self._made[placed.sort] -= 1
                self._all.remove(placed)
                await placed.surface.close()
                return
            self._free[placed.sort].append(placed)
            self._freed.notify_all()

    async def _throw_away(self, placed: Placed) -> None:
        self._all.remove(placed)
        await self._forget(placed.sort)
        await placed.surface.close()

    async def _forget(self, sort: SurfaceSort) -> None:
        async with self._freed:
            self._made[sort] -= 1
            self._freed.notify_all()

    async def move(self, rect: Rect) -> None:
        """The region lies elsewhere now."""
        if rect == self.rect:
            return
        self.rect = rect
        await self.place_again()

    async def place_again(self) -> None:
        """The panel changed: windows have to be put in their place again."""
        for placed in tuple(self._all):  # others come and go while each is placed
            placed.surface.resize(self.rect.width, self.rect.height)
            await self._place(placed)

    async def _place(self, placed: Placed) -> None:
        """A window that went away meanwhile is no reason to leave the others where they are."""
        if placed.window_id == NO_WINDOW or not self.rect.has_area:
            return
        try:
            await self._compositor.place(placed.window_id, self.rect)
        except BoxError as error:
            log.warning("region %s: %s", self._region, error)

    def reread(self) -> None:
        """Files behind items may have changed."""
        for placed in self._all:
            placed.surface.reread()

    def dropped_frames(self) -> int:
        """Of all surfaces, since they were made."""
        return sum(placed.surface.dropped_frames() for placed in self._all)

    async def close(self) -> None:
        """Ends every surface."""
        for placed in self._all:
            await placed.surface.close()
        self._all.clear()
