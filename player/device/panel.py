"""`core.ports.box.Panel`: power, brightness and input of the panel itself, by whatever way this box has (house rule 5).

Power and input: CEC to every panel that has it, else DDC/CI. Brightness: the built-in backlight, else DDC/CI. What is plugged in is
looked up at each call, since a panel may come later than the player. The compositor's own switching off of an output is not done
here, and neither is drawing darker.
"""

from __future__ import annotations

import asyncio
import fcntl
import functools
import logging
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import Any, TypeVar

from player.core.ports.box import Ability, Absent, InputSource, Told
from player.device.backlight import find_backlight
from player.device.cec import CecAdapter
from player.device.dbus import SystemBus
from player.device.ddc import DdcDisplay, display_buses
from player.errors import BoxError
from player.runtime.threads import begun

log = logging.getLogger(__name__)
T = TypeVar("T")
_NO_BRIGHTNESS = "this panel has neither a backlight of the box nor DDC/CI"
_NO_WAY = "this box reaches its panel neither by CEC nor by DDC/CI"
DEADLINE_S = 15.0  # a CEC line that is busy is tried again by the kernel for several seconds


def find_panel(dev: Path = Path("/dev"), sys: Path = Path("/sys")) -> BoxPanel | Absent:
    """The panel's controls, or Absent where the box has the hardware for none."""
    panel = BoxPanel(dev, sys, SystemBus())
    if panel.ways() or any(dev.glob("i2c-*")):  # with I2C a monitor may yet be plugged in
        return panel
    return Absent("panel", "this box has no CEC (/dev/cec*), no backlight and no I2C bus of a display (/dev/i2c-*, module i2c-dev)")


class BoxPanel:
    """The controls of a box. `ioctl` is fcntl's, `pause` the clock's; one call at a time."""

    def __init__(
        self,
        dev: Path,
        sys: Path,
        bus: SystemBus,
        *,
        ioctl: Callable[..., Any] = fcntl.ioctl,
        pause: Callable[[float], None] = time.sleep,
        deadline_s: float = DEADLINE_S,
    ) -> None:
        self._dev, self._sys, self._bus, self._ioctl, self._pause = dev, sys, bus, ioctl, pause
        self._deadline_s = deadline_s
        self._lock = asyncio.Lock()
        self._calls: dict[str, Future[Any]] = {}  # the last on each way: a kernel's driver may never come back from one
        self._said = ""

    def __repr__(self) -> str:
        return ", ".join(self.ways()) or "no controls"

    def ways(self) -> tuple[str, ...]:
        """What is there now, in words: "CEC at /dev/cec0", "the backlight 10-0045" …"""
        return tuple(dict.fromkeys(way for ability in self.abilities() for way in ability.ways))

    def abilities(self) -> tuple[Ability, ...]:
        """What can be done to the panel that is connected now, and by what."""
        wires = (*(str(way) for way in self._cec()), *(str(way) for way in self._ddc()))
        light = find_backlight(self._sys, self._bus)
        lights = (*([str(light)] if light else []), *(str(way) for way in self._ddc()))
        return (
            Ability("panel power", wires, _NO_WAY),
            Ability("input source", wires, _NO_WAY),
            Ability("panel brightness", lights, _NO_BRIGHTNESS),
        )

    async def set_power(self, on: bool) -> Told:
        """Switches the panel on or to standby; confirmed where every panel says so. Raises BoxError."""
        return await self._by_wire("panel power", lambda way: way.set_power(on))

    async def remind(self, *, on: bool, shown: bool) -> None:
        """Panels on CEC alone: DDC/CI is written into a monitor's memory, and nobody forgets there."""
        async with self._lock:
            reasons: list[str] = []
            for adapter in self._cec():
                await self._done(adapter, functools.partial(adapter.remind, on=on, shown=shown), reasons)
            for reason in reasons:
                log.debug("a panel was not reminded: %s", reason)

    async def set_input(self, source: InputSource) -> Told:
        """Has the panel show what comes in there. Raises BoxError."""
        return await self._by_wire("input source", lambda way: way.set_input(source))

    async def input_source(self) -> InputSource:
        """What the panel shows, which only DDC/CI tells. Raises BoxError."""
        displays = self._ddc()
        if not displays:
            raise BoxError("input source", "only a panel on DDC/CI says what it shows")
        return await self._read(displays[0], displays[0].input_source)

    async def set_brightness(self, brightness: int) -> Told:
        """0 to 100; what was done. Raises BoxError."""
        reasons: list[str] = []
        async with self._lock:
            light = find_backlight(self._sys, self._bus)
            if light:
                try:
                    return self._say(await light.set_brightness(brightness))
                except BoxError as error:
                    reasons.append(error.reason)
            done = [await self._done(way, functools.partial(way.set_brightness, brightness), reasons) for way in self._ddc()]
        return self._all("panel brightness", done, reasons, _NO_BRIGHTNESS)

    async def brightness(self) -> int:
        """As it is now, 0 to 100. Raises BoxError."""
        light, displays = find_backlight(self._sys, self._bus), self._ddc()
        if light:
            return light.brightness()
        if not displays:
            raise BoxError("panel brightness", _NO_BRIGHTNESS)
        return await self._read(displays[0], displays[0].brightness)

    async def _read(self, way: object, question: Callable[[], T]) -> T:
        async with self._lock:
            return await self._call(way, question)

    async def _by_wire(self, ability: str, act: Callable[[Any], Told]) -> Told:
        """The first sort of wires on which a panel obeys, each of its panels told."""
        reasons: list[str] = []
        async with self._lock:
            for ways in (self._cec(), self._ddc()):
                done = [await self._done(way, functools.partial(act, way), reasons) for way in ways]
                if any(done):
                    return self._all(ability, done, reasons, _NO_WAY)
        return self._all(ability, [], reasons, _NO_WAY)

    async def _done(self, way: object, action: Callable[[], T], reasons: list[str]) -> T | None:
        """Why it was not done is added to `reasons`."""
        try:
            return await self._call(way, action)
        except BoxError as error:
            reasons.append(error.reason)
            return None

    async def _call(self, way: object, action: Callable[[], T]) -> T:
        """In a thread. Raises BoxError, and at once where the call before has never come back."""
        before = self._calls.get(str(way))
        if before is not None and not before.done():
            raise BoxError("panel", f"{way} hangs: it has not answered what it was asked before")
        self._calls[str(way)] = call = begun(action)
        try:
            async with asyncio.timeout(self._deadline_s):
                return await asyncio.wrap_future(call)
        except TimeoutError as error:
            raise BoxError("panel", f"the panel did not answer within {self._deadline_s:.0f} s") from error

    def _all(self, ability: str, done: Sequence[Told | None], reasons: Sequence[str], lacks: str) -> Told:
        told = [each for each in done if each is not None]
        if not told:
            raise BoxError(ability, "; ".join(reasons) or lacks)
        return self._say(Told("; ".join(each.words for each in told), confirmed=all(each.confirmed for each in told)))

    def _say(self, told: Told) -> Told:
        """One line where it is another than the last."""
        if told.words != self._said:
            self._said = told.words
            log.info("%s", told.words)
        return told

    def _cec(self) -> list[CecAdapter]:
        return [CecAdapter(path, self._ioctl, self._pause) for path in sorted(self._dev.glob("cec[0-9]*"))]

    def _ddc(self) -> list[DdcDisplay]:
        return [DdcDisplay(path, self._ioctl) for path in display_buses(self._dev, self._sys)]
