"""Every seam of the player on one page: the Protocols that drivers and fakes implement, and the messages that cross them.

Abilities are data: what a box cannot do is an `Absent` with its reason, not an exception (house rule 5).
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

from player.core.content import Alert, Fault, Item, Layout, Orientation, Rect

# --- time ------------------------------------------------------------------------------------------------------------------------


class Clock(Protocol):
    """Instants are aware UTC; durations come from `monotonic` (seconds)."""

    def now(self) -> datetime: ...
    def monotonic(self) -> float: ...


# --- the compositor --------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Window:
    """A window as the compositor knows it. `id` is sway's con_id; `title` tells the windows of one browser apart."""

    id: int
    app_id: str
    pid: int
    rect: Rect
    title: str = ""


@dataclass(frozen=True, slots=True)
class Output:
    """A panel as read back from the compositor: `rect` is logical (after turning), `mode` is (width, height, mHz)."""

    name: str
    rect: Rect
    mode: tuple[int, int, int]
    orientation: Orientation
    power: bool
    make: str = ""
    model: str = ""
    scale: float = 1.0


@dataclass(frozen=True, slots=True)
class WindowOpened:
    """A window appeared (still transparent: the compositor's rules see to that)."""

    window: Window


@dataclass(frozen=True, slots=True)
class WindowClosed:
    """A window went away."""

    window_id: int


@dataclass(frozen=True, slots=True)
class OutputsChanged:
    """A panel came, went, turned or changed its mode: read `outputs()` again."""


@dataclass(frozen=True, slots=True)
class CompositorGone:
    """The compositor's connection closed; windows are lost."""


CompositorEvent = WindowOpened | WindowClosed | OutputsChanged | CompositorGone


class Compositor(Protocol):
    """What places, stacks and fades windows, and takes pictures of the whole screen. Raises BoxError; every call has a deadline."""

    async def windows(self) -> Sequence[Window]: ...
    async def outputs(self) -> Sequence[Output]: ...
    async def place(self, window_id: int, rect: Rect) -> None: ...
    async def move(self, places: Mapping[int, Rect]) -> None: ...  # several at once, without a change of size
    async def opacity(self, window_id: int, value: float) -> None: ...
    async def show_above(self, window_id: int, value: float = 1.0, at: Rect | None = None) -> None: ...  # moved there first
    async def show_together(self, window_ids: Sequence[int]) -> None: ...  # raised in this order, opaque, in one frame
    async def swap(self, front: int, back: int | None, at: Rect | None = None) -> None: ...
    async def turn(self, output: str, orientation: Orientation) -> None: ...
    async def mode(self, output: str, width: int, height: int, refresh_mhz: int | None = None) -> None: ...
    async def scale(self, output: str, value: float) -> None: ...
    async def power(self, output: str, on: bool) -> None: ...
    async def screenshot(self, path: Path) -> None: ...
    def events(self) -> AsyncIterator[CompositorEvent]: ...


# --- surfaces --------------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Playable:
    """An item made concrete for a surface: an absolute path or a checked URL, in pixels of the screen."""

    item: Item
    target: str
    size: tuple[int, int]
    fit: str = "contain"
    background: str = "#000000"
    volume: int = 100
    muted: bool = False
    loop: bool = False


class Surface(Protocol):
    """One window that can show one item. `load` returns when its first frame is drawn, invisible; raises ContentError.

    `ended` returns when the item came to its natural end (its last frame was shown), or raises ContentError when it broke;
    for kinds without an end it never returns.
    """

    @property
    def app_id(self) -> str: ...
    @property
    def pid(self) -> int: ...
    async def load(self, playable: Playable) -> None: ...
    def start(self) -> None: ...
    def pause(self) -> None: ...
    async def ended(self) -> None: ...
    async def unload(self) -> None: ...
    def resize(self, width: int, height: int) -> None: ...
    def set_volume(self, volume: int, *, muted: bool) -> None: ...
    def duration_s(self) -> float | None: ...
    def dropped_frames(self) -> int: ...
    async def close(self) -> None: ...


# --- agent and stage -------------------------------------------------------------------------------------------------------------


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
    """What the stage is doing, sent on every change and at least every 2 s. `state` as in `GET /api/status`."""

    state: str = "idle"
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
    pin_answer | log."""

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


# --- the server ------------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Registration:
    """The server's answer to a device that introduced itself."""

    paired: bool
    pairing_code: str | None
    device_name: str | None
    locked: bool
    lock_pin: str | None
    license_activated: bool


@dataclass(frozen=True, slots=True)
class Command:
    """One order of an operator. `created_at` and `expires_at` are seconds since the epoch."""

    id: str
    type: str
    payload: Mapping[str, Any] = field(default_factory=dict)
    created_at: float | None = None
    expires_at: float | None = None


@dataclass(frozen=True, slots=True)
class CommandResult:
    """`status`: succeeded | failed | rejected | initiated | interrupted. Times are seconds since the epoch."""

    id: str
    type: str
    status: str
    message: str
    started_at: float
    finished_at: float
    result: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Telemetry:
    """What a heartbeat carries; None where this box has no such thing. Megabytes are 1024 x 1024 bytes."""

    ip_address: str | None
    wifi_signal: int | None
    storage_total_mb: int
    storage_used_mb: int
    storage_free_mb: int
    screen_on: bool
    volume: int | None
    uptime_seconds: int
    current_content: str | None
    extra: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class AppUpdate:
    """An update notice; only a signature by the configured key installs it."""

    version: str
    url: str
    sha256: str
    signature: str
    mandatory: bool = False


@dataclass(frozen=True, slots=True)
class HeartbeatAnswer:
    """`None` means the server did not say. `faults` are parts of the answer that could not be understood."""

    paired: bool | None
    locked: bool | None
    lock_pin: str | None
    commands: tuple[Command, ...]
    alerts: tuple[Alert, ...] | None
    alert_images: dict[str, str]  # alert id -> URL
    update: AppUpdate | None
    heartbeat_interval_s: float | None
    server_time: float | None
    faults: tuple[Fault, ...] = ()


@dataclass(frozen=True, slots=True)
class WantedAsset:
    """A file that a programme needs: where it is, what it is called, how large (None: unknown) and what it must hash to."""

    content_id: str
    name: str
    kind: str
    url: str
    file_hash: str | None = None
    size: int | None = None


@dataclass(frozen=True, slots=True)
class Programme:
    """What the server wants on air: a layout whose items name content ids, and the assets behind them.

    Items of kinds with a file have `file=None` here; sync fills it in. `delete` are content ids that may go when free.
    """

    layout: Layout
    assets: tuple[WantedAsset, ...]
    delete: tuple[str, ...] = ()
    watermark: bool = False
    faults: tuple[Fault, ...] = ()


class Cms(Protocol):
    """A server, whichever API it speaks. Raises ServerError (unreachable, refused, nonsense)."""

    async def register(self) -> Registration: ...
    async def heartbeat(
        self, telemetry: Telemetry, faults: Sequence[Fault], results: Sequence[CommandResult]
    ) -> HeartbeatAnswer: ...
    async def programme(self) -> Programme: ...
    async def report(self, result: CommandResult) -> bool: ...
    async def send_plays(self, events: Sequence[Mapping[str, Any]]) -> Sequence[str]: ...
    async def send_screenshot(self, command_id: str, taken_at: float, size: tuple[int, int], jpeg: bytes) -> None: ...


# --- the box ---------------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Absent:
    """An ability this box does not have, and why, in words for the operator."""

    ability: str
    reason: str


class Audio(Protocol):
    """The box's master volume, 0 to 100. Raises BoxError."""

    async def volume(self) -> int: ...
    async def set_volume(self, volume: int) -> None: ...
    async def set_muted(self, muted: bool) -> None: ...


class Panel(Protocol):
    """The panel beside the compositor: CEC, DDC, backlight. Raises BoxError."""

    async def set_power(self, on: bool) -> str: ...
    async def set_brightness(self, brightness: int) -> str: ...


class Host(Protocol):
    """The operating system's side. Raises BoxError with the reason when it is refused."""

    def boot_id(self) -> str: ...
    async def reboot(self) -> None: ...
    async def shutdown(self) -> None: ...
    async def clock_synced(self) -> bool: ...


class Sensors(Protocol):
    """Readings of the box itself; a reading that is not there is None."""

    def address(self) -> str | None: ...
    def network(self) -> str: ...
    def wifi_signal_dbm(self) -> int | None: ...
    def uptime_s(self) -> int: ...
    def model(self) -> str: ...
    def os_version(self) -> str: ...
    def temperature_c(self) -> float | None: ...
    def throttled(self) -> str | None: ...
    def cpu_percent(self) -> float: ...
    def memory_mb(self) -> tuple[int, int]: ...
