"""A line of text that runs through its region: another view of one long band at each frame that the compositor asks for.

The band is drawn once, in a thread; moving it draws nothing. Text that changes is taken up without a jump in motion: the band that
follows begins with what is on screen. Time that the compositor skipped is not caught up with: the text stands for that long.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import replace

from player.errors import ContentError
from player.stage.drawing.running import SPEED
from player.stage.drawn.bands import Band, Style, draw_band
from player.stage.wayland.window import XdgWindow

log = logging.getLogger(__name__)

LONGEST_STEP_S = 0.1
_WRAP_MS = 2**32

Drawn = tuple[tuple[str, ...], Band]


class Ticker:
    """`lines` reads what is to run (it blocks, and raises ContentError); `speed` in widths of the region a second."""

    def __init__(self, window: XdgWindow, lines: Callable[[], tuple[str, ...]], style: Style, speed: float | None) -> None:
        self._window, self._read, self._style = window, lines, style
        self._speed = speed or SPEED
        self._loop = asyncio.get_running_loop()
        self._lines: tuple[str, ...] = ()
        self._band: Band | None = None
        self._offset = 0.0
        self._shown_ms: int | None = None
        self._running = self._closed = False
        self._drawing = self._again = False

    async def load(self) -> None:
        """Reads, draws and shows the beginning, standing. Raises ContentError."""
        drawn = await asyncio.to_thread(self._draw, self._style, ())
        self._window.on_frame = self._frame
        if drawn:
            self._take(*drawn, 0.0)

    def start(self) -> None:
        """Lets it run, with what there is to be read now."""
        if not self._running:
            self._running, self._shown_ms = True, None
            self._show()
            self.reread()

    def pause(self) -> None:
        """Holds it; nothing is shown any more."""
        self._running = False

    def resize(self, size: tuple[int, int]) -> None:
        """Its region has another size: it begins again there."""
        self._style, self._lines = replace(self._style, size=size), ()
        self.reread()

    def reread(self) -> None:
        """The text may have changed."""
        if self._drawing or self._in_lead():
            self._again = True
            return
        self._drawing = True
        lines, band = self._lines, self._band
        began = int(self._offset) - band.lead if band and self._running and lines else None
        drawing = self._loop.run_in_executor(None, self._draw, self._style, lines, began)
        drawing.add_done_callback(lambda done: self._drawn(done, began))

    def close(self) -> None:
        """Ends it."""
        self._running, self._closed = False, True

    # --- in a thread

    def _draw(self, style: Style, before: Sequence[str], passed: int | None = None) -> Drawn | None:
        """The band of what is to be read now; None where that is what runs already."""
        lines = self._read()
        if lines == before:
            return None
        return lines, draw_band(lines, style, None if passed is None else (before, passed))

    # --- on the loop

    def _drawn(self, done: asyncio.Future[Drawn | None], began: int | None) -> None:
        self._drawing = False
        error = None if done.cancelled() else done.exception()
        if isinstance(error, ContentError):
            log.warning("%s; the text before stays", error)
        elif error is not None:
            log.error("a ticker could not be drawn", exc_info=error)
        drawn = None if error or done.cancelled() else done.result()
        if drawn:
            self._replace(*drawn, began)
        if self._again and not self._closed and not self._in_lead():
            self._again = False
            self.reread()

    def _replace(self, lines: tuple[str, ...], band: Band, began: int | None) -> None:
        if self._closed or (band.view, band.picture.height) != self._style.size:
            band.picture.close()
            return
        offset = 0.0
        if band.lead and began is not None and self._band:
            passed = self._offset - self._band.lead - began
            offset = passed if passed >= 0 else passed + self._band.period
        log.info("a ticker has new text: %d lines", len(lines))
        self._take(lines, band, offset)

    def _take(self, lines: tuple[str, ...], band: Band, offset: float) -> None:
        self._lines, self._band, self._offset = lines, band, offset
        self._window.take(band.picture)
        if not self._running:
            self._show()

    def _in_lead(self) -> bool:
        """What is on screen is of two texts: a third has to wait."""
        return self._running and bool(self._lines) and self._band is not None and self._offset < self._band.lead

    def _show(self) -> None:
        if self._band is not None:
            self._window.show(self._band.x(self._offset), self._band.view, frames=self._running)

    def _frame(self, milliseconds: int) -> None:
        band = self._band
        if not self._running or band is None:
            return
        passed = 0.0 if self._shown_ms is None else (milliseconds - self._shown_ms) % _WRAP_MS / 1000
        self._shown_ms = milliseconds
        self._offset += self._speed * band.view * min(passed, LONGEST_STEP_S)
        while self._offset >= band.lead + band.period:
            self._offset -= band.period
        self._show()
        if self._again and not self._drawing and not self._in_lead():
            self._again = False
            self.reread()
