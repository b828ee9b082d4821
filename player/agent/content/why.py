"""Gathers what `core.why` judges by: the programme, what was published of it, its faults, the triggers' rules, the stage's word.

Ten thousand items take their time: one question after another, beside the loop.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from player.agent.content.sync import Sync
from player.core.applets import AppletPlan
from player.core.content import Programme
from player.core.faults import Fault
from player.core.plaintext import without_logins
from player.core.ports.box import Clock
from player.core.ports.stage import StagePort
from player.core.triggers import RuleStanding
from player.core.why import Evidence, Reason, explain


class WhyReader:
    """`faults` are all, `triggers`: how it stands with their rules, by name; `applets`: what the stage is told of them."""

    def __init__(
        self,
        sync: Sync,
        stage: StagePort,
        clock: Clock,
        faults: Callable[[], Sequence[Fault]],
        *,
        triggers: Callable[[], Mapping[str, RuleStanding]],
        applets: Callable[[], AppletPlan],
    ) -> None:
        self._sync, self._stage, self._clock, self._faults = sync, stage, clock, faults
        self._triggers, self._applets = triggers, applets
        self._turn = asyncio.Lock()

    async def read(self, asked: str | None) -> Sequence[Reason]:
        """Why each item of the programme is on air or not; or those of that id, content id or name."""
        wanted = self._sync.wanted
        plan = self._applets()
        if wanted is None:
            if not plan.runs:
                return ()
            wanted = Programme(())
        listings, facts = self._sync.listings(wanted), self._sync.facts
        at, faults, status = self._clock.now(), self._faults(), self._stage.status
        known = Evidence(wanted, self._sync.manifest, listings, at, facts, faults, status, self._triggers(), plan)
        async with self._turn:
            return await asyncio.to_thread(_explained, known, asked)


def _explained(known: Evidence, asked: str | None) -> Sequence[Reason]:
    """A page's name or id may be its address, and that may hold a login or a signature."""
    found = explain(known, asked)
    return [
        replace(one, name=without_logins(one.name), content_id=without_logins(one.content_id), item_id=without_logins(one.item_id))
        if "://" in one.name + one.content_id + one.item_id else one
        for one in found
    ]  # fmt: skip
