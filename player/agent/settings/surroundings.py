"""What cards say of this box and of where it is: the server's name, the address, the network."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from player.agent.settings.brief_store import BriefStore
from player.core.ports.box import Sensors
from player.core.ports.stage import StageStatus
from player.runtime.tasks import Latest

LOOK_S = 5.0


class Surroundings:
    """`fixed` are the facts that hold as long as this process runs; looked at every few seconds, and at the stage's news."""

    def __init__(self, brief: BriefStore, sensors: Sensors, stage: Latest[StageStatus | None], fixed: Mapping[str, str]) -> None:
        self._brief, self._sensors, self._stage, self._fixed = brief, sensors, stage, fixed

    async def run(self) -> None:
        """Keeps the cards true, for ever."""
        while True:
            changes: dict[str, Any] = {**self._fixed, "address": await asyncio.to_thread(self._sensors.address) or ""}
            if not self._brief.current.cards.paired:
                changes["network"] = await asyncio.to_thread(self._sensors.network)
            await self._brief.change_cards(**changes)
            await self._stage.wait(LOOK_S)
