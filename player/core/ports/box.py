"""The box: its clock, sound, panel, operating system and sensors; and what it lacks."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
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

    async def set_power(self, on: bool) -> str:
        """Switches it on, or to standby. The sentence says what was done, and what the panel says."""

    async def set_brightness(self, brightness: int) -> str:
        """0 to 100. The sentence says what was done."""

    async def brightness(self) -> int:
        """0 to 100, as it is now."""


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


class Sensors(Protocol):
    """Readings of the box itself, at once and without errors; one that is not there is None."""

    def address(self) -> str | None:
        """At which others reach this box: the source address of the default route, IPv4 first."""

    def network(self) -> str:
        """How the box is connected, in words."""

    def wifi_signal_dbm(self) -> int | None:
        """-30 (beside it) to -90 (hardly there); None without Wi-Fi."""

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
