"""The agent's composition root: every part made and connected here, from values and ports (house rule 4).

Four pages belong to it: `box` is what this device can do and is told to be, `servers` opens what is configured, `trigger_source`
what shows content at once, and `supply` makes everything that content comes through.
The loops that run are listed in `Agent._loops`; each is kept running by itself, so that a server that answers nonsense, a full disk
or an absent stage costs what depends on it and nothing else.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import os
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from player import __version__
from player.agent.box import open_box
from player.agent.commands import handlers
from player.agent.commands.readiness import Readiness
from player.agent.commands.runner import CommandRunner
from player.agent.compositor_watch import CompositorWatch
from player.agent.content.why import WhyReader
from player.agent.control.access import TokenStore
from player.agent.control.http import ControlServer, TlsDoor
from player.agent.control.local_controls import LocalControls
from player.agent.control.wrong_passwords import WrongPasswords
from player.agent.devices.examination import examined
from player.agent.devices.late import LateManagement
from player.agent.devices.parts import Parts
from player.agent.inbox import Inbox
from player.agent.reports.clock_trust import ClockTrust
from player.agent.reports.disk_watch import DiskWatch
from player.agent.reports.logs import read_logs
from player.agent.reports.outlook import OutlookTeller
from player.agent.reports.plays_outboxes import PlaysOutboxes
from player.agent.reports.proof_head import ProofHead
from player.agent.reports.results_outbox import ResultsOutbox
from player.agent.reports.status_reader import StatusReader
from player.agent.reports.telemetry import TelemetryReader
from player.agent.server_folder import COMMANDS, LOCKED
from player.agent.servers import Servers
from player.agent.settings.absence import Absence
from player.agent.settings.alert_list import AlertList
from player.agent.settings.brief_store import BriefStore
from player.agent.settings.clock_floor import ClockFloor
from player.agent.settings.public_holidays import PublicHolidays
from player.agent.settings.schedule_runner import ScheduleRunner
from player.agent.settings.screen_lock import PIN_COST, ScreenLock
from player.agent.settings.surroundings import Surroundings
from player.agent.stage_client import StageClient
from player.agent.supply import open_supply
from player.agent.trigger_source import open_triggers
from player.compositor.hang import hangs_told
from player.config import Config
from player.core.applets import AppletPlace
from player.core.contact import Contact, Standing
from player.core.device_schedule import APPLET_ACTIONS, DEED_COMMANDS, PowerAction
from player.core.egress import WayOut
from player.core.faults import Fault, FaultBook, gravest
from player.core.ports.box import Absent
from player.core.ports.server import CommandResult, Connection, Device, Telemetry
from player.core.ports.stage import RestartStage
from player.dirs import Dirs
from player.errors import SignageError, StorageError
from player.formats import Formats
from player.identity import Identity
from player.redact import Redactor, known_secrets
from player.runtime.clock import SystemClock, local_zone
from player.runtime.fault_page import FaultPage
from player.runtime.systemd import feed_watchdog, sd_notify
from player.runtime.tasks import Latest, keep_running, stopping_on_signals, until_stopped
from player.sizes import parse_size

BUILT_AT = Path(__file__).stat().st_mtime  # of this file: when the player was installed, or built


class Agent:
    """Everything of one agent, wired. Make it with `async with` inside an event loop. `started` is called when it is up."""

    def __init__(self, config: Config, dirs: Dirs, identity: Identity, way_out: WayOut, started: Callable[[], None]) -> None:
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
        for folder in (self._dirs.state, self._dirs.cache, self._dirs.runtime):
            folder.mkdir(mode=0o750, parents=True, exist_ok=True)
        await self._open_box()
        await self._open_servers()
        await self._open_content()
        self._open_commands()
        self._open_reports(self.connection)
        self._open_control()
        return self

    async def __aexit__(self, *_: object) -> None:
        self.commands.close()
        await self._stack.aclose()

    async def _open_box(self) -> None:
        """This box, the stage beside it, and what both are told to be."""
        dirs, clock = self._dirs, self._clock
        self.stage = StageClient(dirs.stage_socket, self._pin_entered, self._page("stage"))
        self.formats = Formats(dirs.state, __version__)
        self.brief = BriefStore(dirs.brief, self.stage)
        self.box = await open_box(
            self._stack, self._config, dirs, self.brief, self.stage, clock, self._page("settings"), held_by=self._held_by
        )
        self.host, self.audio, self.sensors, self.settings = self.box.host, self.box.audio, self.box.sensors, self.box.settings
        self.public_holidays = PublicHolidays(self.brief, clock, self._config.time.country, self._page("calendar"))

    async def _open_servers(self) -> None:
        """Those that are configured, what is kept of the first, and what is known of time by it."""
        config, dirs, clock = self._config, self._dirs, self._clock
        servers = Servers(config, dirs.state, self._identity.uuid, self.brief.current.cards, clock, self._way_out)
        self.server, self._place, kept = servers.folder, servers.place, servers.folder.facts
        with contextlib.suppress(StorageError):  # a disk that takes nothing keeps nobody from starting: `DiskWatch` tells of it
            await self.brief.change_cards(paired=kept.paired, pairing_code=kept.pairing_code, device_name=kept.device_name)
        self.lock = ScreenLock(
            dirs.state / "lock.json", self.settings, self.stage, clock, self._page("lock"), said=self.server.path / LOCKED,
            log_n=PIN_COST,
        )  # fmt: skip
        self.connection = await servers.connect(self._stack, self._device())
        self.contact = Latest(Contact(Standing.NONE if isinstance(self.connection.rhythm, Absent) else Standing.UNKNOWN))
        self.clock_trust = ClockTrust(self.host, self.contact)
        self.clock_floor = ClockFloor(
            self.brief, self.host, clock, trusted=self.clock_trust.trusted, synced=self.clock_trust.synced,
            offset_s=self._proven_offset, built_at=BUILT_AT,
        )  # fmt: skip
        self.absence = Absence(self.brief, self.contact, clock, self.server.key, after_s=config.cms.offline_after)
        self.fallback = await servers.open_fallback(
            self._stack, self._device(), faults=self._page("fallback"), hurry=self._sync_now.set
        )

    async def _open_content(self) -> None:
        """What comes on screen: the servers' programme, and what triggers show beside it."""
        self.triggers = await open_triggers(self._stack, self._config, self.stage, self._clock, self._way_out, self._page)
        self.supply = await open_supply(
            self._stack, self._config, self._dirs, self._way_out, self.connection, self.fallback, self.triggers, self.stage,
            self._clock, self._page, hurry=self._sync_now, known=self._is_known, zone=self._zone,
            facts=lambda: self.brief.current.facts, seed=self._identity.uuid,
        )  # fmt: skip
        self.sync, self.cache = self.supply.sync, self.supply.cache

    def _open_commands(self) -> None:
        """What the box is told to do, by a server or by the clock."""
        self.commands = CommandRunner(
            self.server.path / COMMANDS, self._handlers(), clock=self._clock, host=self.host, version=__version__,
            faults=self._page("commands"), tell_first=self._tell_first, clock_trusted=self.clock_trust.trusted,
            is_ready=Readiness(self.contact, self.stage, self.audio).of,
        )  # fmt: skip
        self.schedule = ScheduleRunner(
            self._dirs.state / "device_schedule.json", self.settings, self._clock, zone=self._zone,
            floor=lambda: self.brief.current.clock.floor,
            deeds={
                **{action: functools.partial(self.commands.perform, kind, {}) for action, kind in DEED_COMMANDS.items()},
                **{action: functools.partial(self._applet_deed, action) for action in APPLET_ACTIONS},
            },
        )  # fmt: skip

    def _open_control(self) -> None:
        """The doors of the box itself: the local page, the control API, and the management API behind it."""
        config, dirs = self._config, self._dirs
        rules = self.triggers.watch if self.triggers else None
        why = WhyReader(
            self.sync, self.stage, self._clock, self._all_faults, triggers=lambda: rules.standings if rules else {},
            applets=lambda: self.brief.current.applets,
        )  # fmt: skip
        local_controls = LocalControls(
            self.status.read, why.read, self.commands, self.lock, self.settings, self.schedule, self.stage, self._clock,
            held_by=self._held_by,
        )  # fmt: skip
        tokens = TokenStore(dirs.state / "tokens.json")
        self.management = self._stack.enter_context(contextlib.closing(self._management(tokens)))
        self.control = ControlServer(
            local_controls, local_controls, socket_path=dirs.control_socket, tokens=tokens,
            wrong_passwords=WrongPasswords(dirs.state / "wrong_passwords.json"), listen=config.control.listen,
            password=config.control.secret(), manage=self.management.answer, hooks=self.triggers.hooks if self.triggers else {},
            tls=TlsDoor(
                config.control.tls_listen, Path(config.control.certificate or dirs.certificate),
                Path(config.control.key or dirs.certificate_key),
            ),
        )  # fmt: skip

    def _device(self) -> Device:
        """This box, for a server. What is asked of it then is made below, before the rhythm begins."""
        return Device(
            uuid=self._identity.uuid, key=self.server.key, model=self.sensors.model(), os_version=self.sensors.os_version(),
            version=__version__, paired=self.server.facts.paired, telemetry=self._telemetry, faults=self._all_faults,
            results=self._untold, heartbeat_interval=self.settings.heartbeat_interval_s,
            upload=lambda *sent: self.supply.uploads.put(*sent),  # noqa: PLW0108 - what is made below
        )  # fmt: skip

    async def _telemetry(self) -> Telemetry:
        return await self.telemetry.read()

    def _all_faults(self) -> Sequence[Fault]:
        """The agent's own, and what the stage tells of."""
        status = self.stage.status
        return gravest((*self.faults.faults, *(status.faults if status else ())))

    def _untold(self) -> Sequence[CommandResult]:
        return self.commands.untold()

    def _open_reports(self, server: Connection) -> None:
        """What is told, and what is heard."""
        config, dirs, clock = self._config, self._dirs, self._clock
        self.results = ResultsOutbox(server.results, self.commands)
        self.outboxes = PlaysOutboxes(
            self.stage, dirs.plays, clock, self._page, sign=self._identity.signed, look_s=min(30.0, config.cms.heartbeat_interval)
        )
        self.plays = self.outboxes.open("plays", server.plays, self.server)
        if self.fallback is not None:
            self.outboxes.open("plays, fallback", self.fallback.connection.plays, self.fallback.folder)
        proof = functools.partial(self.outboxes.figures, "plays")
        self.telemetry = TelemetryReader(
            self.sensors, self.audio, dirs.cache, self.stage, clock, host=self.host,
            proof=ProofHead(dirs.plays, clock, self._identity.public_key, self._identity.signed).read,
            more=lambda: {"proof_pending": proof().pending, "is_locked": self.lock.locked},
        )  # fmt: skip
        self.alerts = AlertList(
            self.brief, clock, self._page("pictures of alerts"), clock_trusted=self.clock_trust.trusted,
            fetch=self.supply.alert_pictures.fetch,
        )  # fmt: skip
        self.inbox = Inbox(
            self.contact, clock=clock, server=self.server, brief=self.brief, settings=self.settings, lock=self.lock,
            commands=self.commands, results=self.results, alerts=self.alerts, hurry=self._sync_now.set, page=self._page,
        )  # fmt: skip
        self.status = StatusReader(
            uuid=self._identity.uuid, kind=self.server.facts.kind, url=self._place,
            abilities=server.abilities, brief=self.brief, stage=self.stage, contact=self.contact,
            clock_trust=self.clock_trust, clock=clock, began=self._began, cache=self.cache.figures,
            sync=lambda: self.sync.progress, proof=proof, commands=self.commands.recent, faults=self._all_faults,
            triggers=lambda: self.triggers.watch.figures if self.triggers else None,
            extended_management=lambda: self.management.extended,
        )  # fmt: skip
        self.surroundings = Surroundings(self.brief, self.sensors, self.stage.changed, {
            "server_name": config.cms.name or urlsplit(config.cms.url).hostname or self._place,
            "server_url": self._place, "pair_url": config.cms.pair_url, "box_id": self._identity.uuid8,
        })  # fmt: skip

    def _management(self, tokens: TokenStore) -> LateManagement:
        proxy = self._way_out.https_proxy or self._way_out.http_proxy
        return LateManagement(Parts(
            state=self._dirs.state, runtime=self._dirs.runtime, cache=self._dirs.cache,
            place=AppletPlace(self._config.devices.content), identity=self._identity, clock=self._clock, host=self.host,
            sensors=self.sensors, stage=self.stage, brief=self.brief, settings=self.settings, lock=self.lock,
            schedule=self.schedule, packages=self.box.packages, updates=self.box.updates, system_log=self.box.log,
            vpn=self.box.vpn, allowed=self._config.devices.packages, command=self.commands.perform,
            applets_said=self.stage.applets_said, fetch=self.supply.page_files.fetch, archives=self.supply.archives,
            reserve=parse_size(self._config.storage.reserve), tokens=tokens, zone=self._zone,
            telemetry=self._telemetry, clock_trusted=self.clock_trust.trusted, read_logs=self._read_logs, redactor=self._redactor,
            examine=examined, proxy=proxy.server if proxy else "",
        ))  # fmt: skip

    async def _applet_deed(self, action: PowerAction) -> None:
        await self.management.have_applets(action)

    def _held_by(self, what: str) -> str:
        """The policy that holds a setting, or the timers of one level; "" where none does."""
        return self.management.held_by(what)

    def _is_known(self) -> bool:
        """Whether the server knows this box."""
        return bool(self.brief.current.cards.paired)

    def _proven_offset(self) -> float | None:
        """The server's lead over our clock, where nobody between could have changed it."""
        return self.contact.value.offset_s if self._config.cms.url.startswith("https:") else None

    def _zone(self) -> ZoneInfo:
        return local_zone(self.brief.current.settings.time_zone or self._config.time.zone)

    def _handlers(self) -> handlers.Handlers:
        return handlers.build_handlers(
            stage=self.stage, content=self.sync, settings=self.settings, lock=self.lock, screenshots=self.connection.screenshots,
            clock=self._clock, host=self.host, restart=self._restart, updater=handlers.NO_UPDATER, read_logs=self._read_logs,
        )  # fmt: skip

    def _loops(self) -> dict[str, Callable[[], Awaitable[None]]]:
        """What runs for ever, by name: this box's own, and one for each ability of the server that has to be kept."""
        server = self.connection
        loops: dict[str, Callable[[], Awaitable[None]]] = {
            "stage": self.stage.run, "control": self.control.run, "commands": self.commands.run, "lock": self.lock.run,
            "scrub": self.supply.scrub.run, "clock": self.clock_floor.run, "calendar": self.public_holidays.run,
            "absence": self.absence.run, "older files": self.formats.run, "schedule": self.schedule.run,
            "disk": DiskWatch(self._dirs.state, self.sensors, self._page("disk")).run, "surroundings": self.surroundings.run,
            "outlook": OutlookTeller(self.stage, self.contact, self.brief, lambda: self.supply.rounds.standing, self._clock).run,
            **self.box.loops(), "management": self.management.run,
            "watchdog": feed_watchdog,  # being offline, or without a stage, is not a failure of the agent
        }  # fmt: skip
        if "NOTIFY_SOCKET" in os.environ:  # else the compositor is no unit of systemd's
            told = functools.partial(hangs_told, self._dirs.sway_socket)
            loops["compositor"] = CompositorWatch(told, self.host.restart_compositor).run
        if not isinstance(server.rhythm, Absent):
            loops["server"] = functools.partial(server.rhythm.run, self.inbox)
        if not isinstance(server.content, Absent) or self.fallback is not None or self.triggers is not None:
            loops |= self.supply.loops()
        if not isinstance(server.alerts, Absent):
            loops["pictures of alerts"] = self.alerts.run
        if not isinstance(server.results, Absent):
            loops["results"] = self.results.run
        if self.fallback is not None:
            loops |= self.fallback.loops()
        if self.triggers is not None:
            loops |= self.triggers.loops()
        return loops | self.outboxes.loops()

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
        return await read_logs(self.stage, self._redactor)

    def _redactor(self) -> Redactor:
        """What takes the secrets of this box out of lines. Reads files."""
        return Redactor(known_secrets(self._config, self._dirs.state))

    async def _restart(self) -> None:
        """Both daemons end; whoever supervises them starts them again."""
        with contextlib.suppress(SignageError):
            await self.stage.ask(RestartStage())
        self._stop.set()

    async def _tell_first(self) -> None:
        await self.results.flush()

    async def _pin_entered(self, pin: str) -> None:
        await self.lock.entered(pin)
