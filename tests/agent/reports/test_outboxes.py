"""Results and proof of play on their way to a real server: nothing lost, nothing stuck, not too fast."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from player.agent.commands.runner import CommandRunner
from player.agent.reports.plays_outbox import SAVE_S, PlaysOutbox
from player.agent.reports.results_outbox import ResultsOutbox, pause_s
from player.agent.server_folder import ServerFacts, ServerFolder
from player.cms.adcast.adapter import AdCast
from player.cms.http import ServerHttp
from player.core.ports.server import Command
from player.core.ports.stage import DropPlays
from player.errors import NotOffered, ServerBusy, ServerDenied, ServerUnreachable
from player.journal import Journal
from player.runtime.clock import SystemClock
from player.runtime.fault_page import FaultPage
from tests.fakes.clock import FakeClock
from tests.fakes.device import FakeHost, all_there
from tests.fakes.faults import fault_page
from tests.fakes.running import eventually, running
from tests.fakes.server import Script, Seen, scripted_server, session
from tests.fakes.stage import FakeStage
from tests.fakes.way_out import STRAIGHT

PLAYBACK = "/api/device/playback"


class QuickClock(SystemClock):
    """Time passes a hundred times as fast for those who pause."""

    def monotonic(self) -> float:
        return super().monotonic() * 100


@pytest.fixture
async def script() -> AsyncIterator[Script]:
    async with scripted_server() as made:
        yield made


@pytest.fixture
async def cms(script: Script) -> AsyncIterator[AdCast]:
    random.seed(3)
    async with session() as http:
        server_http = ServerHttp(http, script.url, STRAIGHT, clock=QuickClock(), budget=None, secrets=())
        yield AdCast(
            server_http, uuid="u", key="k", clock=QuickClock(), model="m", os_version="1", app_version="1", license_key="",
            operator=None,
        )  # fmt: skip


class Stage(FakeStage):
    """Writes plays."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.folder = folder
        self.journal = Journal(folder, sync_lines=10)
        self.count = 0

    def play(self, count: int = 1, **fields: Any) -> None:
        for _ in range(count):
            self.count += 1
            self.journal.append({"id": f"p{self.count}", "name": "x", **fields})


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    return Stage(tmp_path / "plays")


def home(tmp_path: Path) -> Path:
    """The folder of a server that was there from the beginning."""
    folder = tmp_path / "servers/adcast-1"
    folder.mkdir(parents=True, exist_ok=True)
    ServerFolder(folder, ServerFacts("adcast", "https://cms.example.com", first=True)).keep()
    return folder


def homes(tmp_path: Path) -> Path:
    """That, and the folder of another server, which is returned."""
    home(tmp_path)
    other = tmp_path / "servers/spot-2"
    other.mkdir()
    return other


def outbox(
    tmp_path: Path,
    cms: AdCast,
    stage: Stage,
    folder: Path | None = None,
    *,
    faults: FaultPage | None = None,
    clock: FakeClock | None = None,
) -> PlaysOutbox:
    return PlaysOutbox(
        cms, stage, plays=tmp_path / "plays", folder=folder or home(tmp_path), clock=clock or FakeClock(),
        faults=faults or fault_page(), sign=dict, look_s=0.02, first_retry_s=0.01,
    )  # fmt: skip


def got(script: Script) -> list[str]:
    """The ids that the server was sent, in order."""
    return [event["id"] for one in script.asked(PLAYBACK) for event in one.body["events"]]


# --- proof of play -------------------------------------------------------------------------------------------------------------


async def test_plays_are_sent_in_batches_of_a_hundred_and_the_stage_is_told(
    tmp_path: Path, script: Script, cms: AdCast, stage: Stage
):
    script.on(PLAYBACK, {})
    stage.play(250)
    faults = fault_page()
    box = outbox(tmp_path, cms, stage, faults=faults)
    async with running(box.run()):
        await eventually(lambda: DropPlays(250) in stage.asked)
        stage.play()
        await eventually(lambda: len(got(script)) == 251)
    assert [len(one.body["events"]) for one in script.seen] == [100, 100, 50, 1]
    assert got(script) == [f"p{n}" for n in range(1, 252)]
    assert box.last_sent is not None
    assert faults.faults == ()


async def test_after_a_restart_only_what_is_new_is_sent(tmp_path: Path, script: Script, cms: AdCast, stage: Stage):
    script.on(PLAYBACK, {})
    for _ in range(2):
        stage.play(3)
        async with running(outbox(tmp_path, cms, stage).run()):
            await eventually(lambda: stage.was_asked(DropPlays))
        stage.asked.clear()
    assert got(script) == ["p1", "p2", "p3", "p4", "p5", "p6"]


async def test_flash_is_not_written_for_each_batch_but_once_an_hour_and_at_the_end(
    tmp_path: Path, script: Script, cms: AdCast, stage: Stage
):
    script.on(PLAYBACK, {})
    clock = FakeClock()
    cursor = home(tmp_path) / "plays-cursor.json"
    stage.play()
    async with running(outbox(tmp_path, cms, stage, clock=clock).run()):
        await eventually(lambda: DropPlays(1) in stage.asked)
        assert not cursor.exists()
        clock.forward(SAVE_S)
        stage.play()
        await eventually(lambda: DropPlays(2) in stage.asked)
        written = cursor.read_bytes()
        stage.play()
        await eventually(lambda: DropPlays(3) in stage.asked)
        assert cursor.read_bytes() == written
    assert cursor.read_bytes() != written


async def test_n14_a_month_of_plays_is_caught_up_at_five_batches_a_second(
    tmp_path: Path, script: Script, cms: AdCast, stage: Stage
):
    script.on(PLAYBACK, {})
    stage.play(1200)
    began = time.monotonic()
    async with running(outbox(tmp_path, cms, stage).run()):
        await eventually(lambda: len(got(script)) == 1200, 10)
    assert time.monotonic() - began > 11 * 0.19
    assert len(set(got(script))) == 1200


async def test_a_server_that_is_away_costs_only_time(tmp_path: Path, script: Script, cms: AdCast, stage: Stage):
    script.on(PLAYBACK, 503, 500, web.Response(text="<html>login</html>", content_type="text/html"), {})
    stage.play(2)
    async with running(outbox(tmp_path, cms, stage).run()):
        await eventually(lambda: stage.was_asked(DropPlays))
    assert got(script) == ["p1", "p2"] * 4


async def test_the_cursor_moves_only_after_the_server_accepted(tmp_path: Path, script: Script, cms: AdCast, stage: Stage):
    reached = asyncio.Event()

    async def never(_: Seen) -> dict:
        reached.set()
        await asyncio.sleep(60)
        return {}

    script.on(PLAYBACK, never, {})
    stage.play(2)
    async with running(outbox(tmp_path, cms, stage).run()):
        await reached.wait()
    assert not (home(tmp_path) / "plays-cursor.json").exists()
    async with running(outbox(tmp_path, cms, stage).run()):
        await eventually(lambda: stage.was_asked(DropPlays))
    assert got(script) == ["p1", "p2", "p1", "p2"]


async def test_an_event_that_is_refused_alone_three_times_is_set_aside_with_a_fault(
    tmp_path: Path, script: Script, cms: AdCast, stage: Stage
):
    def judge(seen: Seen) -> dict:
        return {"accepted": [event["id"] for event in seen.body["events"] if event["id"] != "p2"]}

    script.on(PLAYBACK, judge)
    stage.play(3)
    faults = fault_page()
    box = outbox(tmp_path, cms, stage, faults=faults)
    async with running(box.run()):
        await eventually(lambda: stage.was_asked(DropPlays))
    assert [[e["id"] for e in one.body["events"]] for one in script.seen] == [["p1", "p2", "p3"], ["p2"], ["p2"], ["p2"]]
    assert (home(tmp_path) / "refused.jsonl").read_text() == '{"id":"p2","name":"x"}\n'
    assert [(fault.code, fault.count) for fault in faults.faults] == [("play_refused", 1)]
    after_a_restart = fault_page()
    outbox(tmp_path, cms, stage, faults=after_a_restart)
    assert after_a_restart.faults == faults.faults


async def test_a_batch_refused_as_a_whole_is_halved_until_the_culprit_is_alone(
    tmp_path: Path, script: Script, cms: AdCast, stage: Stage
):
    delivered = set()

    def judge(seen: Seen) -> Any:
        ids = [event["id"] for event in seen.body["events"]]
        if "p7" in ids:
            return 422
        delivered.update(ids)
        return {}

    script.on(PLAYBACK, judge)
    stage.play(20)
    async with running(outbox(tmp_path, cms, stage).run()):
        await eventually(lambda: stage.was_asked(DropPlays))
    assert delivered == {f"p{n}" for n in range(1, 21)} - {"p7"}
    assert '"p7"' in (home(tmp_path) / "refused.jsonl").read_text()


async def test_an_event_that_is_none_holds_nothing_back(tmp_path: Path, script: Script, cms: AdCast, stage: Stage):
    script.on(PLAYBACK, {})
    stage.journal.append(["what"])
    stage.journal.append({"no": "id"})
    stage.play()
    async with running(outbox(tmp_path, cms, stage).run()):
        await eventually(lambda: stage.was_asked(DropPlays))
    assert got(script) == ["p1"]
    assert len((home(tmp_path) / "refused.jsonl").read_text().splitlines()) == 2


@pytest.mark.parametrize("status", [404, 405, 401, 403, 410])
async def test_n16_a_server_that_takes_no_plays_is_asked_rarely_and_nothing_is_set_aside(
    tmp_path: Path, script: Script, cms: AdCast, stage: Stage, status: int
):
    script.on(PLAYBACK, status, {})
    stage.play(2)
    async with running(outbox(tmp_path, cms, stage).run()):
        await eventually(lambda: script.seen)
        await asyncio.sleep(0.1)
        assert len(script.seen) == 1
    async with running(outbox(tmp_path, cms, stage).run()):
        await eventually(lambda: stage.was_asked(DropPlays))
    assert not (home(tmp_path) / "refused.jsonl").exists()


def test_the_pause_is_as_long_as_the_error_means():
    assert pause_s(NotOffered("u", "404"), 0) > 70_000
    assert 3000 < pause_s(ServerDenied("u", "403"), 0) < 5000
    assert 60 <= pause_s(ServerBusy("u", "429", 60.0), 0) <= 62
    assert 12 <= pause_s(ServerUnreachable("u", "x", 12.0), 9) <= 14
    assert pause_s(ServerUnreachable("u", "x"), 50) <= 300


async def test_s7_a_journal_cut_short_by_a_power_cut_is_followed(tmp_path: Path, script: Script, cms: AdCast, stage: Stage):
    script.on(PLAYBACK, {})
    stage.play(10)
    async with running(outbox(tmp_path, cms, stage).run()):
        await eventually(lambda: stage.was_asked(DropPlays))
    segment = next((tmp_path / "plays").glob("*.log"))
    lines = segment.read_bytes().splitlines(keepends=True)
    segment.write_bytes(b"".join(lines[:6]))
    again = Stage(tmp_path / "plays")
    again.count = 100
    again.play(5)
    async with running(outbox(tmp_path, cms, again).run()):
        await eventually(lambda: DropPlays(11) in again.asked)
    assert got(script)[10:] == ["p101", "p102", "p103", "p104", "p105"]


async def test_s12_a_journal_begun_afresh_is_sent_from_its_beginning(tmp_path: Path, script: Script, cms: AdCast, stage: Stage):
    script.on(PLAYBACK, {})
    stage.play(10)
    async with running(outbox(tmp_path, cms, stage).run()):
        await eventually(lambda: stage.was_asked(DropPlays))
    next((tmp_path / "plays").glob("*.log")).unlink()
    again = Stage(tmp_path / "plays")
    again.count = 100
    again.play(12)
    async with running(outbox(tmp_path, cms, again).run()):
        await eventually(lambda: DropPlays(12) in again.asked)
    assert got(script)[10:] == [f"p{n}" for n in range(101, 113)]


async def test_what_the_stage_dropped_as_asked_is_not_missed(tmp_path: Path, script: Script, cms: AdCast, stage: Stage):
    script.on(PLAYBACK, {})
    stage.play(600, filler="x" * 1000)
    async with running(outbox(tmp_path, cms, stage).run()):
        await eventually(lambda: DropPlays(600) in stage.asked, 20)
        stage.journal.drop_through(600)
        stage.play(1)
        await eventually(lambda: len(got(script)) == 601)


async def test_an_absent_stage_is_told_when_it_is_back(tmp_path: Path, script: Script, cms: AdCast, stage: Stage):
    script.on(PLAYBACK, {})
    stage.play()
    stage.away = True
    async with running(outbox(tmp_path, cms, stage).run()):
        await eventually(lambda: got(script))
        await asyncio.sleep(0.3)
        stage.away = False
        await eventually(lambda: stage.was_asked(DropPlays))


async def test_a_play_goes_to_the_server_whose_content_it_showed_and_to_no_other(
    tmp_path: Path, script: Script, cms: AdCast, stage: Stage
):
    script.on(PLAYBACK, {})
    other = tmp_path / "servers/spot-2"
    stage.play(2)  # from before it was written whose they are
    stage.play(2, server="adcast-1")
    stage.play(3, server="spot-2")
    stage.play(1, server="adcast-1")
    stage.play(1, server="folder-3")
    async with running(outbox(tmp_path, cms, stage).run()):
        await eventually(lambda: DropPlays(9) in stage.asked)
    assert got(script) == ["p1", "p2", "p3", "p4", "p8"]
    other.mkdir()
    async with running(outbox(tmp_path, cms, stage, other).run()):
        await eventually(lambda: len(got(script)) == 8)
    assert got(script)[5:] == ["p5", "p6", "p7"]


async def test_the_journal_keeps_what_another_server_has_not_got(tmp_path: Path, script: Script, cms: AdCast, stage: Stage):
    script.on(PLAYBACK, {})
    other = homes(tmp_path)
    stage.play(2, server="adcast-1")
    stage.play(1, server="spot-2")
    stage.play(3, server="adcast-1")
    for _ in range(2):  # also where they were passed over before the start
        async with running(outbox(tmp_path, cms, stage).run()):
            await eventually(lambda: stage.was_asked(DropPlays))
        assert stage.asked == [DropPlays(2)]
        stage.asked.clear()
    async with running(outbox(tmp_path, cms, stage, other).run()):
        await eventually(lambda: DropPlays(6) in stage.asked)
    assert got(script) == ["p1", "p2", "p4", "p5", "p6", "p3"]


async def test_of_two_servers_at_a_time_each_lets_go_of_what_the_other_has_got(
    tmp_path: Path, script: Script, cms: AdCast, stage: Stage
):
    script.on(PLAYBACK, {})
    other = homes(tmp_path)
    stage.play(2, server="adcast-1")
    stage.play(1, server="spot-2")
    async with running(outbox(tmp_path, cms, stage).run()):
        await eventually(lambda: DropPlays(2) in stage.asked)
        async with running(outbox(tmp_path, cms, stage, other).run()):
            await eventually(lambda: len(got(script)) == 3)
        stage.play(1, server="adcast-1")  # its cursor is on disk since it ended
        await eventually(lambda: DropPlays(4) in stage.asked)
    assert got(script) == ["p1", "p2", "p3", "p4"]


# --- command results -------------------------------------------------------------------------------------------------------------


@pytest.fixture
def commands(tmp_path: Path):
    host = FakeHost()
    made = CommandRunner(
        tmp_path / "commands", {}, clock=FakeClock(), host=host, version="1", faults=fault_page(),
        tell_first=lambda: asyncio.sleep(0), clock_trusted=host.clock_synced, is_ready=all_there,
    )  # fmt: skip
    yield made
    made.close()


RESULT = "/api/device/commands/1/result"


async def test_a_result_is_posted_as_soon_as_it_is_there(script: Script, cms: AdCast, commands: CommandRunner):
    script.on(RESULT, 503, {})
    async with running(ResultsOutbox(cms, commands, retry_limit_s=0.01).run()):
        await asyncio.sleep(0.02)
        await commands.offer([Command("1", "explode")])
        await eventually(lambda: not commands.untold())
    assert [one.body["status"] for one in script.seen] == ["rejected", "rejected"]


async def test_without_the_path_a_result_goes_with_the_rhythm(script: Script, cms: AdCast, commands: CommandRunner):
    script.on(RESULT, 405)
    box = ResultsOutbox(cms, commands)
    async with running(box.run()):
        await commands.offer([Command("1", "explode")])
        await eventually(lambda: cms.riding == {"1"})
        await asyncio.sleep(0.02)
    assert len(script.seen) == 1
    box.taken(commands.untold())
    assert commands.untold() == []


async def test_a_result_that_the_server_will_not_have_is_given_up_after_three_refusals(
    script: Script, cms: AdCast, commands: CommandRunner
):
    script.on(RESULT, 422)
    script.on("/api/device/commands/2/result", {})
    async with running(ResultsOutbox(cms, commands, retry_limit_s=0.01).run()):
        await commands.offer([Command("1", "explode"), Command("2", "explode")])
        await eventually(lambda: not commands.untold())
    assert len(script.asked(RESULT)) == 3
    assert len(script.asked("/api/device/commands/2/result")) == 1
