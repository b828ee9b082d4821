"""The agent's composition root: every part made and connected here, from values and ports (house rule 4).

The loops that run are listed in `Agent._loops`; each is kept running by itself, so that a server that answers nonsense, a full disk
or an absent stage costs what depends on it and nothing else.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import logging
import os
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from player import __version__, cms
from player.agent.commands import handlers
from player.agent.commands.readiness import Readiness
from player.agent.commands.runner import CommandRunner
from player.agent.compositor_watch import CompositorWatch
from player.agent.content.alert_pictures import AlertPictures
from player.agent.content.asset_fetcher import AssetFetcher
from player.agent.content.decoder_walls import DecoderWalls
from player.agent.content.feeds import Feeds
from player.agent.content.item_faults import ItemFaults
from player.agent.content.rounds import Rounds
from player.agent.content.sync import Sync
from player.agent.content.why import WhyReader
from player.agent.control.access import TokenStore
from player.agent.control.http import ControlServer
from player.agent.control.local_controls import LocalControls
from player.agent.control.wrong_passwords import WrongPasswords
from player.agent.fallback import Fallback
from player.agent.inbox import Inbox
from player.agent.reports.clock_trust import ClockTrust
from player.agent.reports.disk_watch import DiskWatch
from player.agent.reports.logs import read_logs
from player.agent.reports.outlook import OutlookTeller
from player.agent.reports.plays_outbox import PlaysOutbox, undelivered
from player.agent.reports.proof_head import ProofHead
from player.agent.reports.results_outbox import ResultsOutbox
from player.agent.reports.status import ProofFigures
from player.agent.reports.status_reader import StatusReader
from player.agent.reports.telemetry import TelemetryReader
from player.agent.server_folder import COMMANDS, LOCKED, NONE, ServerFolder, open_folder
from player.agent.settings.alert_list import AlertList
from player.agent.settings.appliers import build_appliers
from player.agent.settings.brief_store import BriefStore
from player.agent.settings.clock_floor import ClockFloor
from player.agent.settings.public_holidays import PublicHolidays
from player.agent.settings.registry import SettingsRegistry
from player.agent.settings.screen_lock import PIN_COST, ScreenLock
from player.agent.settings.surroundings import Surroundings
from player.agent.stage_client import StageClient
from player.compositor.hang import hangs_told
from player.config import CmsConfig, Config, Dirs, parse_size
from player.core.contact import Contact, Standing
from player.core.content import Orientation
from player.core.egress import WayOut
from player.core.faults import Fault, FaultBook, gravest
from player.core.ports.box import Absent
from player.core.ports.server import CommandResult, Connection, Device, PlaysSink, Telemetry
from player.core.ports.stage import RestartStage
from player.device.audio import LateAudio
from player.device.host import SystemHost
from player.device.panel import find_panel
from player.device.sensors import SystemSensors
from player.errors import SignageError, StorageError
from player.formats import Formats
from player.identity import Identity, load_or_create
from player.media.fetch.download import Downloader
from player.media.fetch.egress import Egress
from player.media.prepare.parent import prepare
from player.media.store.cache import Cache
from player.media.store.scrub import Scrub
from player.programme_file import ProgrammeFile
from player.redact import Redactor, known_secrets
from player.runtime.clock import SystemClock, local_zone
from player.runtime.fault_page import FaultPage
from player.runtime.logs import set_up_logging
from player.runtime.systemd import feed_watchdog, sd_notify
from player.runtime.tasks import Latest, Shutdown, keep_running, stopping_on_signals, until_stopped
from player.way_out import read_reach, read_way_out

log = logging.getLogger("player.agent")
BUILT_AT = Path(__file__).stat().st_mtime  # of this file: when the player was installed, or built

FULL_HD = (1920, 1080)


class Agent:
    """Everything of one agent, wired. Make it with `async with` inside an event loop. `started` is called when it is up."""

    def __init__(
        self, config: Config, dirs: Dirs, identity: Identity, way_out: WayOut, started: Callable[[], None] = lambda: None
    ) -> None:
        self._way_out, self._started = way_out, started
        self._config, self._dirs, self._identity = config, dirs, identity
        self._clock = SystemClock()
        self._began = self._clock.monotonic()
        self.faults = FaultBook()
        self._page = functools.partial(FaultPage, self.faults, self._clock)
        self._stack = AsyncExitStack()
        self._sync_now = asyncio.Event()
        self._stop = asyncio.Event()

    async def __aenter__(self) -> Self:
        config, dirs, clock = self._config, self._dirs, self._clock
        for folder in (dirs.state, dirs.cache, dirs.runtime):
            folder.mkdir(mode=0o750, parents=True, exist_ok=True)
        self.host, self.audio, self.panel, self.sensors = SystemHost(clock), LateAudio(), find_panel(), SystemSensors()
        self.stage = StageClient(dirs.stage_socket, self._pin_entered, self._page("stage"))
        self.formats = Formats(dirs.state, __version__)
        self.brief = BriefStore(dirs.brief, self.stage)
        self.settings = self._stack.enter_context(contextlib.closing(self._registry()))
        await self.settings.open()
        kind = config.cms.kind if config.server else NONE
        device = config.cms.device or self._identity.uuid
        self._place = cms.place_of(config.cms, config.server)
        self.server = open_folder(dirs.state, kind, self._place, device, self.brief.current.cards, CmsConfig().kind)
        kept = self.server.facts
        with contextlib.suppress(StorageError):  # a disk that takes nothing keeps nobody from starting: `DiskWatch` tells of it
            await self.brief.change_cards(paired=kept.paired, pairing_code=kept.pairing_code, device_name=kept.device_name)
        self.lock = ScreenLock(
            dirs.state / "lock.json", self.settings, self.stage, clock, self._page("lock"), said=self.server.path / LOCKED,
            log_n=PIN_COST,
        )  # fmt: skip
        connecting = cms.connect(config.cms, config.server, self._device(), clock, self._way_out)
        self.connection = await self._stack.enter_async_context(connecting)
        self.contact = Latest(Contact(Standing.NONE if isinstance(self.connection.rhythm, Absent) else Standing.UNKNOWN))
        self.clock_trust = ClockTrust(self.host, self.contact)
        self.clock_floor = ClockFloor(
            self.brief, self.host, clock, trusted=self.clock_trust.trusted, offset_s=self._proven_offset,
            built_at=BUILT_AT,
        )  # fmt: skip
        self.public_holidays = PublicHolidays(self.brief, clock, config.time.country, self._page("calendar"))
        self.fallback = await self._open_fallback()
        await self._open_media(self.connection)
        self.commands = CommandRunner(
            self.server.path / COMMANDS, self._handlers(), clock=clock, host=self.host, version=__version__,
            faults=self._page("commands"), tell_first=self._tell_first, clock_trusted=self.clock_trust.trusted,
            is_ready=Readiness(self.contact, self.stage, self.audio).of,
        )  # fmt: skip
        self._open_reports(self.connection)
        why = WhyReader(self.sync, self.stage, clock, self._all_faults)
        local_controls = LocalControls(self.status.read, why.read, self.commands, self.lock, self.settings, self.stage)
        self.control = ControlServer(
            local_controls, local_controls, socket_path=dirs.control_socket, tokens=TokenStore(dirs.state / "tokens.json"),
            wrong_passwords=WrongPasswords(dirs.state / "wrong_passwords.json"), listen=config.control.listen,
            password=config.control.secret(),
        )  # fmt: skip
        return self

    async def __aexit__(self, *_: object) -> None:
        self.commands.close()
        await self._stack.aclose()

    def _device(self) -> Device:
        """This box, for a server. What is asked of it then is made below, before the rhythm begins."""
        return Device(
            uuid=self._identity.uuid, key=self.server.key, model=self.sensors.model(), os_version=self.sensors.os_version(),
            version=__version__, paired=self.server.facts.paired, telemetry=self._telemetry, faults=self._all_faults,
            results=self._untold, heartbeat_interval=self.settings.heartbeat_interval_s,
        )  # fmt: skip

    async def _telemetry(self) -> Telemetry:
        return await self.telemetry.read()

    def _all_faults(self) -> Sequence[Fault]:
        """The agent's own, and what the stage tells of."""
        status = self.stage.status
        return gravest((*self.faults.faults, *(status.faults if status else ())))

    def _untold(self) -> Sequence[CommandResult]:
        return self.commands.untold()

    async def _open_fallback(self) -> Fallback | None:
        given, own = self._config.fallback, self._config.fallback_server
        if own is None:
            return None
        place, known_as = cms.place_of(given, own), given.device or self._identity.uuid
        folder = open_folder(self._dirs.state, given.kind, place, known_as, self.brief.current.cards, CmsConfig().kind)
        device = replace(
            self._device(), key=folder.key, paired=folder.facts.paired, results=tuple,
            heartbeat_interval=lambda: given.heartbeat_interval,
        )  # fmt: skip
        connection = await self._stack.enter_async_context(cms.connect(given, own, device, self._clock, self._way_out))
        return Fallback(
            connection, folder, place, after_s=given.after, clock=self._clock, faults=self._page("fallback"),
            hurry=self._sync_now.set,
        )  # fmt: skip

    async def _open_media(self, server: Connection) -> None:
        """Content, and the way files come from it."""
        config, clock = self._config, self._clock
        content, local, fallback = server.content, server.files, self.fallback
        if fallback is not None:
            content, local = fallback.behind(content, known=self._is_known, shown=lambda: self.sync.shown), fallback.files(local)
        egress = Egress(read_reach(config), self._way_out)
        downloads = await self._stack.enter_async_context(egress.session())
        reserve = parse_size(config.storage.reserve)
        self.cache = Cache(self._dirs.cache, clock, parse_size(config.storage.cache_limit))
        download = functools.partial(Downloader, downloads, self.cache.parts, egress, reserve_bytes=reserve, credentials={})
        self.downloader = download(require_hash=config.cache.require_hash, local=local)
        item_faults = ItemFaults(self._page("items"), clock)
        look_at = functools.partial(prepare, tell_missing=DecoderWalls(self._page("decoder")).tell)
        asset_fetcher = AssetFetcher(self.cache, self.downloader, look_at, item_faults, reserve_bytes=reserve, panel=FULL_HD)
        self.alert_pictures = AlertPictures(self.cache, download(require_hash=False), look_at, lambda: asset_fetcher.panel)
        self.scrub = Scrub(self.cache)
        self.feeds = Feeds(self.cache, downloads, egress, self.stage, clock, self._sync_now.set, faults=self._page("feeds"))
        self.sync = Sync(
            content, self.cache, asset_fetcher, item_faults, ProgrammeFile(self._dirs.state, mode=0o640),
            self.stage, clock, zone=self._zone, facts=lambda: self.brief.current.facts, faults=self._page("programme"),
            youtube_hosts=config.stage.youtube_hosts, stream_hosts=config.stage.stream_hosts, feeds=self.feeds,
        )  # fmt: skip
        self.rounds = Rounds(
            self.sync, clock, self._sync_now, self.stage.changed, self._page("rounds"),
            known=lambda: self._is_known() or fallback is not None, poll_s=config.cms.poll_interval, seed=self._identity.uuid,
        )  # fmt: skip

    def _open_reports(self, server: Connection) -> None:
        """What is told, and what is heard."""
        config, dirs, clock = self._config, self._dirs, self._clock
        self.results = ResultsOutbox(server.results, self.commands)
        self.plays = self._plays_outbox(server.plays, self.server, "plays")
        second = self.fallback
        self.second_plays = self._plays_outbox(second.connection.plays, second.folder, "plays, fallback") if second else None
        self.telemetry = TelemetryReader(
            self.sensors, self.audio, dirs.cache, self.stage, clock, host=self.host,
            proof=ProofHead(dirs.plays, clock, self._identity.public_key, self._identity.signed).read,
            more=lambda: {"proof_pending": self._proof().pending, "is_locked": self.lock.locked},
        )  # fmt: skip
        self.alerts = AlertList(
            self.brief, clock, self._page("pictures of alerts"), clock_trusted=self.clock_trust.trusted,
            fetch=self.alert_pictures.fetch,
        )  # fmt: skip
        self.inbox = Inbox(
            self.contact, clock=clock, server=self.server, brief=self.brief, settings=self.settings, lock=self.lock,
            commands=self.commands, results=self.results, alerts=self.alerts, hurry=self._sync_now.set, page=self._page,
        )  # fmt: skip
        self.status = StatusReader(
            uuid=self._identity.uuid, kind=self.server.facts.kind, url=self._place,
            abilities=server.abilities, brief=self.brief, stage=self.stage, contact=self.contact,
            clock_trust=self.clock_trust, clock=clock, began=self._began, cache=self.cache.figures,
            sync=lambda: self.sync.progress, proof=self._proof, commands=self.commands.recent, faults=self._all_faults,
        )  # fmt: skip
        self.surroundings = Surroundings(self.brief, self.sensors, self.stage.changed, {
            "server_name": config.cms.name or urlsplit(config.cms.url).hostname or self._place,
            "server_url": self._place, "pair_url": config.cms.pair_url, "box_id": self._identity.uuid8,
        })  # fmt: skip

    def _plays_outbox(self, plays: PlaysSink | Absent, folder: ServerFolder, author: str) -> PlaysOutbox | None:
        return None if isinstance(plays, Absent) else PlaysOutbox(
            plays, self.stage, plays=self._dirs.plays, folder=folder.path, clock=self._clock, faults=self._page(author),
            sign=self._identity.signed, look_s=min(30.0, self._config.cms.heartbeat_interval),
        )  # fmt: skip

    def _is_known(self) -> bool:
        """Whether the server knows this box."""
        return bool(self.brief.current.cards.paired)

    def _proof(self) -> ProofFigures:
        if self.plays is None:
            return ProofFigures(undelivered(self.stage, self._dirs.plays))
        return ProofFigures(self.plays.pending(), self.plays.last_sent)

    def _proven_offset(self) -> float | None:
        """The server's lead over our clock, where nobody between could have changed it."""
        return self.contact.value.offset_s if self._config.cms.url.startswith("https:") else None

    def _zone(self) -> ZoneInfo:
        return local_zone(self.brief.current.settings.time_zone or self._config.time.zone)

    def _registry(self) -> SettingsRegistry:
        """The settings; the configuration's values hold where nobody asked for others."""
        config = self._config
        return SettingsRegistry(
            self._dirs.state / "settings", self.brief,
            build_appliers(stage=self.stage, audio=self.audio, panel=self.panel, host=self.host),
            configured={
                "orientation": Orientation(config.stage.orientation), "time_zone": config.time.zone or None,
                "heartbeat_interval": config.cms.heartbeat_interval,
            },
            server=urlsplit(config.cms.url).netloc,
            clock=self._clock, faults=self._page("settings"),
        )  # fmt: skip

    def _handlers(self) -> handlers.Handlers:
        return handlers.build_handlers(
            stage=self.stage, content=self.sync, settings=self.settings, lock=self.lock, screenshots=self.connection.screenshots,
            clock=self._clock, host=self.host, restart=self._restart, updater=handlers.NO_UPDATER, read_logs=self._read_logs,
        )  # fmt: skip

    def _loops(self) -> dict[str, Callable[[], Awaitable[None]]]:
        """What runs for ever, by name: this box's own, and one for each ability of the server that has to be kept."""
        server = self.connection
        loops: dict[str, Callable[[], Awaitable[None]]] = {
            "stage": self.stage.run, "control": self.control.run, "commands": self.commands.run, "settings": self.settings.run,
            "lock": self.lock.run, "scrub": self.scrub.run, "clock": self.clock_floor.run, "calendar": self.public_holidays.run,
            "older files": self.formats.run,
            "disk": DiskWatch(self._dirs.state, self._page("disk")).run,
            "surroundings": self.surroundings.run,
            "outlook": OutlookTeller(self.stage, self.contact, self.brief, lambda: self.rounds.standing, self._clock).run,
            "watchdog": feed_watchdog,  # being offline, or without a stage, is not a failure of the agent
        }  # fmt: skip
        if "NOTIFY_SOCKET" in os.environ:  # else the compositor is no unit of systemd's
            told = functools.partial(hangs_told, self._dirs.sway_socket)
            loops["compositor"] = CompositorWatch(told, self.host.restart_compositor).run
        if not isinstance(server.rhythm, Absent):
            loops["server"] = functools.partial(server.rhythm.run, self.inbox)
        if not isinstance(server.content, Absent) or self.fallback is not None:
            loops |= {"content": self.rounds.run, "panel": self.rounds.follow_panel, "feeds": self.feeds.run}
        if not isinstance(server.alerts, Absent):
            loops["pictures of alerts"] = self.alerts.run
        if not isinstance(server.results, Absent):
            loops["results"] = self.results.run
        if self.plays is not None:
            loops["plays"] = self.plays.run
        if self.second_plays is not None:
            loops["plays, fallback"] = self.second_plays.run
        if self.fallback is not None:
            loops |= self.fallback.loops()
        return loops

    async def run(self) -> None:
        """Until SIGTERM, or a command that ends this process. Raises Shutdown in a group."""
        await self.sync.open()
        async with stopping_on_signals() as self._stop, asyncio.TaskGroup() as group:
            group.create_task(until_stopped(self._stop), name="signals")
            for name, work in self._loops().items():
                group.create_task(keep_running(name, work), name=name)
            sd_notify("READY=1")
            self._started()

    # --- deeds

    async def _read_logs(self) -> dict[str, list[str]]:
        return await read_logs(self.stage, lambda: Redactor(known_secrets(self._config, self._dirs.state)))

    async def _restart(self) -> None:
        """Both daemons end; whoever supervises them starts them again."""
        with contextlib.suppress(SignageError):
            await self.stage.ask(RestartStage())
        self._stop.set()

    async def _tell_first(self) -> None:
        await self.results.flush()

    async def _pin_entered(self, pin: str) -> None:
        await self.lock.entered(pin)


async def _run(config: Config, dirs: Dirs, started: Callable[[], None]) -> None:
    async with Agent(config, dirs, load_or_create(dirs.state), read_way_out(config, os.environ), started) as agent:
        try:
            await agent.run()
        except* Shutdown:
            log.info("stopping")


def main(config: Config, dirs: Dirs, started: Callable[[], None]) -> int:
    """`signage-player agent`; `started` as for `Agent`."""
    set_up_logging(config.log.level, kept_in=dirs.runtime / "agent.log")
    code = 0
    try:
        asyncio.run(_run(config, dirs, started))
    except* SignageError as group:
        code = 1
        for error in group.exceptions:
            log.error("%s", error)
    return code
