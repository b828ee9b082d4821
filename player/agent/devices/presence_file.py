"""`core.presence` in a file: written every quarter of an hour while anybody may ask; a power cut costs no more than that."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from pathlib import Path

from player.core.ports.box import Clock
from player.core.presence import Span, begun, lived_on
from player.errors import StorageError
from player.store import Snapshot

log = logging.getLogger(__name__)
EVERY_S = 900.0


class PresenceFile:
    """Its one writer. The player is up from the moment at which this is made. `wanted`: whether anybody may ask for it."""

    def __init__(self, path: Path, clock: Clock, wanted: Callable[[], bool]) -> None:
        self._file, self._clock, self._wanted = Snapshot(path, tuple[Span, ...]), clock, wanted
        self._spans = begun(self._file.read_or(()), self._now())

    def spans(self) -> Sequence[Span]:
        """Up to this moment, oldest first."""
        return lived_on(self._spans, self._now())

    async def run(self) -> None:
        """Writes, for ever."""
        while True:
            if self._wanted():
                self._keep()
            await asyncio.sleep(EVERY_S)

    def _keep(self) -> None:
        try:
            self._file.write(tuple(self.spans()))
        except StorageError as error:
            log.debug("how long the player was up is not kept: %s", error)

    def _now(self) -> float:
        return self._clock.now().timestamp()
