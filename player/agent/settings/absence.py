"""Whether the server is away: a fact for the conditions of rules (`core.schedule`), by which its schedules are followed here.

The stage goes over by the fact, and back; it is kept, so that a box that boots without a network goes on by what held before. A
server that refuses this box is there. One of which nothing was heard since the start is as it was before.
"""

from __future__ import annotations

import contextlib
import logging

from player.agent.settings.brief_store import BriefStore
from player.core.contact import Contact, Standing
from player.core.ports.box import Clock
from player.errors import StorageError
from player.runtime.tasks import Latest

log = logging.getLogger(__name__)
FACT = "away"
LOOK_S = 30.0


class Absence:
    """`key` is the server's (`ports.server.Device.key`), away when it has not answered for `after_s` seconds."""

    def __init__(self, brief: BriefStore, contact: Latest[Contact], clock: Clock, key: str, *, after_s: float) -> None:
        self._brief, self._contact, self._clock, self._key, self._after_s = brief, contact, clock, key, after_s
        self._since: float | None = None  # monotonic

    async def run(self) -> None:
        """Keeps the fact true, for ever."""
        while True:
            await self._contact.wait(await self.look())

    async def look(self) -> float:
        """Looks once; the seconds after which it is worth another look, if nothing else is heard."""
        standing, now = self._contact.value.standing, self._clock.monotonic()
        if standing is not Standing.AWAY:
            self._since = None
            if standing is not Standing.UNKNOWN:
                await self._tell(away=False)
            return LOOK_S
        self._since = now if self._since is None else self._since
        left_s = self._since + self._after_s - now
        if left_s > 0:
            return min(left_s, LOOK_S)
        await self._tell(away=True)
        return LOOK_S

    async def _tell(self, *, away: bool) -> None:
        facts = self._brief.current.facts
        if (FACT in facts) is not away or (away and facts[FACT] != self._key):
            others = {name: fact for name, fact in facts.items() if name != FACT}
            with contextlib.suppress(StorageError):  # the next look tries again, and `DiskWatch` tells of it
                await self._brief.change_facts({**others, FACT: self._key} if away else others)
                log.info(
                    "the server is away: its schedules are followed here" if away else "the server is back: its answer holds again"
                )
