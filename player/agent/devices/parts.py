"""What of the agent the management API stands on. Light: the agent makes this whether or not anybody manages the box."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from player.agent.control.access import TokenStore
from player.agent.settings.brief_store import BriefStore
from player.agent.settings.registry import SettingsRegistry
from player.agent.settings.schedule_runner import ScheduleRunner
from player.agent.settings.screen_lock import ScreenLock
from player.core.applets import AppletPlace
from player.core.content import WantedAsset
from player.core.ports.box import Clock, Host, Packages, Sensors, SystemLog, Updates, Vpn
from player.core.ports.server import CommandResult, Telemetry
from player.core.ports.stage import AppletAsked, AppletSaid, StagePort
from player.identity import Identity
from player.media.fetch.download import Fetched
from player.media.prepare.parent import ArchiveOrder

FOLDER = "devices"  # below the state folder: what the management keeps
Command = Callable[[str, Mapping[str, object]], Awaitable[CommandResult]]
HaveArchive = Callable[[ArchiveOrder, Path, str, Path], Awaitable[None]]  # as `media.prepare.parent.have_archive`
Fetch = Callable[[WantedAsset, str, int], Awaitable[Fetched]]  # a file, the name of its part, and how many bytes it may have


@dataclass(frozen=True, slots=True)
class Parts:
    """What of the agent the API reaches. `state` is the agent's folder on the disk, `runtime` that in memory-backed storage.

    `cache` is the folder that the stage reads files from; `place`: where applets stand to the server's programme.

    `proxy` is the way out without its password, "" for none; `allowed` are the packages that may be installed; `examine` makes the
    tests of `doctor`; `applets_said` is what applets say and ask for on the screen, `fetch` gets files that they
    keep, with `reserve` bytes of the disk left free, and `archives` packs and unpacks them; `redactor` reads the secrets that are
    configured, and makes what takes them out of a text; `command` carries out a command given at the box.
    """

    state: Path
    runtime: Path
    cache: Path
    place: AppletPlace
    identity: Identity
    clock: Clock
    host: Host
    sensors: Sensors
    stage: StagePort
    brief: BriefStore
    settings: SettingsRegistry
    schedule: ScheduleRunner
    packages: Packages
    updates: Updates
    system_log: SystemLog
    vpn: Vpn
    allowed: Sequence[str]
    lock: ScreenLock
    command: Command
    applets_said: asyncio.Queue[AppletSaid | AppletAsked]
    fetch: Fetch
    archives: HaveArchive
    reserve: int
    tokens: TokenStore
    zone: Callable[[], ZoneInfo]
    telemetry: Callable[[], Awaitable[Telemetry]]
    clock_trusted: Callable[[], Awaitable[bool]]
    read_logs: Callable[[], Awaitable[Mapping[str, Sequence[str]]]]
    redactor: Callable[[], Callable[[str], str]]
    examine: Callable[[], Awaitable[Sequence[Mapping[str, Any]]]]
    proxy: str
