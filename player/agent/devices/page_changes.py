"""Which call of this API a page's message is, and how its body is made of the message: one table, in the library's words."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from player.errors import BoxError

D = "/v1/device/{device}"
PLANS = f"{D}/scheduled-power-action"
LOOKS = 120  # tenths of a second until how a change ended is not waited for any more
GOING_LOOKS = 20  # of what ends this process: that it was refused is known by then
_DAYS = ("SUNDAY", "MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY", "SATURDAY")
_NO_UNLOCKING = "a page may close the local controls, and not open them: that needs the PIN"
Asked = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class PageChange:
    """The call that a message is, and its body, made of the message's fields."""

    method: str
    path: str
    body: Callable[[Asked], Mapping[str, Any]]
    looks: int = LOOKS


def _same(*names: str) -> Callable[[Asked], Mapping[str, Any]]:
    return lambda asked: {name: asked.get(name) for name in names}


def _power(word: str, looks: int = LOOKS) -> PageChange:
    return PageChange("POST", f"{D}/power-action", lambda _: {"devicePowerAction": word}, looks)


def _timer(level: str) -> PageChange:
    return PageChange("PUT", f"{D}/timer-settings", lambda asked: {
        "type": asked.get("timerType"), "level": level, "timeOn": asked.get("timeOn"), "timeOff": asked.get("timeOff"),
        "weekdays": asked.get("weekdays") or (), "volume": asked.get("volume"),
    })  # fmt: skip


def _at(asked: Asked) -> Mapping[str, Any]:
    """A date is an instant; an object is that zone's wall clock."""
    given = asked.get("currentDate")
    if isinstance(given, Mapping):
        names = ("year", "month", "day", "hour", "minute", "second")
        parts = [part for name in names if isinstance(part := given.get(name), int)]
        if len(parts) < len(names):
            raise BoxError("time", "currentDate is a date, or an object of whole numbers from year to second")
        given = "{:04d}-{:02d}-{:02d}T{:02d}:{:02d}:{:02d}".format(*parts)
    return {"time": given, "timezone": asked.get("timezone")}


def _closing(asked: Asked) -> Mapping[str, Any]:
    if asked.get("enabled") is not False:
        raise BoxError("locked", _NO_UNLOCKING)
    return {"enabled": False}


def _reboot(asked: Asked) -> Mapping[str, Any]:
    """The library counts the days of a week from Sunday, which is 0."""
    given = asked.get("rule")
    rule = given if isinstance(given, Mapping) else {}
    days = rule.get("weekdays")
    named = days if isinstance(days, Sequence) else ()
    names = [_DAYS[day] if isinstance(day, int) and 0 <= day < len(_DAYS) else str(day)[:20] for day in named]
    if not names:
        raise BoxError("schedule", "a planned restart names its days")
    return {"powerAction": "SYSTEM_REBOOT", "weekdays": names, "time": rule.get("time")}


SET_SERVER = PageChange("PUT", f"{D}/time", _same("timezone", "ntpServer"))  # and the time, as it is
CHANGES: Mapping[str, PageChange] = {
    "set_volume": PageChange("PUT", f"{D}/volume", _same("volume")),
    "set_screen_brightness": PageChange("PUT", f"{D}/brightness", _same("brightness1", "timeFrom1", "brightness2", "timeFrom2")),
    "resize_screen": PageChange("PUT", f"{D}/resolution", _same("orientation", "resolution")),
    "power_on_display": _power("DISPLAY_POWER_ON"),
    "power_off_display": _power("DISPLAY_POWER_OFF"),
    "reboot_system": _power("SYSTEM_REBOOT", GOING_LOOKS),
    "restart_app": _power("APP_RESTART", GOING_LOOKS),
    "set_current_time_with_timezone": PageChange("PUT", f"{D}/time", _at),
    "set_remote_control_enabled": PageChange("PUT", f"{D}/remote-control", _closing),
    "set_debug": PageChange("PUT", f"{D}/debug", lambda asked: {"nativeEnabled": asked.get("enabled")}),
    "set_timer": _timer("NATIVE"),
    "set_proprietary_timer": _timer("PROPRIETARY"),
    "delete_proprietary_timer": _timer("PROPRIETARY"),
    "set_scheduled_reboot": PageChange("POST", PLANS, _reboot),
    "set_auto_recovery": PageChange("PUT", f"{D}/auto-recovery", _same("enabled", "healthcheckIntervalMs", "autoEnableTimeoutMs")),
    "set_peer_recovery": PageChange("PUT", f"{D}/peer-recovery", _same("enabled", "urlLauncherAddress", "autoEnableTimeoutMs")),
}
