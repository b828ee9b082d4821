"""Tells the server when the box's disk takes nothing, or will soon: what plays goes on, and somebody has to go there (S1 to S3)."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

from player.core.disk import DiskState, damaged, trouble, worn
from player.core.ports.box import Sensors
from player.runtime.fault_page import FaultPage

LOOK_S = 30.0


class DiskWatch:
    """Looks at the file system of `state`, and at what chips and kernel count. What media lacks is said by whoever fetches them."""

    def __init__(self, state: Path, sensors: Sensors, faults: FaultPage, *, look_s: float = LOOK_S) -> None:
        self._state, self._sensors, self._faults, self._look_s = state, sensors, faults, look_s

    async def run(self) -> None:
        """Looks every `look_s` seconds, for ever."""
        while True:
            self._tell("storage", trouble(await asyncio.to_thread(_state_of, self._state)))
            self._tell("disk_worn", worn(await asyncio.to_thread(self._sensors.storage_wear)))
            self._tell("disk_errors", damaged(await asyncio.to_thread(self._sensors.file_system_errors)))
            await asyncio.sleep(self._look_s)

    def _tell(self, code: str, sentence: str) -> None:
        if sentence:
            self._faults.report(code, code, sentence, count=1)
        else:
            self._faults.clear(code)


def _state_of(folder: Path) -> DiskState:
    try:
        found = os.statvfs(folder)
    except OSError as error:
        return DiskState(str(folder), error=error.strerror or str(error))
    writable = not found.f_flag & os.ST_RDONLY and os.access(folder, os.W_OK)
    return DiskState(str(folder), writable=writable, free_bytes=found.f_bavail * found.f_frsize, has_inodes=_has_inodes(found))


def _has_inodes(found: os.statvfs_result) -> bool:
    """Some file systems count none, and have as many as they need."""
    return found.f_files == 0 or found.f_favail > 0
