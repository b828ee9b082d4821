"""What comes in: each call's body, checked. Fields that are not known are left alone; numbers and truths may be written as text."""

from __future__ import annotations

import re
from datetime import time
from enum import StrEnum
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

_WALL = re.compile(r"\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?", re.ASCII)


def _number(given: Any) -> Any:
    if given is True or given is False:
        raise ValueError("expected a number, found a truth")
    return given


def _wall(given: Any) -> Any:
    if not isinstance(given, str) or not _WALL.fullmatch(given):
        raise ValueError('expected a time of the day such as "08:00:00", without an offset')
    return given


Number = BeforeValidator(_number)  # true is no 1
Percent = Annotated[int, Field(ge=0, le=100), Number]
Name = Annotated[str, Field(min_length=1, max_length=200)]
Words = Annotated[str, Field(max_length=2000)]
Uid = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9._-]+$")]
Side = Annotated[int, Field(ge=100, le=16384), Number]
Pause = Annotated[int, Field(ge=30_000, le=86_400_000), Number]
Rank = Annotated[int, Field(ge=-1_000_000, le=1_000_000), Number]
Rate = Annotated[float, Field(ge=10, le=240), Number]
Url = Annotated[str, Field(max_length=2000, pattern=r"^https?://\S+$")]
UrlOrNowhere = Annotated[str, Field(max_length=2000, pattern=r"^(https?://\S+)?$")]
PackageVersion = Annotated[str, Field(max_length=100, pattern=r"^[A-Za-z0-9][A-Za-z0-9.+~:-]*$")]
WallTime = Annotated[time, BeforeValidator(_wall)]
# A form writes nothing for null.
WallTimeOrNone = Annotated[WallTime | None, BeforeValidator(lambda given: None if given in ("", "null") else given)]

Days = Annotated[
    tuple[str, ...], Field(max_length=14), BeforeValidator(lambda given: given.split(",") if isinstance(given, str) else given)
]  # a form writes a single one without a list


class CallBody(BaseModel):
    """One call's body."""

    model_config = ConfigDict(extra="ignore", frozen=True)


class RenameBody(CallBody):
    """What the device is called from now on."""

    name: Name


class VolumeBody(CallBody):
    """How loud, in per cent."""

    volume: Percent


class BrightnessBody(CallBody):
    """Two brightnesses a day, each from its own wall time on."""

    brightness1: Percent
    time_from_1: WallTime = Field(alias="timeFrom1")
    brightness2: Percent
    time_from_2: WallTime = Field(alias="timeFrom2")


class PanelTurn(StrEnum):
    """How the panel hangs; AUTO leaves it to the configuration."""

    PORTRAIT = "PORTRAIT"
    PORTRAIT_FLIPPED = "PORTRAIT_FLIPPED"
    LANDSCAPE = "LANDSCAPE"
    LANDSCAPE_FLIPPED = "LANDSCAPE_FLIPPED"
    AUTO = "AUTO"


class SizeBody(CallBody):
    """The width and height that are asked for, in pixels."""

    width: Side
    height: Side


class ResolutionBody(CallBody):
    """The client names a resolution; the document gives a size, and a rate in Hz that counts with it alone."""

    orientation: PanelTurn
    resolution: Literal["FULL_HD", "HD_READY"] | None = None
    size: SizeBody | None = None
    framerate: Rate | None = None

    @property
    def mode(self) -> str | None:
        """The panel's mode ("1920x1080@60"); None: it stays."""
        if self.resolution is not None:
            return {"FULL_HD": "1920x1080", "HD_READY": "1280x720"}[self.resolution]
        if self.size is None:
            return None
        return f"{self.size.width}x{self.size.height}" + (f"@{self.framerate:g}" if self.framerate else "")


class RemoteControlBody(CallBody):
    """`enabled` is the client's word and the opposite of the document's `locked`, which `kiosk` is another name of."""

    enabled: bool | None = None
    locked: bool | None = None
    kiosk: bool | None = None

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if self.enabled is None and self.locked is None and self.kiosk is None:
            raise ValueError("one of enabled, locked and kiosk is needed")
        return self

    @property
    def is_locked(self) -> bool:
        """Whether local controls are to be closed."""
        if self.locked is not None:
            return self.locked
        return self.kiosk if self.kiosk is not None else not self.enabled


class DebugBody(CallBody):
    """Of the applet, and of the player itself."""

    applet_enabled: bool = Field(False, alias="appletEnabled")
    native_enabled: bool = Field(False, alias="nativeEnabled")

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if not self.model_fields_set:
            raise ValueError("one of appletEnabled and nativeEnabled is needed")
        return self


class TimeBody(CallBody):
    """`time` is that zone's wall clock, in one of several forms."""

    time: str | int
    timezone: Annotated[str, Field(max_length=100)]
    ntp_server: Annotated[str, Field(max_length=253)] | None = Field(None, alias="ntpServer")


PowerWord = Literal[
    "SYSTEM_REBOOT", "DISPLAY_POWER_ON", "DISPLAY_POWER_OFF", "APP_RESTART", "APPLET_DISABLE", "APPLET_ENABLE", "APPLET_RELOAD",
    "APPLET_REFRESH",
]  # fmt: skip


class PowerBody(CallBody):
    """What is to happen at once: one of eight power actions."""

    power: PowerWord = Field(alias="devicePowerAction")


class AutoRecoveryBody(CallBody):
    """How often the page is asked whether it is well, and after how long off means on again; in milliseconds."""

    enabled: bool
    healthcheck_interval: Pause | None = Field(None, alias="healthcheckIntervalMs")
    auto_enable_timeout: Pause | None = Field(None, alias="autoEnableTimeoutMs")


class PeerRecoveryBody(CallBody):
    """Milliseconds; the address of the page that would start this device again."""

    enabled: bool
    launcher: Url | None = Field(None, alias="urlLauncherAddress")
    auto_enable_timeout: Pause | None = Field(None, alias="autoEnableTimeoutMs")


class AddressBody(CallBody):
    """Where the maker's remote management is; empty or null: nowhere."""

    url: UrlOrNowhere | None = None


class PackageBody(CallBody):
    """A package of the operating system."""

    name: Annotated[str, Field(max_length=128, pattern=r"^[a-zA-Z][\w\-.]*\w$")] = Field(alias="packageName")
    version: PackageVersion
    build: PackageVersion | None = None


class ConfigureBody(CallBody):
    """What version 2 changes at once; what is null stays. The addresses are those of the cloud that a player would call."""

    name: Name | None = None
    connection: Literal["websocket", "http"] | None = Field(None, alias="connectionMethod")
    platform: Words | None = Field(None, alias="platformUri")
    static_base: Words | None = Field(None, alias="staticBaseUrl")
    upload_base: Words | None = Field(None, alias="uploadBaseUrl")
    weinre: Words | None = Field(None, alias="weinreUri")
    management: UrlOrNowhere | None = Field(None, alias="extendedManagementUrl")


class VersionBody(CallBody):
    """A version of the player, or of the operating system."""

    version: Annotated[str, Field(min_length=1, max_length=100)]


class SecurityBody(CallBody):
    """What of the box is open to the world around it; null leaves it as it is."""

    bluetooth: bool | None = Field(None, alias="bluetoothEnabled")
    usb: bool | None = Field(None, alias="usbEnabled")
    wifi: bool | None = Field(None, alias="wifiEnabled")
    menu: bool | None = Field(None, alias="menuAccessEnabled")
    buttons: bool | None = Field(None, alias="buttonsEnabled")
    remote_control: bool | None = Field(None, alias="remoteControlEnabled")
    kiosk: bool | None = Field(None, alias="kioskModeEnabled")


class SwitchBody(CallBody):
    """On or off, for what has a switch: screen capture, VPN."""

    enable: bool


class FeatureTestsBody(CallBody):
    """By name; none: all that there are."""

    tests: tuple[Name, ...] = ()


class TagBody(CallBody):
    """The name of a label that is made."""

    name: Name
    color: Annotated[str, Field(max_length=32)] | None = None
    parent: Uid | None = Field(None, alias="parentTagUid")


class Coordinates(CallBody):
    """Degrees of the globe, WGS 84."""

    lat: Annotated[float, Field(ge=-90, le=90), Number]
    long: Annotated[float, Field(ge=-180, le=180), Number]


class LocationBody(CallBody):
    """Where a device stands: by coordinates or by address, never both."""

    name: Name | None = None
    coordinates: Coordinates | None = None
    address: Annotated[str, Field(min_length=1, max_length=500)] | None = None
    custom_id: Annotated[str, Field(max_length=200)] | None = Field(None, alias="customId")
    description: Words | None = None

    @model_validator(mode="after")
    def _one_place(self) -> Self:
        if self.coordinates is not None and self.address is not None:
            raise ValueError("coordinates and address exclude each other")
        return self


class RemoveAttachmentsBody(CallBody):
    """The client's name for the list, and the document's."""

    attachments_to_remove: tuple[str, ...] = Field((), alias="attachmentsToRemove")
    attachments: tuple[str, ...] = ()

    @property
    def names(self) -> frozenset[str]:
        """The names of what is taken away."""
        return frozenset((*self.attachments_to_remove, *self.attachments))


class PolicyItemBody(CallBody):
    """One item of a policy."""

    type: Annotated[str, Field(min_length=1, max_length=64)]
    value: Any = None
    application_type: str | None = Field(None, alias="applicationType")


class PolicyBody(CallBody):
    """What is given changes; the rest stays."""

    name: Name | None = None
    items: Annotated[tuple[PolicyItemBody, ...], Field(max_length=32)] | None = None
    note: Words | None = None


class NamedBody(CallBody):
    """A policy that is made, or copied."""

    name: Name
    items: Annotated[tuple[PolicyItemBody, ...], Field(max_length=32)] = ()


class ArchivedBody(CallBody):
    """Out of use, or in it again."""

    archived: bool


class AssignedBody(CallBody):
    """A policy for this device; of two the one with the higher priority wins."""

    uid: Uid
    priority: Rank


class VerificationBody(CallBody):
    """What the screen shows for it."""

    hash: Annotated[str, Field(min_length=4, max_length=64)] = Field(alias="verificationHash")


class TimerBody(CallBody):
    """One of seven of its level; both times null: it goes."""

    type: Annotated[str, Field(pattern=r"^TIMER_[1-7]$")]
    level: Literal["NATIVE", "PROPRIETARY"]
    time_on: WallTimeOrNone = Field(None, alias="timeOn")
    time_off: WallTimeOrNone = Field(None, alias="timeOff")
    weekdays: Days = ()
    volume: Percent | None = None

    @property
    def number(self) -> int:
        """1 to 7."""
        return int(self.type[-1])


class PlanBody(CallBody):
    """A power action for a wall time on certain days."""

    power: PowerWord = Field(alias="powerAction")
    weekdays: Annotated[Days, Field(min_length=1)]
    time: WallTime
