"""The film that has a head start (`core.resume`): it is opened while the compositor is asked and the rest of the stage comes.

The region that goes on with it takes the surface as if it had made it, and waits for what is left of the loading. Whatever fails
here is left to that region, which opens a surface of its own.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from player.core.content import Item
from player.core.kinds import Kind
from player.core.ports.screen import Playable
from player.core.resume import HeadStart
from player.errors import SignageError
from player.stage.video.mpv import MpvSurface

log = logging.getLogger(__name__)
NAME = "ahead"
LIMIT_S = 3.0  # the whole stage waits for this
KEPT_S = 30.0


class Ahead:
    """At most one surface, made by `film`, which is told its name and its size in pixels; it waits `kept_s` for who takes it."""

    def __init__(self, film: Callable[[str, tuple[int, int]], Awaitable[MpvSurface]], kept_s: float = KEPT_S) -> None:
        self._film, self._kept_s = film, kept_s
        self._surface: MpvSurface | None = None
        self._size = (0, 0)

    async def begin(self, head_start: HeadStart) -> None:
        """Returns when the film is being loaded, or could not be; one that hangs is left to the end of the process."""
        film = head_start.film
        playable = Playable(Item(NAME, NAME, NAME, Kind.VIDEO, 0.0), film.target, film.size, begin_s=head_start.begin_s)
        try:
            async with asyncio.timeout(LIMIT_S):
                surface = await self._film(NAME, film.size)
                await surface.begin(playable)
        except (SignageError, TimeoutError) as error:
            log.warning("the film that was on screen has no head start: %s", error or "it does not open in time")
        else:
            self._surface, self._size = surface, film.size

    def taken(self, size: tuple[int, int]) -> MpvSurface | None:
        """The surface, once, for who wants one of its size."""
        if self._surface is None or size != self._size:
            return None
        surface, self._surface = self._surface, None
        return surface

    async def run(self) -> None:
        """Lets go of what nobody took: the programme may be another one."""
        while True:
            await asyncio.sleep(self._kept_s)
            surface, self._surface = self._surface, None
            if surface is not None:
                await surface.close()
