"""What the player is doing, as one frozen value: `GET /api/status`, `status --json`, the local page and /metrics all show this.

House rule 22: one form for people and programs. `build` folds the parts that the daemons know into the object of the contract.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from player import __version__
from player.core.brief import StageBrief
from player.core.contact import Standing
from player.core.cover import StageState
from player.core.faults import Fault
from player.core.ports.server import CommandResult
from player.core.ports.stage import NowPlaying, StageStatus
from player.media.store.index import CacheFigures


@dataclass(frozen=True, slots=True)
class ServerContact:
    """The server. `last_contact` is seconds since the epoch, None before the first answer; `kind` is "none" without a server.

    `standing`: none | unknown | online | away | refused; `abilities`: what it offers by name, "yes" or "no: why";
    `about`: what it says of the account that is used.
    """

    kind: str
    url: str
    online: bool = False
    last_contact: float | None = None
    standing: Standing = Standing.UNKNOWN
    abilities: dict[str, str] = field(default_factory=dict)
    about: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SyncProgress:
    """How far the wanted programme is on disk."""

    version: str = ""
    items: int = 0
    assets_ready: int = 0
    assets_total: int = 0


@dataclass(frozen=True, slots=True)
class ProofFigures:
    """Proof of play: events that nobody has accepted yet, and when some last were (seconds since the epoch)."""

    pending: int = 0
    last_sent: float | None = None


@dataclass(frozen=True, slots=True)
class ClockFigures:
    """Whether the clock can be believed, and how far it is off the server's (seconds), None when unknown."""

    synced: bool = False
    offset_s: float | None = None


@dataclass(frozen=True, slots=True)
class Now:
    """What is on screen."""

    playlist: str = ""
    items: tuple[NowPlaying, ...] = ()


@dataclass(frozen=True, slots=True)
class StageFigures:
    """The picture. `wayland_display` is the path of the compositor's socket, `renderer` what it draws with (gles2, pixman)."""

    backend: str = "none"
    size: str = ""
    orientation: str = "landscape"
    wayland_display: str = ""
    restarts: int = 0
    frames_dropped: int = 0
    pids: dict[str, int] = field(default_factory=dict)
    screen_on: bool = True
    renderer: str = ""
    renderer_why: str = ""


@dataclass(frozen=True, slots=True)
class CommandFigures:
    """The last commands, newest first."""

    last: tuple[CommandResult, ...] = ()


@dataclass(frozen=True, slots=True)
class TriggerOutcome:
    """What a trigger answered to one broadcast with; instants are seconds since the epoch. `because`: why nothing was shown."""

    name: str
    broadcast_id: str
    brand: str
    channel: str
    detected_at: float | None
    received_at: float
    shown_at: float | None
    because: str = ""
    preview: str = ""


@dataclass(frozen=True, slots=True)
class TriggerFigures:
    """A source of triggers: broadcasts received, rules that were shown, messages that could not be read, or are of another sort.

    `last`: the last answers, newest first.
    """

    source: str
    online: bool
    received: int
    shown: int
    unread: int
    passed_over: dict[str, int]
    last: tuple[TriggerOutcome, ...] = ()


@dataclass(frozen=True, slots=True)
class Status:
    """The whole of it; the field names are the JSON of `GET /api/status`.

    `extended_management`: the address of another management of this box, "" for none.
    """

    uuid8: str
    state: StageState
    paired: bool | None
    pairing_code: str | None
    server: ServerContact
    now: Now
    manifest: SyncProgress
    stage: StageFigures
    cache: CacheFigures
    proof: ProofFigures
    commands: CommandFigures
    clock: ClockFigures
    faults: tuple[Fault, ...]
    uptime_s: float
    locked: bool = False
    version: str = __version__
    triggers: TriggerFigures | None = None
    extended_management: str = ""

    def __repr__(self) -> str:
        shown = ", ".join(item.name for item in self.now.items) or "nothing"
        return f"<{self.state}: {shown}; server {self.server.standing}; {len(self.faults)} faults>"


def build(
    *,
    uuid: str,
    brief: StageBrief,
    stage: StageStatus | None,
    server: ServerContact,
    uptime_s: float,
    cache: CacheFigures | None = None,
    sync: SyncProgress | None = None,
    proof: ProofFigures | None = None,
    commands: Sequence[CommandResult] = (),
    clock: ClockFigures | None = None,
    faults: Sequence[Fault] = (),
    restarts: int = 0,
    triggers: TriggerFigures | None = None,
    extended_management: str = "",
) -> Status:
    """One `Status` out of what the parts know. `stage` is None while the stage is away; `commands` come oldest first."""
    stage = stage or StageStatus()
    progress = sync or SyncProgress()
    return Status(
        uuid8=uuid[:8],
        state=stage.state,
        paired=brief.cards.paired,
        pairing_code=None if brief.cards.paired else brief.cards.pairing_code,
        server=server,
        now=Now(stage.playlist, stage.items),
        manifest=SyncProgress(
            stage.manifest_version or progress.version, progress.items, progress.assets_ready, progress.assets_total
        ),
        stage=_figures(stage, restarts),
        cache=cache or CacheFigures(),
        proof=proof or ProofFigures(),
        commands=CommandFigures(tuple(reversed(commands))[:20]),
        clock=clock or ClockFigures(),
        faults=tuple(faults),
        uptime_s=round(uptime_s, 1),
        locked=brief.settings.locked,
        triggers=triggers,
        extended_management=extended_management,
    )


def _figures(stage: StageStatus, restarts: int) -> StageFigures:
    return StageFigures(
        stage.backend,
        stage.size,
        stage.orientation,
        stage.wayland_display,
        restarts,
        stage.frames_dropped,
        dict(stage.pids),
        stage.screen_on,
        stage.renderer,
        stage.renderer_why,
    )
