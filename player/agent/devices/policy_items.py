"""What the items of policies say, as settings of the registry. The shapes are the telemetry's: VOLUME is {"volume": 30}."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from player.agent.devices import bodies
from player.agent.devices.call import read_as
from player.agent.devices.refusals import bad_field
from player.core.content import Orientation
from player.core.policies import PolicyItem
from player.core.settings import Value

Settings = Sequence[tuple[str, Value]]
# What the API knows besides, and no setting of this player stands for.
OTHERS = frozenset({
    "TIMERS", "PROPRIETARY_TIMERS", "APPLICATION_VERSION", "FIRMWARE_VERSION", "POWER_ACTIONS_SCHEDULE", "TEMPERATURE",
    "BUNDLED_APPLET",
})  # fmt: skip


def settings_of(item: PolicyItem) -> Settings:
    """Settings by name. Raises Declined that names what is wrong, and for a type that no setting stands for."""
    if item.kind not in _KINDS:
        known = ", ".join(sorted(_KINDS))
        raise bad_field("items.type", f"this player holds no {item.kind[:60]}; it holds {known}")
    if not isinstance(item.value, dict):
        raise bad_field("items.value", "expected an object")
    return _KINDS[item.kind](item.value)


def check(kind: str, value: object) -> None:
    """Whether an item may be kept: one that no box of ours follows is kept, and is a violation. Raises Declined."""
    if kind not in OTHERS:
        settings_of(PolicyItem(kind, value, 0.0))


def _volume(value: Mapping[str, object]) -> Settings:
    return [("volume", read_as(bodies.VolumeBody, value).volume)]


def _brightness(value: Mapping[str, object]) -> Settings:
    return [("brightness", read_as(bodies.BrightnessItem, value).brightness)]


def _orientation(value: Mapping[str, object]) -> Settings:
    turn = read_as(bodies.OrientationItem, value).orientation
    return [("orientation", None if turn is bodies.PanelTurn.AUTO else Orientation(turn.lower()))]


def _resolution(value: Mapping[str, object]) -> Settings:
    wanted = read_as(bodies.ResolutionItem, value)
    return [("mode", f"{wanted.width}x{wanted.height}" + (f"@{wanted.framerate:g}" if wanted.framerate else ""))]


def _remote_control(value: Mapping[str, object]) -> Settings:
    return [("locked", read_as(bodies.RemoteControlBody, value).is_locked)]


def _datetime(value: Mapping[str, object]) -> Settings:
    wanted = read_as(bodies.DatetimeItem, value)
    return [("time_zone", wanted.timezone), *([("ntp_server", wanted.ntp_server)] if wanted.ntp_server else [])]


_KINDS: Mapping[str, Callable[[Mapping[str, object]], Settings]] = {
    "VOLUME": _volume,
    "BRIGHTNESS": _brightness,
    "ORIENTATION": _orientation,
    "RESOLUTION": _resolution,
    "REMOTE_CONTROL": _remote_control,
    "DATETIME": _datetime,
}
