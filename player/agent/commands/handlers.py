"""What each command does, over the ports of this box: a table from instruction to deed that the composition root fills.

States that the stage must keep (volume, mute, power, orientation, lock …) are ordered durably first and then put into effect, so
that they hold after a restart (faults.md K8). An ability that is `Absent` makes a command fail with its reason (house rule 5).
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from player.agent.settings.brief_store import BriefStore
from player.agent.settings.screen_lock import ScreenLock
from player.core import commands as c
from player.core.commands import Instruction
from player.core.content import DeviceSettings
from player.core.ledger import is_local
from player.core.ports.box import Absent, Audio, Clock, Host, Panel
from player.core.ports.server import AppUpdate, ScreenshotSink
from player.core.ports.stage import StagePort
from player.errors import BoxError

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Done:
    """What a handler did, in words and as values."""

    message: str
    result: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Going:
    """What a handler is about to do that ends this process, or the box."""

    message: str
    act: Callable[[], Awaitable[None]]


Handler = Callable[[Any, str], Awaitable[Done | Going]]  # (instruction, command id); raises SignageError with the reason
Handlers = Mapping[type[Instruction], Handler | Absent]
_Table = dict[type[Instruction], Handler | Absent]


class Updater(Protocol):
    """Installs versions of the player. `check` raises SignageError with the reason of a refusal; `install` ends this process."""

    async def check(self, update: AppUpdate) -> None: ...
    async def install(self, update: AppUpdate) -> None: ...


Deed = Callable[[], Awaitable[str]]  # answers what was done, in words


def build_handlers(
    *,
    stage: StagePort,
    brief: BriefStore,
    lock: ScreenLock,
    screenshots: ScreenshotSink | Absent,
    clock: Clock,
    host: Host | Absent,
    audio: Audio | Absent,
    panel: Panel | Absent,
    refresh: Deed,
    clear_cache: Deed,
    restart: Callable[[], Awaitable[None]],
    updater: Updater | Absent,
    read_logs: Callable[[], Awaitable[Mapping[str, Sequence[str]]]],
) -> Handlers:
    """Every type of command and what it does here. `restart` ends this process so that it is started again."""
    return {
        **_power(host, restart, updater),
        **_states(brief, lock, audio, panel),
        **_playback(stage),
        c.Refresh: _deed(refresh),
        c.ClearCache: _deed(clear_cache),
        c.UploadLogs: _logs(read_logs),
        c.TakeScreenshot: _screenshot(stage, screenshots, clock),
    }


def _deed(deed: Deed) -> Handler:
    async def handle(_: Instruction, __: str) -> Done:
        return Done(await deed())

    return handle


def _logs(read: Callable[[], Awaitable[Mapping[str, Sequence[str]]]]) -> Handler:
    async def handle(_: c.UploadLogs, __: str) -> Done:
        found = await read()
        counted = ", ".join(f"{len(lines)} lines of the {name}" for name, lines in found.items())
        return Done(f"{counted} are in the result", {name: list(lines) for name, lines in found.items()})

    return handle


def _power(host: Host | Absent, restart: Callable[[], Awaitable[None]], updater: Updater | Absent) -> _Table:
    async def restart_app(_: c.RestartApp, __: str) -> Going:
        return Going("the player restarts", restart)

    table: _Table = {c.RestartApp: restart_app}
    if isinstance(host, Absent):
        table |= {c.Reboot: host, c.PowerOff: host}
    else:
        table |= {c.Reboot: _going("the box restarts", host.reboot), c.PowerOff: _going("the box switches off", host.shutdown)}
    table[c.UpdateApp] = updater if isinstance(updater, Absent) else _update(updater)
    return table


def _going(message: str, act: Callable[[], Awaitable[None]]) -> Handler:
    async def handle(_: Instruction, __: str) -> Going:
        return Going(message, act)

    return handle


def _update(updater: Updater) -> Handler:
    async def handle(wanted: c.UpdateApp, _: str) -> Going:
        update = AppUpdate(wanted.version, wanted.url, wanted.sha256, wanted.signature, wanted.mandatory)
        await updater.check(update)
        return Going(f"version {wanted.version} is being installed", lambda: updater.install(update))

    return handle


def _states(brief: BriefStore, lock: ScreenLock, audio: Audio | Absent, panel: Panel | Absent) -> _Table:
    async def volume(wanted: c.SetVolume, _: str) -> Done:
        await brief.change_settings(volume=wanted.volume)
        await _need(audio).set_volume(wanted.volume)
        return Done(f"the volume is {wanted.volume}", {"volume": wanted.volume})

    async def mute(wanted: c.Mute, _: str) -> Done:
        await brief.change_settings(muted=wanted.muted)
        with contextlib.suppress(BoxError):  # the stage keeps quiet by itself; a box without a sound card has nothing to add
            await _need(audio).set_muted(wanted.muted)
        return Done("the sound is off" if wanted.muted else "the sound is on", {"muted": wanted.muted})

    async def power(wanted: c.ScreenOn | c.ScreenOff, _: str) -> Done:
        on = isinstance(wanted, c.ScreenOn)
        await brief.change_settings(screen_on=on)
        return Done(f"the screen is {'on' if on else 'off'}; {await _panel_too(panel, on)}", {"screen_on": on})

    async def brightness(wanted: c.SetBrightness, _: str) -> Done:
        await brief.change_settings(brightness=wanted.brightness)
        return Done(await _need(panel).set_brightness(wanted.brightness), {"brightness": wanted.brightness})

    async def orientation(wanted: c.SetOrientation, _: str) -> Done:
        await brief.change_settings(orientation=wanted.orientation)
        return Done(f"the picture is turned to {wanted.orientation}", {"orientation": str(wanted.orientation)})

    async def close(wanted: c.LockControls, _: str) -> Done:
        await lock.command(locked=True, pin=wanted.pin)
        return Done("local controls are locked")

    async def open_(_: c.UnlockControls, __: str) -> Done:
        await lock.command(locked=False)
        return Done("local controls are open")

    return {
        c.SetVolume: volume,
        c.Mute: mute,
        c.ScreenOn: power,
        c.ScreenOff: power,
        c.SetBrightness: brightness,
        c.SetOrientation: orientation,
        c.LockControls: close,
        c.UnlockControls: open_,
    }


async def restore(settings: DeviceSettings, audio: Audio | Absent, panel: Panel | Absent) -> None:
    """Puts the ordered states that are not the stage's into effect again after a start (K8). What the box refuses is logged."""
    wanted: list[tuple[str, Callable[[], Awaitable[object]]]] = []
    if not isinstance(audio, Absent):
        sound, volume = audio, settings.volume
        if volume is not None:
            wanted.append((f"volume {volume}", lambda: sound.set_volume(volume)))
        if settings.muted:
            wanted.append(("muted", lambda: sound.set_muted(True)))
    if not isinstance(panel, Absent) and settings.brightness is not None:
        light, brightness = panel, settings.brightness
        wanted.append((f"brightness {brightness}", lambda: light.set_brightness(brightness)))
    for value, act in wanted:
        try:
            await act()
        except BoxError as error:
            log.warning("what was ordered before the start (%s) is not in effect: %s", value, error)


def _need(ability: Any) -> Any:
    """The ability, or its absence as an error."""
    if isinstance(ability, Absent):
        raise BoxError(ability.ability, ability.reason)
    return ability


async def _panel_too(panel: Panel | Absent, on: bool) -> str:
    """The compositor switches the signal; a panel that also listens to CEC or DDC is a bonus, and its silence no failure."""
    if isinstance(panel, Absent):
        return f"the panel itself cannot be told: {panel.reason}"
    try:
        return await panel.set_power(on)
    except BoxError as error:
        return f"the panel itself could not be told: {error.reason}"


def _playback(stage: StagePort) -> _Table:
    async def step(wanted: c.Next | c.Previous, _: str) -> Done:
        forward = isinstance(wanted, c.Next)
        return Done(
            "the next item is on" if forward else "the item before is on", await stage.ask("next" if forward else "previous")
        )

    async def play(wanted: c.Play, _: str) -> Done:
        result = await stage.ask("play", content_id=wanted.content_id, seconds=wanted.seconds)
        return Done(f"content {wanted.content_id} is on", result)

    async def identify(wanted: c.Identify, _: str) -> Done:
        return Done(f"this box shows itself for {wanted.seconds:g} s", await stage.ask("identify", seconds=wanted.seconds))

    async def message(wanted: c.ShowMessage, _: str) -> Done:
        result = await stage.ask("message", text=wanted.text, seconds=wanted.seconds)
        return Done(f"the message is shown for {wanted.seconds:g} s", result)

    return {c.Next: step, c.Previous: step, c.Play: play, c.Identify: identify, c.ShowMessage: message}


@dataclass(frozen=True, slots=True)
class ScreenPicture:
    """A picture of the whole screen; `size` is (width, height) in pixels."""

    content: bytes = field(repr=False)
    size: tuple[int, int]


async def take_picture(stage: StagePort, kind: str = "jpeg", width: int | None = None) -> ScreenPicture:
    """What the screen shows now, as "jpeg" (at most `width` wide) or "png". Raises BoxError.

    The stage answers {image: base64, width, height}.
    """
    answer = await stage.ask("screenshot", format=kind, **({"width": width} if width else {}))
    try:
        return ScreenPicture(base64.b64decode(answer["image"], validate=True), (int(answer["width"]), int(answer["height"])))
    except (KeyError, TypeError, ValueError, binascii.Error) as error:
        raise BoxError("screenshot", f"the stage's picture cannot be read: {error!r}") from error


def _screenshot(stage: StagePort, screenshots: ScreenshotSink | Absent, clock: Clock) -> Handler:
    async def handle(_: c.TakeScreenshot, command_id: str) -> Done:
        sink = None if is_local(command_id) else _need(screenshots)
        taken_at = clock.now().timestamp()
        picture = await take_picture(stage)
        width, height = picture.size
        result = {"width": width, "height": height, "bytes": len(picture.content)}
        if sink is None:
            return Done(f"a picture of {width} x {height} was taken; GET /api/screenshot has one, and none was sent", result)
        await sink.send_screenshot(command_id, taken_at, picture.size, picture.content)
        return Done(f"a picture of {width} x {height} was sent", result)

    return handle
