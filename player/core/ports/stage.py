"""Agent and stage: the messages of their socket, and the agent's side of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Protocol

from player.core.cover import StageState
from player.core.faults import Fault


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
class StageStatus:
    """What the stage is doing, sent on every change and at least every 2 s."""

    state: StageState = StageState.IDLE
    backend: str = "none"
    size: str = ""
    orientation: str = "landscape"
    wayland_display: str = ""
    screen_on: bool = True
    manifest_version: str = ""
    playlist: str = ""
    items: tuple[NowPlaying, ...] = ()
    frames_dropped: int = 0
    pids: dict[str, int] = field(default_factory=dict)
    faults: tuple[Fault, ...] = ()
    last_play_seq: int = 0
    started_at: float = 0.0


@dataclass(frozen=True, slots=True)
class Request:
    """Agent to stage. `op`: reread | restart | next | previous | play | identify | message | screenshot | drop_plays |
    release (what was kept off after deaths of the stage) | pin_answer | log."""

    id: int
    op: str
    args: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Answer:
    """Stage to agent, to a `Request`. `error` is a sentence, None when it worked."""

    id: int
    result: dict[str, Any] = field(default_factory=dict)
    error: str | None = None


@dataclass(frozen=True, slots=True)
class PinEntered:
    """Stage to agent: somebody at the screen entered a PIN; answered by a `Request` `pin_answer` {ok, wait_s}."""

    pin: str


StageMessage = StageStatus | Answer | PinEntered


class StagePort(Protocol):
    """The agent's side of the stage. `ask` raises BoxError when the stage is away, silent for 10 s, or answers an error."""

    @property
    def status(self) -> StageStatus | None: ...
    async def ask(self, op: str, **args: Any) -> dict[str, Any]: ...
