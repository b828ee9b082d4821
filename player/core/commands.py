"""Every command an operator can send, as types: contract §3.5 in one table, from the wire's type and payload to a checked value.

Pure. What cannot be understood is a `CommandRejected` with a sentence for the operator. What each kind may do after a crash is
`Kind.after_crash`; the ledger (`core.ledger`) decides by it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from player.core.content import Orientation
from player.core.payload import Payload
from player.errors import CommandRejected


class AfterCrash(StrEnum):
    """What becomes of a command that was started and whose end nobody wrote down (faults.md §5)."""

    AGAIN = "again"  # it only sets a state that is ours: doing it twice is doing it once
    BOOT = "boot"  # done when the box has booted since
    PROCESS = "process"  # done when this process is another one, which it is
    VERSION = "version"  # done when the wanted version runs
    INTERRUPTED = "interrupted"  # somebody may have seen it: never again


class Awaited(StrEnum):
    """What has to be there before a command that an earlier life left open is done: after a start it may come late."""

    SERVER = "server"
    STAGE = "stage"
    SOUND = "sound"


@dataclass(frozen=True, slots=True)
class Reboot:
    """Restart the box."""


@dataclass(frozen=True, slots=True)
class PowerOff:
    """Switch the box off."""


@dataclass(frozen=True, slots=True)
class RestartApp:
    """Restart the player."""


@dataclass(frozen=True, slots=True)
class Refresh:
    """Ask the server for its programme at once."""


@dataclass(frozen=True, slots=True)
class ClearCache:
    """Remove every file that nothing on air needs."""


@dataclass(frozen=True, slots=True)
class SetVolume:
    """0 to 100."""

    volume: int


@dataclass(frozen=True, slots=True)
class Mute:
    """Sound off or on; the volume stays."""

    muted: bool


@dataclass(frozen=True, slots=True)
class TakeScreenshot:
    """A picture of the screen, sent to the server."""


@dataclass(frozen=True, slots=True)
class LockControls:
    """Local controls closed. `pin` None keeps the one that is set."""

    pin: str | None = None


@dataclass(frozen=True, slots=True)
class UnlockControls:
    """Local controls open."""


@dataclass(frozen=True, slots=True)
class ScreenOn:
    """The panel on."""


@dataclass(frozen=True, slots=True)
class ScreenOff:
    """The panel off."""


@dataclass(frozen=True, slots=True)
class SetBrightness:
    """0 to 100."""

    brightness: int


@dataclass(frozen=True, slots=True)
class SetOrientation:
    """How the panel hangs."""

    orientation: Orientation


@dataclass(frozen=True, slots=True)
class Identify:
    """Shows which box this is, for so long."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Play:
    """One content at once; `seconds` None is its own length."""

    content_id: str
    seconds: float | None


@dataclass(frozen=True, slots=True)
class Next:
    """The next item now."""


@dataclass(frozen=True, slots=True)
class Previous:
    """The item before, now."""


@dataclass(frozen=True, slots=True)
class ShowMessage:
    """A text over the content, for so long."""

    text: str
    seconds: float


@dataclass(frozen=True, slots=True)
class UpdateApp:
    """Install this version, if the signature holds."""

    version: str
    url: str
    sha256: str
    signature: str
    mandatory: bool


@dataclass(frozen=True, slots=True)
class UploadLogs:
    """Send the logs to the server."""


Instruction = (
    Reboot | PowerOff | RestartApp | Refresh | ClearCache | SetVolume | Mute | TakeScreenshot | LockControls | UnlockControls
    | ScreenOn | ScreenOff | SetBrightness | SetOrientation | Identify | Play | Next | Previous
    | ShowMessage | UpdateApp | UploadLogs
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class CommandKind:
    """One type of command: how it is read, what it needs, what a crash means; a later one of its `state` replaces it."""

    read: Callable[[Payload], Instruction]
    needs: frozenset[Awaited] = frozenset()
    after_crash: AfterCrash = AfterCrash.INTERRUPTED
    state: str | None = None
    restarts: bool = False


def _update(p: Payload) -> UpdateApp:
    mandatory = p.truth("mandatory", default=False)
    return UpdateApp(p.text("version"), p.text("url", 4096), p.text("sha256"), p.text("signature"), mandatory)


def _state(state: str, read: Callable[[Payload], Instruction], *needs: Awaited) -> CommandKind:
    return CommandKind(read, frozenset(needs), AfterCrash.AGAIN, state)


def _ending(state: str, after_crash: AfterCrash, read: Callable[[Payload], Instruction]) -> CommandKind:
    return CommandKind(read, frozenset(), after_crash, state, restarts=True)


_AT_THE_STAGE = frozenset({Awaited.STAGE})
KINDS: Mapping[str, CommandKind] = {
    "reboot": _ending("reboot", AfterCrash.BOOT, lambda _: Reboot()),
    "shutdown": _ending("shutdown", AfterCrash.BOOT, lambda _: PowerOff()),
    "restart_app": _ending("restart_app", AfterCrash.PROCESS, lambda _: RestartApp()),
    "update_app": CommandKind(_update, frozenset({Awaited.SERVER}), AfterCrash.VERSION, "update"),
    "refresh": _state("refresh", lambda _: Refresh(), Awaited.SERVER),
    "clear_cache": _state("clear_cache", lambda _: ClearCache(), Awaited.SERVER, Awaited.STAGE),
    "set_volume": _state("volume", lambda p: SetVolume(p.percent("volume")), Awaited.SOUND),
    "mute": _state("mute", lambda p: Mute(p.truth("muted")), Awaited.SOUND),
    "lock": _state("lock", lambda p: LockControls(p.optional_text("pin", 64))),
    "unlock": _state("lock", lambda _: UnlockControls()),
    "screen_on": _state("screen", lambda _: ScreenOn(), Awaited.STAGE),
    "screen_off": _state("screen", lambda _: ScreenOff(), Awaited.STAGE),
    "set_brightness": _state("brightness", lambda p: SetBrightness(p.percent("brightness"))),
    "set_orientation": _state("orientation", lambda p: SetOrientation(p.orientation("orientation"))),
    "screenshot": CommandKind(lambda _: TakeScreenshot(), frozenset({Awaited.SERVER, Awaited.STAGE})),
    "identify": CommandKind(lambda p: Identify(p.seconds("seconds", 10.0) or 10.0), _AT_THE_STAGE),
    "play": CommandKind(lambda p: Play(p.text("content_id"), p.seconds("seconds", None)), _AT_THE_STAGE),
    "next": CommandKind(lambda _: Next(), _AT_THE_STAGE),
    "previous": CommandKind(lambda _: Previous(), _AT_THE_STAGE),
    "show_message": CommandKind(lambda p: ShowMessage(p.text("text"), p.seconds("seconds", 10.0) or 10.0), _AT_THE_STAGE),
    "upload_logs": CommandKind(lambda _: UploadLogs(), _AT_THE_STAGE),
}


def parse(kind: str, payload: Mapping[str, Any]) -> Instruction:
    """The command's meaning. Raises CommandRejected."""
    known = KINDS.get(kind)
    if known is None:
        raise CommandRejected(f'this player does not know the command "{kind}"')
    return known.read(Payload(kind, payload))
