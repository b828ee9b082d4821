"""`core.ports.box.Host` through logind, timedated and systemd: restart, power off, the clock, the time zone (house rule 8).

Privilege comes from one polkit rule; what that does not allow (whom the clock follows, the clock itself) root's helper does, which
knows these deeds and few others (`device.root_verbs`). Whether the clock is synchronised is asked in the order of its price: the
kernel, then the stamp that timesyncd touches at each success, and only then timedated (its library costs the agent 3 MB, but
under a strict seccomp filter the kernel may not be asked).
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from player.core.ports.box import Clock
from player.device.dbus import Service, SystemBus
from player.device.root import RootSocket
from player.errors import BoxError

log = logging.getLogger(__name__)

LOGIND = Service("org.freedesktop.login1", "/org/freedesktop/login1", "org.freedesktop.login1.Manager")
SYSTEMD = Service("org.freedesktop.systemd1", "/org/freedesktop/systemd1", "org.freedesktop.systemd1.Manager")
COMPOSITOR = "signage-compositor.service"
TIMEDATED = Service("org.freedesktop.timedate1", "/org/freedesktop/timedate1", "org.freedesktop.timedate1")
TIMESYNC = Service("org.freedesktop.timesync1", "/org/freedesktop/timesync1", "org.freedesktop.timesync1.Manager")
STAMP_HOLDS_S = 24 * 3600.0  # timesyncd asks at least every 35 minutes; a crystal drifts by some seconds in a day
_TIME_ERROR = 5  # adjtimex(2): "the clock is not synchronized to a reliable server"


def kernel_clock_synced() -> bool | None:
    """adjtimex(2), read only: True, False, or None where the kernel may not be asked."""
    import ctypes

    state = ctypes.CDLL(None).adjtimex(ctypes.create_string_buffer(1024))  # all zero: modes = 0 changes nothing
    return None if state < 0 else state != _TIME_ERROR


def boot_id() -> str:
    """A name that is another one after each boot; "" where it cannot be read."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):
        return ""


class SystemHost:
    """The box under systemd. `proc` and `run` are the folders of those names; the bus is the system's unless given."""

    def __init__(
        self,
        clock: Clock,
        *,
        root: RootSocket,
        bus: SystemBus | None = None,
        proc: Path = Path("/proc"),
        run: Path = Path("/run"),
        kernel_synced: Callable[[], bool | None] = kernel_clock_synced,
    ) -> None:
        self._clock, self._bus, self._kernel_synced = clock, bus or SystemBus(), kernel_synced
        self._root = root
        self._boot_id = proc / "sys/kernel/random/boot_id"
        self._stamp = run / "systemd/timesync/synchronized"

    def boot_id(self) -> str:
        """A name that is another one after each boot. Raises BoxError."""
        try:
            return self._boot_id.read_text(encoding="ascii").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise BoxError("boot id", f"{self._boot_id} cannot be read ({error}); is this Linux, with /proc?") from error

    async def reboot(self) -> None:
        """Asks once for a restart of the whole box. Raises BoxError."""
        await self._bus.call("reboot", LOGIND, "Reboot", "b", [False])
        log.info("the box restarts")

    async def shutdown(self) -> None:
        """Asks once for the power to go off. Raises BoxError."""
        await self._bus.call("shutdown", LOGIND, "PowerOff", "b", [False])
        log.info("the box powers off")

    async def restart_compositor(self) -> None:
        """Asks systemd once to end the compositor's service, by force where it has to, and to start it again. Raises BoxError."""
        await self._bus.call("compositor", SYSTEMD, "RestartUnit", "ss", [COMPOSITOR, "replace"])
        log.info("the system starts the compositor again")

    async def set_timezone(self, name: str) -> None:
        """Sets the system's zone to an IANA name. Raises BoxError, also for a name that timedated does not know."""
        await self._bus.call("time zone", TIMEDATED, "SetTimezone", "sb", [name, False])
        log.info("the system's time zone is %s", name)

    async def timezone(self) -> str:
        """The system's zone, as timedated has it. Raises BoxError."""
        return str(await self._bus.get("time zone", TIMEDATED, "Timezone"))

    async def set_ntp_server(self, server: str) -> None:
        """Has timesyncd follow that host, now and after restarts. Raises BoxError."""
        await self._root.ask("time server", "ntp_server", server)
        log.info("the clock follows %s", server)

    async def ntp_server(self) -> str:
        """The first of the configured ones, or, where none is, the one that timesyncd found by itself. Raises BoxError."""
        configured = await self._bus.get("time server", TIMESYNC, "SystemNTPServers")
        return str(configured[0] if configured else await self._bus.get("time server", TIMESYNC, "ServerName"))

    async def set_clock(self, at: datetime) -> None:
        """Sets the clock. Raises BoxError, also where it follows a time server."""
        await self._root.ask("clock", "set_clock", str(int(at.timestamp())))
        log.info("the clock is set to %s", at)

    async def clock_synced(self) -> bool:
        """Whether the clock can be believed; False too when nobody can say."""
        kernel = self._kernel_synced()
        if kernel is not None:
            return kernel
        if self._stamp_is_fresh():
            return True
        try:
            return bool(await self._bus.get("clock", TIMEDATED, "NTPSynchronized"))
        except BoxError as error:
            log.debug("%s", error)
            return False

    def _stamp_is_fresh(self) -> bool:
        try:
            age_s = self._clock.now().timestamp() - self._stamp.stat().st_mtime
        except OSError:
            return False
        return 0 <= age_s <= STAMP_HOLDS_S
