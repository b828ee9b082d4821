"""A layout that is made ready out of sight, so that all of it comes on screen in one step."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Iterable

from player.core import cues
from player.core.content import Layout
from player.core.ports.screen import Compositor
from player.errors import BoxError
from player.stage.regions.making import Running

log = logging.getLogger(__name__)
SHOWN_LIMIT_S = 1.0


class ComingLayout:
    """`running` are its regions by id, begun under a cover."""

    def __init__(self, layout: Layout, running: dict[str, Running]) -> None:
        self.layout, self.running = layout, running
        self.drivers = sorted((driver for driver, _ in running.values()), key=lambda driver: driver.region.z)
        self._unseen = [driver.visibility for driver in self.drivers if driver.visibility.is_open]
        for visibility in self._unseen:
            visibility.is_open = False

    async def settle(self, limit_s: float) -> None:
        """Waits until each region is ready, or cannot be; no longer than `limit_s`."""
        await _all_set((driver.settled for driver in self.drivers), limit_s)

    @property
    def is_vain(self) -> bool:
        """Whether there is nothing that could be shown of it, now that it is settled."""
        return all(driver.machine.is_empty for driver in self.drivers)

    async def come_on(self, compositor: Compositor, covered: str | None) -> None:
        """Begins to play, and shows all of it in one step; a window that goes away just then costs itself alone."""
        for driver in self.drivers:
            driver.send(cues.Covered(covered) if covered else cues.Uncovered())
        await _all_set((driver.shown for driver in self.drivers if driver.machine.settled), SHOWN_LIMIT_S)
        try:
            await compositor.show_together([window for visibility in self._unseen for window in visibility.handed_over()])
        except BoxError as error:
            log.warning("not all of the layout %s is shown: %s", self.layout.id, error)


async def _all_set(events: Iterable[asyncio.Event], limit_s: float) -> None:
    """Waits for all of them, or until the time is up: what is not ready then comes later, by itself."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(limit_s):
            for event in events:
                await event.wait()


def shape(layout: Layout | None) -> object:
    """What makes a layout another one: its name, and where its regions lie, not what they play."""
    if layout is None:
        return None
    return layout.id, layout.width, layout.height, tuple((one.id, one.rect, one.z, one.output) for one in layout.regions)
