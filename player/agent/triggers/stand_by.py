"""The programme with what stands by for triggers: whatever server it comes from, and where there is none."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Protocol

from player.core.content import Programme, WantedAsset
from player.core.ports.box import Absent, Clock
from player.core.ports.server import ContentSource, LocalFiles
from player.core.standby import with_stand_by
from player.core.triggers import TriggerRule


class NamedFiles(LocalFiles, Protocol):
    """The files of this machine that rules name."""

    def look(self, rules: Sequence[TriggerRule]) -> Mapping[str, WantedAsset]:
        """Those that the rules name and that are there, by the name that they give. Blocks."""


class WithStandBy:
    """Implements `ContentSource`: `source`'s, and what `rules` may show."""

    def __init__(self, source: ContentSource | Absent, rules: Sequence[TriggerRule], files: NamedFiles, clock: Clock) -> None:
        self._source, self._rules, self._files, self._clock = source, rules, files, clock

    async def programme(self) -> Programme:
        """Raises ServerError where the source does."""
        found = Programme(()) if isinstance(self._source, Absent) else await self._source.programme()
        files = await asyncio.to_thread(self._files.look, self._rules)
        return with_stand_by(found, self._rules, files, self._clock.now().timestamp())
