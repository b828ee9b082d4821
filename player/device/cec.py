"""HDMI-CEC by the kernel's own interface (linux/cec.h): switching the panel on and off through its HDMI cable.

Messages are built and read by pure functions; `CecAdapter` carries them over ioctls that block for up to a few seconds, so it is
called in a thread. The kernel's "sent" is believed only when the panel acknowledged; what it has become is confirmed only where the
panel says so, and many do not. A panel in deep standby gives no EDID, so the adapter has no address: most hear "image view on" from
one without a name all the same, and it is sent so.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import struct
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from player.core.ports.box import InputSource, Told
from player.errors import BoxError

Ioctl = Callable[[int, int, bytearray], object]

TV, UNREGISTERED, BROADCAST = 0, 15, 15
IMAGE_VIEW_ON, STANDBY, ACTIVE_SOURCE, GIVE_POWER_STATUS, REPORT_POWER_STATUS = 0x04, 0x36, 0x82, 0x8F, 0x90
POWER_WORDS = {0: "on", 1: "in standby", 2: "switching on", 3: "going to standby"}
_ON, _OFF = {"on", "switching on"}, {"in standby", "going to standby"}
_HDMI = {InputSource.HDMI_1: 1, InputSource.HDMI_2: 2, InputSource.HDMI_3: 3, InputSource.HDMI_4: 4}
ASKED, PAUSE_S = 3, 0.5  # some panels say for a moment what they were before
NO_PHYSICAL_ADDRESS = 0xFFFF
REPLY_MS = 1000

_CAPS = struct.Struct("=32s32sIII")
_LOG_ADDRS = struct.Struct("=4sHBBII15s4s4s4s48sx")
_MSG = struct.Struct("=QQIIII16s7Bx")
_PHYS_ADDR = struct.Struct("=H")
_READ, _WRITE = 2, 1


def _request(direction: int, number: int, size: int) -> int:
    return direction << 30 | size << 16 | ord("a") << 8 | number


G_CAPS = _request(_READ | _WRITE, 0, _CAPS.size)
G_PHYS_ADDR = _request(_READ, 1, _PHYS_ADDR.size)
G_LOG_ADDRS = _request(_READ, 3, _LOG_ADDRS.size)
S_LOG_ADDRS = _request(_READ | _WRITE, 4, _LOG_ADDRS.size)
TRANSMIT = _request(_READ | _WRITE, 5, _MSG.size)

_CAN_TRANSMIT = 1 << 2
_OK = 1 << 0  # CEC_TX_STATUS_OK and CEC_RX_STATUS_OK
_NOT_ACKNOWLEDGED = 1 << 2
_VERSION_1_4 = 5
_PLAYBACK = (4, 3, 0x10)  # primary device type, logical address type, all device types
_REASONS = {
    errno.EACCES: "the player's user may not open it; add the user to the group video",
    errno.EPERM: "the player's user may not open it; add the user to the group video",
    errno.ENONET: "no panel is connected to that HDMI output",
    errno.EBUSY: "another program has taken it; stop that program",
    errno.ENOTTY: "it is not a CEC adapter",
}


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a message: `reply` is the whole answer when one was waited for and came."""

    acknowledged: bool
    refused: bool
    reply: bytes | None


def build(initiator: int, destination: int, opcode: int, operands: bytes = b"") -> bytes:
    """A CEC message: header, opcode, operands."""
    return bytes((initiator << 4 | destination, opcode)) + operands


def pack_message(message: bytes, reply: int = 0, timeout_ms: int = 0) -> bytearray:
    """`struct cec_msg`; with `reply` (an opcode) the kernel waits up to `timeout_ms` for that answer."""
    return bytearray(_MSG.pack(0, 0, len(message), timeout_ms, 0, 0, message, reply, *bytes(6)))


def unpack_message(buffer: bytes | bytearray) -> Outcome:
    """`struct cec_msg` as the kernel filled it in."""
    fields = _MSG.unpack(buffer)
    length, message, waited_for, received, sent = fields[2], fields[6], fields[7], fields[8], fields[9]
    reply = bytes(message[:length]) if waited_for and received & _OK else None
    return Outcome(bool(sent & _OK), bool(sent & _NOT_ACKNOWLEDGED), reply)


def pack_playback_device(name: str) -> bytearray:
    """`struct cec_log_addrs` that asks for one address of a playback device called `name` (14 ASCII letters)."""
    osd = name.encode("ascii", "replace")[:14]
    primary, kind, all_kinds = (bytes((value,)) for value in _PLAYBACK)
    return bytearray(_LOG_ADDRS.pack(b"", 0, _VERSION_1_4, 1, 0xFFFFFFFF, 0, osd, primary, kind, all_kinds, b""))


def unpack_address(buffer: bytes | bytearray) -> int:
    """The logical address in a `struct cec_log_addrs`; UNREGISTERED when none was claimed."""
    addresses, mask = _LOG_ADDRS.unpack(buffer)[:2]
    own: int = addresses[0]
    return own if mask and own < UNREGISTERED else UNREGISTERED


class CecAdapter:
    """One HDMI output's CEC line, /dev/cecN. `pause` waits between two questions."""

    def __init__(self, path: Path, ioctl: Ioctl = fcntl.ioctl, pause: Callable[[float], None] = time.sleep) -> None:
        self._path, self._ioctl, self._pause = path, ioctl, pause

    def __repr__(self) -> str:
        return f"CEC at {self._path}"

    def set_power(self, on: bool) -> Told:
        """Wakes the panel and turns it to this input, or sends it to standby; says what the panel says. Raises BoxError."""
        with self._open() as line:
            own = self._claim(line)
            self._send(line, build(own, TV, IMAGE_VIEW_ON if on else STANDBY))
            if on:
                self._show_this_input(line, own)
            status = self._status_after(line, own, _ON if on else _OFF)
        told = "told the panel to switch on" if on else "sent the panel to standby"
        says = "does not say how it is" if status is None else "says that it is " + status
        return Told(f"{self}: {told}; it {says}", confirmed=status in (_ON if on else _OFF))

    def remind(self, *, on: bool, shown: bool) -> None:
        """Says it again, and asks nothing. Raises BoxError."""
        with self._open() as line:
            own = self._claim(line)
            self._send(line, build(own, TV, IMAGE_VIEW_ON if on else STANDBY))
            if on and shown:
                self._show_this_input(line, own)

    def set_input(self, source: InputSource) -> Told:
        """Has the panel show this box, or one of its first four HDMI sockets; it does not say whether it did. Raises BoxError."""
        with self._open() as line:
            own = self._claim(line)
            if source is InputSource.PLAYER:
                self._send(line, build(own, TV, IMAGE_VIEW_ON))
                self._show_this_input(line, own)
            elif source in _HDMI:
                self._show(line, own, _HDMI[source] << 12)
            else:
                raise BoxError("input source", f"{self} reaches the panel's HDMI sockets alone, not {source}")
        return Told(f"{self}: told the panel to show {source}", confirmed=False)

    @contextlib.contextmanager
    def _open(self) -> Iterator[int]:
        try:
            line = os.open(self._path, os.O_RDWR | os.O_CLOEXEC)
        except OSError as error:
            raise self._failed(error) from error
        try:
            yield line
        finally:
            os.close(line)

    def _claim(self, line: int) -> int:
        capabilities = _CAPS.unpack(self._call(line, G_CAPS, bytearray(_CAPS.size)))[3]
        if not capabilities & _CAN_TRANSMIT:
            raise BoxError("panel power", f"{self} cannot send; its driver only listens")
        own = unpack_address(self._call(line, G_LOG_ADDRS, bytearray(_LOG_ADDRS.size)))
        if own != UNREGISTERED:
            return own
        buffer = pack_playback_device("Signage")
        try:
            self._ioctl(line, S_LOG_ADDRS, buffer)
        except OSError as error:
            if error.errno != errno.EBUSY:  # asked for earlier, with the cable out: the claim stands
                raise self._failed(error) from error
            return UNREGISTERED
        return unpack_address(buffer)

    def _show_this_input(self, line: int, own: int) -> None:
        (address,) = _PHYS_ADDR.unpack(self._call(line, G_PHYS_ADDR, bytearray(_PHYS_ADDR.size)))
        if own != UNREGISTERED and address != NO_PHYSICAL_ADDRESS:
            self._show(line, own, address)

    def _show(self, line: int, own: int, address: int) -> None:
        self._call(line, TRANSMIT, pack_message(build(own, BROADCAST, ACTIVE_SOURCE, address.to_bytes(2, "big"))))

    def _send(self, line: int, message: bytes) -> None:
        outcome = unpack_message(self._call(line, TRANSMIT, pack_message(message)))
        if not outcome.acknowledged:
            silent, disturbed = "the panel does not answer; switch CEC on in its menu", "the line is disturbed; check the cable"
            raise BoxError("panel power", f"{self}: {silent if outcome.refused else disturbed}")

    def _status_after(self, line: int, own: int, wanted: set[str]) -> str | None:
        """What the panel says of its power, asked again for a moment while it says something else than `wanted`."""
        for _ in range(ASKED - 1):
            status = self._power_status(line, own)
            if status is None or status in wanted:
                return status
            self._pause(PAUSE_S)
        return self._power_status(line, own)

    def _power_status(self, line: int, own: int) -> str | None:
        question = pack_message(build(own, TV, GIVE_POWER_STATUS), REPORT_POWER_STATUS, REPLY_MS)
        try:
            reply = unpack_message(self._call(line, TRANSMIT, question)).reply
        except BoxError:
            return None
        return POWER_WORDS.get(reply[2]) if reply and len(reply) > 2 and reply[1] == REPORT_POWER_STATUS else None

    def _call(self, line: int, request: int, buffer: bytearray) -> bytearray:
        try:
            self._ioctl(line, request, buffer)
        except OSError as error:
            raise self._failed(error) from error
        return buffer

    def _failed(self, error: OSError) -> BoxError:
        return BoxError("panel power", f"{self}: {_REASONS.get(error.errno or 0, error.strerror)}")
