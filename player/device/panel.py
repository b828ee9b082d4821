"""`core.ports.box.Panel`: power and brightness of the panel itself, by whatever way this box has (house rule 5).

Power: CEC to every panel that has it, else DDC/CI. Brightness: the built-in backlight, else DDC/CI. What is plugged in is looked
up at each call, since a panel may come later than the player. The compositor's own switching off of an output is not done here.
"""

from __future__ import annotations

import asyncio
import fcntl
import logging
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from player.core.ports.box import Absent
from player.device.backlight import find_backlight
from player.device.cec import CecAdapter
from player.device.dbus import SystemBus
from player.device.ddc import DdcDisplay, display_buses
from player.errors import BoxError

log = logging.getLogger(__name__)
_NO_BRIGHTNESS = "this panel has neither a backlight of the box nor DDC/CI"
DEADLINE_S = 15.0  # a CEC line that is busy is tried again by the kernel for several seconds


def find_panel(dev: Path = Path("/dev"), sys: Path = Path("/sys"), bus: SystemBus | None = None) -> BoxPanel | Absent:
    """The panel's controls, or Absent where the box has the hardware for none."""
    panel = BoxPanel(dev, sys, bus or SystemBus())
    if panel.ways() or any(dev.glob("i2c-*")):  # with I2C a monitor may yet be plugged in
        return panel
    return Absent("panel", "this box has no CEC (/dev/cec*), no backlight and no I2C bus of a display (/dev/i2c-*, module i2c-dev)")


class BoxPanel:
    """The controls of a box. `ioctl` is fcntl's; one call at a time."""

    def __init__(self, dev: Path, sys: Path, bus: SystemBus, *, ioctl: Callable[..., Any] = fcntl.ioctl) -> None:
        self._dev, self._sys, self._bus, self._ioctl = dev, sys, bus, ioctl
        self._lock = asyncio.Lock()

    def __repr__(self) -> str:
        return ", ".join(self.ways()) or "no controls"

    def ways(self) -> tuple[str, ...]:
        """What is there now, in words: "CEC at /dev/cec0", "the backlight 10-0045" …"""
        light = find_backlight(self._sys, self._bus)
        return tuple(str(way) for way in (*self._cec(), *self._ddc(), *([light] if light else [])))

    async def set_power(self, on: bool) -> str:
        """Switches the panel on or to standby; the sentence says what was done, and what the panel says. Raises BoxError."""
        async with self._lock:
            reasons: list[str] = []
            for ways in (self._cec(), self._ddc()):
                done = await _each([way.set_power for way in ways], on, reasons)
                if done:
                    return _said(done)
        raise BoxError("panel power", "; ".join(reasons) or "this box reaches its panel neither by CEC nor by DDC/CI")

    async def set_brightness(self, brightness: int) -> str:
        """0 to 100; the sentence says what was done. Raises BoxError."""
        reasons: list[str] = []
        async with self._lock:
            light = find_backlight(self._sys, self._bus)
            if light:
                try:
                    return _said(await light.set_brightness(brightness))
                except BoxError as error:
                    reasons.append(error.reason)
            done = await _each([display.set_brightness for display in self._ddc()], brightness, reasons)
        if done:
            return _said(done)
        raise BoxError("panel brightness", "; ".join(reasons) or _NO_BRIGHTNESS)

    async def brightness(self) -> int:
        """As it is now, 0 to 100. Raises BoxError."""
        async with self._lock:
            light = find_backlight(self._sys, self._bus)
            displays = self._ddc()
            if light:
                return light.brightness()
            if not displays:
                raise BoxError("panel brightness", _NO_BRIGHTNESS)
            try:
                async with asyncio.timeout(DEADLINE_S):
                    return await asyncio.to_thread(displays[0].brightness)
            except TimeoutError as error:
                raise BoxError("panel brightness", f"the panel did not answer within {DEADLINE_S:.0f} s") from error

    def _cec(self) -> list[CecAdapter]:
        return [CecAdapter(path, self._ioctl) for path in sorted(self._dev.glob("cec[0-9]*"))]

    def _ddc(self) -> list[DdcDisplay]:
        return [DdcDisplay(path, self._ioctl) for path in display_buses(self._dev, self._sys)]


async def _each(actions: Sequence[Callable[[Any], str]], argument: object, reasons: list[str]) -> str:
    """Does every action in a thread; what worked as one sentence, what did not added to `reasons`."""
    done = []
    for action in actions:
        try:
            async with asyncio.timeout(DEADLINE_S):
                done.append(await asyncio.to_thread(action, argument))
        except TimeoutError:
            reasons.append(f"the panel did not answer within {DEADLINE_S:.0f} s")
        except BoxError as error:
            reasons.append(error.reason)
    return "; ".join(done)


def _said(done: str) -> str:
    log.info("%s", done)
    return done
