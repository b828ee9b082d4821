"""What the stage is told to be: settings, alerts, what cards say, and what is known beside the programme.

Frozen values only. `StageBrief` is one of the two snapshots that cross from the agent to the stage (the other is the manifest,
`core.content`); its field names are its JSON.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from player.core.applets import AppletPlan
from player.core.content import Orientation


class Severity(StrEnum):
    """Of an emergency alert (the words of CAP 1.2); `extreme` and `severe` take the screen over."""

    EXTREME = "extreme"
    SEVERE = "severe"
    MODERATE = "moderate"
    MINOR = "minor"
    UNKNOWN = "unknown"

    @property
    def takes_over(self) -> bool:
        """Whether content gives way; below that it is a ticker."""
        return self in (Severity.EXTREME, Severity.SEVERE)


@dataclass(frozen=True, slots=True)
class Alert:
    """An emergency alert. Times are seconds since the epoch, UTC; `image` is a path below the cache folder."""

    id: str
    title: str
    message: str
    severity: Severity
    starts_at: float | None = None
    expires_at: float | None = None
    image: str | None = None
    color: str | None = None


@dataclass(frozen=True, slots=True)
class DeviceSettings:
    """What this device is told to be: the wanted value of each setting that `core.settings` lists. None leaves it as it is."""

    locked: bool = False
    orientation: Orientation | None = None
    screen_on: bool = True
    brightness: int | None = None
    volume: int | None = None
    muted: bool = False
    time_zone: str | None = None
    mode: str | None = None


@dataclass(frozen=True, slots=True)
class CardFacts:
    """What cards say of this device: words, but for `paired` (None: not yet known) and the code to show while it is false."""

    paired: bool | None = None
    pairing_code: str | None = None
    server_name: str = ""
    server_url: str = ""
    pair_url: str = ""
    device_name: str = ""
    address: str = ""
    network: str = ""
    box_id: str = ""


@dataclass(frozen=True, slots=True)
class ClockFacts:
    """What is known of the device's clock. Instants are seconds since the epoch.

    `trusted_boot`: the boot (its id) in which it was found right; `floor`: it is not earlier than this, by the server's word at the
    least; `synced_floor`: nor than this, surely.
    """

    trusted_boot: str = ""
    floor: float = 0.0
    synced_floor: float = 0.0


@dataclass(frozen=True, slots=True)
class StageBrief:
    """What the agent tells the stage, durably: applied before the first frame, in force while the agent is away.

    `facts` are what conditions of rules ask for (`schedule.holds`); `dimmed`: how much darker than drawn the picture is to be, in
    per cent, where the panel itself cannot be set; `applets`: what the management wants shown of them.
    """

    settings: DeviceSettings = field(default_factory=DeviceSettings)
    cards: CardFacts = field(default_factory=CardFacts)
    alerts: tuple[Alert, ...] = ()
    clock: ClockFacts = field(default_factory=ClockFacts)
    facts: dict[str, float | str] = field(default_factory=dict)
    dimmed: int = 0
    applets: AppletPlan = field(default_factory=AppletPlan)
