"""A built-in panel's backlight, /sys/class/backlight: written directly where the user may, else by logind.

0 to 100 is mapped to 1 to the driver's maximum: on many panels the driver's 0 is darkness, and a screen is never blanked by a
brightness.
"""

from __future__ import annotations

import errno
from pathlib import Path

from player.core.ports.box import Told
from player.device.dbus import Service, SystemBus
from player.errors import BoxError

_SESSION = Service("org.freedesktop.login1", "/org/freedesktop/login1/session/auto", "org.freedesktop.login1.Session")
_PREFERRED = ("firmware", "platform", "raw")  # the kernel's own advice for a panel with several


def find_backlight(sys: Path, bus: SystemBus) -> Backlight | None:
    """The backlight that best knows the panel; None where there is none."""
    found = [Backlight(folder, bus) for folder in sorted((sys / "class/backlight").glob("*"))]
    return min(found, key=lambda light: light.rank, default=None)


class Backlight:
    """One folder below /sys/class/backlight."""

    def __init__(self, folder: Path, bus: SystemBus) -> None:
        self._folder, self._bus = folder, bus

    def __repr__(self) -> str:
        return f"the backlight {self._folder.name}"

    @property
    def rank(self) -> int:
        """How well it knows the panel: of several the lowest is taken."""
        try:
            kind = (self._folder / "type").read_text(encoding="ascii").strip()
        except OSError:
            return len(_PREFERRED)
        return _PREFERRED.index(kind) if kind in _PREFERRED else len(_PREFERRED)

    async def set_brightness(self, brightness: int) -> Told:
        """0 to 100. Raises BoxError."""
        level, maximum = self._level(brightness)
        try:
            (self._folder / "brightness").write_text(f"{level}\n", encoding="ascii")
        except OSError as error:
            if error.errno not in (errno.EACCES, errno.EPERM, errno.EROFS):
                raise BoxError("panel brightness", f"{self} refused the level {level}: {error.strerror}") from error
            await self._bus.call("panel brightness", _SESSION, "SetBrightness", "ssu", ["backlight", self._folder.name, level])
        return Told(f"{self}: brightness {level} of {maximum}", confirmed=True)

    def brightness(self) -> int:
        """As the panel has it now, 0 to 100. Raises BoxError."""
        return unscale(self._number("brightness"), self._number("max_brightness"))

    def _level(self, brightness: int) -> tuple[int, int]:
        maximum = self._number("max_brightness")
        return scale(brightness, maximum), maximum

    def _number(self, name: str) -> int:
        try:
            return int((self._folder / name).read_text(encoding="ascii"))
        except (OSError, ValueError) as error:
            raise BoxError("panel brightness", f"{self} does not say its {name} ({error})") from error


def scale(brightness: int, maximum: int) -> int:
    """0 to 100 as a level from 1 to `maximum`."""
    return 1 + round((maximum - 1) * brightness / 100)


def unscale(level: int, maximum: int) -> int:
    """A level from 1 to `maximum` as 0 to 100; a panel with one level alone is as bright as it gets."""
    return max(0, round((level - 1) * 100 / (maximum - 1))) if maximum > 1 else 100
