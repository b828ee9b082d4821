"""`core.presence` in a file: written at the start and every quarter of an hour, so that a power cut costs no more than that."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from pathlib import Path

from player.core.ports.box import Clock
from player.core.presence import Span, begun, lived_on
from player.errors import StorageError
from player.store import Snapshot

log = logging.getLogger(__name__)
EVERY_S = 900.0


class PresenceFile:
    """Its one writer. The player is up from the moment at which this is made."""

    def __init__(self, path: Path, clock: Clock) -> None:
        self._file, self._clock = Snapshot(path, tuple[Span, ...]), clock
        self._spans = begun(self._file.read_or(()), self._now())

    def spans(self) -> Sequence[Span]:
        """Up to this moment, oldest first."""
        return lived_on(self._spans, self._now())

    async def run(self) -> None:
        """Writes, for ever."""
        while True:
            try:
                self._file.write(tuple(self.spans()))
            except StorageError as error:
                log.debug("how long the player was up is not kept: %s", error)
            await asyncio.sleep(EVERY_S)

    def _now(self) -> float:
        return self._clock.now().timestamp()
