"""`core.ports.box.Vpn`: a unit of the system's that the configuration names (devices.vpn): WireGuard's, OpenVPN's, or any other.

How the tunnel is set up is the business of whoever set it up; here it is only switched on and off, by root's helper.
"""

from __future__ import annotations

import logging

from player.device.root import RootSocket
from player.errors import BoxError
from player.runtime.programs import run_program
from player.runtime.systemd import child_environment

log = logging.getLogger(__name__)
WITHIN_S = 10.0
NOT_NAMED = "this box's configuration names no unit that brings one up (devices.vpn)"


class UnitVpn:
    """`unit` brings it up while it is active; "": there is none."""

    def __init__(self, unit: str, root: RootSocket) -> None:
        self._unit, self._root = unit, root

    async def set(self, on: bool) -> None:
        """Now, and over restarts. Raises BoxError."""
        if not self._unit:
            raise BoxError("VPN", NOT_NAMED)
        await self._root.ask("VPN", "vpn", "on" if on else "off")
        log.info("the VPN (%s) is switched %s", self._unit, "on" if on else "off")

    async def is_on(self) -> bool:
        """Raises BoxError where systemd does not say."""
        if not self._unit:
            return False
        command = ("systemctl", "is-active", "--quiet", "--", self._unit)
        return (await run_program("VPN", command, child_environment(None), package="systemd", within_s=WITHIN_S)).code == 0
