"""The second way to end a compositor that hangs: the stage has told of it twice, and the same one runs on, so systemd is asked.

The stage ends it by itself, as the same user, within seconds (`compositor/hang`). This is for the day when that does not help. The
right to ask comes from the one polkit rule, and only an agent that systemd started has it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from player.core.hangs import Hangs, InVain
from player.errors import BoxError

log = logging.getLogger(__name__)
LOOK_S = 5.0


class CompositorWatch:
    """`read` answers what the stage has told of hangs, and when the compositor that is up announced itself (None: none is up).

    `restart` has the compositor started again; it raises BoxError.
    """

    def __init__(
        self, read: Callable[[], tuple[Hangs, float | None]], restart: Callable[[], Awaitable[None]], look_s: float = LOOK_S
    ) -> None:
        self._read, self._restart, self._look_s = read, restart, look_s

    async def run(self) -> None:
        """Looks for hangs that were told of, for ever."""
        seen = InVain()
        while True:
            seen = seen.after(*self._read())
            if seen.is_sure:
                seen = InVain()
                log.error("the compositor hangs, and the stage could not end it: the system is asked to start it again")
                try:
                    await self._restart()
                except BoxError as error:
                    log.error("%s", error)
            await asyncio.sleep(self._look_s)
