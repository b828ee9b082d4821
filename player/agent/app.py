"""The agent's composition root: every part made and connected here, from values and ports (house rule 4).

The loops that run are listed in `Agent.run`; each is kept running by itself, so that a server that answers nonsense, a full disk or
an absent stage costs what depends on it and nothing else.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
from collections.abc import Iterable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit

import aiohttp

from player import __version__
from player.agent.commands import handlers
from player.agent.commands.runner import CommandRunner
from player.agent.content.alert_pictures import AlertPictures
from player.agent.content.asset_fetcher import AssetFetcher
from player.agent.content.feeds import Feeds
from player.agent.content.item_faults import ItemFaults
from player.agent.content.sync import Sync
from player.agent.control.access import TokenStore
from player.agent.control.http import ControlServer
from player.agent.control.local_controls import LocalControls
from player.agent.reports.heartbeat import Heartbeat
from player.agent.reports.logs import brief, read_logs
from player.agent.reports.plays_outbox import PlaysOutbox
from player.agent.reports.results_outbox import ResultsOutbox
from player.agent.reports.status import ClockFigures, ProofFigures, ServerContact, Status, build
from player.agent.reports.telemetry import TelemetryReader
from player.agent.settings.brief_store import BriefStore
from player.agent.settings.screen_lock import ScreenLock
from player.agent.stage_client import StageClient
from player.cms.adcast.adapter import AdCast
from player.cms.http import ServerHttp, tls_context
from player.config import CmsConfig, Config, Dirs, parse_size
from player.core.content import DeviceSettings, Manifest, Orientation, StageBrief
from player.core.faults import Fault
from player.core.ports.box import Absent
from player.device.audio import LateAudio
from player.device.host import SystemHost
from player.device.panel import find_panel
from player.device.sensors import SystemSensors
from player.errors import BoxError, ConfigError, ServerUnreachable, SignageError
from player.identity import Identity, load_or_create
from player.media.fetch.download import Downloader
from player.media.fetch.egress import Egress
from player.media.prepare.parent import prepare
from player.media.store.cache import Cache
from player.media.store.scrub import Scrub
from player.redact import Redactor, known_secrets
from player.runtime.clock import SystemClock
from player.runtime.logs import set_up_logging
from player.runtime.systemd import feed_watchdog, sd_notify
from player.runtime.tasks import Shutdown, jittered, keep_running, stopping_on_signals, until_stopped
from player.store import Snapshot

log = logging.getLogger("player.agent")

FULL_HD = (1920, 1080)
LOOK_S = 5.0
AGREES_S = 30.0


class Agent:
    """Everything of one agent, wired. Make it with `async with` inside an event loop."""

    def __init__(self, config: Config, dirs: Dirs, identity: Identity) -> None:
        self._config, self._dirs, self._identity = config, dirs, identity
        self._clock = SystemClock()
        self._began = self._clock.monotonic()
        self._stack = AsyncExitStack()
        self._sync_now = asyncio.Event()
        self._stop = asyncio.Event()
        self._stage_starts: set[float] = set()
        self._programme_fault: Fault | None = None

    async def __aenter__(self) -> Self:
        config, dirs, clock = self._config, self._dirs, self._clock
        for folder in (dirs.state, dirs.cache, dirs.runtime):
            folder.mkdir(mode=0o750, parents=True, exist_ok=True)
        self.host, self.audio, self.panel, self.sensors = SystemHost(clock), LateAudio(), find_panel(), SystemSensors()
        self.stage = StageClient(dirs.stage_socket, self._pin_entered)
        first = StageBrief(DeviceSettings(orientation=Orientation(config.stage.orientation), time_zone=config.time.zone or None))
        self.brief = BriefStore(dirs.brief, self.stage, first)
        self.lock = ScreenLock(dirs.state / "lock.json", self.brief, self.stage, clock)
        await self._open_server()
        self.commands = CommandRunner(
            dirs.state / "commands", self._handlers(), clock=clock, host=self.host, version=__version__,
            tell_first=self._tell_first, clock_trusted=self._clock_trusted,
        )  # fmt: skip
        self.results = ResultsOutbox(self.cms, self.commands)
        self.plays = PlaysOutbox(
            self.cms, self.stage, plays=dirs.plays, state=dirs.state, clock=clock, sign=self._identity.signed,
            look_s=min(30.0, config.cms.heartbeat_interval),
        )  # fmt: skip
        self.telemetry = TelemetryReader(
            self.sensors, self.audio, dirs.cache, self.stage, clock, host=self.host,
            more=lambda: {"proof_pending": self.plays.pending()},
        )  # fmt: skip
        self.heartbeat = Heartbeat(
            self.cms, clock=clock, brief=self.brief, lock=self.lock, commands=self.commands, results=self.results,
            telemetry=self.telemetry.read, faults=(self._faults,), fetch_image=self.alert_pictures.fetch,
            clock_trusted=self._clock_trusted, interval_s=config.cms.heartbeat_interval,
            register_s=max(5.0, config.cms.poll_interval / 4) if config.cms.poll_interval >= 20 else config.cms.poll_interval / 4,
            seed=self._identity.uuid,
        )  # fmt: skip
        local_controls = LocalControls(self.status, self.commands, self.lock, self.stage)
        self.control = ControlServer(
            local_controls, local_controls, socket_path=dirs.control_socket, tokens=TokenStore(dirs.state / "tokens.json"),
            listen=config.control.listen, password=_password(config),
        )  # fmt: skip
        return self

    async def __aexit__(self, *_: object) -> None:
        self.commands.close()
        await self._stack.aclose()

    async def _open_server(self) -> None:
        """The server, and the way files come from it."""
        config, clock = self._config, self._clock
        session = await self._stack.enter_async_context(aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()))
        tls = tls_context(config.cms.ca_file)
        http = ServerHttp(
            session, config.cms.url, clock=clock, secrets=(self._identity.uuid, config.cms.secret("license_key")), tls=tls
        )
        self.cms = AdCast(
            http, uuid=self._identity.uuid, clock=clock, model=self.sensors.model(), os_version=self.sensors.os_version(),
            app_version=__version__, license_key=config.cms.secret("license_key"),
        )  # fmt: skip
        egress = Egress(config.cms.url)
        downloads = await self._stack.enter_async_context(egress.session())
        reserve = parse_size(config.storage.reserve)
        self.cache = Cache(self._dirs.cache, clock, parse_size(config.storage.cache_limit))
        self.downloader = Downloader(
            downloads, self.cache.parts, egress, reserve_bytes=reserve, require_hash=config.cache.require_hash
        )
        item_faults = ItemFaults(clock)
        asset_fetcher = AssetFetcher(self.cache, self.downloader, prepare, item_faults, reserve_bytes=reserve, panel=FULL_HD)
        self.alert_pictures = AlertPictures(
            self.cache, Downloader(downloads, self.cache.parts, egress, reserve_bytes=reserve), prepare, lambda: asset_fetcher.panel
        )
        self.scrub = Scrub(self.cache)
        self.feeds = Feeds(self.cache, downloads, egress, self.stage, clock, self._sync_now.set)
        self.sync = Sync(
            self.cms, self.cache, asset_fetcher, item_faults, Snapshot(self._dirs.manifest, Manifest, mode=0o640),
            self.stage, clock, youtube_hosts=config.stage.youtube_hosts, stream_hosts=config.stage.stream_hosts, feeds=self.feeds,
        )  # fmt: skip

    def _handlers(self) -> handlers.Handlers:
        return handlers.build_handlers(
            stage=self.stage, brief=self.brief, lock=self.lock, cms=self.cms, clock=self._clock, host=self.host,
            audio=self.audio, panel=self.panel, refresh=self._refresh, clear_cache=self._clear_cache, restart=self._restart,
            updater=Absent("update_app", "an update is installed at the box itself: signage-player update BUNDLE"),
            read_logs=self._read_logs,
        )  # fmt: skip

    async def run(self) -> None:
        """Until SIGTERM, or a command that ends this process. Raises Shutdown in a group."""
        await self.sync.open()
        await handlers.restore(self.brief.current.settings, self.audio, self.panel)
        loops = {
            "stage": self.stage.run,
            "control": self.control.run,
            "commands": self.commands.run,
            "lock": self.lock.run,
            "scrub": self.scrub.run,
            "surroundings": self._keep_surroundings,
            "watchdog": feed_watchdog,  # being offline, or without a stage, is not a failure of the agent
        }
        if self._config.cms.url:
            loops |= {
                "heartbeat": self.heartbeat.run,
                "content": self._keep_in_step,
                "feeds": self.feeds.run,
                "results": self.results.run,
                "plays": self.plays.run,
            }
        async with stopping_on_signals() as self._stop, asyncio.TaskGroup() as group:
            group.create_task(until_stopped(self._stop), name="signals")
            for name, work in loops.items():
                group.create_task(keep_running(name, work), name=name)
            sd_notify("READY=1")

    # --- deeds

    async def _read_logs(self) -> dict[str, list[str]]:
        return await read_logs(self.stage, lambda: Redactor(known_secrets(self._config, self._dirs.state)))

    async def _refresh(self) -> str:
        await self.sync.once()
        return str(self.sync)

    async def _clear_cache(self) -> str:
        await self.sync.clear_cache()
        try:
            await self.stage.ask("release")
        except BoxError as error:
            return f"{self.sync}; what the stage keeps off stays off: {error}"
        return str(self.sync)

    async def _restart(self) -> None:
        """Both daemons end; whoever supervises them starts them again."""
        with contextlib.suppress(SignageError):
            await self.stage.ask("restart")
        self._stop.set()

    async def _tell_first(self) -> None:
        await self.results.flush()

    async def _pin_entered(self, pin: str) -> None:
        await self.lock.entered(pin)

    # --- loops

    async def _keep_in_step(self) -> None:
        """Asks for the programme at its interval, and at once when there is a reason."""
        poll = self._config.cms.poll_interval
        if self.sync.manifest is not None:
            await self._rest(random.Random(self._identity.uuid).random() * min(poll, 30.0))  # noqa: S311 - spread, not secrecy
        while True:
            if self.brief.current.cards.paired:
                await self._one_round()
                retry = self.sync.retry_in_s()
                await self._rest(min(jittered(poll), max(1.0, retry)) if retry is not None else jittered(poll))
            else:
                await self.heartbeat.contact.wait(LOOK_S)

    async def _one_round(self) -> None:
        try:
            await self.sync.once()
        except ServerUnreachable as error:  # the heartbeat says so; and this may be a pause after what was said before
            log.debug("the programme was not renewed, what is here plays on: %s", error)
        except SignageError as error:
            self._note_programme(error)
        else:
            self._programme_fault = None

    def _note_programme(self, error: SignageError) -> None:
        """Told once in the log, and to the server for as long as it lasts."""
        sentence = f"the programme cannot be renewed, what is here plays on: {error}"
        before = self._programme_fault
        if before is None:
            log.warning("%s", sentence)
        since = before.since if before else self._clock.now().timestamp()
        self._programme_fault = Fault("programme", sentence, since, count=before.count + 1 if before else 1)

    async def _rest(self, seconds: float) -> None:
        self._sync_now.clear()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._sync_now.wait()

    async def _keep_surroundings(self) -> None:
        """What cards say of this box; what the stage's news mean for others."""
        size = ""
        while True:
            cards = self.brief.current.cards
            changes: dict[str, Any] = {
                "server_name": self._config.cms.name or urlsplit(self._config.cms.url).hostname or "",
                "server_url": self._config.cms.url,
                "box_id": self._identity.uuid8,
                "address": await asyncio.to_thread(self.sensors.address) or "",
            }
            if not cards.paired:
                changes["network"] = await asyncio.to_thread(self.sensors.network)
            await self.brief.change_cards(**changes)
            status = await self.stage.changed.wait(LOOK_S)
            if status is not None:
                self._stage_starts.add(status.started_at)
                if size and status.size != size:
                    self._sync_now.set()
                size = status.size

    # --- what is told

    def _faults(self) -> Iterable[Fault]:
        status = self.stage.status
        if status is None:
            yield Fault("stage_away", "the stage is not running; it is started again by itself", self._clock.now().timestamp())
        else:
            yield from status.faults
        if self._programme_fault:
            yield self._programme_fault
        yield from self.sync.faults
        yield from self.feeds.faults
        yield from self.lock.faults()
        yield from self.commands.faults()
        yield from self.plays.faults()

    async def status(self) -> Status:
        """As `GET /api/status` answers it."""
        contact = self.heartbeat.contact.value
        stage = self.stage.status
        seen = set(stage.faults) if stage else set()
        return build(
            uuid=self._identity.uuid, brief=self.brief.current, stage=stage,
            server=ServerContact(self._config.cms.kind, self._config.cms.url, contact.online, contact.last_contact),
            uptime_s=self._clock.monotonic() - self._began, cache=self.cache.figures(), sync=self.sync.progress,
            proof=ProofFigures(self.plays.pending(), self.plays.last_sent),
            commands=[brief(result) for result in self.commands.recent()],
            clock=ClockFigures(await self._clock_synced(), contact.offset_s),
            faults=[fault for fault in self.heartbeat.fault_list() if fault not in seen],
            restarts=max(0, len(self._stage_starts) - 1),
        )  # fmt: skip

    async def _clock_trusted(self) -> bool:
        """Whether expiry can be judged: the clock is synchronized, or agrees with that of the server, which set the expiry."""
        offset = self.heartbeat.contact.value.offset_s
        return (offset is not None and abs(offset) <= AGREES_S) or await self._clock_synced()

    async def _clock_synced(self) -> bool:
        with contextlib.suppress(SignageError):
            return await self.host.clock_synced()
        return False


def _password(config: Config) -> str:
    path = config.control.password_file
    if not path:
        return config.control.password
    try:
        return Path(path).read_text(encoding="utf-8").strip()
    except OSError as error:
        raise ConfigError(path, "control.password_file", f"cannot be read: {error.strerror}") from error


def _check_kind(cms: CmsConfig) -> None:
    if cms.kind != "adcast":
        raise ConfigError("the configuration", "cms.kind", f'"{cms.kind}" is not spoken by this version; expected "adcast"')


async def _run(config: Config, dirs: Dirs) -> None:
    async with Agent(config, dirs, load_or_create(dirs.state)) as agent:
        try:
            await agent.run()
        except* Shutdown:
            log.info("stopping")


def main(config: Config, dirs: Dirs) -> int:
    """`signage-player agent`."""
    set_up_logging(config.log.level)
    _check_kind(config.cms)
    code = 0
    try:
        asyncio.run(_run(config, dirs))
    except* SignageError as group:
        code = 1
        for error in group.exceptions:
            log.error("%s", error)
    return code
