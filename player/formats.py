"""Files that this version keeps in another form than the one before: when the old ones may go.

A version that finds a file in an older form turns it into its own beside the old one, so that an update which is taken back loses
nothing. The old one goes when the update is confirmed: the installer has seen this version stay up and said so, or, where nobody
installed it, it ran for seven days, which are counted while it runs: a date that jumps confirms nothing.
"""

from __future__ import annotations

import asyncio
import logging
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from player.core.bundle import is_newer
from player.folders import sync_folder
from player.store import Snapshot

log = logging.getLogger(__name__)
# Below the state folder: what version 0.1.0 kept, and what it has become, as a pattern.
TURNED: Mapping[str, str] = {
    "manifest.json": "programme.json",
    "plays-cursor.json": "servers/*/plays-cursor.json",
    "refused.jsonl": "servers/*/refused.jsonl",
    "commands": "servers/*/commands",
}
ENOUGH_S = 7 * 86400.0
STEP_S = 6 * 3600.0  # how often the time is written down


@dataclass(frozen=True, slots=True)
class Confirmation:
    """`version` has run for `ran_s` seconds; `confirmed`: it stays. `highest`: of those that stayed, "" for none."""

    version: str
    ran_s: float = 0.0
    confirmed: bool = False
    highest: str = ""


class Formats:
    """The older files in the folder `state`, for the running `version`."""

    def __init__(self, state: Path, version: str, turned: Mapping[str, str] = TURNED) -> None:
        self._state, self._version, self._turned = state, version, turned
        self._file = Snapshot(state / "confirmed.json", Confirmation)

    @property
    def confirmed(self) -> bool:
        """Whether this version stays. Reads the disk: the installer may have said so since. Raises StorageError."""
        return self._found().confirmed

    @property
    def highest(self) -> str:
        """The highest version that ever stayed here, "" for none: no older bundle replaces it. Raises StorageError."""
        return self._found().highest

    def _found(self) -> Confirmation:
        found = self._file.read_or(Confirmation(self._version))
        stayed = found.version if found.confirmed else ""
        highest = stayed if is_newer(stayed, found.highest) else found.highest
        same = found.version == self._version
        return replace(found, highest=highest) if same else Confirmation(self._version, highest=highest)

    def confirm(self) -> None:
        """Writes down that this version stays. Raises StorageError."""
        self._keep(replace(self._found(), confirmed=True))

    def ran(self, seconds: float) -> None:
        """Counts time that this version ran; enough of it confirms the version. Raises StorageError."""
        found = self._found()
        ran_s = found.ran_s + seconds
        if not found.confirmed:
            self._keep(replace(found, ran_s=ran_s, confirmed=ran_s >= ENOUGH_S))

    def _keep(self, found: Confirmation) -> None:
        higher = found.confirmed and is_newer(found.version, found.highest)
        self._file.write(replace(found, highest=found.version) if higher else found)

    def tidy(self) -> None:
        """Removes older files whose turned ones are there, once this version is confirmed. Raises StorageError."""
        old = [self._state / name for name, became in self._turned.items() if any(self._state.glob(became))]
        there = [path for path in old if path.exists()]
        if not there or not self.confirmed:
            return
        for path in there:
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink(missing_ok=True)
        sync_folder(self._state)
        log.info("version %s stays: files of the version before are removed (%s)", self._version, ", ".join(p.name for p in there))

    async def run(self) -> None:
        """For ever: counts, and tidies."""
        while True:
            await asyncio.to_thread(self.tidy)
            await asyncio.sleep(STEP_S)
            await asyncio.to_thread(self.ran, STEP_S)
