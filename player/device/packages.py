"""`core.ports.box.Packages`: the Debian packages that the configuration allows (devices.packages), installed by apt as root.

Which are allowed is judged twice: here, so that a refusal names its reason, and by root's helper in its own reading of the
configuration, which this process cannot write.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Collection

from player.device.root import RootSocket
from player.errors import BoxError
from player.runtime.programs import run_program
from player.runtime.systemd import child_environment

log = logging.getLogger(__name__)
NAME = re.compile(r"[a-z0-9][a-z0-9+.-]{1,127}")
WITHIN_S = 10.0


class BoxPackages:
    """The packages of one box; `allowed` by name."""

    def __init__(self, allowed: Collection[str], root: RootSocket) -> None:
        self._allowed, self._root = frozenset(allowed), root

    def __repr__(self) -> str:
        return f"packages: {', '.join(sorted(self._allowed)) or 'none is allowed'}"

    async def install(self, name: str, version: str | None) -> None:
        """Begins it. Raises BoxError."""
        self._check(name)
        await self._root.ask("packages", "package", name, version or "")
        log.info("the package %s is being installed", name)

    async def installed(self, name: str) -> str | None:
        """Its version. Raises BoxError."""
        self._check(name)
        command = ("dpkg-query", "-W", "-f", "${db:Status-Abbrev}${Version}", "--", name)
        asked = await run_program("packages", command, child_environment(None), package="dpkg", within_s=WITHIN_S)
        state, _, version = asked.said.partition(" ")
        return version.strip() or None if state == "ii" else None

    def _check(self, name: str) -> None:
        if name not in self._allowed or not NAME.fullmatch(name):
            raise BoxError("packages", f"{name[:60]} is not among devices.packages of this box's configuration")
