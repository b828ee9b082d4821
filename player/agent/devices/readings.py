"""What can be read of this box, by the API's names for it, in the API's shapes. What is not there is None."""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from player import __version__
from player.agent.devices import wire
from player.agent.devices.about import AboutFile
from player.agent.devices.debug_switch import DebugSwitch
from player.agent.devices.presence_file import PresenceFile
from player.agent.devices.schedule_calls import plans_of, timers_of
from player.agent.devices.wire import BoxFacts, BoxNow
from player.agent.settings.registry import SettingsRegistry
from player.agent.settings.schedule_runner import ScheduleRunner
from player.core.applet_rights import FRONT_CAPABILITIES, MANAGEMENT_CAPABILITIES
from player.core.applets import AppletAssignment
from player.core.device_schedule import TimerLevel
from player.core.ports.box import InputSource, Packages
from player.core.ports.server import Telemetry
from player.core.presence import gaps
from player.core.settings import Value

WATCHDOG_MS = 30_000
MONTH_S = 31 * 86400.0
Reading = Callable[[], Awaitable[Any]]


class Readings:
    """`telemetry` reads the box as for a heartbeat, `now` what its shapes need of it; `assigned` is the applet that is.

    `mode` is the panel's ("1920x1080@60"), "" where there is none; `allowed` are the packages that may be installed.
    """

    def __init__(
        self, facts: BoxFacts, now: Callable[[], Awaitable[BoxNow]], about: AboutFile,
        telemetry: Callable[[], Awaitable[Telemetry]], settings: SettingsRegistry, schedule: ScheduleRunner, debug: DebugSwitch,
        proxy: str, *,
        assigned: Callable[[], AppletAssignment | None], mode: Callable[[], str], presence: PresenceFile, packages: Packages,
        allowed: Sequence[str],
    ) -> None:  # fmt: skip
        self._facts, self._now, self._telemetry, self._settings, self._schedule = facts, now, telemetry, settings, schedule
        self._about, self._debug, self._proxy, self._assigned, self._mode = about, debug, proxy, assigned, mode
        self._presence, self._packages, self._allowed = presence, packages, allowed

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
            "EXTENDED_MANAGEMENT": self._extended,
            "MANAGEMENT_CAPABILITIES": _fixed({"capable": MANAGEMENT_CAPABILITIES}),
            "FRONT_CAPABILITIES": _fixed({"capable": FRONT_CAPABILITIES}),
            "INSTALLED_PACKAGES": self._installed,
            "OFFLINE_RANGE": self._offline,
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
        _, at, rate = self._mode().partition("@")
        return {"width": width, "height": height, **({"framerate": float(rate)} if at else {})} if width else None

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

    async def _extended(self) -> Any:
        return {"url": self._about.current.extended_management or None}

    async def _installed(self) -> Any:
        """Of the packages that may be installed, those that are."""
        found = [(name, await self._packages.installed(name)) for name in self._allowed]
        return [
            {
                "buildHash": hashlib.sha256(f"{name} {version}".encode()).hexdigest(),
                "specs": {"packageName": name, "version": version},
            }
            for name, version in found
            if version
        ]  # fmt: skip

    async def _offline(self) -> Any:
        """The last time that it was not up, within a month."""
        now = (await self._now()).at
        last = next(reversed(tuple(gaps(self._presence.spans(), now - MONTH_S, now))), None)
        return None if last is None else {"since": wire.instant(last.begins), "until": wire.instant(last.ends)}

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
