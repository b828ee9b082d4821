"""The management API over fake devices: everything of the agent's that it stands on is real, and it is served on real sockets."""

from __future__ import annotations

import asyncio
import contextlib
import functools
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

import aiohttp

from player.agent.control.access import DEVICE_KIND, Scope, TokenStore
from player.agent.control.http import TlsDoor
from player.agent.devices.management import Management
from player.agent.devices.parts import Parts
from player.agent.reports.telemetry import TelemetryReader
from player.agent.settings.brief_store import BriefStore
from player.agent.settings.schedule_runner import ScheduleRunner
from player.agent.settings.screen_lock import ScreenLock
from player.brief_file import BriefFile
from player.core.applet_storage import PARTS
from player.core.applets import AppletPlace
from player.core.device_schedule import APPLET_ACTIONS, PowerAction
from player.core.faults import FaultBook
from player.core.ports.server import CommandResult, CommandStatus
from player.core.ports.stage import AppletAsked, AppletSaid, PictureFormat, Request, Reread, ScreenPicture, StageStatus, TakePicture
from player.identity import load_or_create
from player.media.prepare.parent import have_archive
from player.redact import Redactor
from player.runtime.fault_page import FaultPage
from tests.fakes.clock import FakeClock
from tests.fakes.control import control_server
from tests.fakes.device import (
    FakeAudio,
    FakeHost,
    FakePackages,
    FakePanel,
    FakeSensors,
    FakeSwitches,
    FakeSystemLog,
    FakeUpdates,
    FakeVpn,
)
from tests.fakes.downloads import FakeDownloads
from tests.fakes.local_controls import JPEG
from tests.fakes.running import running
from tests.fakes.settings import registry
from tests.fakes.stage import FakeStage

A = TypeVar("A")
FINDINGS = (
    {"ability": "audio", "result": "passed", "detail": "1 sound cards"},
    {"ability": "CEC", "result": "not present", "detail": "no adapter"},
    {"ability": "disk", "result": "failed", "detail": "full"},
)
V1 = "/v1/device/{device}"
SECRET = "the-operators-token"
LOGS = {
    "agent": ["2026-03-25 12:00:00,000 INFO player: volume is 40", "  a line below it"],
    "stage": ["2026-03-25 12:00:00,000 INFO player.stage: on screen"],
}


class ObedientStage(FakeStage):
    """Does what its brief says, as the real one, and says so."""

    def __init__(self, brief: Path) -> None:
        super().__init__()
        self._brief = BriefFile(brief)
        self.status = StageStatus(size="1280x720")
        self.answers[TakePicture] = ScreenPicture(JPEG, 1280, 720, PictureFormat.JPEG)

    async def ask(self, request: Request[A]) -> A:
        answer: A = await super().ask(request)
        held = self._brief.read()
        if isinstance(request, Reread) and held is not None and self.status is not None:
            told = held.settings
            self.status = replace(
                self.status, screen_on=told.screen_on, orientation=told.orientation or "landscape", mode=told.mode or "",
                locked=told.locked,
            )  # fmt: skip
        return answer


class Managed:
    """One box under management, with a token that may do everything. `commands` are those that were given, `findings` doctor's."""

    def __init__(self, folder: Path, clock: FakeClock | None = None, proxy: str = "") -> None:
        self.folder, self.clock, self._proxy = folder, clock or FakeClock(), proxy
        self.audio, self.panel, self.host, self.sensors = FakeAudio(), FakePanel(), FakeHost(), FakeSensors()
        self.switches, self.packages = FakeSwitches(), FakePackages()
        self.updates, self.log, self.vpn = FakeUpdates(), FakeSystemLog(), FakeVpn()
        self.stage = ObedientStage(folder / "orders.json")
        self.commands: list[str] = []
        self.findings: Sequence[Mapping[str, Any]] = FINDINGS
        self.applets_said: asyncio.Queue[AppletSaid | AppletAsked] = asyncio.Queue()
        self.elsewhere: dict[str, bytes] = {}  # what pages may download, by address
        self.command_ends = CommandStatus.INITIATED
        self.tokens = TokenStore(folder / "tokens.json", lambda: self.clock.now().timestamp())
        self.http: aiohttp.ClientSession

    async def open(self, **listening: Any) -> None:
        """Makes its parts; a second time, what a start makes of what was kept."""
        folder, clock = self.folder, self.clock
        self.brief = BriefStore(folder / "orders.json", self.stage)
        faults = FaultPage(FaultBook(), clock, "settings")
        self.settings = registry(
            folder, self.brief, self.stage, clock, audio=self.audio, panel=self.panel, host=self.host, switches=self.switches,
            held_by=self._held_by,
        )  # fmt: skip
        await self.settings.open()
        self.lock = ScreenLock(folder / "lock.json", self.settings, self.stage, clock, faults, said=folder / "said.json", log_n=4)
        self.schedule = ScheduleRunner(
            folder / "schedule.json", self.settings, clock, zone=lambda: ZoneInfo("Europe/Berlin"), floor=lambda: 0.0,
            deeds={action: functools.partial(self._have_applets, action) for action in APPLET_ACTIONS},
            look_s=0.01,
        )  # fmt: skip
        self.identity = load_or_create(folder)
        self.parts = Parts(
            state=folder, runtime=folder / "run", cache=folder / "cache", place=AppletPlace.BELOW,
            identity=self.identity, clock=clock, host=self.host,
            sensors=self.sensors, stage=self.stage, brief=self.brief, settings=self.settings, lock=self.lock,
            schedule=self.schedule, packages=self.packages, updates=self.updates, system_log=self.log, vpn=self.vpn,
            allowed=("cec-utils",), command=self._command, applets_said=self.applets_said,
            fetch=FakeDownloads(self.elsewhere, folder / "cache" / PARTS).fetch, archives=have_archive, reserve=0,
            tokens=self.tokens, zone=lambda: ZoneInfo("Europe/Berlin"),
            telemetry=TelemetryReader(
                self.sensors, self.audio, folder, self.stage, clock, host=self.host, more=dict, proof=dict
            ).read,
            clock_trusted=self._trusted, read_logs=self._logs, redactor=lambda: Redactor([SECRET]),
            examine=self._examine, proxy=self._proxy,
        )  # fmt: skip
        self.management = Management(self.parts)
        self.server = control_server(folder, tokens=self.tokens, manage=self.management.answer, **listening)

    async def _have_applets(self, action: PowerAction) -> None:
        await self.management.have_applets(action)

    def _held_by(self, what: str) -> str:
        return self.management.held_by(what)  # as it is then

    def close(self) -> None:
        self.management.close()
        self.settings.close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.port}"

    @property
    def uid(self) -> str:
        return self.management.uid

    def token(self, scope: Scope = Scope.ADMIN, name: str = "tool") -> str:
        """X-Auth of a fresh token."""
        token, secret = self.tokens.create(name, scope, kind=DEVICE_KIND)
        return f"{token.id}:{secret}"

    async def ask(
        self, method: str, path: str, body: Any = None, *, auth: str | None = None, raw: bytes | None = None, **more: Any
    ) -> tuple[int, Any, Any]:  # fmt: skip
        """Status, JSON and headers. `{device}` in the path is this box; `raw` is a body that is no JSON."""
        headers = {"X-Auth": self.auth if auth is None else auth, **more.pop("headers", {})}
        url = self.url + path.replace("{device}", self.uid)
        sent = {"json": body} if raw is None else {"data": raw}
        async with self.http.request(method, url, headers=headers, **sent, **more) as answer:
            text = await answer.read()
            return answer.status, await answer.json() if answer.content_type == "application/json" else text, answer.headers

    async def _command(self, kind: str, _: Mapping[str, object]) -> CommandResult:
        self.commands.append(kind)
        return CommandResult("local-1", kind, self.command_ends, "the fake was told so", 1.0, 2.0)

    async def _trusted(self) -> bool:
        return True

    async def _logs(self) -> Mapping[str, Sequence[str]]:
        return LOGS

    async def _examine(self) -> Sequence[Mapping[str, Any]]:
        return self.findings


async def got(box: Managed, path: str) -> Any:
    """What GET answers."""
    status, said, _ = await box.ask("GET", path)
    assert status == 200, said
    return said


async def ended(box: Managed, what: str) -> dict[str, Any]:
    """The newest line of the history of that type, once it has ended."""
    async with asyncio.timeout(20):
        while True:
            found = [one for one in await got(box, f"{V1}/action-log") if one["type"] == what]
            if found and (found[0]["succeededAt"] or found[0]["failedAt"]):
                return found[0]
            await asyncio.sleep(0.01)


@contextlib.asynccontextmanager
async def managed(
    folder: Path, *, tls: TlsDoor | None = None, clock: FakeClock | None = None, proxy: str = ""
) -> AsyncIterator[Managed]:
    """A box that is served, and whose loops run."""
    made = Managed(folder, clock, proxy)
    await made.open(tls=tls)
    made.auth = made.token()
    try:
        async with (
            running(made.schedule.run(), *(loop() for loop in made.management.loops().values())),
            made.server.serving(),
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=20)) as made.http,
        ):
            yield made
    finally:
        made.close()
