"""What an applet's page learns of this box and changes of it, in the library's words.

A change is a call of this API, in the applet's name and with the right that put it on: the same checks of what is asked, the same
policies, the same action log, the same limits. The page is told how it ended, where that is known soon.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from player.agent.control.access import DEVICE_KIND, Scope, Token
from player.agent.devices.about import AboutFile
from player.agent.devices.action_log import ActionLog
from player.agent.devices.box_reader import BoxReader
from player.agent.devices.call import ApiCall, Row
from player.agent.devices.debug_switch import DebugSwitch
from player.agent.devices.labels import Labels
from player.agent.devices.page_changes import CHANGES, PLANS, SET_SERVER, PageChange
from player.agent.devices.readings import WATCHDOG_MS
from player.agent.devices.schedule_calls import timers_of
from player.agent.devices.setting_effects import SettingEffects
from player.agent.settings.schedule_runner import ScheduleRunner
from player.core.device_schedule import PowerAction, TimerLevel
from player.core.ports.box import Interface, Sensors
from player.core.ports.stage import AppletAsked
from player.core.settings import Value
from player.errors import BoxError

LOOK_S = 0.1
NOTHING: Mapping[str, Any] = {}
_MB = 1024 * 1024


class PageBox:
    """`device` is the box's uid, `rows` are the calls of this API; `proxy` is the way out, "" for none."""

    def __init__(
        self, device: str, rows: Sequence[Row], log: ActionLog, settings: SettingEffects, schedule: ScheduleRunner,
        box: BoxReader, sensors: Sensors, debug: DebugSwitch, about: AboutFile, labels: Labels, proxy: str,
    ) -> None:  # fmt: skip
        self._device, self._log, self._settings, self._schedule, self._box = device, log, settings, schedule, box
        self._rows = {(row.method, row.path): row for row in rows}
        self._sensors, self._debug, self._about, self._labels, self._proxy = sensors, debug, about, labels, proxy
        self._reads: Mapping[str, Callable[[], Awaitable[Any]]] = {
            "get_volume": lambda: self._setting("volume"),
            "get_screen_brightness": self._brightness,
            "get_screen_orientation": self._orientation,
            "get_is_display_power_on": lambda: self._setting("screen_on"),
            "get_current_temperature": self._temperature,
            "get_os_info": self._os,
            "get_cpu_usage": self._cpu,
            "get_memory_usage": self._memory,
            "get_network_interfaces": self._interfaces,
            "get_network_info": self._network,
            "get_current_time_with_timezone": self._time,
            "get_is_remote_control_enabled": self._is_open,
            "is_enabled": self._debugging,
            "get_timers": lambda: self._timers(TimerLevel.NATIVE),
            "get_proprietary_timers": lambda: self._timers(TimerLevel.PROPRIETARY),
            "get_scheduled_reboots": self._reboots,
            "get_auto_recovery": lambda: _known({"enabled": True, "healthcheckIntervalMs": WATCHDOG_MS}),
            "get_peer_recovery": lambda: _known({"enabled": False}),
            "proxy_is_enabled": lambda: _known(bool(self._proxy)),
            "proxy_get_connected_to": self._way_out,
            "get_location": self._location,
            "get_organization_tags": self._tags,
        }

    async def do(self, asked: AppletAsked) -> Any:
        """What the page is answered. Raises SignageError with the reason."""
        what, call = asked.what.partition(".")[2], _Caller(asked)
        if what in self._reads:
            return await self._reads[what]()
        if what == "set_ntp_time_with_timezone":
            now = str(round((await self._box.now()).at * 1000))  # the clock is as it is; its server is another one
            return await self._change(SET_SERVER, call, {"time": now})
        if what in ("remove_scheduled_reboot", "clear_scheduled_reboots"):
            return await self._cancel(call, asked.asked.get("id") if what == "remove_scheduled_reboot" else None)
        if what not in CHANGES:
            raise BoxError("applet", f"this player does not answer {what[:100]}")
        return await self._change(CHANGES[what], call)

    async def _change(self, change: PageChange, call: _Caller, more: Mapping[str, Any] = NOTHING) -> None:
        row = self._rows[change.method, change.path]
        answer = await row.handler(call.of(row, {"device": self._device}, {**change.body(call.asked.asked), **more}))
        for _ in range(change.looks if answer.action else 0):
            action = self._log.find(answer.action)
            if action is None or not action.is_open:
                break
            await asyncio.sleep(LOOK_S)
        else:
            return  # without an entry it is done; what ends this process is under way
        if action is not None and action.failed_at is not None:
            raise BoxError(action.kind, action.reason)

    async def _cancel(self, call: _Caller, plan: object) -> None:
        """One planned restart, or (None) all."""
        row = self._rows["DELETE", f"{PLANS}/{{plan}}"]
        for one in self._planned():
            if plan in (None, one):
                await row.handler(call.of(row, {"device": self._device, "plan": one}, {}))

    def _planned(self) -> Sequence[str]:
        return [one.id for one in self._schedule.current.planned if one.action is PowerAction.REBOOT]

    # --- what it learns

    async def _setting(self, name: str) -> Value:
        found = await self._settings.found(name)
        if found is None:
            raise BoxError(name, "nobody has set it, and the device does not say")
        return found

    async def _brightness(self) -> Any:
        points = self._schedule.current.brightness
        if points is None:
            now = await self._setting("brightness")
            return {"brightness1": now, "timeFrom1": "00:00:00", "brightness2": now, "timeFrom2": "12:00:00"}
        return {
            "brightness1": points.first, "timeFrom1": f"{points.first_from:%H:%M:%S}",
            "brightness2": points.second, "timeFrom2": f"{points.second_from:%H:%M:%S}",
        }  # fmt: skip

    async def _orientation(self) -> Any:
        return {"screenOrientation": str(await self._setting("orientation")).upper()}

    async def _temperature(self) -> Any:
        found = await asyncio.to_thread(self._sensors.temperature_c)
        if found is None:
            raise BoxError("temperature", "this box does not measure it")
        return found

    async def _os(self) -> Any:
        return {"version": await asyncio.to_thread(self._sensors.os_version)}

    async def _cpu(self) -> Any:
        return round(await asyncio.to_thread(self._sensors.cpu_percent), 1)

    async def _memory(self) -> Any:
        total, used = await asyncio.to_thread(self._sensors.memory_mb)
        return {"total": total * _MB, "used": used * _MB, "free": (total - used) * _MB}

    async def _interfaces(self) -> Any:
        servers = await asyncio.to_thread(self._sensors.name_servers)
        return [_interface(one, servers) for one in await asyncio.to_thread(self._sensors.interfaces)]

    async def _network(self) -> Any:
        """The one that is connected, in the flat form of the library."""
        found = await asyncio.to_thread(self._sensors.interfaces)
        active = next((one for one in found if one.gateway), next((one for one in found if one.connected), None))
        macs = {f"{kind}MacAddress": next((one.mac for one in found if one.kind == kind), "") for kind in ("ethernet", "wifi")}
        if active is None:
            return {**macs, "localAddress": "", "activeInterface": "ethernet"}
        shaped = _interface(active, await asyncio.to_thread(self._sensors.name_servers))
        more = {"activeInterface": shaped.pop("type"), "interfaceName": shaped.pop("name")}
        del shaped["macAddress"], shaped["disabled"]
        return {**macs, "localAddress": "", **shaped, **more}

    async def _time(self) -> Any:
        now = await self._box.now()
        return {
            "currentDate": round(now.at * 1000), "timezone": now.zone, "ntpServer": await self._settings.found("ntp_server"),
        }  # fmt: skip

    async def _is_open(self) -> Any:
        return not await self._settings.found("locked")

    async def _debugging(self) -> Any:
        return self._debug.is_on

    async def _timers(self, level: TimerLevel) -> Any:
        return [timer | {"weekdays": [day[:3].lower() for day in timer["weekdays"]]} for timer in timers_of(self._schedule, level)]

    async def _way_out(self) -> Any:
        if not self._proxy:
            raise BoxError("proxy", "no proxy is set up")
        return self._proxy

    async def _location(self) -> Any:
        held = self._about.current.location
        place = next((one for one in self._labels.places.all() if one.uid == held), None)
        more = {"customId": place.custom_id, "description": place.description} if place else {}
        return {"name": place.name, **{name: text for name, text in more.items() if text}} if place else None

    async def _tags(self) -> Any:
        return [{"name": tag.name} for tag in self._labels.tags.all() if tag.uid in self._about.current.tags]

    async def _reboots(self) -> Any:
        return [
            {"id": one.id, "rule": {"weekdays": [day % 7 for day in sorted(one.days)], "time": f"{one.at:%H:%M:%S}"}}
            for one in self._schedule.current.planned
            if one.action is PowerAction.REBOOT
        ]


@dataclass(frozen=True, slots=True)
class _Caller:
    """Who asks: the applet, with the right of the token that put it on."""

    asked: AppletAsked

    def of(self, row: Row, pieces: Mapping[str, str], body: Mapping[str, Any]) -> ApiCall:
        """The call. Raises BoxError where the right is too small."""
        scope = next((one for one in Scope if one == self.asked.scope), None)
        if scope is None or scope < row.scope:
            raise BoxError("applet", f"the token that put this applet on does not allow {self.asked.what}")
        token = Token("applet", f"the applet {self.asked.applet}", scope.name.lower(), "", 0.0, kind=DEVICE_KIND)
        return ApiCall(row.path, pieces, {}, {name: value for name, value in body.items() if value is not None}, "", token, "")


async def _known(value: Any) -> Any:
    return value


def _interface(one: Interface, servers: Sequence[str]) -> dict[str, Any]:
    address, _, length = next((held for held in one.addresses if ":" not in held), "").partition("/")
    bits = int(length) if length.isdigit() else 0
    mask = ".".join(str((0xFFFFFFFF << (32 - bits) >> shift) & 255) for shift in (24, 16, 8, 0))
    return {
        "type": one.kind, "name": one.name, "macAddress": one.mac, "disabled": not one.connected, "dns": list(servers),
        **({"localAddress": address, "netmask": mask} if address else {}), **({"gateway": one.gateway} if one.gateway else {}),
    }  # fmt: skip
