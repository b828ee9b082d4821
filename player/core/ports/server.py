"""The server, whichever API it speaks: a bundle of abilities, and the events that its rhythm puts into one inbox.

An ability that a server does not have is `Absent` with its reason; nothing is faked. The adapter owns the vendor's rhythm (poll,
push, or both) and says what happened in our words; errors cross this seam by meaning (`player.errors`), never as a vendor's number.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from enum import StrEnum
from typing import IO, Any, Protocol

from player.core.brief import Alert
from player.core.content import Orientation, Programme
from player.core.faults import Fault
from player.core.ports.box import Absent
from player.errors import ServerError


@dataclass(frozen=True, slots=True)
class Command:
    """One order of an operator. `created_at` and `expires_at` are seconds since the epoch.

    `numbered`: the server writes its id as a number, and is answered with one.
    """

    id: str
    type: str
    payload: Mapping[str, Any] = field(default_factory=dict)
    created_at: float | None = None
    expires_at: float | None = None
    numbered: bool = False


class CommandStatus(StrEnum):
    """What became of a command."""

    SUCCEEDED = "succeeded"
    FAILED = "failed"  # it was tried
    REJECTED = "rejected"  # it was not: expired, not understood, replaced, too many
    INITIATED = "initiated"  # it ends this process, or the box; another word follows
    INTERRUPTED = "interrupted"  # the player stopped while it ran, and it is not run again


@dataclass(frozen=True, slots=True)
class CommandResult:
    """What the one who gave a command is told. Times are seconds since the epoch; `numbered` as in the command."""

    id: str
    type: str
    status: CommandStatus
    message: str
    started_at: float
    finished_at: float
    result: dict[str, Any] = field(default_factory=dict)
    numbered: bool = False


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


# --- what happened: the events of the inbox


@dataclass(frozen=True, slots=True)
class Reached:
    """The server answered. `offset_s`: its clock less ours, None where it was not measured.

    `faults`: the parts of its answer that could not be understood. `about`: what it says of the account that we use, for people.
    """

    offset_s: float | None = None
    faults: tuple[Fault, ...] = ()
    about: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Missed:
    """It did not answer, or not as we need it; why."""

    error: ServerError


@dataclass(frozen=True, slots=True)
class Paired:
    """It knows this device, by that name; None: it did not say one."""

    name: str | None = None


@dataclass(frozen=True, slots=True)
class Unpaired:
    """It does not know this device, or not any more. `code` is what somebody enters there; None: not known yet."""

    code: str | None = None
    name: str | None = None


@dataclass(frozen=True, slots=True)
class SettingsWanted:
    """What it wants the device to be; None: it did not say. `heartbeat_interval`: seconds between two calls, 1 to 3600.

    `time_zone`: an IANA name that this machine knows.
    """

    locked: bool | None = None
    lock_pin: str | None = None
    heartbeat_interval: float | None = None
    orientation: Orientation | None = None
    time_zone: str | None = None


@dataclass(frozen=True, slots=True)
class CommandsCame:
    """Commands were delivered, in this order; the same ones may come again until they were answered."""

    commands: tuple[Command, ...]


@dataclass(frozen=True, slots=True)
class ResultsTaken:
    """It has these results, which went with the rhythm."""

    results: tuple[CommandResult, ...]


@dataclass(frozen=True, slots=True)
class AlertsListed:
    """Every alert that it knows, and the addresses of their pictures by the alert's id."""

    alerts: tuple[Alert, ...]
    pictures: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ContentChanged:
    """There is something else to be shown: ask for the programme now."""


@dataclass(frozen=True, slots=True)
class UpdateOffered:
    """It offers a version of the player."""

    update: AppUpdate


ServerEvent = (
    Reached | Missed | Paired | Unpaired | SettingsWanted | CommandsCame | ResultsTaken | AlertsListed
    | ContentChanged | UpdateOffered
)  # fmt: skip


class ServerInbox(Protocol):
    """Where a server's rhythm puts what happened. When `put` returns, what it means is written down, and may be acknowledged."""

    async def put(self, event: ServerEvent) -> None: ...


# --- what it can be asked: the abilities


class Rhythm(Protocol):
    """The vendor's rhythm: runs for ever, puts events into the inbox, and raises nothing for a server that is away."""

    async def run(self, inbox: ServerInbox) -> None: ...


class ContentSource(Protocol):
    """What is to be on air. Raises ServerError."""

    async def programme(self) -> Programme: ...


class ResultsSink(Protocol):
    """Takes what became of commands: True where the server has it, False where it goes with the rhythm (`ResultsTaken`).

    Raises ServerError.
    """

    async def send_result(self, result: CommandResult) -> bool: ...


class PlaysSink(Protocol):
    """Takes at most 100 events of proof of play; answers the ids that it accepted.

    Raises EventsRefused, NotOffered, ServerError.
    """

    async def send_plays(self, events: Sequence[Mapping[str, Any]]) -> Sequence[str]: ...


class ScreenshotSink(Protocol):
    """Takes a picture of the screen (JPEG; `size` in pixels; `taken_at` in seconds since the epoch). Raises ServerError."""

    async def send_screenshot(self, command_id: str, taken_at: float, size: tuple[int, int], jpeg: bytes) -> None: ...


class LocalFiles(Protocol):
    """The files of a source that lies on this machine: one opened by its address, None where the address is none of them.

    Blocks. Raises OSError.
    """

    def open(self, url: str) -> IO[bytes] | None: ...


@dataclass(frozen=True, slots=True)
class ByRhythm:
    """An ability that needs no call: it goes with the rhythm, `how` says with what ("in the heartbeat's answer")."""

    how: str


@dataclass(frozen=True, slots=True)
class Connection:
    """One server as it was connected to: each ability, or why it is absent."""

    rhythm: Rhythm | Absent
    content: ContentSource | Absent
    commands: ByRhythm | Absent
    telemetry: ByRhythm | Absent
    results: ResultsSink | Absent
    plays: PlaysSink | Absent
    screenshots: ScreenshotSink | Absent
    settings: ByRhythm | Absent
    alerts: ByRhythm | Absent
    updates: ByRhythm | Absent
    files: LocalFiles | None = None  # of a source on this machine, which are copied and not fetched

    @property
    def abilities(self) -> dict[str, str]:
        """Each ability by its name: "yes", or why not."""
        held = ((one.name, getattr(self, one.name)) for one in fields(self) if one.name not in ("rhythm", "files"))
        return {name: f"no: {ability.reason}" if isinstance(ability, Absent) else "yes" for name, ability in held}


def no_connection(reason: str) -> Connection:
    """Where there is no server: every ability is absent, for this reason."""
    names = [one.name for one in fields(Connection) if one.name != "files"]
    absent = {name: Absent("the server" if name == "rhythm" else name, reason) for name in names}
    return Connection(**absent)  # type: ignore[arg-type]  # `files` is not among them


Upload = Callable[[str, bytes, Mapping[str, str]], Awaitable[None]]  # an address, bytes, headers; raises ServerError


@dataclass(frozen=True, slots=True)
class Device:
    """This box as a server may know it, and what the rhythm may ask of it. `paired`: how it stood when it was last heard of.

    `key` is the name under which what belongs to this server is kept; each item of its content says it (`Item.server`).
    `results` are those that no server has got yet; `faults` all that are known; `uuid` is a secret.
    `heartbeat_interval`: the seconds between two calls, as the settings have it. `upload` puts a file at an address that the
    server named, where content may come from.
    """

    uuid: str = field(repr=False)
    key: str
    model: str
    os_version: str
    version: str
    paired: bool | None
    telemetry: Callable[[], Awaitable[Telemetry]]
    faults: Callable[[], Sequence[Fault]]
    results: Callable[[], Sequence[CommandResult]]
    heartbeat_interval: Callable[[], float]
    upload: Upload
