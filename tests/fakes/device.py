"""The box's neighbours, made up: logind and timedated on a private bus, the kernel's CEC, a DDC display, and each device port.

A bus method that answers nothing carries no return annotation: dbus-fast reads annotations as D-Bus signatures.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

from dbus_fast import BusType, DBusError, PropertyAccess
from dbus_fast.aio import MessageBus
from dbus_fast.annotations import DBusBool, DBusStr, DBusUInt32
from dbus_fast.service import ServiceInterface, dbus_method, dbus_property

# --- a private bus with logind and timedated -----------------------------------------------------------------------------------

BUS_CONFIG = """<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-BUS Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig><type>custom</type><listen>unix:path={socket}</listen><auth>EXTERNAL</auth>
<policy context="default"><allow send_destination="*" eavesdrop="true"/><allow eavesdrop="true"/><allow own="*"/></policy>
</busconfig>
"""


@contextlib.asynccontextmanager
async def private_bus(folder: Path) -> AsyncIterator[str]:
    """A real dbus-daemon of our own; gives its address."""
    socket, config = folder / "bus", folder / "bus.conf"
    config.write_text(BUS_CONFIG.format(socket=socket))
    daemon = await asyncio.create_subprocess_exec("dbus-daemon", f"--config-file={config}", "--nofork", "--nopidfile", "--nosyslog")
    try:
        async with asyncio.timeout(10):
            while not socket.exists():  # noqa: ASYNC110 - the daemon gives no other sign that needs no pipe
                await asyncio.sleep(0.01)
        yield f"unix:path={socket}"
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

    @dbus_method()
    def SetTimezone(self, timezone: DBusStr, interactive: DBusBool):  # noqa: ARG002, N802 - the bus's own words
        if "/" not in timezone or ".." in timezone:
            raise DBusError("org.freedesktop.DBus.Error.InvalidArgs", f"Invalid or not installed time zone '{timezone}'")
        self.zone = timezone


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
