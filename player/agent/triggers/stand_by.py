"""The programme with what stands by for triggers: whatever server it comes from, and where there is none."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Protocol

from player.core.content import Programme, WantedAsset
from player.core.ports.box import Absent, Clock
from player.core.ports.server import ContentSource, LocalFiles
from player.core.standby import with_stand_by
from player.core.triggers import Broadcast, TriggerRule, in_order, likeliest_first
from player.errors import ServerError
from player.runtime.tasks import jittered

log = logging.getLogger(__name__)
DAY_S, AGAIN_S = 86_400.0, 3600.0


class NamedFiles(LocalFiles, Protocol):
    """The files of this machine that rules name."""

    def look(self, rules: Sequence[TriggerRule]) -> Mapping[str, WantedAsset]:
        """Those that the rules name and that are there, by the name that they give. Blocks."""


class LikelyRules:
    """The rules, the likeliest first, as far as `lately` told what was on within a day."""

    def __init__(self, rules: Sequence[TriggerRule], lately: Callable[[], Awaitable[Sequence[Broadcast]]]) -> None:
        self._lately = lately
        self.rules = in_order(rules)

    async def run(self) -> None:
        """Asks once a day, for ever; what is likely is kept ready from the next round of content on."""
        while True:
            try:
                self.rules = await asyncio.to_thread(likeliest_first, self.rules, await self._lately())
                pause_s = DAY_S
            except ServerError as error:
                log.debug("which triggers are likely is not known: %s", error)
                pause_s = AGAIN_S
            await asyncio.sleep(jittered(pause_s))


class WithStandBy:
    """Implements `ContentSource`: `source`'s, and what the rules may show."""

    def __init__(self, source: ContentSource | Absent, likely: LikelyRules, files: NamedFiles, clock: Clock) -> None:
        self._source, self._likely, self._files, self._clock = source, likely, files, clock

    async def programme(self) -> Programme:
        """Raises ServerError where the source does."""
        found = Programme(()) if isinstance(self._source, Absent) else await self._source.programme()
        rules = self._likely.rules
        files = await asyncio.to_thread(self._files.look, rules)
        return with_stand_by(found, rules, files, self._clock.now().timestamp())
