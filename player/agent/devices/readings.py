"""What can be read of this box, by the API's names for it, in the API's shapes. What is not there is None."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from player import __version__
from player.agent.devices import wire
from player.agent.devices.debug_switch import DebugSwitch
from player.agent.devices.schedule_calls import plans_of, timers_of
from player.agent.devices.wire import BoxFacts, BoxNow
from player.agent.settings.registry import SettingsRegistry
from player.agent.settings.schedule_runner import ScheduleRunner
from player.core.applets import AppletAssignment
from player.core.device_schedule import TimerLevel
from player.core.ports.box import InputSource
from player.core.ports.server import Telemetry
from player.core.settings import Value

WATCHDOG_MS = 30_000
Reading = Callable[[], Awaitable[Any]]


class Readings:
    """`telemetry` reads the box as for a heartbeat, `now` what its shapes need of it; `assigned` is the applet that is."""

    def __init__(
        self, facts: BoxFacts, now: Callable[[], Awaitable[BoxNow]], telemetry: Callable[[], Awaitable[Telemetry]],
        settings: SettingsRegistry, schedule: ScheduleRunner, debug: DebugSwitch, proxy: str,
        assigned: Callable[[], AppletAssignment | None],
    ) -> None:  # fmt: skip
        self._facts, self._now, self._telemetry, self._settings, self._schedule = facts, now, telemetry, settings, schedule
        self._debug, self._proxy, self._assigned = debug, proxy, assigned

    def table(self) -> Mapping[str, Reading]:
        """Each kind, and what reads it."""
        return {
            "VOLUME": self._setting("volume", lambda value: {"volume": value}),
            "BRIGHTNESS": self._setting("brightness", lambda value: {"brightness": value}),
            "ORIENTATION": self._setting("orientation", lambda value: {"orientation": str(value).upper()}),
            "RESOLUTION": self._resolution,
            "REMOTE_CONTROL": self._setting("locked", lambda value: {"enabled": not value}),
            "DEBUG": self._debugging,
            "TIMERS": self._timers(TimerLevel.NATIVE),
            "PROPRIETARY_TIMERS": self._timers(TimerLevel.PROPRIETARY),
            "POWER_ACTIONS_SCHEDULE": self._plans,
            "INPUT_SOURCE": self._setting("input_source", lambda value: {"inputSource": source_word(str(value))}),
            "DATETIME": self._datetime,
            "APPLICATION_VERSION": _fixed({"version": __version__}),
            "FRONT_DISPLAY_VERSION": _fixed({"version": __version__, "versionNumber": version_number(__version__)}),
            "FIRMWARE_VERSION": _fixed({"version": self._facts.os_version}),
            "CONNECTION_METHOD": _fixed("http"),
            "ONLINE_STATUS": _fixed({"online": True}),
            "AUTO_RECOVERY": _fixed({"enabled": True, "healthcheckIntervalMs": WATCHDOG_MS}),
            "PEER_RECOVERY": _fixed({"enabled": False}),
            "EXTENDED_MANAGEMENT": _fixed({"url": None}),
            "BUNDLED_APPLET": self._applet,
            "PROXY": _fixed({"enabled": bool(self._proxy), "uri": self._proxy or None}),
            "TEMPERATURE": self._temperature,
            "WIFI_STRENGTH": self._wifi,
            "STORAGE": self._storage,
        }

    def _setting(self, name: str, shape: Callable[[Value], Any]) -> Reading:
        """As found; where nobody can say, as wanted."""

        async def read() -> Any:
            row = await self._settings.row(name)
            value = row.wanted if row.found is None else row.found
            return None if value is None else shape(value)

        return read

    async def _resolution(self) -> Any:
        width, height = wire.sides((await self._now()).size)
        return {"width": width, "height": height} if width else None

    async def _datetime(self) -> Any:
        now = await self._now()
        ntp_server = await self._settings.row("ntp_server")
        return {"timezone": now.zone, "ntpServer": ntp_server.found or ntp_server.wanted, "incorrectTime": not now.clock_trusted}

    def _timers(self, level: TimerLevel) -> Reading:
        async def read() -> Any:
            return timers_of(self._schedule, level)

        return read

    async def _debugging(self) -> Any:
        return {"appletEnabled": False, "nativeEnabled": self._debug.is_on}

    async def _plans(self) -> Any:
        return plans_of(self._schedule)

    async def _applet(self) -> Any:
        """The one that is assigned: what is shown while no timing is on."""
        found = self._assigned()
        return None if found is None else {
            "appletUid": found.run.applet, "appletVersion": found.run.version, "config": found.run.configuration,
        }  # fmt: skip

    async def _temperature(self) -> Any:
        found = (await self._telemetry()).extra.get("temperature_c")
        return None if found is None else {"temperature": found}

    async def _wifi(self) -> Any:
        found = (await self._telemetry()).wifi_signal
        return None if found is None else {"strength": found}

    async def _storage(self) -> Any:
        return wire.storage(await self._now())


def _fixed(value: Any) -> Reading:
    async def read() -> Any:
        return value

    return read


def version_number(version: str) -> int:
    """ "1.2.3" -> 10203: what grows with each version."""
    parts = [int(part) if part.isdigit() else 0 for part in version.split(".")][:3]
    return sum(part * 100**place for place, part in enumerate(reversed([*parts, 0, 0, 0][:3])))


def source_word(source: str) -> str:
    """A panel's socket in the API's words: "hdmi_1" -> "hdmi1"; this box itself is what pages are launched in."""
    return "urlLauncher" if source == InputSource.PLAYER else source.replace("_", "")
