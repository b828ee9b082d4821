"""A web page as `Surface`: its own window of the browser, opened at the first page and used again for the next ones.

A page is photographed a moment after it came on screen; where it cannot be loaded later, its last picture stands in for it (design
law 1). Drawings (SVG) are shown here too, as pictures.
"""

from __future__ import annotations

import asyncio
import logging
import time
from pathlib import Path

from player.core.content import Item
from player.core.kinds import Kind
from player.core.ports.applets import AppletStand
from player.core.ports.screen import Playable, Surface
from player.errors import BoxError, ContentError
from player.stage.web.applet_page import AppletPage
from player.stage.web.browser import BrowserProcess
from player.stage.web.chromium import app_id
from player.stage.web.page import WebPage
from player.stage.web.page_snapshots import PageSnapshot, PageSnapshots
from player.stage.web.picture_page import PagePicture

log = logging.getLogger(__name__)
AWAY = frozenset({"page_unreachable", "page_error"})
PICTURE_AFTER_S = 2.0
# A page that has a picture gets less time than others: there must be enough left to show the picture.
LOAD_S_WITH_PICTURE = 6.0


class WebSurface(Surface):
    """`name` is unique in the browser and sets the window's app_id; without `page_snapshots` pages have no pictures, and without
    `applets` there is nobody behind an applet."""

    def __init__(
        self, browser: BrowserProcess, name: str, page_snapshots: PageSnapshots | None, applets: AppletStand | None
    ) -> None:
        self._browser, self._name, self._page_snapshots, self._applets = browser, name, page_snapshots, applets
        self._page: WebPage | None = None
        self._room = ""
        self._playable: Playable | None = None
        self._shown = False
        self.notice: ContentError | None = None

    def __repr__(self) -> str:
        return f"web surface {self._name}"

    @property
    def app_id(self) -> str:
        """What the compositor calls the window, another one in each."""
        return self._page.app_id if self._page else app_id(self._name)

    @property
    def pid(self) -> int:
        """The browser's process, shared by all web surfaces; 0 while it does not run."""
        return self._browser.pid

    async def open(self, room: str) -> bool:
        """Opens the window, blank, so that it can be placed before its page: another one where the room is, or the browser died."""
        if self._page is not None and (self._page.broken or room != self._room):
            await self.close()
        if self._page is None:
            self._room = room
            self._page = await self._browser.open(self._name, room)
        return True

    async def fetch(self, playable: Playable) -> None:
        """Opens `playable.target`, or its last picture where it is away, which `notice` says then."""
        item = playable.item
        try:
            await self.open(self._room)
        except BoxError as error:
            raise ContentError("browser_gone", item.name, error.reason) from error
        assert self._page is not None  # noqa: S101 - open() made it
        self._playable, self._shown, self.notice = playable, False, None
        target = playable.target
        shown = PagePicture(Path(target), playable.fit, playable.background) if item.kind is Kind.SVG else target
        try:
            await self._open(self._page, playable, shown, LOAD_S_WITH_PICTURE if self._kept(item) else None)
        except ContentError as error:
            await self._stand_in(self._page, playable, error)

    async def load(self, playable: Playable) -> None:
        """Draws what `fetch` opened, or opens it first. Raises ContentError."""
        if self._playable is not playable:
            await self.fetch(playable)
        assert self._page is not None  # noqa: S101 - fetch() made it
        try:
            await self._page.draw()
        except ContentError as error:
            await self._stand_in(self._page, playable, error)
            await self._page.draw()

    def _kept(self, item: Item) -> PageSnapshot | None:
        return self._page_snapshots.find(item) if self._page_snapshots and _is_photographed(item) else None

    async def _open(self, page: WebPage, playable: Playable, target: str | PagePicture, limit_s: float | None = None) -> None:
        item = playable.item
        hosted = item.applet is not None and not isinstance(target, PagePicture)
        host = AppletPage(item, self._applets, time.monotonic) if hosted and self._applets is not None else None
        await page.open(target, item.name, item.web, playable.size, playable.background, limit_s, host)

    async def _stand_in(self, page: WebPage, playable: Playable, why: ContentError) -> None:
        """Opens the picture instead of the page. Raises `why` where there is none, or where it cannot be shown either."""
        kept = self._kept(playable.item)
        if kept is None or why.code not in AWAY or self.notice is not None:
            raise why
        try:
            await self._open(page, playable, PagePicture(kept.path, background=playable.background))
        except ContentError as error:
            log.warning("%s: %s cannot be shown: %s", playable.item, kept, error.reason)
            if error.code == "damaged" and self._page_snapshots:
                self._page_snapshots.drop(playable.item)
            raise why from error
        reason = f"{why.reason}; it shows {kept}, and tries the page again at its next turn"
        self.notice = ContentError("page_offline", playable.item.name, reason)

    def start(self) -> None:
        """Gives the page its sound, and tells it that it is seen; it runs since it was loaded."""
        if self._page is not None and self._playable is not None:
            self._shown = True
            self._page.tell(self._playable.volume, muted=self._playable.muted, shown=True)

    def pause(self) -> None:
        """Takes its sound away. A page that Chromium froze never draws again, so it runs on unseen."""
        if self._page is not None:
            self._page.tell(0, muted=True, shown=self._shown)

    async def ended(self) -> None:
        """Never returns; loads the page again every `reload_s`. Raises ContentError when it breaks."""
        page, playable = self._page, self._playable
        if page is None or playable is None:
            raise BoxError("browser", f"{self} shows nothing; load an item first")
        while True:
            await self._keep_picture(page, playable)
            await _unbroken(page, (playable.item.web.reload_s if self.notice is None else 0) or None)
            page.reload()

    async def _keep_picture(self, page: WebPage, playable: Playable) -> None:
        """Photographs the page where that is due, a moment after it came on screen: most pages fetch what they show."""
        page_snapshots, item = self._page_snapshots, playable.item
        if page_snapshots is None or not _is_photographed(item) or self.notice is not None or not page_snapshots.wanted(item):
            return
        await _unbroken(page, PICTURE_AFTER_S)
        try:
            picture = await page.picture()
        except BoxError as error:
            log.debug("no picture of %s: %s", item, error)
            return
        await asyncio.to_thread(page_snapshots.keep, item, picture)

    async def unload(self) -> None:
        """Leaves the page; the window stays for the next one."""
        self._playable, self._shown = None, False
        if self._page is not None:
            await self._page.blank()

    def resize(self, width: int, height: int) -> None:
        """The window's size is the compositor's; only a zoomed page has to be told."""
        if self._page is not None and self._playable is not None and self._playable.item.web.zoom != 1.0:
            self._page.zoom(self._playable.item.web.zoom, (width, height))

    def set_volume(self, volume: int, *, muted: bool) -> None:
        """Of the page's audio and video elements."""
        if self._page is not None:
            self._page.tell(volume, muted=muted or not self._shown, shown=self._shown)

    def position_s(self) -> float | None:
        """A page has no position."""
        return None

    def duration_s(self) -> float | None:
        """A page has no end."""
        return None

    def dropped_frames(self) -> int:
        """Not known of pages."""
        return 0

    async def close(self) -> None:
        """Closes the window."""
        if self._page is not None:
            page, self._page = self._page, None
            page.leave()
            await self._browser.close(page)


def _is_photographed(item: Item) -> bool:
    """Whether a picture of it may stand in for it later: of a page that is fetched anew each time, and no applet."""
    return item.kind is Kind.WEB and item.applet is None


async def _unbroken(page: WebPage, seconds: float | None) -> None:
    """Returns after `seconds` (None: never). Raises ContentError when the page breaks before."""
    try:
        async with asyncio.timeout(seconds):
            raise await page.failed()
    except TimeoutError:
        return
