"""Agent and stage: what the stage tells, what the agent asks and is answered, and the agent's side of their socket.

A request says in its base what answers it: `TakePicture(Request[ScreenPicture])`. How all of it travels is `player.messages`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Generic, Protocol, TypeVar

from player.core.brief import StageBrief
from player.core.cover import Cover, StageState
from player.core.faults import Fault
from player.core.problem import Outlook


@dataclass(frozen=True, slots=True)
class NowPlaying:
    """One region's item on screen."""

    zone: str
    item_id: str
    content_id: str
    name: str
    type: str
    position_s: float | None
    duration_s: float | None


@dataclass(frozen=True, slots=True)
class PausedItem:
    """An item that failed on screen and is not tried again before `until` (seconds since the epoch)."""

    item_id: str
    until: float


@dataclass(frozen=True, slots=True)
class StageStatus:
    """What the stage is doing, sent on every change and at least every 2 s.

    `problem`: the code of what the card that covers the content, or the one in a corner, tells of. `mode`: that of the first
    panel, as it was read back, "1920x1080@60". `ready`: the triggers of which what they show is kept ready out of sight.
    `locked`: whether it keeps its controls closed; None: an older stage, which does not say.
    """

    state: StageState = StageState.IDLE
    backend: str = "none"
    size: str = ""
    orientation: str = "landscape"
    wayland_display: str = ""
    screen_on: bool = True
    manifest_version: str = ""
    playlist: str = ""
    items: tuple[NowPlaying, ...] = ()
    paused: tuple[PausedItem, ...] = ()
    cover: Cover = Cover.NOTHING
    problem: str = ""
    frames_dropped: int = 0
    pids: dict[str, int] = field(default_factory=dict)
    faults: tuple[Fault, ...] = ()
    last_play_seq: int = 0
    started_at: float = 0.0
    renderer: str = ""
    renderer_why: str = ""
    mode: str = ""
    ready: tuple[str, ...] = ()
    locked: bool | None = None


@dataclass(frozen=True, slots=True)
class PinEntered:
    """Stage to agent: somebody at the screen entered a PIN; the agent says what became of it by `AnswerPin`."""

    pin: str


@dataclass(frozen=True, slots=True)
class AppletSaid:
    """Stage to agent: an applet's page gives whoever manages it a command."""

    applet: str
    command: dict[str, Any]


@dataclass(frozen=True, slots=True)
class AppletAsked:
    """Stage to agent: an applet's page asks for something (`core.applet_rights`); `AnswerApplet` says how it ended.

    `scope`: what the token that put the applet on allows.
    """

    number: int
    applet: str
    scope: int
    what: str
    asked: dict[str, Any]


# --- answers ---------------------------------------------------------------------------------------------------------------------


class PictureFormat(StrEnum):
    """How a picture of the screen is encoded."""

    JPEG = "jpeg"
    PNG = "png"


@dataclass(frozen=True, slots=True)
class ScreenPicture:
    """A picture of the whole screen: the encoded bytes, and its size in pixels."""

    image: bytes = field(repr=False)
    width: int
    height: int
    format: PictureFormat


@dataclass(frozen=True, slots=True)
class LogLines:
    """What the stage has logged lately, oldest first."""

    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TriggerSeen:
    """When the first frame of what a trigger shows was on screen (seconds since the epoch)."""

    at: float


@dataclass(frozen=True, slots=True)
class Examined:
    """How a script ended in an applet's page. `failure`: what it threw, in words; "" where it ran to its end."""

    failure: str


AnyAnswer = ScreenPicture | LogLines | TriggerSeen | Examined | None

# --- requests --------------------------------------------------------------------------------------------------------------------

A = TypeVar("A")


class Request(Generic[A]):
    """Something that the agent asks of the stage, answered by an `A`."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Reread(Request[None]):
    """Manifest, settings or a feed are written anew: take them up. `brief`: the one that holds where no disk takes it."""

    brief: StageBrief | None = None


@dataclass(frozen=True, slots=True)
class CutUnlisted(Request[None]):
    """What is on screen and in no playlist any more goes now, and not at its edge: somebody asked for the content anew."""


@dataclass(frozen=True, slots=True)
class RestartStage(Request[None]):
    """End, to be started again."""


@dataclass(frozen=True, slots=True)
class NextItem(Request[None]):
    """Show the next item of every region now."""


@dataclass(frozen=True, slots=True)
class PreviousItem(Request[None]):
    """Show the item before, in every region, now."""


@dataclass(frozen=True, slots=True)
class PlayContent(Request[None]):
    """Show this content of the programme once, now; for so long, or (None) for its own length."""

    content_id: str
    seconds: float | None = None


@dataclass(frozen=True, slots=True)
class ShowIdentity(Request[None]):
    """Show over the content which box this is, for so long."""

    seconds: float


@dataclass(frozen=True, slots=True)
class ShowText(Request[None]):
    """Show a text over the content, for so long."""

    text: str
    seconds: float


@dataclass(frozen=True, slots=True)
class TakePicture(Request[ScreenPicture]):
    """A picture of the screen as it is; a JPEG is at most `width` wide."""

    format: PictureFormat = PictureFormat.JPEG
    width: int | None = None


@dataclass(frozen=True, slots=True)
class DropPlays(Request[None]):
    """A server has every play up to this number of the journal."""

    through: int


@dataclass(frozen=True, slots=True)
class ReleaseItems(Request[None]):
    """Forget earlier deaths of the stage: what was kept off after them may be shown again."""


@dataclass(frozen=True, slots=True)
class AnswerPin(Request[None]):
    """Whether the PIN that was entered at the screen was right; no other is looked at for `wait_s` seconds.

    Not `looked_at`: it came too soon after wrong ones, and may be the right one.
    """

    ok: bool
    wait_s: float = 0.0
    looked_at: bool = True


@dataclass(frozen=True, slots=True)
class TellOutlook(Request[None]):
    """How it stands with where content comes from, told at every change and again and again: who is silent counts as away."""

    outlook: Outlook


@dataclass(frozen=True, slots=True)
class ReadLog(Request[LogLines]):
    """What was logged lately."""


@dataclass(frozen=True, slots=True)
class ShowTrigger(Request[TriggerSeen]):
    """Show what stands by for the trigger of that name, now. `told` goes into the proof of play, `shown_at` added."""

    name: str
    told: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class CommandApplet(Request[None]):
    """Give the applet of that uid a command, where it is on screen or coming; one that is not ready gets it when it is."""

    applet: str
    command: dict[str, Any]


@dataclass(frozen=True, slots=True)
class AnswerApplet(Request[None]):
    """How what a page asked for ended (`AppletAsked.number`): its result, or, where `refusal` is not empty, why it was not done."""

    number: int
    value: Any = None
    refusal: str = ""


@dataclass(frozen=True, slots=True)
class ExamineApplet(Request[Examined]):
    """Run a script in the page of that version of an applet, where it is on screen or coming, to its end."""

    applet: str
    version: str
    script: str


AnyRequest = (
    Reread | CutUnlisted | RestartStage | NextItem | PreviousItem | PlayContent | ShowIdentity | ShowText | TakePicture | DropPlays
    | ReleaseItems | AnswerPin | TellOutlook | ReadLog | ShowTrigger | CommandApplet | AnswerApplet
    | ExamineApplet
)  # fmt: skip


class StagePort(Protocol):
    """The stage, as the agent has it."""

    @property
    def status(self) -> StageStatus | None:
        """What it said last; None while it is away."""

    async def ask(self, request: Request[A]) -> A:
        """The answer to `request`. Raises BoxError when the stage is away, silent for 10 s, or refuses (then with its sentence)."""
