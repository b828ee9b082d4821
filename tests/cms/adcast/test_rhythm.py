"""AdCast's rhythm with a real server and the agent's own inbox: pairing, telling, hearing, being forgotten and being refused."""

from __future__ import annotations

import asyncio
import functools
import random
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from player.agent.commands.handlers import build_handlers
from player.agent.commands.runner import CommandRunner
from player.agent.inbox import Inbox
from player.agent.reports.clock_trust import ClockTrust
from player.agent.reports.results_outbox import ResultsOutbox
from player.agent.server_folder import ServerFacts, ServerFolder
from player.agent.settings.alert_list import AlertList
from player.agent.settings.brief_store import BriefStore
from player.agent.settings.screen_lock import ScreenLock
from player.brief_file import BriefFile
from player.cms.adcast.adapter import AdCast
from player.cms.adcast.rhythm import FORGOTTEN_AT_ONCE, AdCastRhythm
from player.cms.http import ServerHttp
from player.core.brief import StageBrief
from player.core.contact import Contact, Standing
from player.core.faults import FaultBook
from player.core.guesses import SCREEN
from player.core.ports.box import Absent
from player.core.ports.server import ContentChanged, Device, Telemetry
from player.core.ports.stage import Reread
from player.demo.adcast.client import Operator
from player.demo.adcast.server import DemoServer
from player.runtime.clock import SystemClock
from player.runtime.fault_page import FaultPage
from player.runtime.tasks import Latest
from tests.fakes.brief import brief
from tests.fakes.clock import FakeClock
from tests.fakes.device import FakeHost, all_there
from tests.fakes.faults import fault_page
from tests.fakes.running import eventually, running
from tests.fakes.server import Script, scripted_server, session
from tests.fakes.settings import CONFIGURED, registry
from tests.fakes.stage import FakeStage
from tests.fakes.uploads import put_there
from tests.fakes.way_out import STRAIGHT

REGISTER, HEARTBEAT = "/api/device/register", "/api/device/heartbeat"
UNPAIRED = {"paired": False, "pairing_code": "4A7X2B", "device_name": None, "is_locked": False, "lock_pin": None}
PAIRED = {"paired": True, "pairing_code": None, "device_name": "Lobby", "is_locked": False, "lock_pin": None}
QUIET: dict[str, Any] = {"status": "ok", "pending_commands": [], "emergency_alerts": []}


async def no_logs() -> dict[str, list[str]]:
    return {}


class NoContent:
    """A content side that is asked for nothing here."""

    async def once(self) -> None:
        return

    async def clear_cache(self) -> None:
        return


class QuickClock(SystemClock):
    """Pauses after failures pass a hundred times as fast."""

    def monotonic(self) -> float:
        return super().monotonic() * 100


class Agent:
    """What of the agent takes part in a heartbeat."""

    def __init__(self, folder: Path, http: Any, url: str, *, told: StageBrief | None = None, seed: str = "s", uuid: str = "u"):
        clock = FakeClock()
        self.host, self.server = FakeHost(), ServerFolder(folder, ServerFacts("adcast", url))
        self.stage, self.images = FakeStage(), {"http://x/fire.png": "ab/fire.png"}
        self.server_http = ServerHttp(http, url, STRAIGHT, clock=QuickClock(), budget=None, secrets=())
        cms = AdCast(
            self.server_http, uuid=uuid, key="k", clock=clock, model="m", os_version="1", app_version="1", license_key="",
            operator=None,
        )  # fmt: skip
        if told is not None:
            BriefFile(folder / "orders.json").write(told)
        self.brief = BriefStore(folder / "orders.json", self.stage)
        self.settings = registry(folder, self.brief, self.stage, clock, configured={**CONFIGURED, "heartbeat_interval": 0.03})
        self.lock = ScreenLock(
            folder / "lock.json", self.settings, self.stage, clock, fault_page(), said=folder / "locked.json", log_n=4
        )
        handlers = build_handlers(
            stage=self.stage, content=NoContent(), settings=self.settings, lock=self.lock, screenshots=cms, clock=clock,
            host=FakeHost(), restart=self._restart,
            updater=Absent("update", "no key"), read_logs=no_logs,
        )  # fmt: skip
        self.commands = CommandRunner(
            folder / "commands", handlers, clock=clock, host=FakeHost(), version="1", faults=fault_page(),
            tell_first=self._tell_first, clock_trusted=self.host.clock_synced, is_ready=all_there,
        )  # fmt: skip
        self.results = ResultsOutbox(cms, self.commands)
        self.faults = FaultBook()
        self.page = functools.partial(FaultPage, self.faults, clock)
        self.state = Latest(Contact())
        trust = ClockTrust(self.host, self.state)
        self.alerts = AlertList(self.brief, clock, self.page("pictures"), clock_trusted=trust.trusted, fetch=self._image)
        self.hurried = 0
        self.inbox = Inbox(
            self.state, clock=clock, server=self.server, brief=self.brief, settings=self.settings, lock=self.lock,
            commands=self.commands, results=self.results, alerts=self.alerts, hurry=self._hurry, page=self.page,
        )  # fmt: skip
        device = Device(
            uuid=seed, key="k", model="m", os_version="1", version="1", paired=self.brief.current.cards.paired,
            telemetry=self._telemetry, faults=lambda: self.faults.faults, results=self.commands.untold,
            heartbeat_interval=self.settings.heartbeat_interval_s, upload=put_there,
        )  # fmt: skip
        self.rhythm = AdCastRhythm(cms, device, clock, register_s=0.03, hints=None)

    def running(self):
        return running(self.rhythm.run(self.inbox), self.alerts.run(), self.commands.run(), self.results.run())

    @property
    def contact(self):
        return self.state.value

    async def _restart(self) -> None:
        return

    async def _tell_first(self) -> None:
        await self.results.flush()

    def _hurry(self) -> None:
        self.hurried += 1

    async def _telemetry(self) -> Telemetry:
        return Telemetry("10.0.0.5", None, 100, 40, 60, True, 80, 5, "Summer", {"cpu": 3, "is_locked": self.lock.locked})

    async def _image(self, url: str) -> str | None:
        return self.images.get(url)


@pytest.fixture
async def script() -> AsyncIterator[Script]:
    random.seed(5)
    async with scripted_server() as made:
        yield made


@pytest.fixture
async def http():
    async with session() as made:
        yield made


@pytest.fixture
def agent(tmp_path: Path, script: Script, http: Any):
    made = Agent(tmp_path, http, script.url)
    yield made
    made.commands.close()


@pytest.fixture
def paired(tmp_path: Path, script: Script, http: Any):
    script.on(REGISTER, PAIRED)
    made = Agent(tmp_path, http, script.url, told=brief(paired=True, device_name="Lobby"))
    yield made
    made.commands.close()


# --- pairing -------------------------------------------------------------------------------------------------------


async def test_the_code_is_shown_changed_and_gone_when_the_box_is_paired(agent: Agent, script: Script):
    script.on(REGISTER, UNPAIRED, UNPAIRED, {**UNPAIRED, "pairing_code": "ZZ9ZZ9"}, PAIRED)
    script.on(HEARTBEAT, QUIET)
    async with agent.running():
        await eventually(lambda: agent.brief.current.cards.pairing_code == "4A7X2B")
        await eventually(lambda: agent.brief.current.cards.pairing_code == "ZZ9ZZ9")
        await eventually(lambda: agent.brief.current.cards.paired)
        await eventually(lambda: script.asked(HEARTBEAT))
    assert (agent.brief.current.cards.pairing_code, agent.brief.current.cards.device_name) == (None, "Lobby")
    assert agent.stage.asked.count(Reread()) == 3
    assert agent.hurried == 1


async def test_before_pairing_no_heartbeat_is_sent(agent: Agent, script: Script):
    script.on(REGISTER, UNPAIRED)
    async with agent.running():
        await eventually(lambda: len(script.seen) >= 3)
    assert script.asked(HEARTBEAT) == []


async def test_n15_first_contacts_of_paired_boxes_are_spread_over_an_interval(tmp_path: Path, http: Any):
    boxes = [Agent(tmp_path / str(n), http, "http://x", seed=f"uuid-{n}") for n in range(200)]
    tenths = [int(box.rhythm.first_rest_s / 0.03 * 10) for box in boxes]
    assert all(8 <= tenths.count(tenth) <= 40 for tenth in range(10))
    again = Agent(tmp_path / "again", http, "http://x", seed="uuid-7")
    assert boxes[7].rhythm.first_rest_s == again.rhythm.first_rest_s
    for box in (*boxes, again):
        box.commands.close()


@pytest.mark.parametrize("forgotten", [404, 410, {**QUIET, "paired": False}])
async def test_a_box_that_is_forgotten_keeps_what_it_has_and_shows_its_code(paired: Agent, script: Script, forgotten: Any):
    script.on(REGISTER, PAIRED, UNPAIRED)
    script.on(HEARTBEAT, QUIET, forgotten, QUIET)
    async with paired.running():
        await eventually(lambda: paired.brief.current.cards.pairing_code == "4A7X2B")
        assert paired.brief.current.cards.paired is False
        assert paired.brief.current.cards.device_name == "Lobby"
        script.on(REGISTER, PAIRED)
        await eventually(lambda: paired.brief.current.cards.paired)


@pytest.mark.parametrize("forgotten", [404, {**QUIET, "paired": False}])
async def test_a_server_that_pairs_and_forgets_in_turn_is_not_asked_all_the_time(paired: Agent, script: Script, forgotten: Any):
    script.on(REGISTER, PAIRED)
    script.on(HEARTBEAT, forgotten)
    async with paired.running():
        await eventually(lambda: len(script.asked(HEARTBEAT)) > FORGOTTEN_AT_ONCE)
        await paired.inbox.put(ContentChanged())
        await asyncio.sleep(0.3)
    assert len(script.asked(HEARTBEAT)) == FORGOTTEN_AT_ONCE + 1


@pytest.mark.parametrize("status", [401, 403])
async def test_n16_a_box_that_is_refused_obeys_nothing_says_so_and_asks_rarely(paired: Agent, script: Script, status: int):
    script.on(HEARTBEAT, status)
    async with paired.running():
        await eventually(lambda: paired.contact.standing is Standing.REFUSED)
        await asyncio.sleep(0.3)
    assert len(script.asked(HEARTBEAT)) <= 3
    assert paired.brief.current.cards.paired is True
    assert [fault.code for fault in paired.faults.faults] == ["server_refused"]


# --- telling -------------------------------------------------------------------------------------------------------


async def test_a_heartbeat_tells_how_the_box_is(paired: Agent, script: Script):
    script.on(HEARTBEAT, QUIET)
    paired.page("items").report("x", "unplayable", "x cannot be shown")
    async with paired.running():
        await eventually(lambda: script.asked(HEARTBEAT))
    body = script.asked(HEARTBEAT)[0].body
    assert (body["volume"], body["current_content"], body["cpu"], body["is_locked"]) == (80, "Summer", 3, False)
    assert [fault["code"] for fault in body["faults"]] == ["unplayable"]


async def test_results_ride_along_where_the_server_has_no_path_and_only_once(paired: Agent, script: Script):
    script.on("/api/device/commands/7/result", 404)
    script.on(HEARTBEAT, {**QUIET, "pending_commands": [{"id": 7, "type": "next"}]}, QUIET)
    async with paired.running():
        await eventually(lambda: any("command_results" in one.body for one in script.asked(HEARTBEAT)))
        await eventually(lambda: not paired.commands.untold())
        await asyncio.sleep(0.1)
    told = [one.body["command_results"] for one in script.asked(HEARTBEAT) if "command_results" in one.body]
    assert [[(r["id"], r["status"]) for r in results] for results in told] == [[(7, "succeeded")]]


async def test_the_box_tells_that_it_was_unlocked_with_the_pin(paired: Agent, script: Script):
    script.on(HEARTBEAT, {**QUIET, "is_locked": True, "lock_pin": "1234"})
    async with paired.running():
        await eventually(lambda: paired.lock.locked)
        await paired.lock.unlock("1234", SCREEN)
        await eventually(lambda: script.asked(HEARTBEAT)[-1].body["is_locked"] is False)
        await asyncio.sleep(0.1)
        assert not paired.lock.locked


async def test_the_interval_is_the_servers(tmp_path: Path, script: Script, http: Any):
    script.on(REGISTER, PAIRED)
    script.on(HEARTBEAT, {**QUIET, "heartbeat_interval": 900})
    agent = Agent(tmp_path, http, script.url, told=brief(paired=True))
    async with agent.running():
        await eventually(lambda: script.asked(HEARTBEAT))
        await asyncio.sleep(0.2)
        assert len(script.asked(HEARTBEAT)) == 1
        row = await agent.settings.row("heartbeat_interval")
    assert (row.wanted, row.asked_by) == (900, "the server cms.example.com")
    agent.commands.close()


# --- hearing -------------------------------------------------------------------------------------------------------


async def test_commands_are_carried_out_and_their_results_posted(paired: Agent, script: Script):
    script.on(HEARTBEAT, {**QUIET, "pending_commands": [{"id": "7", "type": "set_volume", "payload": {"volume": "35"}}]})
    script.on("/api/device/commands/7/result", {})
    async with paired.running():
        posted = await eventually(lambda: script.asked("/api/device/commands/7/result"))
    assert posted[0].body["status"] == "succeeded"
    assert paired.brief.current.settings.volume == 35


async def test_alerts_are_ordered_at_once_their_picture_follows_and_they_end(paired: Agent, script: Script):
    alert = {"id": 1, "title": "Fire", "message": "Leave", "severity": "extreme", "image_url": "http://x/fire.png"}
    script.on(HEARTBEAT, {**QUIET, "emergency_alerts": [alert]})
    async with paired.running():
        await eventually(lambda: paired.brief.current.alerts)
        await eventually(lambda: paired.brief.current.alerts[0].image == "ab/fire.png")
        script.on(HEARTBEAT, {"status": "ok"})
        asked = len(script.seen)
        await eventually(lambda: len(script.seen) > asked + 2)
        assert paired.brief.current.alerts[0].image == "ab/fire.png"
        script.on(HEARTBEAT, QUIET)
        await eventually(lambda: not paired.brief.current.alerts)


async def test_an_alert_whose_picture_is_missing_is_still_shown(paired: Agent, script: Script):
    paired.images.clear()
    alert = {"id": 1, "title": "Fire", "severity": "extreme", "image_url": "http://x/fire.png"}
    script.on(HEARTBEAT, {**QUIET, "emergency_alerts": [alert]})
    async with paired.running():
        await eventually(lambda: paired.brief.current.alerts)
    assert paired.brief.current.alerts[0].image is None


async def test_t1_an_alert_is_shown_where_nobody_can_say_whether_the_clock_is_set(paired: Agent, script: Script):
    paired.host.synced = False
    script.on(HEARTBEAT, {**QUIET, "emergency_alerts": [{"id": 1, "title": "Fire", "severity": "extreme", "expires_at": 5}]})
    async with paired.running():
        await eventually(lambda: paired.brief.current.alerts)


async def test_t7_the_servers_time_is_compared_and_an_update_noticed(paired: Agent, script: Script):
    update = {"version": "2.0", "url": "/u", "sha256": "0", "signature": "s"}
    script.on(HEARTBEAT, {**QUIET, "server_time": "2026-03-25T12:01:00Z", "app_update": update})
    async with paired.running():
        await eventually(lambda: paired.inbox.offered)
    assert paired.contact.offset_s == 60.0
    assert paired.inbox.offered.version == "2.0"
    assert paired.contact.last_contact is not None


async def test_parts_of_an_answer_that_cannot_be_read_are_reported_in_the_next(paired: Agent, script: Script):
    script.on(HEARTBEAT, {**QUIET, "pending_commands": [{"type": "next"}]}, QUIET)
    async with paired.running():
        await eventually(lambda: len(script.asked(HEARTBEAT)) > 2)
    assert [fault["code"] for fault in script.asked(HEARTBEAT)[1].body["faults"]] == ["bad_command"]
    assert script.asked(HEARTBEAT)[2].body["faults"] == []


# --- failing -------------------------------------------------------------------------------------------------------


async def test_n13_after_an_outage_the_box_is_back_by_itself(paired: Agent, script: Script):
    portal = web.Response(text="<html>login</html>", content_type="text/html")
    script.on(HEARTBEAT, QUIET, 503, 500, portal, QUIET)
    async with paired.running():
        await eventually(lambda: paired.contact.online)
        await eventually(lambda: not paired.contact.online)
        assert next(fault.code for fault in paired.faults.faults).startswith("server_")
        await eventually(lambda: paired.contact.online)
    assert paired.faults.faults == ()
    assert paired.brief.current.cards.paired is True


async def test_without_a_server_the_box_goes_on_with_what_it_has(tmp_path: Path, http: Any):
    async with scripted_server() as gone:
        url = gone.url
    agent = Agent(tmp_path, http, url, told=brief(paired=True, device_name="Lobby"))
    async with agent.running():
        (fault,) = await eventually(lambda: agent.faults.faults)
    assert fault.code == "server_unreachable"
    assert agent.brief.current == brief(paired=True, device_name="Lobby")
    agent.commands.close()


async def test_s3_a_disk_that_is_full_does_not_end_the_rhythm(tmp_path: Path, paired: Agent, script: Script):
    (tmp_path / "orders.json.tmp").mkdir()
    script.on(HEARTBEAT, {**QUIET, "is_locked": True})
    async with paired.running():
        await eventually(lambda: len(script.asked(HEARTBEAT)) > 2)
    assert not paired.lock.locked
    assert "storage" in [fault["code"] for fault in script.asked(HEARTBEAT)[-1].body["faults"]]


# --- the whole circle ----------------------------------------------------------------------------------------------


async def test_an_operator_pairs_commands_locks_and_warns_through_a_whole_server(tmp_path: Path, http: Any):
    async with DemoServer(tmp_path / "server") as server, Operator(server.url) as operator:
        await operator.register("Ada", "ada@example.com", "correct horse", "Ada's")
        agent = Agent(tmp_path / "agent", http, server.url, uuid="0f5c2f8e-1111-4222-8333-444455556666")
        async with agent.running():
            code = await eventually(lambda: agent.brief.current.cards.pairing_code)
            device = int((await operator.pair(code, "Lobby"))["id"])
            await eventually(lambda: agent.brief.current.cards.paired)
            command = await operator.command(device, "set_volume", {"volume": 35})
            assert (await operator.wait_result(command["id"], 10))["status"] == "succeeded"
            refused = await operator.command(device, "set_orientation", {"orientation": "sideways"})
            assert (await operator.wait_result(refused["id"], 10))["status"] == "rejected"
            await operator.lock(device, "1234")
            await eventually(lambda: agent.lock.locked)
            await agent.lock.unlock("1234", SCREEN)
            alert = await operator.alert("Fire", "Leave", "extreme")
            await eventually(lambda: agent.brief.current.alerts)
            await operator.end_alert(alert["id"])
            await eventually(lambda: not agent.brief.current.alerts)
            await operator.delete_device(device)
            await eventually(lambda: agent.brief.current.cards.paired is False and agent.brief.current.cards.pairing_code != code)
        agent.commands.close()
    assert agent.brief.current.settings.volume == 35
