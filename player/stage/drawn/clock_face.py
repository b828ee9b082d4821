"""A clock in its region: drawn again, in a thread, only when what it says has changed, on the boundary of the second.

The clock is asked once a second, so that a box whose time is set while it runs shows the right one within a second.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from player.stage.drawn.bands import Style, draw_clock
from player.stage.wayland.window import SharedPicture, XdgWindow

log = logging.getLogger(__name__)

FORMAT = "%H:%M"


class ClockFace:
    """`now` gives the time in the zone of the clock; `form` is a format of strftime, "%H:%M" where it is empty."""

    def __init__(self, window: XdgWindow, now: Callable[[], datetime], form: str | None, style: Style) -> None:
        self._window, self._now, self._form, self._style = window, now, form or FORMAT, style
        self._loop = asyncio.get_running_loop()
        self._said = ""
        self._timer: asyncio.TimerHandle | None = None
        self._drawing = self._closed = False

    def _words(self) -> str:
        return self._now().strftime(self._form).strip() or self._now().strftime(FORMAT)

    async def load(self) -> None:
        """Draws the time as it is. It is kept right from here on, so that it is right in its first frame on screen."""
        self._said = self._words()
        self._show(await asyncio.to_thread(draw_clock, self._said, self._style))
        self._tick()

    def start(self) -> None:
        """Goes on, with the time as it is."""
        if self._timer is None:
            self._tick()

    def pause(self) -> None:
        """Stands; nothing is drawn."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def resize(self, size: tuple[int, int]) -> None:
        """Its region has another size."""
        self._style, self._said = replace(self._style, size=size), ""
        self._redraw()

    def reread(self) -> None:
        """The zone may have changed."""
        self._redraw()

    def close(self) -> None:
        """Ends it."""
        self.pause()
        self._closed = True

    def _tick(self) -> None:
        if self._closed:
            return
        self._redraw()
        self._timer = self._loop.call_later(1.001 - self._now().microsecond / 1e6, self._tick)

    def _redraw(self) -> None:
        words = self._words()
        if words == self._said or self._drawing or self._closed:
            return
        self._said, self._drawing = words, True
        self._loop.run_in_executor(None, draw_clock, words, self._style).add_done_callback(self._drawn)

    def _drawn(self, done: asyncio.Future[SharedPicture]) -> None:
        self._drawing = False
        error = None if done.cancelled() else done.exception()
        if error is not None:
            log.error("a clock could not be drawn", exc_info=error)
        elif not done.cancelled():
            self._show(done.result())
        self._redraw()

    def _show(self, picture: SharedPicture) -> None:
        if self._closed or (picture.width, picture.height) != self._style.size:
            picture.close()
            return
        self._window.take(picture)
        self._window.show(0, picture.width)
