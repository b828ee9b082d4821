"""The box's neighbours, made up: logind and timedated on a private bus, the kernel's CEC, a DDC display, and each device port.

A bus method that answers nothing carries no return annotation: dbus-fast reads annotations as D-Bus signatures.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import socket
import struct
import threading
import tty
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

from dbus_fast import BusType, DBusError, PropertyAccess
from dbus_fast.aio import MessageBus
from dbus_fast.annotations import DBusBool, DBusObjectPath, DBusSignature, DBusStr, DBusUInt32
from dbus_fast.service import ServiceInterface, dbus_method, dbus_property

from player.core.commands import Awaited
from player.core.ports.box import InputSource, Interface, LoggedLine, StorageWear, Switch, Told
from player.core.ports.stage import StageStatus
from player.errors import BoxError

DBusStrings = Annotated[list[str], DBusSignature("as")]

# --- a private bus with logind and timedated -----------------------------------------------------------------------------------

BUS_CONFIG = """<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-BUS Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig><type>custom</type><listen>unix:path={socket}</listen><auth>EXTERNAL</auth>
<policy context="default"><allow send_destination="*" eavesdrop="true"/><allow eavesdrop="true"/><allow own="*"/></policy>
</busconfig>
"""


async def answering(path: Path) -> None:
    """Waits until somebody listens at a socket: its file is there a moment before."""
    async with asyncio.timeout(10):
        while True:
            with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as probe:
                probe.connect(str(path))
                return
            await asyncio.sleep(0.01)


@contextlib.asynccontextmanager
async def private_bus(folder: Path) -> AsyncIterator[str]:
    """A real dbus-daemon of our own; gives its address."""
    path, config = folder / "bus", folder / "bus.conf"
    config.write_text(BUS_CONFIG.format(socket=path))
    daemon = await asyncio.create_subprocess_exec("dbus-daemon", f"--config-file={config}", "--nofork", "--nopidfile", "--nosyslog")
    try:
        await answering(path)
        yield f"unix:path={path}"
    finally:
        daemon.terminate()
        await daemon.wait()


class FakeLogind(ServiceInterface):
    """`org.freedesktop.login1.Manager` that only takes notes; with `refuse` it answers that error."""

    def __init__(self, refuse: str | None = None, delay_s: float = 0.0) -> None:
        super().__init__("org.freedesktop.login1.Manager")
        self.calls: list[tuple[str, bool]] = []
        self.refuse, self.delay_s = refuse, delay_s

    async def _note(self, name: str, interactive: bool) -> None:
        self.calls.append((name, interactive))
        await asyncio.sleep(self.delay_s)
        if self.refuse:
            raise DBusError(self.refuse, "so the fake was told")

    @dbus_method()
    async def Reboot(self, interactive: DBusBool):  # noqa: N802 - the bus's own name
        await self._note("Reboot", interactive)

    @dbus_method()
    async def PowerOff(self, interactive: DBusBool):  # noqa: N802 - the bus's own name
        await self._note("PowerOff", interactive)


class FakeSystemd(ServiceInterface):
    """`org.freedesktop.systemd1.Manager`, as far as restarts go; with `refuse` it answers that error."""

    def __init__(self, refuse: str | None = None) -> None:
        super().__init__("org.freedesktop.systemd1.Manager")
        self.calls: list[tuple[str, str]] = []
        self.refuse = refuse

    @dbus_method()
    def RestartUnit(self, name: DBusStr, mode: DBusStr) -> DBusObjectPath:  # noqa: N802 - the bus's own name
        self.calls.append((name, mode))
        if self.refuse:
            raise DBusError(self.refuse, "so the fake was told")
        return "/org/freedesktop/systemd1/job/1"


class FakeSession(ServiceInterface):
    """`org.freedesktop.login1.Session`, as far as brightness goes."""

    def __init__(self) -> None:
        super().__init__("org.freedesktop.login1.Session")
        self.calls: list[tuple[str, str, int]] = []

    @dbus_method()
    def SetBrightness(self, subsystem: DBusStr, name: DBusStr, brightness: DBusUInt32):  # noqa: N802 - the bus's own name
        self.calls.append((subsystem, name, brightness))


class FakeTimedate(ServiceInterface):
    """`org.freedesktop.timedate1`."""

    def __init__(self, *, synced: bool = True) -> None:
        super().__init__("org.freedesktop.timedate1")
        self.synced, self.zone = synced, "Etc/UTC"

    @dbus_property(access=PropertyAccess.READ)
    def NTPSynchronized(self) -> DBusBool:  # noqa: N802 - the bus's own name
        return self.synced

    @dbus_property(access=PropertyAccess.READ)
    def Timezone(self) -> DBusStr:  # noqa: N802 - the bus's own name
        return self.zone

    @dbus_method()
    def SetTimezone(self, timezone: DBusStr, interactive: DBusBool):  # noqa: ARG002, N802 - the bus's own words
        if "/" not in timezone or ".." in timezone:
            raise DBusError("org.freedesktop.DBus.Error.InvalidArgs", f"Invalid or not installed time zone '{timezone}'")
        self.zone = timezone


class FakeTimesync(ServiceInterface):
    """`org.freedesktop.timesync1.Manager`: the `configured` servers, and the one `in_use`."""

    def __init__(self, configured: list[str], in_use: str) -> None:
        super().__init__("org.freedesktop.timesync1.Manager")
        self.configured, self.in_use = configured, in_use

    @dbus_property(access=PropertyAccess.READ)
    def SystemNTPServers(self) -> DBusStrings:  # noqa: N802 - the bus's own name
        return self.configured

    @dbus_property(access=PropertyAccess.READ)
    def ServerName(self) -> DBusStr:  # noqa: N802 - the bus's own name
        return self.in_use


@contextlib.asynccontextmanager
async def serving(address: str, name: str, *objects: tuple[str, ServiceInterface]) -> AsyncIterator[None]:
    """Puts objects, each at its path, on the bus under `name`."""
    bus = await MessageBus(address, BusType.SYSTEM).connect()
    for path, interface in objects:
        bus.export(path, interface)
    await bus.request_name(name)
    try:
        yield
    finally:
        bus.disconnect()
        await bus.wait_for_disconnect()


# --- the kernel's CEC ----------------------------------------------------------------------------------------------------------


@dataclass
class FakeCec:
    """The kernel's side of /dev/cecN, as an ioctl function: keeps what was transmitted. `tv` False: nobody acknowledges.

    Not `connected`: the panel gives no EDID, so there is no address; an adapter without `needs_edid` still carries what an
    unnamed device says to a panel. `slow`: so many answers about the power tell what was before.

    The struct layouts are written out here once more, from linux/cec.h, so that they are not checked against themselves.
    """

    tv: bool = True
    reports: bool = True
    connected: bool = True
    claimed: int | None = None
    busy: bool = False
    capabilities: int = 0x0E
    needs_edid: bool = True
    slow: int = 0
    sent: list[bytes] = field(default_factory=list)
    claims: list[bytes] = field(default_factory=list)
    status: int = 0

    def __call__(self, line: int, request: int, buffer: Any) -> int:
        os.fstat(line)  # a closed descriptor is an error here too
        answer = {
            0xC04C6100: self._caps, 0x80026101: self._phys_addr, 0x805C6103: self._log_addrs,
            0xC05C6104: self._claim, 0xC0386105: self._transmit,
        }.get(request)  # fmt: skip
        if answer is None:
            raise OSError(errno.ENOTTY, "Inappropriate ioctl for device")
        answer(buffer)
        return 0

    def _caps(self, buffer: bytearray) -> None:
        struct.pack_into("<32s32sIII", buffer, 0, b"vc4_hdmi", b"vc4-hdmi-0", 1, self.capabilities, 0x060C00)

    def _phys_addr(self, buffer: bytearray) -> None:
        struct.pack_into("<H", buffer, 0, 0x1000 if self.connected else 0xFFFF)

    def _log_addrs(self, buffer: bytearray) -> None:
        own = self.claimed if self.connected else None
        struct.pack_into("<4BH", buffer, 0, 0xFF if own is None else own, 0xFF, 0xFF, 0xFF, 0 if own is None else 1 << own)

    def _claim(self, buffer: bytearray) -> None:
        if self.busy:
            raise OSError(errno.EBUSY, "Device or resource busy")
        self.claims.append(bytes(buffer))
        self.claimed = 4
        self._log_addrs(buffer)

    def _transmit(self, buffer: bytearray) -> None:
        length = struct.unpack_from("<I", buffer, 16)[0]
        message = bytes(buffer[32 : 32 + length])
        unnamed = message[0] == 0xF0 and not buffer[48]
        if not self.connected and (self.needs_edid or not unnamed):
            raise OSError(errno.ENONET, "Machine is not on the network")
        self.sent.append(message)
        broadcast = message[0] & 0x0F == 0x0F
        buffer[50] = 0x01 if self.tv or broadcast else 0x24  # OK, or NACK and MAX_RETRIES
        if message[1:] == b"\x04":
            self.status = 2
        elif message[1:] == b"\x36":
            self.status = 1
        if message[1:] == b"\x8f" and self.tv and self.reports and buffer[48] == 0x90:
            status = 3 - self.status if self.slow > 0 else self.status  # of switching on: in standby; of standby: switching on
            self.slow -= 1
            struct.pack_into("<I", buffer, 16, 3)
            buffer[32:35] = bytes((message[0] >> 4, 0x90, status))
            buffer[49] = 0x01


# --- a display at the end of an I2C bus ----------------------------------------------------------------------------------------


class FakeDisplay:
    """A monitor that speaks DDC/CI at the other end of a terminal in raw mode; its thread ends with `close`.

    `values` are code -> [current, maximum]; `garbled` counts replies that come with a wrong checksum first; `held`: it takes none.
    """

    def __init__(self, values: dict[int, list[int]], garbled: int = 0, *, held: bool = False) -> None:
        self.values, self.garbled, self.held = values, garbled, held
        self.slaves: list[tuple[int, int]] = []
        self._ours, self._theirs = os.openpty()
        tty.setraw(self._theirs)
        self.path = Path(os.ttyname(self._theirs))
        self._thread = threading.Thread(target=self._serve, name="fake display", daemon=True)
        self._thread.start()

    def ioctl(self, wire: int, request: int, address: int) -> int:  # noqa: ARG002 - fcntl's own arguments
        """Stands in for fcntl's: a terminal has no I2C address to choose."""
        self.slaves.append((request, address))
        return 0

    def close(self) -> None:
        os.write(self._theirs, b"\0")
        self._thread.join(5)
        os.close(self._theirs)
        os.close(self._ours)

    def _serve(self) -> None:
        while (message := os.read(self._ours, 64)) != b"\0":
            assert len(message) == (message[1] & 0x7F) + 3
            check = 0x6E
            for byte in message:
                check ^= byte
            assert check == 0
            if message[2] == 0x01:
                os.write(self._ours, self._reply(message[3]))
            elif message[3] in self.values and not self.held:
                self.values[message[3]][0] = message[4] << 8 | message[5]

    def _reply(self, code: int) -> bytes:
        current, maximum = self.values.get(code, [0, 0])
        known = 0 if code in self.values else 1
        reply = struct.pack(">6B2H", 0x6E, 0x88, 0x02, known, code, 0, maximum, current)
        check = 0x50
        for byte in reply:
            check ^= byte
        if self.garbled:
            self.garbled -= 1
            check ^= 0xFF
        return reply + bytes((check,))


# --- the ports -----------------------------------------------------------------------------------------------------------------


@dataclass
class FakeAudio:
    """`core.ports.Audio`; with `broken` every call is refused, with `mistake` it raises that, and before `gate` it does nothing."""

    level: int = 100
    silent: bool = False
    broken: bool = False
    mistake: Exception | None = None
    gate: asyncio.Event | None = None

    async def volume(self) -> int:
        self._check()
        return self.level

    async def set_volume(self, volume: int) -> None:
        if self.gate is not None:
            await self.gate.wait()
        self._check()
        self.level = volume

    async def muted(self) -> bool:
        self._check()
        return self.silent

    async def set_muted(self, muted: bool) -> None:
        self._check()
        self.silent = muted

    def _check(self) -> None:
        if self.mistake is not None:
            raise self.mistake
        if self.broken:
            raise BoxError("audio", "the fake was told to break")


@dataclass
class FakePanel:
    """`core.ports.Panel` that keeps what it was told, and says so where it `confirms`."""

    power: bool = True
    level: int = 100
    broken: bool = False
    confirms: bool = True
    source: InputSource = InputSource.PLAYER
    reminded: list[tuple[bool, bool]] = field(default_factory=list)

    async def set_power(self, on: bool) -> Told:
        self._check()
        self.power = on
        return Told(f"the panel is {'on' if on else 'off'}", confirmed=self.confirms)

    async def remind(self, *, on: bool, shown: bool) -> None:
        self.reminded.append((on, shown))

    async def set_brightness(self, brightness: int) -> Told:
        self._check()
        self.level = brightness
        return Told(f"brightness {brightness}", confirmed=self.confirms)

    async def brightness(self) -> int:
        self._check()
        return self.level

    async def set_input(self, source: InputSource) -> Told:
        self._check()
        self.source = source
        return Told(f"it shows {source}", confirmed=self.confirms)

    async def input_source(self) -> InputSource:
        self._check()
        return self.source

    def _check(self) -> None:
        if self.broken:
            raise BoxError("panel", "the fake was told to break")


@dataclass
class FakeHost:
    """`core.ports.Host` that counts; `boot` is what `boot_id` answers."""

    boot: str = "boot-1"
    synced: bool = True
    broken: bool = False
    calls: list[str] = field(default_factory=list)
    zone: str = "Etc/UTC"
    server: str = "ntp.example.com"

    def boot_id(self) -> str:
        return self.boot

    async def reboot(self) -> None:
        self._note("reboot")

    async def shutdown(self) -> None:
        self._note("shutdown")

    async def clock_synced(self) -> bool:
        return self.synced

    async def set_timezone(self, name: str) -> None:
        self._note(f"time zone {name}")
        self.zone = name

    async def timezone(self) -> str:
        self._check()
        return self.zone

    async def set_ntp_server(self, server: str) -> None:
        self._note(f"time server {server}")
        self.server = server

    async def ntp_server(self) -> str:
        self._check()
        return self.server

    async def set_clock(self, at: datetime) -> None:
        self._note(f"clock {at:%Y-%m-%d %H:%M:%S}")

    def _check(self) -> None:
        if self.broken:
            raise BoxError("host", "the fake was told to break")

    def _note(self, call: str) -> None:
        self.calls.append(call)
        if self.broken:
            raise BoxError(call, "not allowed by polkit, the fake was told")


@dataclass
class FakeSwitches:
    """`core.ports.Switches`; those in `lacking` are not there."""

    on: dict[Switch, bool] = field(default_factory=lambda: dict.fromkeys(Switch, True))
    lacking: set[Switch] = field(default_factory=set)

    async def set(self, switch: Switch, on: bool) -> None:
        self._check(switch)
        self.on[switch] = on

    async def is_on(self, switch: Switch) -> bool:
        self._check(switch)
        return self.on[switch]

    def _check(self, switch: Switch) -> None:
        if switch in self.lacking:
            raise BoxError(switch, f"the fake has no {switch}")


@dataclass
class FakePackages:
    """`core.ports.Packages`: what is begun is there at once; all but `cec-utils` are refused."""

    held: dict[str, str] = field(default_factory=dict)

    async def install(self, name: str, version: str | None) -> None:
        self._check(name)
        self.held[name] = version or "1"

    async def installed(self, name: str) -> str | None:
        self._check(name)
        return self.held.get(name)

    def _check(self, name: str) -> None:
        if name != "cec-utils":
            raise BoxError("packages", f"the fake allows no {name}")


@dataclass
class FakeUpdates:
    """`core.ports.Updates`: `offered` lie ready; what is begun stays begun until it has `failed`."""

    offered: set[str] = field(default_factory=set)
    begun: list[str] = field(default_factory=list)
    failed: bool = False

    async def check(self, version: str) -> None:
        if version not in self.offered:
            raise BoxError("update", f"version {version} is in no bundle of the fake's")

    async def install(self, version: str) -> None:
        await self.check(version)
        self.begun.append(version)

    async def has_failed(self, version: str) -> bool:
        return version in self.begun and self.failed


@dataclass
class FakeVpn:
    """`core.ports.Vpn`; without a `unit` nobody has set one up."""

    unit: str = ""
    up: bool = False

    async def set(self, on: bool) -> None:
        if not self.unit:
            raise BoxError("VPN", "the fake has none")
        self.up = on

    async def is_on(self) -> bool:
        return self.up


@dataclass
class FakeSystemLog:
    """`core.ports.SystemLog`: `most` lines at a time; without any the system tells nothing. `asked` were the stretches."""

    said: list[LoggedLine] = field(default_factory=list)
    most: int = 1000
    asked: list[tuple[float, float]] = field(default_factory=list)

    async def lines(self, since: float, until: float, *, newest_first: bool) -> Sequence[LoggedLine]:
        if not self.said:
            raise BoxError("system log", "the fake keeps none")
        self.asked.append((since, until))
        found = sorted((one for one in self.said if since <= one.at <= until), key=lambda one: one.at, reverse=newest_first)
        return found[: self.most]


@dataclass
class FakeSensors:
    """`core.ports.Sensors` with one value for each reading; those named in `broken` raise OSError."""

    values: dict[str, Any] = field(default_factory=dict)
    broken: set[str] = field(default_factory=set)
    hold: Callable[[], None] = lambda: None

    def _value(self, name: str, otherwise: Any) -> Any:
        if name in self.broken:
            raise OSError(errno.EIO, "Input/output error")
        return self.values.get(name, otherwise)

    def address(self) -> str | None:
        self.hold()
        return self._value("address", "192.168.1.100")

    def network(self) -> str:
        return self._value("network", "Wi-Fi wlan0, -45 dBm")

    def wifi_signal_dbm(self) -> int | None:
        return self._value("wifi_signal_dbm", -45)

    def interfaces(self) -> tuple[Interface, ...]:
        eth = Interface("eth0", "ethernet", "dc:a6:32:01:02:03", True, ("192.168.1.100/24",), "192.168.1.1")
        return self._value("interfaces", (eth,))

    def name_servers(self) -> tuple[str, ...]:
        return self._value("name_servers", ("192.168.1.1",))

    def storage_wear(self) -> tuple[StorageWear, ...]:
        return self._value("storage_wear", ())

    def file_system_errors(self) -> int:
        return self._value("file_system_errors", 0)

    def uptime_s(self) -> int:
        return self._value("uptime_s", 86400)

    def model(self) -> str:
        return self._value("model", "Raspberry Pi 4 Model B Rev 1.4")

    def os_version(self) -> str:
        return self._value("os_version", "Debian GNU/Linux 12 (bookworm)")

    def temperature_c(self) -> float | None:
        return self._value("temperature_c", 48.7)

    def throttled(self) -> str | None:
        return self._value("throttled", "no")

    def cpu_percent(self) -> float:
        return self._value("cpu_percent", 12.5)

    def memory_mb(self) -> tuple[int, int]:
        return self._value("memory_mb", (1849, 512))


@dataclass
class FakeStage:
    """`core.ports.StagePort`: a status, and the same `answer` to everything that is asked (None: the stage is away)."""

    status: StageStatus | None = None
    answer: dict[str, Any] | None = None
    asked: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    async def ask(self, op: str, **args: Any) -> dict[str, Any]:
        self.asked.append((op, args))
        if self.answer is None:
            raise BoxError("stage", "the stage is not running; it is started again by itself")
        return self.answer


async def all_there(_: Awaited) -> bool:
    """Whatever a command needs."""
    return True


@contextlib.contextmanager
def displays() -> Iterator[Callable[..., FakeDisplay]]:
    """Makes them, by `FakeDisplay`'s arguments; they end together."""
    with contextlib.ExitStack() as stack:
        yield lambda **options: stack.enter_context(contextlib.closing(FakeDisplay(**options)))
