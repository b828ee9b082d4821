"""A real screen: libmpv windows, browser windows and cards under sway, made as they are needed."""

from __future__ import annotations

import asyncio
import logging
import os
import time
import weakref
from collections.abc import Awaitable, Callable, Collection, Mapping
from datetime import datetime, tzinfo
from pathlib import Path
from typing import TYPE_CHECKING, Any

from player.compositor.hang import read_hangs
from player.compositor.session import SessionInfo
from player.config import StageConfig
from player.core.curtain import IDLE_DRAWN, Behind
from player.core.egress import WayOut
from player.core.ports.box import Clock
from player.core.ports.screen import Surface
from player.core.resume import HeadStart
from player.dirs import Dirs
from player.errors import SignageError
from player.runtime.fault_page import FaultPage
from player.runtime.tasks import Latest
from player.stage.applets import AppletBoard
from player.stage.backends.ahead import Ahead
from player.stage.backends.curtain_line import CurtainLine
from player.stage.regions.surfaces import SurfaceSort
from player.stage.surround import Cards, Surround, idle_background
from player.stage.video.gate import Gate
from player.stage.video.mpv import MpvSurface
from player.stage.video.sound import Sound
from player.stage.video.weight import keep_streams_light
from player.stage.wall import Wall
from player.store import write_atomically

if TYPE_CHECKING:  # loaded when the first item wants them: the first frame does not wait for a browser
    from player.stage.wayland.window import WindowClient
    from player.stage.web.browser import BrowserProcess
    from player.stage.web.page_snapshots import PageSnapshots

log = logging.getLogger(__name__)
LISTEN_S = 2.0
HANGS_S = 60.0
NO_PICTURE = (16, 16)  # the size of what libmpv shows to nobody


class SwayScreen:
    """Implements `screen.Screen` with sway: windows of libmpv, of the browser, and of the stage's own.

    `way_out`: the browser's, through the `wall`, as streams go.
    """

    def __init__(
        self, session: SessionInfo, config: StageConfig, dirs: Dirs, way_out: Latest[WayOut], wall: Wall,
        page: Callable[[str], FaultPage],
    ) -> None:  # fmt: skip
        self._way_out, self._wall = way_out, wall
        self._config, self._dirs, self._page = config, dirs, page
        self.backend = {"drm": "sway", "wayland": "sway", "x11": "sway"}.get(session.backend, session.backend)
        self.wayland_display = session.wayland_display
        self.renderer, self.renderer_why = session.renderer, session.why
        self.applets = AppletBoard(dirs.cache)
        self._browser: BrowserProcess | None = None
        self._browser_is_made = asyncio.Event()
        self._needs_pages: Callable[[], bool] = lambda: True
        self._drawn_windows: WindowClient | None = None
        self._page_snapshots: PageSnapshots | None = None
        self._curtain = CurtainLine(dirs.curtain_socket)
        self._sound = Sound(config.audio_device, config.levelling, faults=page("sound"))
        self._gate = Gate(wall.admits, page("gate"))
        self._ahead = Ahead(self._film)
        self._players: weakref.WeakSet[MpvSurface] = weakref.WeakSet()
        os.environ["WAYLAND_DISPLAY"] = self.wayland_display
        os.environ.setdefault("XDG_RUNTIME_DIR", str(dirs.stage_runtime))

    async def begin(self, head_start: HeadStart | None) -> None:
        """Opens what is to be opened before anything else; the first surface of that size that is made is this one."""
        if head_start is not None:
            await self._ahead.begin(head_start)

    async def make(self, sort: SurfaceSort, name: str, size: tuple[int, int], now: Callable[[], datetime]) -> Surface:
        """A surface of libmpv, of the browser (which is started by the first), drawn here, or only heard; `now` is for clocks."""
        if sort is SurfaceSort.DRAWN:
            return await self._draw(name, size, now)
        if sort is SurfaceSort.HEARD:
            return await self._hear(name, size)
        if sort is SurfaceSort.WEB:
            from player.stage.web.surface import WebSurface

            return WebSurface(self._the_browser(), name, self._the_snapshots(), self.applets)
        return self._ahead.taken(size) or await self._film(name, size)

    async def _film(self, name: str, size: tuple[int, int]) -> MpvSurface:
        options: dict[str, Any] = (
            {"vo": "wlshm", "hwdec": "no"}
            if self.renderer == "pixman"
            else {"vo": "gpu", "gpu_context": "wayland", "hwdec": self._config.hwdec}
        )
        options |= {"hidpi_window_scale": False}  # the compositor's pixels are ours, whatever the scale
        return await self._play(name, size, options)

    async def _play(self, name: str, size: tuple[int, int], options: Mapping[str, Any]) -> MpvSurface:
        """One of libmpv's, whose sound goes where all sound goes."""
        player = await MpvSurface.create(
            f"sig-{name}", size, self._wall.for_streams, gate=self._gate, options={**options, **self._sound.always()},
            sound=self._sound.options, why=self._wall.why,
        )  # fmt: skip
        self._players.add(player)
        return player

    async def _hear(self, name: str, size: tuple[int, int]) -> Surface:
        from player.stage.heard.surface import VOICE, HeardSurface

        voice = await self._play(name, NO_PICTURE, VOICE)
        try:
            window = await self._windows().open(f"sig-{name}", size) if all(size) else None
        except SignageError:
            await voice.close()
            raise
        return HeardSurface(voice, window)

    async def _draw(self, name: str, size: tuple[int, int], now: Callable[[], datetime]) -> Surface:
        from player.stage.drawn.surface import DrawnSurface

        return await DrawnSurface.create(self._windows(), f"sig-{name}", size, now)

    def _windows(self) -> WindowClient:
        """The connection of the windows that are drawn here."""
        from player.stage.wayland.window import WindowClient

        if self._drawn_windows is None:
            self._drawn_windows = WindowClient(self.wayland_display)
        return self._drawn_windows

    def _the_snapshots(self) -> PageSnapshots:
        if self._page_snapshots is None:
            from player.stage.web.page_snapshots import PageSnapshots

            self._page_snapshots = PageSnapshots(self._dirs.page_snapshots, time.time)
        return self._page_snapshots

    def _the_browser(self) -> BrowserProcess:
        if self._browser is None:
            from player.core.page_memory import page_memory
            from player.sizes import parse_size
            from player.stage.web.browser import BrowserProcess

            installed = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
            self._browser = BrowserProcess(
                self._dirs.stage_runtime,
                self.wayland_display,
                self._way_out,
                faults=self._page("browser"),
                door=Path(door) if (door := os.environ.get("SIGNAGE_BROWSER")) else None,
                program=self._config.browser,
                gpu=self.renderer != "pixman",
                why=self._wall.why,
                admit=self._wall.also_at,
                sandbox=self._config.browser_sandbox,
                memory=page_memory(parse_size(self._config.page_memory), installed),
                needed=self._needs_pages,
            )
            self._browser_is_made.set()
        return self._browser

    async def open_cards(self, clock: Clock, zone: Callable[[], tzinfo | None], dirs: Dirs, surround: Surround) -> Cards | None:
        """Connects what draws cards and takes input. None, said once, where the compositor has no layer surfaces."""
        from player.stage.cards.panel_cards import Presenters
        from player.stage.wayland.overlay import Overlay

        overlay = await Overlay.connect(self.wayland_display, surround.pressed_key, surround.touched)
        overlay.on_gone = surround.cards_lost
        overlay.on_lost = surround.changed
        return Presenters(overlay.on_panel, clock, zone, dirs.cache)

    async def draw_brand(self, size: tuple[int, int]) -> None:
        """Where the curtain finds it: what is seen when no picture of content may be, and never a flat colour."""
        path = idle_background(self._dirs.stage_runtime)
        try:
            await asyncio.to_thread(_draw_brand, path, size)
        except SignageError as error:
            log.warning("the brand's picture cannot be drawn: %s", error)
        else:
            self._curtain.tell(IDLE_DRAWN)

    def stand_behind(self, behind: Behind) -> None:
        self._curtain.tell(behind)

    @property
    def curtains(self) -> int:
        return self._curtain.times_opened

    def keep_rooms(self, rooms: Collection[str]) -> None:
        """What pages of others kept is thrown away."""
        if self._browser is not None:
            self._browser.keep_rooms(rooms)

    def expect_pages(self, needed: Callable[[], bool]) -> None:
        self._needs_pages = needed

    def background(self) -> dict[str, Callable[[], Awaitable[None]]]:
        """The browser, from when it is wanted, the looks at where sound goes and what streams take, what is told of hangs, and the
        line to the curtain."""
        return {
            "browser": self._browse, "sound": self._listen, "hangs": self._tell_hangs, "curtain": self._curtain.run,
            "ahead": self._ahead.run, "streams": lambda: keep_streams_light(lambda: list(self._players)),
        }  # fmt: skip

    async def _browse(self) -> None:
        """Where no page is on air nothing of it is loaded."""
        await self._browser_is_made.wait()
        await self._the_browser().run()

    async def _tell_hangs(self) -> None:
        """A hang ends the stage with the compositor, so it is the next one that tells of it."""
        page = self._page("compositor")
        while True:
            hangs = read_hangs(self._dirs.sway_socket)
            if hangs.is_told(time.time()):
                words = "the compositor did not answer and was ended; it came back by itself"
                page.report("", "compositor_hung", words, count=hangs.count, since=hangs.last_at)
            else:
                page.clear()
            await asyncio.sleep(HANGS_S)

    async def _listen(self) -> None:
        while True:
            self._sound.look(list(self._players))
            await asyncio.sleep(LISTEN_S)

    def pids(self) -> dict[str, int]:
        """The processes that draw, by their names."""
        found = {"stage": os.getpid()}
        if self._browser is not None and self._browser.pid:
            found["browser"] = self._browser.pid
        return found


def _draw_brand(path: Path, size: tuple[int, int]) -> None:
    import io

    from player.stage.cards.catalogue import background_card

    out = io.BytesIO()
    background_card(size).save(out, "PNG", compress_level=1)
    write_atomically(path, out.getvalue())
