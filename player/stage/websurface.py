"""A web page as `core.ports.Surface`: its own window of the browser, opened at the first page and used again for the next ones."""

from __future__ import annotations

import asyncio

from player.core.ports import Playable
from player.errors import BoxError, ContentError
from player.stage.browser import BrowserProcess
from player.stage.chromium import app_id
from player.stage.webpage import WebPage


class WebSurface:
    """`name` is unique in the browser and sets the window's app_id."""

    def __init__(self, browser: BrowserProcess, name: str) -> None:
        self._browser, self._name = browser, name
        self._page: WebPage | None = None
        self._playable: Playable | None = None

    def __repr__(self) -> str:
        return f"web surface {self._name}"

    @property
    def app_id(self) -> str:
        """What the compositor calls the window, the same as long as this surface lives."""
        return app_id(self._name)

    @property
    def pid(self) -> int:
        """The browser's process, shared by all web surfaces; 0 while it does not run."""
        return self._browser.pid

    async def open(self) -> None:
        """Opens the window, blank, so that it can be placed before its first page. Raises BoxError."""
        if self._page is not None and self._page.broken:
            await self.close()
        if self._page is None:
            self._page = await self._browser.open(self._name)

    async def load(self, playable: Playable) -> None:
        """Opens `playable.target` and returns when it is drawn. Raises ContentError."""
        item = playable.item
        try:
            await self.open()
        except BoxError as error:
            raise ContentError("browser_gone", item.name, error.reason) from error
        assert self._page is not None  # noqa: S101 - open() made it
        self._playable = playable
        await self._page.open(playable.target, item.name, item.web, playable.size, playable.background)
        self._page.sound(playable.volume, muted=playable.muted)

    def start(self) -> None:
        """Lets the page run."""
        if self._page is not None:
            self._page.freeze(False)

    def pause(self) -> None:
        """Stops the page where it is."""
        if self._page is not None:
            self._page.freeze(True)

    async def ended(self) -> None:
        """Never returns; loads the page again every `reload_s`. Raises ContentError when it breaks."""
        page, playable = self._page, self._playable
        if page is None or playable is None:
            raise BoxError("browser", f"{self} shows nothing; load an item first")
        while True:
            try:
                async with asyncio.timeout(playable.item.web.reload_s or None):
                    raise await page.failed()
            except TimeoutError:
                page.reload()

    async def unload(self) -> None:
        """Leaves the page; the window stays for the next one."""
        self._playable = None
        if self._page is not None:
            await self._page.blank()

    def resize(self, width: int, height: int) -> None:
        """The window's size is the compositor's; only a zoomed page has to be told."""
        if self._page is not None and self._playable is not None and self._playable.item.web.zoom != 1.0:
            self._page.zoom(self._playable.item.web.zoom, (width, height))

    def set_volume(self, volume: int, *, muted: bool) -> None:
        """Of the page's audio and video elements."""
        if self._page is not None:
            self._page.sound(volume, muted=muted)

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
