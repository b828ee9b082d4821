"""The management API, assembled: every part of this wing made and connected on one page, from values and ports."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Awaitable, Callable, Mapping

from aiohttp import web

from player.agent.control.wrong_passwords import WrongPasswords
from player.agent.devices.about import AboutFile
from player.agent.devices.action_log import ActionLog
from player.agent.devices.api import ManagementApi
from player.agent.devices.applet_calls import AppletCalls
from player.agent.devices.applet_command_calls import AppletCommandCalls
from player.agent.devices.applet_commands import AppletCommands
from player.agent.devices.applet_file_calls import AppletFileCalls
from player.agent.devices.applet_folder import AppletFolder
from player.agent.devices.applet_records import AppletShelf
from player.agent.devices.applet_storage import AppletStorage
from player.agent.devices.applet_test_calls import AppletTestCalls
from player.agent.devices.asking import Asking
from player.agent.devices.box_reader import BoxReader, facts_of
from player.agent.devices.debug_switch import DebugSwitch
from player.agent.devices.device_calls import DeviceCalls
from player.agent.devices.doorkeeper import Doorkeeper
from player.agent.devices.effects import Effects
from player.agent.devices.labels import Labels
from player.agent.devices.location_calls import LocationCalls
from player.agent.devices.log_calls import LogCalls
from player.agent.devices.package_calls import PackageCalls
from player.agent.devices.page_box import PageBox
from player.agent.devices.page_requests import PageRequests
from player.agent.devices.parts import FOLDER, Parts
from player.agent.devices.plan_keeper import PlanKeeper
from player.agent.devices.policy_calls import PolicyCalls
from player.agent.devices.policy_keeper import PolicyKeeper
from player.agent.devices.policy_rules import PolicyRules
from player.agent.devices.power_calls import PowerCalls
from player.agent.devices.presence_file import PresenceFile
from player.agent.devices.readings import Readings
from player.agent.devices.report_calls import ReportCalls
from player.agent.devices.samples_file import SampleKeeper
from player.agent.devices.schedule_calls import ScheduleCalls, word_of
from player.agent.devices.screenshot_calls import ScreenshotCalls
from player.agent.devices.screenshot_ring import ScreenshotRing
from player.agent.devices.setting_calls import SettingCalls
from player.agent.devices.setting_effects import SettingEffects
from player.agent.devices.tag_calls import TagCalls
from player.agent.devices.telemetry_calls import TelemetryCalls, intervals_s, screenshots_every_s
from player.agent.devices.timing_calls import TimingCalls
from player.agent.devices.upkeep_calls import UpkeepCalls
from player.agent.devices.versions import Versions
from player.core.device_schedule import PowerAction
from player.core.ports.stage import AppletAsked, AppletSaid

CALLERS = "wrong_device_tokens.json"


class Management:
    """Answers below `/v1` and `/v2`, and keeps what it knows in `devices` below the state folder. Raises StorageError.

    `uid` names the box, `rows` are all calls that it answers; `applets` is what is wanted of them, `commands` what they are told;
    `log` is what was asked, `effects` brings it about.
    """

    def __init__(self, parts: Parts) -> None:
        folder, clock = parts.state / FOLDER, parts.clock
        about = AboutFile(folder / "about.json", round(clock.now().timestamp(), 3))
        facts = facts_of(parts.identity.uuid, parts.sensors, about.current.created_at)
        box = BoxReader(
            about=about, brief=parts.brief, stage=parts.stage, clock=clock, host=parts.host, sensors=parts.sensors, zone=parts.zone,
            telemetry=parts.telemetry, clock_trusted=parts.clock_trusted, shown_id=parts.identity.uuid8,
        )  # fmt: skip
        debug = DebugSwitch()
        doorkeeper = Doorkeeper(parts.tokens, WrongPasswords(parts.state / CALLERS, clock.monotonic))
        self.log = ActionLog(folder / "actions", clock, parts.host.boot_id(), facts.version)
        self.effects = Effects(self.log)
        self._versions = Versions(parts.updates, self.effects, self.log, facts.version, clock)
        self._presence = PresenceFile(folder / "presence.json", clock, lambda: doorkeeper.is_open)
        self._policies = PolicyKeeper(folder, clock)
        settings = SettingEffects(parts.settings, self._policies.held_by)
        self._ring = ScreenshotRing(
            parts.runtime / "screenshots", parts.stage, clock,
            every_s=lambda: screenshots_every_s(about) if doorkeeper.is_open and about.current.captures else None,
        )  # fmt: skip
        self._samples = SampleKeeper(
            folder / "telemetry", parts.runtime / "telemetry.tail",
            Readings(
                facts, box.now, about, parts.telemetry, parts.settings, parts.schedule, debug, parts.proxy,
                assigned=lambda: self.applets.assigned, mode=box.mode, presence=self._presence, packages=parts.packages,
                allowed=parts.allowed,
            ).table(), clock,
            intervals_s=lambda: intervals_s(about), wanted=lambda: doorkeeper.is_open,
        )  # fmt: skip
        labels = Labels(folder)
        asking = Asking(self.log, self.effects, facts.uid)

        def told() -> Mapping[str, str]:
            name = about.current.name or parts.brief.current.cards.device_name
            return {
                "auth_hash": facts.auth_hash, "device_name": name, "model": facts.model, "serial": facts.uid[:12],
                "player_version": facts.version, "os_version": facts.os_version,
            }  # fmt: skip

        self._about, self._applets_said = about, parts.applets_said
        shelf, applets = AppletShelf(folder, lambda: clock.now().timestamp()), AppletFolder(parts.cache)
        storage = AppletStorage(parts.cache, parts.fetch, parts.archives, spare=parts.reserve, mono=clock.monotonic)
        self.applets = PlanKeeper(folder / "applet_plan.json", shelf, applets, parts.brief, clock, parts.place, told, storage)
        self._rules = PolicyRules(
            settings, parts.schedule, debug, self._versions, facts.os_version, parts.telemetry, self.applets, clock
        )
        self.commands = AppletCommands(parts.runtime / "applet_commands", clock)
        calls = (
            DeviceCalls(
                facts,
                box.now,
                about,
                asking,
                parts.lock,
                parts.tokens,
                parts.identity.uuid8,
                applets=lambda: self.applets.wanted,
                policies=lambda: [one.uid for one in self._policies.assigned],
            ),
            SettingCalls(asking, settings, parts.host, clock, debug, box.mode),
            ScheduleCalls(facts.uid, parts.schedule, asking, settings, clock),
            PowerCalls(asking, settings, parts.command, self.applets.power),
            UpkeepCalls(facts, about, asking, self.log, settings, self._versions, parts.vpn),
            PackageCalls(facts, parts.packages, parts.allowed, asking),
            TelemetryCalls(facts.uid, self._samples, about, self._presence, clock),
            ReportCalls(facts.uid, self._presence, clock),
            ScreenshotCalls(facts.uid, self._ring, about, asking),
            LogCalls(facts.uid, asking, clock, parts.system_log, parts.read_logs, parts.redactor, parts.examine),
            TagCalls(labels, about, clock, facts.organization),
            LocationCalls(labels, folder / "attachments", about, clock, facts.organization),
            PolicyCalls(facts.uid, self._policies, asking),
            AppletCalls(shelf, applets, self.applets, clock),
            AppletFileCalls(shelf, applets, self.applets, clock),
            TimingCalls(facts.uid, shelf, self.applets, asking, settings, clock),
            AppletCommandCalls(facts.uid, self.commands, shelf, self.applets, parts.stage),
            AppletTestCalls(facts.uid, shelf, parts.stage, asking, clock),
        )
        self.uid, self.rows = facts.uid, tuple(row for one in calls for row in one.rows())
        pages = PageBox(
            facts.uid, self.rows, self.log, settings, parts.schedule, box, parts.sensors, debug, about, labels, parts.proxy
        )  # fmt: skip
        self._pages = PageRequests(parts.stage, storage, pages)
        self._api = ManagementApi(self.rows, doorkeeper, facts.uid, clock)

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Whatever was asked below `/v1` and `/v2`."""
        return await self._api.answer(request)

    def held_by(self, what: str) -> str:
        """The name of the policy that holds a setting, or a kind of items as a whole; "" where none does."""
        return self._policies.held_by(what)

    @property
    def extended(self) -> str:
        """The address of another management of this box, "" for none."""
        return self._about.current.extended_management

    async def have_applets(self, action: PowerAction) -> None:
        """A planned action on applets. Raises StorageError."""
        await self.applets.power(word_of(action))

    async def look(self) -> None:
        """Reads what is due and has policies followed, as its loops do from time to time."""
        await self._samples.look()
        await self._policies.look(self._rules)

    def loops(self) -> dict[str, Callable[[], Awaitable[None]]]:
        """What runs for ever, by name."""
        return {
            "applets": self.applets.run,
            "applets' words": self._hear,
            "management": self.effects.run,
            "policies": functools.partial(self._policies.run, self._rules),
            "presence": self._presence.run,
            "readings": self._samples.run,
            "screenshots": self._ring.run,
            "versions": self._versions.run,
        }

    async def _hear(self) -> None:
        """What applets' pages say, into the list of commands; what they ask for is done. For ever."""
        async with asyncio.TaskGroup() as group:
            while True:
                match await self._applets_said.get():
                    case AppletSaid(applet, command):
                        self.commands.hear(applet, command)
                    case AppletAsked() as asked:
                        group.create_task(self._pages.answer(asked), name=f"{asked.applet}: {asked.what}")

    def close(self) -> None:
        """Closes the journals; the object is of no use afterwards."""
        self.commands.close()
        self._samples.close()
        self.log.close()
