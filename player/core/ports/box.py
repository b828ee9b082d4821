"""The box: its clock, sound, panel, operating system and sensors; and what it lacks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol


class Clock(Protocol):
    """The time, and how it passes."""

    def now(self) -> datetime:
        """This instant, aware UTC: what this box believes; nobody may have set it."""

    def monotonic(self) -> float:
        """Seconds that only grow, counted while suspended too: for durations."""


@dataclass(frozen=True, slots=True)
class Absent:
    """An ability that this box, or its server, does not have, and why, in words for the operator."""

    ability: str
    reason: str


@dataclass(frozen=True, slots=True)
class Ability:
    """Something that a box may have: by which `ways` ("CEC at /dev/cec0") it is there now, best first; none: `lacks` says why."""

    name: str
    ways: tuple[str, ...]
    lacks: str


@dataclass(frozen=True, slots=True)
class Told:
    """What became of telling a device: in words, and whether the device itself said so.

    Not `confirmed`: it was sent, and a device that cannot be asked, or does not say, may have missed it.
    """

    words: str
    confirmed: bool


class InputSource(StrEnum):
    """Which of a panel's sockets is shown; `PLAYER` is the one that this box is in, wherever that is."""

    PLAYER = "player"
    HDMI_1 = "hdmi_1"
    HDMI_2 = "hdmi_2"
    HDMI_3 = "hdmi_3"
    HDMI_4 = "hdmi_4"
    DISPLAYPORT_1 = "displayport_1"
    DISPLAYPORT_2 = "displayport_2"
    DVI_1 = "dvi_1"
    VGA_1 = "vga_1"


class Switch(StrEnum):
    """What of a box may be closed to the world around it."""

    WIFI = "wifi"
    BLUETOOTH = "bluetooth"
    USB_STORAGE = "usb_storage"


class Audio(Protocol):
    """The box's master volume. Every call raises BoxError when there is no sound, or it does not obey."""

    async def volume(self) -> int:
        """0 to 100, as it is now; a box turned up further counts as 100."""

    async def set_volume(self, volume: int) -> None:
        """0 to 100."""

    async def muted(self) -> bool:
        """Whether it is silent by `set_muted`, or by anybody else's switch."""

    async def set_muted(self, muted: bool) -> None:
        """Silence, or the volume as it was."""


class Panel(Protocol):
    """The panel beside the compositor: CEC, DDC, backlight. Raises BoxError when none of them obeys."""

    async def set_power(self, on: bool) -> Told:
        """Switches it on, or to standby."""

    async def remind(self, *, on: bool, shown: bool) -> None:
        """Says again how it is wanted to panels that forget (CEC), and whether this box is to be `shown`.

        Those that do not hear cost nothing: it never raises BoxError.
        """

    async def set_brightness(self, brightness: int) -> Told:
        """0 to 100."""

    async def brightness(self) -> int:
        """0 to 100, as it is now."""

    async def set_input(self, source: InputSource) -> Told:
        """Has it show what comes in there."""

    async def input_source(self) -> InputSource:
        """What it shows, where it says so."""


class Host(Protocol):
    """The operating system's side. Raises BoxError with the reason when it refuses."""

    def boot_id(self) -> str:
        """A name that is another one after each boot."""

    async def reboot(self) -> None:
        """Asks once for a restart of the whole box; returns while the box still runs."""

    async def shutdown(self) -> None:
        """Asks once for the power to go off; returns while the box still runs."""

    async def clock_synced(self) -> bool:
        """Whether the system's clock was set from the network; False too when nobody can say."""

    async def set_timezone(self, name: str) -> None:
        """Sets the system's zone to an IANA name ("Europe/Berlin"). BoxError too for a name that the system does not know."""

    async def timezone(self) -> str:
        """The system's zone, as an IANA name."""

    async def set_ntp_server(self, server: str) -> None:
        """Has the clock follow that host (a name or an address), from now on and after restarts."""

    async def ntp_server(self) -> str:
        """The host that the clock follows first."""

    async def set_clock(self, at: datetime) -> None:
        """Sets the clock to `at` (aware). BoxError where it follows a server that answers."""


class Switches(Protocol):
    """What of the box is closed to the world around it. Raises BoxError where it has no such thing, or may not be closed."""

    async def set(self, switch: Switch, on: bool) -> None:
        """Opens it, or closes it, also over restarts."""

    async def is_on(self, switch: Switch) -> bool:
        """How it is now."""


class Packages(Protocol):
    """The system's packages that the configuration allows. Raises BoxError for every other, and where none can be installed."""

    async def install(self, name: str, version: str | None) -> None:
        """Begins to install it, in that version or (None) the newest, which takes minutes; `installed` says when it is there."""

    async def installed(self, name: str) -> str | None:
        """Its version; None where it is not there."""


class Updates(Protocol):
    """Versions of the player that lie ready on this box, as signed bundles. Raises BoxError with the reason."""

    async def check(self, version: str) -> None:
        """Raises BoxError where no bundle of that version lies there that this box may install."""

    async def install(self, version: str) -> None:
        """Begins to install it: within minutes it ends this process, or has failed."""

    async def has_failed(self, version: str) -> bool:
        """Whether its installation ended without it."""


class Vpn(Protocol):
    """A private network that somebody set up on this box. Raises BoxError where nobody did, or it does not obey."""

    async def set(self, on: bool) -> None:
        """Brings it up, or takes it down, also over restarts."""

    async def is_on(self) -> bool:
        """Whether it is up; False too where there is none."""


@dataclass(frozen=True, slots=True)
class LoggedLine:
    """A line that a daemon said. `at`: seconds since the epoch; `unit`: who said it ("signage-agent")."""

    at: float
    unit: str
    words: str


class SystemLog(Protocol):
    """What the system keeps of the player's daemons, over restarts. Raises BoxError where it keeps none, or tells nothing."""

    async def lines(self, since: float, until: float, *, newest_first: bool) -> Sequence[LoggedLine]:
        """Of that stretch, from the end that is asked for; no more than a thousand."""


@dataclass(frozen=True, slots=True)
class Interface:
    """One way into the network. `kind`: "ethernet" or "wifi"; `addresses` with their length ("192.168.1.5/24"), IPv4 first.

    `gateway`: where its default route leads, None where it has none.
    """

    name: str
    kind: str
    mac: str
    connected: bool
    addresses: tuple[str, ...]
    gateway: str | None


@dataclass(frozen=True, slots=True)
class StorageWear:
    """How much of its life a chip has used, in per cent as its maker counts (steps of ten), and whether it is at its end."""

    device: str
    used_percent: int
    failing: bool


class Sensors(Protocol):
    """Readings of the box itself, at once and without errors; one that is not there is None."""

    def address(self) -> str | None:
        """At which others reach this box: the source address of the default route, IPv4 first."""

    def network(self) -> str:
        """How the box is connected, in words."""

    def wifi_signal_dbm(self) -> int | None:
        """-30 (beside it) to -90 (hardly there); None without Wi-Fi."""

    def interfaces(self) -> tuple[Interface, ...]:
        """Every real one, by name."""

    def name_servers(self) -> tuple[str, ...]:
        """Who is asked for names, in order."""

    def storage_wear(self) -> tuple[StorageWear, ...]:
        """Of each device that counts it (eMMC)."""

    def file_system_errors(self) -> int:
        """How many the kernel has counted where state and media are kept (ext4 alone counts), since each was last repaired."""

    def uptime_s(self) -> int:
        """Seconds since the boot."""

    def model(self) -> str:
        """Such as "Raspberry Pi 4 Model B Rev 1.4", or the architecture where nothing is known."""

    def os_version(self) -> str:
        """As the system names itself: "Debian GNU/Linux 12 (bookworm)"."""

    def temperature_c(self) -> float | None:
        """The processor's, in degrees Celsius; where none is named so, the hottest there is."""

    def throttled(self) -> str | None:
        """Either "no" or what holds the board back, now or since its boot; None where the board does not say."""

    def cpu_percent(self) -> float:
        """0 to 100 over all cores, since the last call (the first: since the boot)."""

    def memory_mb(self) -> tuple[int, int]:
        """(total, used) in megabytes of 1024 x 1024 bytes; what caches hold counts as free."""
