"""Volume, the picture's size and turn, remote control, debugging, time: each a request for settings of the registry."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from player.agent.control.access import Scope
from player.agent.devices import bodies
from player.agent.devices.asking import Asking, lacking
from player.agent.devices.call import ApiAnswer, ApiCall, Row
from player.agent.devices.debug_switch import DebugSwitch
from player.agent.devices.effects import EffectOutcome
from player.agent.devices.refusals import bad_field
from player.agent.devices.setting_effects import SettingEffects, joined
from player.core.actions import ActionKind, is_confirmed
from player.core.content import Orientation
from player.core.ports.box import Absent, Clock, Host
from player.core.settings import Value, find

V1 = "/v1/device/{device}"
NO_APPLET = Absent("applet", "pages of applets cannot be debugged from elsewhere: this player's browser listens nowhere")
EARLIEST, LATEST = 2020, 2099
CLOSE_S = 60.0  # a clock that is nearer than this to what is asked for is right


class SettingCalls:
    """`mode` is the panel's now ("1920x1080@60"), "" where there is none."""

    def __init__(
        self, asking: Asking, settings: SettingEffects, host: Host, clock: Clock, debug: DebugSwitch, mode: Callable[[], str]
    ) -> None:
        self._asking, self._settings, self._host, self._clock, self._debug = asking, settings, host, clock, debug
        self._mode = mode

    def rows(self) -> Sequence[Row]:
        """What leads to these calls."""
        kinds = {
            "volume": (self.volume, ActionKind.VOLUME),
            "resolution": (self.resolution, ActionKind.RESOLUTION),
            "remote-control": (self.remote_control, ActionKind.REMOTE_CONTROL),
            "debug": (self.debug, ActionKind.DEBUG),
            "time": (self.time, ActionKind.TIME),
        }
        writing = [Row("PUT", f"{V1}/{name}", handler, Scope.CONTROL) for name, (handler, _) in kinds.items()]
        return (
            *writing,
            *(Row("GET", f"{V1}/{name}", self._asking.entries(kind), Scope.READ) for name, (_, kind) in kinds.items()),
        )

    async def volume(self, call: ApiCall) -> ApiAnswer:
        """{volume}."""
        volume = call.read(bodies.VolumeBody).volume
        return self._ask(call, ActionKind.VOLUME, {"volume": volume}, [("volume", volume)])

    async def resolution(self, call: ApiCall) -> ApiAnswer:
        """{orientation, resolution} or {orientation, size, framerate}; AUTO returns to the configuration."""
        wanted = call.read(bodies.ResolutionBody)
        turn = None if wanted.orientation is bodies.PanelTurn.AUTO else Orientation(wanted.orientation.lower())
        settings: list[tuple[str, Value]] = [("orientation", turn)]
        if wanted.mode is not None and not is_confirmed(wanted.mode, self._mode()):
            settings.append(("mode", wanted.mode))
        asked = {
            "orientation": wanted.orientation.value, "resolution": wanted.resolution,
            "size": wanted.size.model_dump() if wanted.size else None, "framerate": wanted.framerate, "videoOrientation": None,
        }  # fmt: skip
        return self._ask(call, ActionKind.RESOLUTION, asked, settings)

    async def remote_control(self, call: ApiCall) -> ApiAnswer:
        """{enabled}, or its opposite {locked}: whether local controls are open."""
        locked = call.read(bodies.RemoteControlBody).is_locked
        asked = {"enabled": not locked, "locked": locked, "kiosk": locked}
        return self._ask(call, ActionKind.REMOTE_CONTROL, asked, [("locked", locked)])

    async def debug(self, call: ApiCall) -> ApiAnswer:
        """{appletEnabled, nativeEnabled}: of the player itself, that the agent's log says everything until it is started again."""
        wanted = call.read(bodies.DebugBody)
        asked = {"appletEnabled": wanted.applet_enabled, "nativeEnabled": wanted.native_enabled}

        async def effect() -> EffectOutcome:
            self._settings.check_free("DEBUG")
            self._debug.set(wanted.native_enabled)
            says = "everything" if wanted.native_enabled else "what the configuration asks for"
            return EffectOutcome(f"the log says {says}", confirmed=self._debug.is_on or not wanted.native_enabled)

        return self._asking.ask(call, ActionKind.DEBUG, asked, lacking(NO_APPLET) if wanted.applet_enabled else effect)

    async def time(self, call: ApiCall) -> ApiAnswer:
        """{time, timezone, ntpServer}. A clock that is right to the minute is left alone; one that follows a server is not set."""
        wanted = call.read(bodies.TimeBody)
        zone = str(find("time_zone").value(wanted.timezone))
        at = wall_time(wanted.time, zone)
        if not EARLIEST <= at.year <= LATEST:
            raise bad_field("time", f"the years of a clock are {EARLIEST} to {LATEST}, found {at.year}")
        settings: list[tuple[str, Value]] = [("time_zone", zone)]
        if wanted.ntp_server:
            settings.append(("ntp_server", wanted.ntp_server))
        ask = self._settings.of(settings, call.token.name)

        async def effect() -> EffectOutcome:
            done = await ask()
            if abs(at.timestamp() - self._clock.now().timestamp()) > CLOSE_S:
                await self._host.set_clock(at)
            return joined([done, EffectOutcome("the clock is right", confirmed=True)])

        asked = {"timestamp": round(at.timestamp() * 1000), "timezone": zone, "ntpServer": wanted.ntp_server}
        return self._asking.ask(call, ActionKind.TIME, asked, effect)

    def _ask(
        self, call: ApiCall, kind: ActionKind, asked: Mapping[str, object], settings: Sequence[tuple[str, Value]]
    ) -> ApiAnswer:
        return self._asking.ask(call, kind, asked, self._settings.of(settings, call.token.name))


def wall_time(given: str | int, zone: str) -> datetime:
    """A zone's wall clock as an instant: "2026-03-01T12:00:00.000", "…:00", "…12:00", with a blank for the T, or milliseconds.

    Raises Declined.
    """
    text = str(given).strip()
    try:
        if text.isascii() and text.isdigit():
            return datetime.fromtimestamp(int(text) / 1000, ZoneInfo(zone))
        found = datetime.fromisoformat(text if ":" in text else "")  # a date alone is no time
    except (ValueError, OverflowError, OSError):
        raise bad_field("time", f'expected a time such as "2026-03-01T12:00:00", found "{text[:60]}"') from None
    return found if found.tzinfo else found.replace(tzinfo=ZoneInfo(zone))
