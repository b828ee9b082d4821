"""`core.ports.box.Switches`: Wi-Fi and Bluetooth by the kernel's rfkill, sticks and disks on USB by a rule of udev.

How they are is read here; root's helper turns them. The radio over which this box is reached is not switched off: nobody could
switch it on again.
"""

from __future__ import annotations

import logging
from pathlib import Path

from player.core.ports.box import Ability, Switch
from player.device.network import Network
from player.device.root import NOT_THERE, RootSocket
from player.device.root_verbs import storage_rule
from player.errors import BoxError

log = logging.getLogger(__name__)
_RADIOS = {Switch.WIFI: "wlan", Switch.BLUETOOTH: "bluetooth"}
_NAMES = {Switch.WIFI: "Wi-Fi", Switch.BLUETOOTH: "Bluetooth", Switch.USB_STORAGE: "USB storage"}


class BoxSwitches:
    """The switches of one box. `network` says over what it is reached; the folders are those of their names."""

    def __init__(self, root: RootSocket, network: Network, *, sys: Path = Path("/sys"), etc: Path = Path("/etc")) -> None:
        self._root, self._network, self._sys = root, network, sys
        self._rule = storage_rule(etc)

    def abilities(self) -> tuple[Ability, ...]:
        """Each switch, and by what it is turned."""
        return tuple(self._ability(switch) for switch in Switch)

    def _ability(self, switch: Switch) -> Ability:
        name, ways = f"{_NAMES[switch].removesuffix(' storage')} switch", self._ways(switch)
        if ways and not self._root.is_there:
            return Ability(name, (), NOT_THERE)
        return Ability(name, ways, _absent(switch))

    def _ways(self, switch: Switch) -> tuple[str, ...]:
        if switch is Switch.USB_STORAGE:
            return ("a rule of udev",) if (self._sys / "bus/usb/devices").is_dir() else ()
        return tuple(f"rfkill {folder.name.removeprefix('rfkill')}" for folder in self._radios(switch))

    async def set(self, switch: Switch, on: bool) -> None:
        """Opens it, or closes it, also over restarts. Raises BoxError."""
        self._check(switch)
        if switch is Switch.WIFI and not on and self._network.is_reached_by_wifi():
            raise BoxError(
                switch, "this box is reached over it, and could not be told to switch it on again; connect a cable first"
            )
        await self._root.ask(switch, "switch", switch, "on" if on else "off")
        log.info("%s is %s", _NAMES[switch], "on" if on else "off")

    async def is_on(self, switch: Switch) -> bool:
        """How it is now. Raises BoxError where the box has no such thing."""
        self._check(switch)
        if switch is Switch.USB_STORAGE:
            return not self._rule.exists()
        return all(_text(radio / name) == "0" for radio in self._radios(switch) for name in ("soft", "hard"))

    def _check(self, switch: Switch) -> None:
        if not self._ways(switch):
            raise BoxError(switch, _absent(switch))

    def _radios(self, switch: Switch) -> list[Path]:
        folders = sorted((self._sys / "class/rfkill").glob("rfkill*"))
        return [folder for folder in folders if _text(folder / "type") == _RADIOS[switch]]


def _absent(switch: Switch) -> str:
    return f"this box has no {_NAMES[switch]}"


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):
        return ""
