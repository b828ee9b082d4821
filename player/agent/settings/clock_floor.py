"""What the stage is told of the clock: whether it was found right since this boot, and how late it must be at the least.

A box without a battery begins in the past. Until its clock is right, the stage judges dates by the floor: when the player was
built, the last time that was seen here with a clock to be trusted, and the server's own time where it came over TLS.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from player.agent.settings.brief_store import BriefStore
from player.core.brief import ClockFacts
from player.core.ports.box import Clock, Host
from player.errors import BoxError

LOOK_S = 5.0
STEP_S = 3600.0  # a floor that is higher by less is not worth a write to flash


class ClockFloor:
    """`trusted` says whether the clock is right; `offset_s` a proven clock's lead over ours, None where there is none.

    `built_at`: when the player was built, seconds since the epoch.
    """

    def __init__(
        self,
        brief: BriefStore,
        host: Host,
        clock: Clock,
        *,
        trusted: Callable[[], Awaitable[bool]],
        offset_s: Callable[[], float | None],
        built_at: float,
    ) -> None:
        self._brief, self._host, self._clock = brief, host, clock
        self._trusted, self._offset_s, self._built_at = trusted, offset_s, built_at

    async def run(self) -> None:
        """Keeps it true, for ever."""
        while True:
            await self.look()
            await asyncio.sleep(LOOK_S)

    async def look(self) -> None:
        """Looks once. Raises StorageError."""
        now, before = self._clock.now().timestamp(), self._brief.current.clock
        trusted, offset = await self._trusted(), self._offset_s()
        seen = [self._built_at, *([now] if trusted else []), *([now + offset] if offset is not None else [])]
        floor = max(seen) if max(seen) >= before.floor + STEP_S else before.floor
        await self._brief.change_clock(ClockFacts(self._boot() if trusted else "", floor))

    def _boot(self) -> str:
        try:
            return self._host.boot_id()
        except BoxError:
            return ""
