"""`core.ports.box.Updates`: bundles in `update.folder`, judged by `signage-player update` and installed by it as root.

Judged twice: here, so that a refusal names its reason while nothing has begun, and by root's own run of the same command.
"""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Sequence

from player.device.root import RootSocket
from player.errors import BoxError
from player.runtime.programs import run_program
from player.runtime.systemd import child_environment

log = logging.getLogger(__name__)
UPDATE = (sys.executable, "-P", "-m", "player", "update")
CHECKED_WITHIN_S = 60.0
ASKED_WITHIN_S = 10.0
SPEAKER = "signage-player: "


class BundledUpdates:
    """`update` is the command that judges a bundle."""

    def __init__(self, root: RootSocket, update: Sequence[str] = UPDATE) -> None:
        self._root, self._update = root, update

    async def check(self, version: str) -> None:
        """Raises BoxError."""
        command = (*self._update, "--check", "--to", version)
        ran = await run_program("update", command, dict(os.environ), package="python3", within_s=CHECKED_WITHIN_S)
        if ran.code:
            raise BoxError("update", ran.complained.rpartition(SPEAKER)[2] or "the bundles could not be looked at")

    async def install(self, version: str) -> None:
        """Begins it. Raises BoxError."""
        await self.check(version)
        await self._root.ask("update", "update", version)
        log.info("version %s is being installed", version)

    async def has_failed(self, version: str) -> bool:
        """Raises BoxError where systemd does not say."""
        command = ("systemctl", "is-failed", "--quiet", f"signage-update@{version}.service")
        ran = await run_program("update", command, child_environment(None), package="systemd", within_s=ASKED_WITHIN_S)
        return ran.code == 0
