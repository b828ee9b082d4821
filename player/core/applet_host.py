"""What an applet is told and what it may have: the host's side of the messages of `@signageos/front-applet` (pure).

Messages are JSON objects `{type, ...}`. What the page says goes into `AppletHost.heard`; what has to be done comes out as effects,
in order. Every invocation is answered once: at once, or by `answered` and `refused` when its deed is done; a page that asks for
what it may not have, or for what this player has not, is told so, or its promise would never end. What it may have is in
`applet_rights`; how often, here.
"""

from __future__ import annotations

import json
import re
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, assert_never

from player.core.allowance import Allowance
from player.core.applet_rights import READ, RIGHTS, WHOLE, Right, Use, supports, why_not

TYPE = re.compile(r"[a-zA-Z0-9._-]{1,100}")
COMMANDS_AT_ONCE, COMMAND_EVERY_S = 30, 1.0  # the library's documented throttle: 30 in 30 s
WRITES_AT_ONCE, WRITE_EVERY_S = 500, 10.0  # of its own files: what a first start keeps, then what flash bears for years
CHANGES_AT_ONCE, CHANGE_EVERY_S = 10, 5.0  # of the box
PLAYS_AT_ONCE, PLAY_EVERY_S = 60, 10.0  # KiB of the proof of play, of all pages together: what a playlist of pictures writes
SETTLED_S = 600.0  # before it may end what it runs on: one that asks at its start would never let anybody in
WAITING = 100  # commands for a page that is not ready; the oldest go
LARGEST_COMMAND = 16 * 1024
OPEN = 256  # deeds that a page may have under way
PLAY = "PoP.ItemPlayed"
DEEPEST = 32  # objects and lists within one another

Message = Mapping[str, Any]
VIDEO = ("prepare", "play", "stop", "pause", "resume")


@dataclass(frozen=True, slots=True)
class AppletFacts:
    """What the page is told of itself and of this box. `scope`: what the token that put the applet on allows."""

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
class PageDeed:
    """Do `what` (a key of `applet_rights.RIGHTS`) for the page; `asked` are the message's fields."""

    invocation: str
    what: str
    asked: Message


@dataclass(frozen=True, slots=True)
class VideoDeed:
    """Prepare, play, stop, pause or resume a video in the page; `asked` are uri, x, y, width, height and options."""

    what: str
    asked: Message


@dataclass(frozen=True, slots=True)
class StartAgain:
    """Load the page anew."""


Effect = Post | StoreCommand | RecordPlay | PageDeed | VideoDeed | StartAgain


@dataclass(slots=True)
class AppletHost:
    """One page's host. `plays` are the KiB that pages may write into the proof of play; `ready`: its library can be told things."""

    facts: AppletFacts
    plays: Allowance
    ready: bool = False
    _held: deque[Message] = field(default_factory=lambda: deque(maxlen=WAITING))
    _open: dict[str, str] = field(default_factory=dict)
    _said: Allowance = field(default_factory=lambda: Allowance(COMMANDS_AT_ONCE, COMMAND_EVERY_S))
    _written: Allowance = field(default_factory=lambda: Allowance(WRITES_AT_ONCE, WRITE_EVERY_S))
    _changed: Allowance = field(default_factory=lambda: Allowance(CHANGES_AT_ONCE, CHANGE_EVERY_S))
    _began: float | None = None

    def begun(self, mono: float) -> None:
        """The page is loaded anew: its library does not run yet, and nobody waits for answers any more."""
        self.ready, self._began = False, mono
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
        if not is_shallow(message):
            return (_error(invocation, f"a message has {DEEPEST} levels at most", "BAD_MESSAGE"),)
        asked = {name: value for name, value in message.items() if name not in ("type", "invocationUid")}
        return self._invoked(kind.removeprefix("hug."), invocation, asked, mono)

    def misheard(self, message: object) -> Sequence[Effect]:
        """It said what cannot be passed on: half a character."""
        invocation = message.get("invocationUid") if isinstance(message, dict) else None
        if not isinstance(invocation, str) or not invocation.isascii():
            return ()
        return (_error(invocation[:100], "it holds characters that cannot be passed on", "BAD_MESSAGE"),)

    def answered(self, invocation: str, value: object = None) -> Sequence[Effect]:
        """A deed of the page's is done, with its result."""
        name = self._open.pop(invocation, None)
        if name is None:
            return ()  # it was loaded anew meanwhile
        fields = {name: value} if name else {}
        if name == WHOLE and isinstance(value, Mapping):
            fields = dict(value)
        return (_success(invocation, fields),)

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
            if not self._changed.spare(mono):
                return (_too_many(invocation, CHANGES_AT_ONCE, CHANGE_EVERY_S),)
            return (_success(invocation), StartAgain())
        if what.startswith("video."):
            return self._video(what.removeprefix("video."), invocation, asked)
        if what in RIGHTS:
            return (self._refusal(RIGHTS[what], invocation, what, mono) or self._begin(RIGHTS[what], invocation, what, asked),)
        return (self._told(invocation, what, asked),)

    def _refusal(self, right: Right, invocation: str, what: str, mono: float) -> Post | None:
        """Why it may not have that, or not yet."""
        if self.facts.scope < right.scope:
            return _no_access(invocation, what)
        match right.use:
            case Use.LOOK:
                return None
            case Use.WRITE:
                return None if self._written.spare(mono) else _too_many(invocation, WRITES_AT_ONCE, WRITE_EVERY_S)
            case Use.END if self._began is None or mono - self._began < SETTLED_S:
                return _error(invocation, f"a page may ask for that when it has run for {SETTLED_S / 60:g} minutes", "TOO_EARLY")
            case Use.CHANGE | Use.END:
                return None if self._changed.spare(mono) else _too_many(invocation, CHANGES_AT_ONCE, CHANGE_EVERY_S)
            case _:
                assert_never(right.use)

    def _begin(self, right: Right, invocation: str, what: str, asked: Message) -> Effect:
        if invocation in self._open or len(self._open) >= OPEN:
            return _error(invocation, f"{OPEN} are under way already", "TOO_MANY")
        self._open[invocation] = right.answer
        return PageDeed(invocation, what, asked)

    def _dispatched(self, invocation: str, command: object, mono: float) -> Sequence[Effect]:
        kind = command.get("type") if isinstance(command, dict) else None
        if not isinstance(command, dict) or not isinstance(kind, str) or not TYPE.fullmatch(kind):
            return (_error(invocation, "a command is an object with a type of letters, digits, dots and dashes", "BAD_COMMAND"),)
        if len(json.dumps(command)) > LARGEST_COMMAND:
            return (_error(invocation, f"a command has {LARGEST_COMMAND} characters of JSON at most", "BAD_COMMAND"),)
        if not self._said.spare(mono):
            return (_too_many(invocation, COMMANDS_AT_ONCE, COMMAND_EVERY_S),)
        play = _play(command) if kind == PLAY else None
        if play is not None and not all(self.plays.spare(mono) for _ in range(_kib(play))):
            return (_too_many(invocation, PLAYS_AT_ONCE, PLAY_EVERY_S),)
        return (StoreCommand(command), *([play] if play else []), _success(invocation))

    def _video(self, what: str, invocation: str, asked: Message) -> Sequence[Effect]:
        if what not in VIDEO:
            return (_error(invocation, why_not(f"video.{what}"), "NOT_SUPPORTED"),)
        numbers = [asked.get(name) for name in ("x", "y", "width", "height")]
        if not isinstance(asked.get("uri"), str) or not all(isinstance(one, int) and abs(one) < 100_000 for one in numbers):
            return (_error(invocation, "a video has an address, and a place in whole pixels", "BAD_VIDEO"),)
        return (VideoDeed(what, asked), _success(invocation))

    def _told(self, invocation: str, what: str, asked: Message) -> Post:
        """What is known without a look at anything."""
        facts = self.facts
        known: Mapping[str, Message] = {
            "display.supports": {"supports": supports(asked.get("capability"), facts.scope)},
            "management.supports": {"supports": supports(asked.get("capability"), facts.scope)},
            "device_info.get_device_name": {"name": facts.device_name},
            "debug.is_remote_enabled": {"isEnabled": False},
            "touch.event": {},
        }  # fmt: skip
        if what in known:
            return _success(invocation, known[what])
        box: Mapping[str, Message] = {
            "management.get_model": {"model": facts.model},
            "management.get_serial_number": {"serialNumber": facts.serial},
            "management.get_brand": {"brand": None},
            "management.get_application_type": {"applicationType": "linux"},
            "management.get_application_version": {"applicationVersion": facts.player_version},
            "management.get_firmware_version": {"firmwareVersion": facts.os_version},
        }
        if what not in box:
            return _error(invocation, why_not(what), "NOT_SUPPORTED")
        return _success(invocation, box[what]) if facts.scope >= READ else _no_access(invocation, what)


def is_shallow(value: object, levels: int = DEEPEST) -> bool:
    """Whether no more than `levels` objects and lists of JSON lie within one another."""
    if not isinstance(value, dict | list):
        return True
    within = value.values() if isinstance(value, dict) else value
    return levels > 0 and all(is_shallow(one, levels - 1) for one in within)


def _success(invocation: str, fields: Message | None = None) -> Post:
    return Post({"type": "hug.invocation.success", "invocationUid": invocation, **(fields or {})})


def _error(invocation: str, message: str, code: str) -> Post:
    error = {"type": "AppletHostError", "message": message, "code": code}
    return Post({"type": "hug.invocation.error", "invocationUid": invocation, "error": error})


def _no_access(invocation: str, what: str) -> Post:
    return _error(invocation, f"the token that put this applet on does not allow {what}", "NO_ACCESS")


def _too_many(invocation: str, at_once: int, every_s: float) -> Post:
    return _error(invocation, f"{at_once} at once, then one every {every_s:g} s", "TOO_MANY")


def plays_of_pages() -> Allowance:
    """What all pages of a stage together may write into the proof of play, which is on flash."""
    return Allowance(PLAYS_AT_ONCE, PLAY_EVERY_S)


def _kib(play: RecordPlay) -> int:
    """How much of the proof it takes, at the least one."""
    return 1 + len(json.dumps([play.name, play.custom_id, play.file_name, play.error])) // 1024


def _play(command: Message) -> RecordPlay:
    tags = command.get("itemTags")
    return RecordPlay(
        _text(command.get("itemName")), _text(command.get("customId")), _text(command.get("itemType")),
        tuple(_text(tag) for tag in tags[:20]) if isinstance(tags, list) else (), _text(command.get("fileName")),
        command.get("playbackSuccess") is not False, _text(command.get("errorMessage")),
    )  # fmt: skip


def _text(value: object) -> str:
    return value[:200] if isinstance(value, str) else ""
