"""Tells the stage how it stands with where content comes from, so that a screen with nothing to show says why."""

from __future__ import annotations

import logging
from collections.abc import Callable

from player.agent.settings.brief_store import BriefStore
from player.core.contact import Contact
from player.core.ports.box import Clock
from player.core.ports.stage import StagePort, TellOutlook
from player.core.problem import ContentStanding, Outlook, outlook
from player.errors import BoxError
from player.runtime.tasks import Latest

log = logging.getLogger(__name__)

LOOK_S = 1.0
REPEAT_S = 10.0  # well below the silence after which the stage takes the agent for gone


class OutlookTeller:
    """`content` answers how it stands with the programme. What was told is told again every `REPEAT_S`, and to each new stage."""

    def __init__(
        self, stage: StagePort, contact: Latest[Contact], brief: BriefStore, content: Callable[[], ContentStanding], clock: Clock
    ) -> None:
        self._stage, self._contact, self._brief, self._content, self._clock = stage, contact, brief, content, clock
        self._told: tuple[Outlook, float] | None = None
        self._told_at = 0.0

    def __repr__(self) -> str:
        return f"<OutlookTeller: told {self._told[0] if self._told else 'nothing'}>"

    async def run(self) -> None:
        """Tells it, for ever."""
        while True:
            await self._tell()
            await self._contact.wait(LOOK_S)

    async def _tell(self) -> None:
        status, cards = self._stage.status, self._brief.current.cards
        if status is None:
            return
        found = outlook(self._contact.value, self._content(), has_address=bool(cards.address), paired=cards.paired)
        now, wanted = self._clock.monotonic(), (found, status.started_at)
        if wanted == self._told and now - self._told_at < REPEAT_S:
            return
        try:
            await self._stage.ask(TellOutlook(found))
        except BoxError as error:
            log.debug("the stage is told later how it stands: %s", error)
            return
        self._told, self._told_at = wanted, now
