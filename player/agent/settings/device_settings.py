"""What the stage is told to be, kept durably: written first, told second (faults.md K8).

The stage reads the snapshot before its first frame, so what is ordered here holds over restarts and while the stage is away.
"""

from __future__ import annotations

import logging
from dataclasses import replace
from pathlib import Path
from typing import Any

from player.core.content import DeviceSettings
from player.core.ports.stage import StagePort
from player.errors import BoxError
from player.store import Snapshot

log = logging.getLogger(__name__)
MODE = 0o640  # the stage's user reads it through the group


class SettingsStore:
    """The one writer of the settings. `first` is what holds where nothing was set yet."""

    def __init__(self, path: Path, stage: StagePort, first: DeviceSettings | None = None) -> None:
        self._file, self._stage = Snapshot(path, DeviceSettings, mode=MODE), stage
        self.current = self._file.read() or first or DeviceSettings()

    async def update(self, **changes: Any) -> DeviceSettings:
        """The settings after `changes` (fields of `DeviceSettings`), durable, and the stage told.

        Raises StorageError; then nothing changed.
        """
        wanted = replace(self.current, **changes)
        if wanted != self.current or not self._file.path.exists():
            self._file.write(wanted)
            self.current = wanted
            await self.tell_stage()
        return self.current

    async def tell_stage(self) -> bool:
        """Has the stage read its settings again; False where it is away, and then it reads them when it starts."""
        try:
            await self._stage.ask("reread")
        except BoxError as error:
            log.debug("the stage reads its settings later: %s", error)
            return False
        return True
