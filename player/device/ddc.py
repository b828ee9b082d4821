"""DDC/CI: a monitor's brightness, power and input over the I2C wires of its cable (VESA MCCS codes 0x10, 0xD6 and 0x60).

Only the buses that belong to a connected display output are spoken to: on any other bus there may be a clock or the memory's own
chips, which a stray byte can damage. The functions block for tenths of a second and are called in a thread.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import re
import time
from collections.abc import Callable, Iterator
from functools import reduce
from operator import xor
from pathlib import Path

from player.core.ports.box import InputSource, Told
from player.errors import BoxError

BRIGHTNESS, INPUT, POWER = 0x10, 0x60, 0xD6
INPUTS = {
    InputSource.VGA_1: 0x01, InputSource.DVI_1: 0x03, InputSource.DISPLAYPORT_1: 0x0F, InputSource.DISPLAYPORT_2: 0x10,
    InputSource.HDMI_1: 0x11, InputSource.HDMI_2: 0x12, InputSource.HDMI_3: 0x13, InputSource.HDMI_4: 0x14,
}  # fmt: skip
ON, OFF = 1, 4  # of POWER: DPM on, DPM off (a panel that is off by 5 may no longer listen)
_I2C_SLAVE = 0x0703
_DISPLAY, _TO_DISPLAY, _HOST, _FROM_DISPLAY = 0x37, 0x6E, 0x51, 0x50
_REPLY_BYTES = 11
_PAUSE_S = 0.05  # the standard asks for 40 ms before a reply is read, and 50 ms after a setting
_TRIES = 3
_NEAR = 5  # of 100: some panels know steps of theirs only
_NO_PERMISSION = "the player's user may not open it; add the user to the group i2c"
_SILENT = "the panel does not answer; switch DDC/CI on in its menu"


class NoSuchControl(BoxError):
    """The panel answered, and has no control of that code."""


def _sealed(first: int, payload: bytes) -> bytes:
    return payload + bytes((reduce(xor, payload, first),))


def build_get(code: int) -> bytes:
    """The question for a code's value, as written to the display."""
    return _sealed(_TO_DISPLAY, bytes((_HOST, 0x82, 0x01, code)))


def build_set(code: int, value: int) -> bytes:
    """The setting of a code, 0 to 65535."""
    return _sealed(_TO_DISPLAY, bytes((_HOST, 0x84, 0x03, code)) + value.to_bytes(2, "big"))


def parse_reply(reply: bytes, code: int) -> tuple[int, int] | None:
    """(current, maximum) of `code`; None when the reply is damaged or to something else. Raises NoSuchControl."""
    if len(reply) < _REPLY_BYTES or reduce(xor, reply[:_REPLY_BYTES], _FROM_DISPLAY):
        return None
    _, length, kind, result, answered = reply[:5]
    if length != 0x88 or kind != 0x02 or answered != code:
        return None
    if result:
        raise NoSuchControl("panel", f"the panel has no control 0x{code:02X} over DDC/CI; it has to be set in its menu")
    return int.from_bytes(reply[8:10], "big"), int.from_bytes(reply[6:8], "big")


def display_buses(dev: Path, sys: Path) -> list[Path]:
    """/dev/i2c-N of every connected display output."""
    buses: dict[Path, None] = {}
    for output in sorted((sys / "class/drm").glob("card*-*")):
        if _connected(output):
            names = [(output / "ddc").resolve().name, *sorted(path.name for path in output.glob("i2c-*"))]
            buses.update((dev / name, None) for name in names if re.fullmatch(r"i2c-\d+", name))
    return [bus for bus in buses if bus.exists()]


def _connected(output: Path) -> bool:
    try:
        return (output / "status").read_text(encoding="ascii").strip() == "connected"
    except OSError:
        return False


class DdcDisplay:
    """The display at the end of one I2C bus."""

    def __init__(
        self, path: Path, ioctl: Callable[[int, int, int], object] = fcntl.ioctl, pause: Callable[[float], None] = time.sleep
    ) -> None:
        self._path, self._ioctl, self._pause = path, ioctl, pause

    def __repr__(self) -> str:
        return f"DDC/CI at {self._path}"

    def set_power(self, on: bool) -> Told:
        """On, or off as a monitor does by itself; confirmed where it says so, which one that is off may not. Raises BoxError."""
        with self._open() as wire:
            self._get(wire, POWER)  # nobody may be listening, and a setting is not answered
            self._set(wire, POWER, ON if on else OFF)
            confirmed = self._says(wire, POWER, ON if on else OFF)
        return Told(f"{self}: switched the panel {'on' if on else 'off'}", confirmed=confirmed)

    def set_input(self, source: InputSource) -> Told:
        """Shows what comes in there; confirmed where the panel still answers, and says so. Raises BoxError."""
        code = INPUTS.get(source)
        if code is None:
            raise BoxError("input source", f"{self} does not know which socket this box is in; name it")
        with self._open() as wire:
            self._get(wire, INPUT)
            self._set(wire, INPUT, code)
            confirmed = self._says(wire, INPUT, code)
        return Told(f"{self}: told the panel to show {source}", confirmed=confirmed)

    def input_source(self) -> InputSource:
        """What it shows. Raises BoxError."""
        with self._open() as wire:
            code = self._get(wire, INPUT)[0] & 0xFF
        for source, known in INPUTS.items():
            if known == code:
                return source
        raise BoxError("input source", f"{self} shows an input without a name (0x{code:02X})")

    def set_brightness(self, brightness: int) -> Told:
        """0 to 100, scaled to what the panel has; what the panel says then. Raises BoxError, also where it says another."""
        with self._open() as wire:
            _, maximum = self._get(wire, BRIGHTNESS)
            level = round(maximum * brightness / 100)
            self._set(wire, BRIGHTNESS, level)
            current, maximum = self._get(wire, BRIGHTNESS)
        if abs(current - level) * 100 > _NEAR * maximum:
            kept = (
                f"{self}: the panel keeps its brightness at {current} of {maximum}; an energy or picture mode of its menu holds it"
            )
            raise BoxError("panel", kept)
        return Told(f"{self}: the panel's brightness is {current} of {maximum}", confirmed=True)

    def probe(self) -> str:
        """What the panel answers, in words; that it lacks a control is an answer too. Raises BoxError: nobody answers."""
        try:
            return f"it answers, and its brightness is {self.brightness()} of 100"
        except NoSuchControl as lacks:
            return f"it answers; {lacks.reason}"

    def brightness(self) -> int:
        """As the panel says it, 0 to 100. Raises BoxError."""
        with self._open() as wire:
            current, maximum = self._get(wire, BRIGHTNESS)
        return round(100 * current / maximum) if maximum else 100

    @contextlib.contextmanager
    def _open(self) -> Iterator[int]:
        try:
            wire = os.open(self._path, os.O_RDWR | os.O_CLOEXEC | os.O_NOCTTY)
        except OSError as error:
            reason = _NO_PERMISSION if error.errno in (errno.EACCES, errno.EPERM) else error.strerror
            raise BoxError("panel", f"{self}: {reason}") from error
        try:
            self._ioctl(wire, _I2C_SLAVE, _DISPLAY)
            yield wire
        except OSError as error:
            raise BoxError("panel", f"{self}: {_SILENT} ({error.strerror})") from error
        finally:
            os.close(wire)

    def _get(self, wire: int, code: int) -> tuple[int, int]:
        for _ in range(_TRIES):
            os.write(wire, build_get(code))
            self._pause(_PAUSE_S)
            value = parse_reply(os.read(wire, _REPLY_BYTES), code)
            if value:
                return value
        raise BoxError("panel", f"{self}: {_SILENT}")

    def _says(self, wire: int, code: int, value: int) -> bool:
        """Whether the panel says that `code` has this value; one that has gone silent with it has not said so."""
        try:
            return self._get(wire, code)[0] & 0xFF == value
        except (BoxError, OSError):
            return False

    def _set(self, wire: int, code: int, value: int) -> None:
        os.write(wire, build_set(code, value))
        self._pause(_PAUSE_S)
