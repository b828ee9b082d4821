"""What the items of policies say, read and checked. The shapes are the telemetry's: VOLUME is {"volume": 30}.

Most say what settings of the registry are to be; the others (timers, versions …) are brought about by `policy_rules`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from uuid import uuid4

from player.agent.devices import applet_bodies, bodies, policy_bodies
from player.agent.devices.call import read_as
from player.agent.devices.refusals import bad_field
from player.agent.devices.schedule_calls import POWER, days_of
from player.core.content import Orientation
from player.core.device_schedule import PlannedAction, Timer
from player.core.policies import TIMER_ITEMS, PolicyItem
from player.core.settings import Value

Settings = Sequence[tuple[str, Value]]
TIMERS = {kind: level for level, kind in TIMER_ITEMS.items()}
PLANS, DEBUG, TEMPERATURE = "POWER_ACTIONS_SCHEDULE", "DEBUG", "TEMPERATURE"
VERSIONS = ("APPLICATION_VERSION", "FIRMWARE_VERSION")
APPLET = "BUNDLED_APPLET"  # what is shown while no timing is on: the assignment stands for it


def names_of(item: PolicyItem) -> Sequence[str]:
    """What it holds: settings of the registry by name, or the kind itself. Raises Declined."""
    return [name for name, _ in settings_of(item)] if item.kind in _KINDS else [item.kind]


def settings_of(item: PolicyItem) -> Settings:
    """Settings by name, of a kind that is about such. Raises Declined that names what is wrong."""
    return _KINDS[item.kind](_object(item.value))


def is_about_settings(item: PolicyItem) -> bool:
    """Whether settings of the registry stand for all that it says."""
    return item.kind in _KINDS


def check(kind: str, value: object) -> None:
    """Whether an item may be kept. Raises Declined, also for a kind that the API does not know."""
    item = PolicyItem(kind, value, 0.0)
    if kind in _KINDS:
        settings_of(item)
    elif kind in TIMERS:
        timers_of(item, 0.0)
    elif kind == PLANS:
        plans_of(item, 0.0)
    elif kind == DEBUG:
        debug_of(item)
    elif kind == TEMPERATURE:
        temperature_of(item)
    elif kind in VERSIONS:
        version_of(item)
    elif kind == APPLET:
        applet_of(item)
    else:
        known = ", ".join(sorted((*_KINDS, *TIMERS, PLANS, DEBUG, TEMPERATURE, *VERSIONS, APPLET)))
        raise bad_field("items.type", f"there is no {kind[:60]}; the types are {known}")


# --- what is not about settings


def timers_of(item: PolicyItem, since: float) -> Sequence[Timer]:
    """All timers of that level, set at `since`; those without a time are none. Raises Declined."""
    found = []
    for given in _list(item.value):
        wanted = read_as(bodies.TimerBody, {**given, "level": TIMERS[item.kind].upper()})
        if wanted.time_on is not None or wanted.time_off is not None:
            days = days_of(wanted.weekdays)
            found.append(Timer(TIMERS[item.kind], wanted.number, wanted.time_on, wanted.time_off, days, wanted.volume, since))
    if len({timer.number for timer in found}) < len(found):
        raise bad_field("items.value", "a timer is in it twice")
    return found


def plans_of(item: PolicyItem, since: float) -> Sequence[PlannedAction]:
    """All planned power actions, each with a fresh id. Raises Declined."""
    wanted = [read_as(policy_bodies.PlanItem, given) for given in _list(item.value)]
    return [PlannedAction(uuid4().hex, POWER[one.power], days_of(one.weekdays), one.time, since) for one in wanted]


def debug_of(item: PolicyItem) -> bodies.DebugBody:
    """Of the applet, and of the player itself. Raises Declined."""
    return read_as(bodies.DebugBody, _object(item.value))


def temperature_of(item: PolicyItem) -> float:
    """How hot the processor may be, in degrees Celsius. Raises Declined."""
    return read_as(policy_bodies.TemperatureItem, _object(item.value)).temperature


def version_of(item: PolicyItem) -> str:
    """Raises Declined."""
    return read_as(bodies.VersionBody, _object(item.value)).version


def applet_of(item: PolicyItem) -> applet_bodies.BundledAppletItem:
    """Its uid, its version and its configuration. Raises Declined."""
    return read_as(applet_bodies.BundledAppletItem, _object(item.value))


def _object(value: object) -> Mapping[str, object]:
    if not isinstance(value, dict):
        raise bad_field("items.value", "expected an object")
    return value


def _list(value: object) -> Sequence[Mapping[str, object]]:
    if not isinstance(value, list | tuple):
        raise bad_field("items.value", "expected a list")
    return [_object(one) for one in value]


# --- settings


def _volume(value: Mapping[str, object]) -> Settings:
    return [("volume", read_as(bodies.VolumeBody, value).volume)]


def _brightness(value: Mapping[str, object]) -> Settings:
    return [("brightness", read_as(policy_bodies.BrightnessItem, value).brightness)]


def _orientation(value: Mapping[str, object]) -> Settings:
    turn = read_as(policy_bodies.OrientationItem, value).orientation
    return [("orientation", None if turn is bodies.PanelTurn.AUTO else Orientation(turn.lower()))]


def _resolution(value: Mapping[str, object]) -> Settings:
    wanted = read_as(policy_bodies.ResolutionItem, value)
    return [("mode", f"{wanted.width}x{wanted.height}" + (f"@{wanted.framerate:g}" if wanted.framerate else ""))]


def _remote_control(value: Mapping[str, object]) -> Settings:
    return [("locked", read_as(bodies.RemoteControlBody, value).is_locked)]


def _datetime(value: Mapping[str, object]) -> Settings:
    wanted = read_as(policy_bodies.DatetimeItem, value)
    return [("time_zone", wanted.timezone), *([("ntp_server", wanted.ntp_server)] if wanted.ntp_server else [])]


_KINDS: Mapping[str, Callable[[Mapping[str, object]], Settings]] = {
    "VOLUME": _volume,
    "BRIGHTNESS": _brightness,
    "ORIENTATION": _orientation,
    "RESOLUTION": _resolution,
    "REMOTE_CONTROL": _remote_control,
    "DATETIME": _datetime,
}
