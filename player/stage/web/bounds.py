"""What pages may take of the box, looked at while the browser runs: disk, memory, and time without an answer.

A look costs some milliseconds where the browser lives. Who takes too much is failed, with the fault's code, and costs nobody else
anything. Where nobody looks after the browser any more it is about to end, and the next look finds another.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import logging
import time
from collections import deque
from collections.abc import Callable, Collection, Mapping

from player.core.allowance import Allowance
from player.core.page_memory import PageMemory, too_large
from player.errors import BoxError
from player.stage.web.page import WebPage
from player.stage.web.process import end
from player.stage.web.quarters import Quarters, Tenant
from player.stage.web.rooms import Rooms

log = logging.getLogger(__name__)
ROOMS_LOOK_S, MEMORY_LOOK_S, PULSE_S, CLOSE_S = 5.0, 0.1, 10.0, 1.0
LOOKS_AT_THE_SAME = 10  # until they are sought anew, which takes some milliseconds
LEAST_FREE = 16 * 1024 * 1024  # with less a page is not opened
LOOKS_UNTIL_SHOWN = 20  # for which a page has been on screen beside the others
SILENT_S = 30.0  # of which a good page on a busy box may take some
ENDS_WITHIN_S = 10.0  # from the end of a process until the browser has told of it, on a busy box
_MIB = 1024 * 1024


async def keep_rooms_small(
    rooms: Rooms, quarters: Quarters, pages: Callable[[], Collection[WebPage]], alone: Tenant | None, least: int = LEAST_FREE
) -> None:
    """What a page keeps is bounded by the browser; where that does not hold, and for what it does not count, by us.

    `alone`: the browser, where its disk is its own and goes with it: it ends when less than `least` bytes of it are free.
    """
    while True:
        with contextlib.suppress(BoxError):
            if alone is not None and await quarters.free() < least:
                for page in pages():
                    page.fail("page_storage", "the browser's disk is full; it starts again with an empty one")
                await end(alone)
                return
        await asyncio.sleep(ROOMS_LOOK_S)
        with contextlib.suppress(BoxError):
            sizes = await quarters.measure()
            judged = rooms.judge(sizes, {page.profile for page in pages()})
            for page in [page for page in pages() if page.profile in judged.close]:
                page.fail("page_storage", "the page keeps more than it may; what it kept is thrown away")
            await quarters.remove(judged.remove)


async def hear_pages(pages: Callable[[], Collection[WebPage]]) -> None:
    """A page that stands still on screen is not always meant to: each is asked for an answer."""
    while True:
        await asyncio.sleep(PULSE_S)
        await asyncio.gather(*(page.pulse(SILENT_S) for page in pages()))


async def close_given_up(pages: Callable[[], Collection[WebPage]], close: Callable[[str], None]) -> None:
    """Asks for the end of windows that hang, by their targets, until they are gone: one that is being left when asked stays."""
    while True:
        await asyncio.sleep(CLOSE_S)
        for page in [page for page in pages() if page.given_up]:
            close(page.target)


class PageWeights:
    """Ends the process of a page that holds more than `memory` allows; `lines`: what may be written of it."""

    def __init__(self, memory: PageMemory, lines: Allowance) -> None:
        self._memory, self._lines = memory, lines
        # When, which, and why: the browser tells of a page later, and not of which process.
        self._ended: list[tuple[float, int, str]] = []

    async def watch(self, quarters: Quarters, browser: int, pages: Callable[[], Collection[WebPage]]) -> None:
        """Those of the browser with that process id, until cancelled. Where a page follows another both are on screen for a moment,
        which makes no more room.
        """
        renderers: list[int] = []
        shown: deque[int] = deque(maxlen=LOOKS_UNTIL_SHOWN)
        for look in itertools.count():
            await asyncio.sleep(MEMORY_LOOK_S)
            shown.append(sum(page.is_shown for page in pages()))
            held: dict[int, int] = {}
            with contextlib.suppress(BoxError):
                if look % LOOKS_AT_THE_SAME == 0:
                    renderers = await quarters.renderers(browser)
                held = await quarters.held(renderers)
                renderers = [*held]
            for pid in too_large(held, self._memory, min(shown)):
                quarters.post("end_renderer", pid=pid)
                if pid not in [one for _, one, _ in self._ended]:
                    self._note(pid, held, min(shown))

    def why_it_ended(self) -> tuple[str, str]:
        """Why the process of a page that has just ended did: code and reason of its fault."""
        self._ended = [one for one in self._ended if time.monotonic() - one[0] < ENDS_WITHIN_S]
        return ("page_memory", self._ended[-1][-1]) if self._ended else ("page_crashed", "the page crashed")

    def _note(self, pid: int, held: Mapping[int, int], shown: int) -> None:
        mine, all_of_them = held[pid] // _MIB, sum(held.values()) // _MIB
        why = f"the page takes {mine} MB of memory, where {self._memory.held // _MIB} are allowed"
        if held[pid] <= self._memory.held:
            together = self._memory.together(shown) // _MIB
            why = f"the page takes {mine} MB of memory, and with it all take {all_of_them}, where {together} are allowed"
        self._ended.append((time.monotonic(), pid, f"{why} (stage.page_memory)"))
        if self._lines.spare(time.monotonic()):
            log.warning("browser: process %d was ended: %s", pid, why)
