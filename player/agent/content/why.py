"""Gathers what `core.why` judges by: the programme, what was published of it, its faults, and what the stage says."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from player.agent.content.sync import Sync
from player.core.faults import Fault
from player.core.ports.box import Clock
from player.core.ports.stage import StagePort
from player.core.why import Evidence, Reason, explain


class WhyReader:
    """`faults` are all that there are."""

    def __init__(self, sync: Sync, stage: StagePort, clock: Clock, faults: Callable[[], Sequence[Fault]]) -> None:
        self._sync, self._stage, self._clock, self._faults = sync, stage, clock, faults

    async def read(self, asked: str | None) -> Sequence[Reason]:
        """Why each item of the programme is on air or not; or those of that id, content id or name."""
        wanted = self._sync.wanted
        if wanted is None:
            return ()
        listings, facts = self._sync.listings(wanted), self._sync.facts
        known = Evidence(wanted, self._sync.manifest, listings, self._clock.now(), facts, self._faults(), self._stage.status)
        return explain(known, asked)
