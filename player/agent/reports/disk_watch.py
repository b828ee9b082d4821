"""Tells the server when the box's disk takes nothing: what plays goes on, and somebody has to go there (faults S1 to S3)."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

from player.core.disk import DiskState, trouble
from player.runtime.fault_page import FaultPage

LOOK_S = 30.0


class DiskWatch:
    """Looks at the file system of `state`. What media lacks of theirs is said by whoever fetches them."""

    def __init__(self, state: Path, faults: FaultPage, *, look_s: float = LOOK_S) -> None:
        self._state, self._faults, self._look_s = state, faults, look_s

    async def run(self) -> None:
        """Looks, for ever."""
        while True:
            sentence = trouble(await asyncio.to_thread(_state_of, self._state))
            if sentence:
                self._faults.report("", "storage", sentence, count=1)
            else:
                self._faults.clear()
            await asyncio.sleep(self._look_s)


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
