"""What an applet is told and what it may have: the host's side of the messages of `@signageos/front-applet` (pure).

Messages are JSON objects `{type, ...}`. What the page says goes into `AppletHost.heard`; what has to be done comes out as effects,
in order. Every invocation is answered once: at once, or by `answered` and `refused` when its deed is done; a page that asks for
what it may not have, or for what this player has not, is told so, or its promise would never end. A page has its own files and the
page's own videos without being asked whose they are; a setting is read or changed only as far as `scope` (the right of the token
that put the applet on) allows.
"""

from __future__ import annotations

import json
import re
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from player.core.allowance import Allowance

READ, CONTROL = 1, 2  # as `agent.control.access.Scope`
TYPE = re.compile(r"[a-zA-Z0-9._-]{1,100}")
COMMANDS_AT_ONCE, COMMAND_EVERY_S = 30, 1.0  # the library's documented throttle: 30 in 30 s
WAITING = 100  # commands for a page that is not ready; the oldest go
LARGEST_COMMAND = 16 * 1024
OPEN = 256  # deeds that a page may have under way
PLAY = "PoP.ItemPlayed"

Message = Mapping[str, Any]
# Deeds on the page's own files, by message; what each is answered with, "" for nothing.
FILES = {
    "file_system.list_storage_units": "storageUnits", "file_system.list_files": "files", "file_system.exists": "exists",
    "file_system.get_file": "file", "file_system.read_file": "contents", "file_system.write_file": "",
    "file_system.append_file": "", "file_system.copy_file": "", "file_system.move_file": "", "file_system.delete_file": "",
    "file_system.download_file": "", "file_system.get_file_checksum": "checksum", "file_system.create_directory": "",
    "file_system.is_directory": "isDirectory", "offline.cache.list_files": "fileUids", "offline.cache.load_file": "loadedFile",
    "offline.cache.save_file": "savedFile", "offline.cache.delete_file": "", "offline.cache.list_contents": "contentUids",
    "offline.cache.load_content": "loadedContent", "offline.cache.save_content": "savedContent",
    "offline.cache.delete_content": "", "offline.cache.get_checksum": "checksum",
    "offline.cache.validate_checksum": "validatedChecksum",
}  # fmt: skip
VIDEO = ("prepare", "play", "stop", "pause", "resume")
# What of the box a page may ask for: the setting, and what its value is called in the answer.
SETTINGS_READ = {
    "management.get_volume": ("volume", "volume"),
    "management.get_screen_brightness": ("brightness", "screenBrightness"),
    "management.get_is_display_power_on": ("screen_on", "isDisplayPowerOn"),
}
# What it may change: the setting, and the message's field with the value, or the value itself.
SETTINGS_CHANGED: Mapping[str, tuple[str, str | bool]] = {
    "management.set_volume": ("volume", "volume"),
    "management.power_on_display": ("screen_on", True),
    "management.power_off_display": ("screen_on", False),
}
SUPPORTED = frozenset({"VIDEO"})


@dataclass(frozen=True, slots=True)
class AppletFacts:
    """What the page is told of itself and of this box. `scope`: see above."""

    configuration: Mapping[str, Any]
    auth_hash: str
    version: str
    front: str
    scope: int
    device_name: str = ""
    model: str = ""
    serial: str = ""
    player_version: str = ""
    os_version: str = ""


# --- effects


@dataclass(frozen=True, slots=True)
class Post:
    """Give the page this message."""

    message: Message


@dataclass(frozen=True, slots=True)
class StoreCommand:
    """The page says this to whoever manages it."""

    command: Message


@dataclass(frozen=True, slots=True)
class RecordPlay:
    """The page showed something of its own: into the proof of play."""

    name: str
    custom_id: str
    kind: str
    tags: tuple[str, ...]
    file_name: str
    success: bool
    error: str


@dataclass(frozen=True, slots=True)
class FileDeed:
    """Do `what` (a key of `FILES`) in the page's own folder; `asked` are the message's fields."""

    invocation: str
    what: str
    asked: Message


@dataclass(frozen=True, slots=True)
class VideoDeed:
    """Prepare, play, stop, pause or resume a video in the page; `asked` are uri, x, y, width, height and options."""

    what: str
    asked: Message


@dataclass(frozen=True, slots=True)
class SettingDeed:
    """Read the setting (`value` None), or change it."""

    invocation: str
    name: str
    value: Any = None


@dataclass(frozen=True, slots=True)
class StartAgain:
    """Load the page anew."""


Effect = Post | StoreCommand | RecordPlay | FileDeed | VideoDeed | SettingDeed | StartAgain


@dataclass(slots=True)
class AppletHost:
    """One page's host. `ready`: whether its library runs, and can be told anything."""

    facts: AppletFacts
    ready: bool = False
    _held: deque[Message] = field(default_factory=lambda: deque(maxlen=WAITING))
    _open: dict[str, str] = field(default_factory=dict)
    _said: Allowance = field(default_factory=lambda: Allowance(COMMANDS_AT_ONCE, COMMAND_EVERY_S))

    def begun(self) -> None:
        """The page is loaded anew: its library does not run yet, and nobody waits for answers any more."""
        self.ready = False
        self._open.clear()

    def command(self, command: Message) -> Sequence[Effect]:
        """Gives the page a command; one that is not ready gets it when it is."""
        if not self.ready:
            self._held.append(command)
            return ()
        return (Post({"type": "hug.command.dispatch_to_applet", "command": command}),)

    def heard(self, message: object, mono: float) -> Sequence[Effect]:
        """What the page said; anything that is no message of the library's is nobody's."""
        if not isinstance(message, dict) or not isinstance(message.get("type"), str):
            return ()
        kind = message["type"]
        if kind == "hug_api.ready":
            return self._greeting()
        if not kind.startswith("hug.") or kind == "hug.ping":
            return ()
        invocation = message.get("invocationUid")
        if not isinstance(invocation, str) or not 0 < len(invocation) <= 100:
            return ()
        asked = {name: value for name, value in message.items() if name not in ("type", "invocationUid")}
        return self._invoked(kind.removeprefix("hug."), invocation, asked, mono)

    def answered(self, invocation: str, value: object = None) -> Sequence[Effect]:
        """A deed of the page's is done, with its result."""
        name = self._open.pop(invocation, None)
        if name is None:
            return ()  # it was loaded anew meanwhile
        return (_success(invocation, {name: value} if name else {}),)

    def refused(self, invocation: str, reason: str) -> Sequence[Effect]:
        """A deed of the page's could not be done."""
        return (_error(invocation, reason, "FAILED"),) if self._open.pop(invocation, None) is not None else ()

    def video_ended(self, asked: Message, error: str = "") -> Sequence[Effect]:
        """A video came to its end, or broke: told with exactly the address and the numbers that it was begun with."""
        told = {name: asked[name] for name in ("uri", "x", "y", "width", "height") if name in asked}
        more = {"message": error} if error else {}
        return (Post({"type": f"hug.video.{'error' if error else 'ended'}", **told, **more}),)

    def _greeting(self) -> Sequence[Effect]:
        """All that a page waits for before it is ready; its own version first, or it is not known when it is."""
        facts, self.ready = self.facts, True
        told = (
            {"type": "hug.applet_version.update", "version": facts.version},
            {"type": "hug.config.update", "config": facts.configuration},
            {"type": "hug.auth_hash.update", "authHash": facts.auth_hash},
            {"type": "hug.front_display_version.update", "version": facts.player_version},
        )
        held = list(self._held)
        self._held.clear()
        return (*(Post(message) for message in told), *(effect for command in held for effect in self.command(command)))

    def _invoked(self, what: str, invocation: str, asked: Message, mono: float) -> Sequence[Effect]:
        if what == "command.dispatch":
            return self._dispatched(invocation, asked.get("command"), mono)
        if what in ("restore", "applet_refresh"):
            return (_success(invocation), StartAgain())
        if what.startswith("video."):
            return self._video(what.removeprefix("video."), invocation, asked)
        if what in FILES:
            return self._begin(invocation, FILES[what], FileDeed(invocation, what, asked))
        if what in SETTINGS_READ or what in SETTINGS_CHANGED:
            return self._setting(what, invocation, asked)
        told = self._told(what, asked)
        return (_unknown(invocation, what) if told is None else _success(invocation, told),)

    def _begin(self, invocation: str, answer: str, deed: Effect) -> Sequence[Effect]:
        if invocation in self._open or len(self._open) >= OPEN:
            return (_error(invocation, f"{OPEN} are under way already", "TOO_MANY"),)
        self._open[invocation] = answer
        return (deed,)

    def _dispatched(self, invocation: str, command: object, mono: float) -> Sequence[Effect]:
        kind = command.get("type") if isinstance(command, dict) else None
        if not isinstance(command, dict) or not isinstance(kind, str) or not TYPE.fullmatch(kind):
            return (_error(invocation, "a command is an object with a type of letters, digits, dots and dashes", "BAD_COMMAND"),)
        if len(json.dumps(command)) > LARGEST_COMMAND:
            return (_error(invocation, f"a command has {LARGEST_COMMAND} characters of JSON at most", "BAD_COMMAND"),)
        if not self._said.spare(mono):
            return (_error(invocation, f"{COMMANDS_AT_ONCE} commands at once, then one each second", "TOO_MANY"),)
        play = (_play(command),) if kind == PLAY else ()
        return (StoreCommand(command), *play, _success(invocation))

    def _video(self, what: str, invocation: str, asked: Message) -> Sequence[Effect]:
        if what not in VIDEO:
            return (_unknown(invocation, f"video.{what}"),)
        numbers = [asked.get(name) for name in ("x", "y", "width", "height")]
        if not isinstance(asked.get("uri"), str) or not all(isinstance(one, int) and abs(one) < 100_000 for one in numbers):
            return (_error(invocation, "a video has an address, and a place in whole pixels", "BAD_VIDEO"),)
        return (VideoDeed(what, asked), _success(invocation))

    def _setting(self, what: str, invocation: str, asked: Message) -> Sequence[Effect]:
        if what in SETTINGS_READ:
            name, answer = SETTINGS_READ[what]
            if self.facts.scope < READ:
                return (_denied(invocation, name),)
            return self._begin(invocation, answer, SettingDeed(invocation, name))
        name, given = SETTINGS_CHANGED[what]
        value = asked.get(given) if isinstance(given, str) else given
        if self.facts.scope < CONTROL:
            return (_denied(invocation, name),)
        if value is None:
            return (_error(invocation, f"{given} is missing", "BAD_VALUE"),)
        return self._begin(invocation, "", SettingDeed(invocation, name, value))

    def _told(self, what: str, asked: Message) -> Message | None:
        """What is known without a look at anything; None: nothing of that name is."""
        facts = self.facts
        known: Mapping[str, Message] = {
            "display.supports": {"supports": asked.get("capability") in SUPPORTED},
            "management.supports": {"supports": False},
            "device_info.get_device_name": {"name": facts.device_name},
            "device_info.get_location": {"location": None},
            "device_info.get_organization_tags": {"tags": []},
            "debug.is_remote_enabled": {"isEnabled": False},
            "timing.triggers.pause": {}, "timing.triggers.resume": {}, "touch.event": {},
        }  # fmt: skip
        if what in known:
            return known[what]
        box: Mapping[str, Message] = {
            "management.get_model": {"model": facts.model},
            "management.get_serial_number": {"serialNumber": facts.serial},
            "management.get_brand": {"brand": None},
            "management.get_application_type": {"applicationType": "linux"},
            "management.get_application_version": {"applicationVersion": facts.player_version},
            "management.get_firmware_version": {"firmwareVersion": facts.os_version},
        }
        return box.get(what) if facts.scope >= READ else None


def _success(invocation: str, fields: Message | None = None) -> Post:
    return Post({"type": "hug.invocation.success", "invocationUid": invocation, **(fields or {})})


def _error(invocation: str, message: str, code: str) -> Post:
    error = {"type": "AppletHostError", "message": message, "code": code}
    return Post({"type": "hug.invocation.error", "invocationUid": invocation, "error": error})


def _unknown(invocation: str, what: str) -> Post:
    return _error(invocation, f"this player does not answer {what[:100]}", "NOT_SUPPORTED")


def _denied(invocation: str, name: str) -> Post:
    return _error(invocation, f"the token that put this applet on does not allow it the setting {name}", "NO_ACCESS")


def _play(command: Message) -> RecordPlay:
    tags = command.get("itemTags")
    return RecordPlay(
        _text(command.get("itemName")), _text(command.get("customId")), _text(command.get("itemType")),
        tuple(_text(tag) for tag in tags[:20]) if isinstance(tags, list) else (), _text(command.get("fileName")),
        command.get("playbackSuccess") is not False, _text(command.get("errorMessage")),
    )  # fmt: skip


def _text(value: object) -> str:
    return value[:200] if isinstance(value, str) else ""
