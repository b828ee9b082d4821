"""The server, whichever API it speaks: what it says, what it is told, what it can be asked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol

from player.core.content import Alert, Layout
from player.core.faults import Fault


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


class CommandStatus(StrEnum):
    """What became of a command."""

    SUCCEEDED = "succeeded"
    FAILED = "failed"  # it was tried
    REJECTED = "rejected"  # it was not: expired, not understood, replaced, too many
    INITIATED = "initiated"  # it ends this process, or the box; another word follows
    INTERRUPTED = "interrupted"  # the player stopped while it ran, and it is not run again


@dataclass(frozen=True, slots=True)
class CommandResult:
    """What the one who gave a command is told. Times are seconds since the epoch."""

    id: str
    type: str
    status: CommandStatus
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
