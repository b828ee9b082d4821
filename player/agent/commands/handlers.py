"""What each command does, over the ports of this box: a table from instruction to deed that the composition root fills.

A command for a setting (volume, screen on, lock …) is one way of several to `agent.settings`, which keeps it and has it take
effect. An ability that is `Absent` makes a command fail with its reason (house rule 5).
"""

from __future__ import annotations

import contextlib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from player.agent.settings.registry import SettingsRegistry
from player.agent.settings.screen_lock import ScreenLock
from player.core import commands as c
from player.core.commands import Instruction
from player.core.ledger import is_local
from player.core.ports.box import Absent, Clock, Host
from player.core.ports.server import AppUpdate, ScreenshotSink
from player.core.ports.stage import (
    CutUnlisted,
    NextItem,
    PlayContent,
    PreviousItem,
    ReleaseItems,
    ShowIdentity,
    ShowText,
    StagePort,
    TakePicture,
)
from player.core.settings import Asker
from player.errors import BoxError


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


class Content(Protocol):
    """What is to be on air, brought here; its `str` says how far it is."""

    async def once(self) -> None: ...
    async def clear_cache(self) -> None: ...


NO_UPDATER = Absent("update_app", "an update is installed at the box itself: signage-player update BUNDLE")


def build_handlers(
    *,
    stage: StagePort,
    content: Content,
    settings: SettingsRegistry,
    lock: ScreenLock,
    screenshots: ScreenshotSink | Absent,
    clock: Clock,
    host: Host | Absent,
    restart: Callable[[], Awaitable[None]],
    updater: Updater | Absent,
    read_logs: Callable[[], Awaitable[Mapping[str, Sequence[str]]]],
) -> Handlers:
    """Every type of command and what it does here. `restart` ends this process so that it is started again."""
    return {
        **_power(host, restart, updater),
        **_settings(settings, lock),
        **_playback(stage),
        **_content(content, stage),
        c.UploadLogs: _logs(read_logs),
        c.TakeScreenshot: _screenshot(stage, screenshots, clock),
    }


def _content(content: Content, stage: StagePort) -> _Table:
    async def refresh(_: c.Refresh, __: str) -> Done:
        await content.once()
        with contextlib.suppress(BoxError):  # a stage that is away comes back with what is listed
            await stage.ask(CutUnlisted())
        return Done(str(content))

    async def clear_cache(_: c.ClearCache, __: str) -> Done:
        await content.clear_cache()
        try:
            await stage.ask(ReleaseItems())  # their files are others from here on: what is kept off may be whole
        except BoxError as error:
            return Done(f"{content}; items that are kept off stay off: {error}")
        return Done(str(content))

    return {c.Refresh: refresh, c.ClearCache: clear_cache}


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


_SETTINGS: Mapping[type[Instruction], tuple[str, Callable[[Any], Any]]] = {
    c.SetVolume: ("volume", lambda wanted: wanted.volume),
    c.Mute: ("muted", lambda wanted: wanted.muted),
    c.ScreenOn: ("screen_on", lambda _: True),
    c.ScreenOff: ("screen_on", lambda _: False),
    c.SetBrightness: ("brightness", lambda wanted: wanted.brightness),
    c.SetOrientation: ("orientation", lambda wanted: wanted.orientation),
}


def _settings(settings: SettingsRegistry, lock: ScreenLock) -> _Table:
    """Commands that ask for a setting."""

    def asking(name: str, value: Callable[[Any], Any]) -> Handler:
        async def handle(wanted: Instruction, command_id: str) -> Done:
            by, who = (Asker.BOX, "a command at the box") if is_local(command_id) else (Asker.COMMAND, "")
            return Done(await settings.ask(name, value(wanted), by=by, who=who), {name: value(wanted)})

        return handle

    async def close(wanted: c.LockControls, _: str) -> Done:
        return Done(await lock.command(locked=True, pin=wanted.pin))

    async def open_(_: c.UnlockControls, __: str) -> Done:
        return Done(await lock.command(locked=False))

    return {**{kind: asking(*row) for kind, row in _SETTINGS.items()}, c.LockControls: close, c.UnlockControls: open_}


def _playback(stage: StagePort) -> _Table:
    async def following(_: c.Next, __: str) -> Done:
        await stage.ask(NextItem())
        return Done("the next item is shown")

    async def before(_: c.Previous, __: str) -> Done:
        await stage.ask(PreviousItem())
        return Done("the previous item is shown")

    async def play(wanted: c.Play, _: str) -> Done:
        await stage.ask(PlayContent(wanted.content_id, wanted.seconds))
        return Done(f"content {wanted.content_id} is shown")

    async def identify(wanted: c.Identify, _: str) -> Done:
        await stage.ask(ShowIdentity(wanted.seconds))
        return Done(f"the screen shows which box it is for {wanted.seconds:g} s")

    async def message(wanted: c.ShowMessage, _: str) -> Done:
        await stage.ask(ShowText(wanted.text, wanted.seconds))
        return Done(f"the message is shown for {wanted.seconds:g} s")

    return {c.Next: following, c.Previous: before, c.Play: play, c.Identify: identify, c.ShowMessage: message}


def _screenshot(stage: StagePort, screenshots: ScreenshotSink | Absent, clock: Clock) -> Handler:
    async def handle(_: c.TakeScreenshot, command_id: str) -> Done:
        sink = None if is_local(command_id) else screenshots
        if isinstance(sink, Absent):
            raise BoxError(sink.ability, sink.reason)
        taken_at = clock.now().timestamp()
        picture = await stage.ask(TakePicture())
        width, height = picture.width, picture.height
        result = {"width": width, "height": height, "bytes": len(picture.image)}
        if sink is None:
            return Done(f"a picture of {width} x {height} was taken; GET /api/screenshot has one, and none was sent", result)
        await sink.send_screenshot(command_id, taken_at, (width, height), picture.image)
        return Done(f"a picture of {width} x {height} was sent", result)

    return handle
