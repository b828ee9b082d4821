"""What the stage is told of the clock: whether it was found right since this boot, and how late it must be at the least.

A box without a battery begins in the past. Until its clock is right, dates are judged by the floor: when the player was built, the
last time that a synchronized clock showed here, and the server's own time where it came over TLS. A server's word alone is taken
back: by what it says later, and by the system, once that has synchronized the clock.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from player.agent.settings.brief_store import BriefStore
from player.core.allowance import Allowance
from player.core.clock_floor import clock_facts
from player.core.ports.box import Clock, Host
from player.errors import BoxError

LOOK_S = 5.0
CHANGES, CHANGE_EVERY_S = 6, 600.0  # each is a write to flash, and a server can say something else each time


class ClockFloor:
    """`trusted` says whether the clock is right, `synced` whether the system has seen to that; `offset_s` is a proven clock's lead
    over ours, None where there is none.

    `built_at`: when the player was built, seconds since the epoch.
    """

    def __init__(
        self,
        brief: BriefStore,
        host: Host,
        clock: Clock,
        *,
        trusted: Callable[[], Awaitable[bool]],
        synced: Callable[[], Awaitable[bool]],
        offset_s: Callable[[], float | None],
        built_at: float,
    ) -> None:
        self._brief, self._host, self._clock = brief, host, clock
        self._trusted, self._synced, self._offset_s, self._built_at = trusted, synced, offset_s, built_at
        self._changes = Allowance(CHANGES, CHANGE_EVERY_S)

    async def run(self) -> None:
        """Keeps it true, for ever."""
        while True:
            await self.look()
            await asyncio.sleep(LOOK_S)

    async def look(self) -> None:
        """Looks once. Raises StorageError."""
        before, now, lead_s = self._brief.current.clock, self._clock.now().timestamp(), self._offset_s()
        found = clock_facts(
            before,
            trusted_boot=self._boot() if await self._trusted() else "",
            now=now,
            synced=await self._synced(),
            server_says=None if lead_s is None else now + lead_s,
            built_at=self._built_at,
        )
        if found != before and not self._changes.spare(self._clock.monotonic()):
            found = before
        await self._brief.change_clock(found)

    def _boot(self) -> str:
        try:
            return self._host.boot_id()
        except BoxError:
            return ""
