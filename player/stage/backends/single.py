"""The screen without a compositor (`stage.backend = "single"`): one window of mpv in a desktop session, or mpv on the bare panel.

The last resort for machines on which sway does not run: one full-screen region, cuts only, no pages. One handle of libmpv draws;
every surface stands for an item that it shows, is about to show, or has shown. A second handle without a window looks at each item
while another is on screen, so that what cannot be played never takes anything off it. (mpv could open the next item ahead by
itself, but does so under the options of the one on screen, and those are what keeps a hostile file from reaching out.)

Everything that changes the window is done in one row by `run`. A window that no longer answers ends the stage, as the loss of a
compositor does: whoever supervises it starts it again.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Awaitable, Callable, Collection, Mapping
from datetime import datetime, tzinfo
from pathlib import Path
from typing import TYPE_CHECKING, Any

from player.core.address_policy import Why
from player.core.curtain import Behind
from player.core.egress import WayOut
from player.core.ports.box import Clock
from player.core.ports.screen import Playable, Surface
from player.dirs import Dirs
from player.errors import BoxError, ContentError
from player.stage.applets import AppletBoard
from player.stage.backends.single_window import SingleWindow
from player.stage.regions.surfaces import SurfaceSort
from player.stage.surround import Cards, Surround
from player.stage.video.gate import Gate
from player.stage.video.mpv import MpvSurface, as_opened
from player.stage.video.weight import keep_streams_light

if TYPE_CHECKING:  # loaded when cards are wanted
    from player.stage.backends.single_cards import MpvCards

log = logging.getLogger(__name__)


class SingleSurface(Surface):
    """Implements `core.ports.screen.Surface`: one item, in the window that all share."""

    def __init__(self, screen: SingleScreen, number: int, name: str) -> None:
        self._screen, self.number, self._app_id = screen, number, f"sig-{name}"
        self.region = name.rpartition("-")[0]
        self.playable: Playable | None = None
        self.held = True
        self._length: float | None = None
        self._on_screen = asyncio.Event()
        self._failure: ContentError | None = None

    def __repr__(self) -> str:
        return f"<SingleSurface {self._app_id}: {self.playable.item.name if self.playable else 'empty'}>"

    @property
    def app_id(self) -> str:
        """A name; the window is one for all."""
        return self._app_id

    @property
    def pid(self) -> int:
        """This process: libmpv runs in it."""
        return os.getpid()

    async def load(self, playable: Playable) -> None:
        """Looks whether it can be played; nothing changes on screen. Raises ContentError."""
        self.playable, self.held, self._failure = playable, True, None
        self._on_screen.clear()
        self._length = await self._screen.check(playable)

    def start(self) -> None:
        """Shows it in place of what is there, or lets it go on."""
        self.held = False
        self._screen.show(self)

    def pause(self) -> None:
        """Holds it where it is."""
        self.held = True
        if self._screen.shown is self:
            self._screen.window.pause()

    def came(self, failure: ContentError | None = None) -> None:
        """It is on screen, or could not be brought there."""
        self._failure = failure
        self._on_screen.set()

    async def ended(self) -> None:
        """Returns when its last frame was shown. Raises ContentError."""
        await self._on_screen.wait()
        if self._failure:
            raise self._failure
        await self._screen.window.ended()

    async def unload(self) -> None:
        """Leaves the screen, where nothing has taken its place."""
        self._screen.leave(self)
        self.playable = None

    def resize(self, width: int, height: int) -> None: ...

    def set_volume(self, volume: int, *, muted: bool) -> None:
        """0 to 100, while it is on screen."""
        if self._screen.shown is self:
            self._screen.window.set_volume(volume, muted=muted)

    def duration_s(self) -> float | None:
        """The content's own length in seconds; None for pictures and streams."""
        return self._length

    def dropped_frames(self) -> int:
        """Of the window, counted once."""
        return self._screen.window.dropped_frames() if self._screen.shown is self else 0

    async def close(self) -> None:
        """Lets go of the item; the window stays, since it is the only one."""
        self._screen.leave(self)
        self._screen.forget(self)


class SingleScreen:
    """Implements `screen.Screen`. Make it with `await SingleScreen.open(…)`; `run` has to run."""

    backend = "single"
    wayland_display = ""
    renderer = renderer_why = ""

    def __init__(self, window: SingleWindow, way_out: WayOut, gate: Gate, why: Why) -> None:
        self._way_out, self._gate, self._why = way_out, gate, why
        self.window, self.applets = window, AppletBoard(Path())
        self.shown: SingleSurface | None = None
        self.gone = asyncio.Event()
        self._wanted: SingleSurface | None = None
        self._changed = asyncio.Event()
        self._checker: MpvSurface | None = None
        self._checking = asyncio.Lock()
        self._made = 0
        self.surfaces: list[SingleSurface] = []
        self._cards: asyncio.Queue[MpvCards] = asyncio.Queue()

    @classmethod
    async def open(cls, size: tuple[int, int], way_out: WayOut, gate: Gate, why: Why, options: Mapping[str, Any]) -> SingleScreen:
        """Opens the window; `options` are mpv's: its output, its size; `why`: for what reason an address did not open."""
        window = await SingleWindow.create("signage-player", size, way_out, gate=gate, options=options, sound=as_opened, why=why)
        return cls(window, way_out, gate, why)

    # --- surfaces

    async def make(
        self, sort: SurfaceSort, name: str, size: tuple[int, int], now: Callable[[], datetime] | None = None
    ) -> SingleSurface:
        """A surface for the one region. Raises ContentError for what needs a compositor."""
        del size, now
        if sort is SurfaceSort.WEB:
            raise ContentError("no_browser", name, 'pages need a compositor (this is stage.backend = "single")', transient=False)
        if sort not in (SurfaceSort.MPV, SurfaceSort.HEARD):
            raise ContentError("no_compositor", name, 'it needs a compositor (this is stage.backend = "single")', transient=False)
        self._made += 1
        surface = SingleSurface(self, self._made, name)
        if any(other.region != surface.region for other in self.surfaces):
            words = 'one window shows one region, the first (this is stage.backend = "single")'
            raise ContentError("no_zones", name, words, transient=False)
        self.surfaces.append(surface)
        return surface

    def forget(self, surface: SingleSurface) -> None:
        """The surface is of no more use."""
        self.surfaces = [other for other in self.surfaces if other is not surface]

    async def check(self, playable: Playable) -> float | None:
        """Plays its first frame where nobody sees it; returns its length in seconds, if it has one. Raises ContentError."""
        async with self._checking:
            if self._checker is None:
                self._checker = await MpvSurface.create(
                    "sig-check", (64, 64), self._way_out, gate=self._gate, options={"vo": "null", "ao": "null", "hwdec": "no"},
                    sound=as_opened, why=self._why,
                )  # fmt: skip
            checker = self._checker
            try:
                await checker.load(playable)
                return checker.duration_s()
            finally:
                try:
                    await checker.unload()
                except ContentError as error:
                    log.warning("%s; another one checks what follows", error)
                    self._checker = None

    # --- the window

    def show(self, surface: SingleSurface) -> None:
        """`surface` is to be seen, running."""
        self._wanted = surface
        if self.shown is surface:
            self.window.start()
        else:
            self._changed.set()

    def leave(self, surface: SingleSurface) -> None:
        """`surface` is not to be seen any more."""
        if self._wanted is surface:
            self._wanted = None
            self._changed.set()

    async def run(self) -> None:
        """Brings on screen what is wanted, in one row, until cancelled."""
        while True:
            await self._changed.wait()
            self._changed.clear()
            wanted, self.shown = self._wanted, None
            try:
                await (self._bring(wanted) if wanted and wanted.playable else self.window.unload())
            except ContentError as error:
                if wanted:
                    wanted.came(error)
                await self._look_whether_it_lives()

    async def _bring(self, surface: SingleSurface) -> None:
        if surface.playable is None:
            return
        await self.window.load(surface.playable)
        self.shown = surface
        if not surface.held:
            self.window.start()
        surface.came()

    async def _look_whether_it_lives(self) -> None:
        try:
            await self.window.ask(lambda handle: handle.idle_active)
        except BoxError as error:
            log.error("%s; the stage restarts", error)
            self.gone.set()

    # --- screen.Screen

    async def open_cards(self, clock: Clock, zone: Callable[[], tzinfo | None], dirs: Dirs, surround: Surround) -> Cards | None:
        """Cards are drawn over the picture by mpv itself. There is no input: the screen cannot be unlocked at the screen."""
        del surround
        from player.stage.backends.single_cards import MpvCards
        from player.stage.cards.panel_cards import Presenters

        cards = MpvCards(self.window)
        self._cards.put_nowait(cards)
        return Presenters(lambda _: cards, clock, zone, dirs.cache)

    curtains = 0

    async def draw_brand(self, size: tuple[int, int]) -> None: ...

    def stand_behind(self, behind: Behind) -> None: ...

    def keep_rooms(self, rooms: Collection[str]) -> None: ...

    def expect_pages(self, needed: Callable[[], bool]) -> None: ...

    def background(self) -> dict[str, Callable[[], Awaitable[None]]]:
        """What brings items on screen, and looks at what streams take."""
        return {"window": self.run, "tickers": self.run_cards, "streams": lambda: keep_streams_light(self._players)}

    def _players(self) -> list[MpvSurface]:
        return [player for player in (self.window, self._checker) if player is not None]

    async def run_cards(self) -> None:
        """Moves what moves on cards, once there are any."""
        await (await self._cards.get()).run()

    def pids(self) -> dict[str, int]:
        """The processes that draw, by their names."""
        return {"stage": os.getpid()}

    async def close(self) -> None:
        """Ends both handles."""
        for handle in (self.window, self._checker):
            if handle is not None:
                await handle.close()
