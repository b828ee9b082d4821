"""A server that sends more than can be used: the assembled agent goes on, and what it writes and holds is bounded."""

from __future__ import annotations

import asyncio
import itertools
import time
from pathlib import Path
from typing import Any

import pytest

from player.agent.app import Agent
from player.cms.adcast.keys import Keys
from player.config import CmsConfig, Config, ControlConfig
from player.core.allowance import LINES_AT_ONCE
from player.core.intake import NOTED, NOTED_AN_HOUR
from player.core.wear import PROGRAMMES_AT_ONCE
from player.dirs import Dirs
from player.identity import load_or_create
from player.journal_reader import journal_bytes, read_journal
from player.runtime.fault_page import LONGEST
from tests.fakes.running import eventually, running
from tests.fakes.server import Seen, scripted_server
from tests.fakes.way_out import STRAIGHT

REGISTER, HEARTBEAT, PLAYLIST = "/api/device/register", "/api/device/heartbeat", "/api/device/playlist"
BEATS, COMMANDS = 100, 1000


@pytest.fixture
def dirs(tmp_path: Path, runtime_dir: Path) -> Dirs:
    return Dirs(tmp_path / "state", tmp_path / "cache", runtime_dir, runtime_dir)


def config(url: str, poll_s: float = 600) -> Config:
    """One that calls as fast as it can."""
    cms = CmsConfig(url=url, heartbeat_interval=0.01, poll_interval=poll_s)
    return Config(cms=cms, control=ControlConfig(listen=""), server=Keys())


async def test_a_hundred_heartbeats_of_a_thousand_unknown_commands(dirs: Dirs, caplog: pytest.LogCaptureFixture):
    numbers = itertools.count()
    caplog.set_level("INFO")

    def flood(_: Seen) -> dict[str, Any]:
        rows = [{"id": f"x{next(numbers)}", "type": "explode", "payload": {"junk": "j" * 100}} for _ in range(COMMANDS)]
        return {"paired": True, "pending_commands": rows}

    async with scripted_server() as script:
        script.on(REGISTER, {"paired": True})
        script.on(PLAYLIST, {"playlist": None})
        script.on(HEARTBEAT, flood)
        identity = load_or_create(dirs.state)
        async with Agent(config(script.url), dirs, identity, STRAIGHT, lambda: None) as made, running(made.run()):
            await eventually(lambda: len(script.asked(HEARTBEAT)) > BEATS, 120)
            commands = made.server.path / "commands"
        answered = script.asked(HEARTBEAT)[5].body["command_results"]
        assert len(answered) == COMMANDS
        assert {one["status"] for one in answered} == {"rejected"}
        assert journal_bytes(commands) < 100_000
        assert b"junk" not in b"".join(path.read_bytes() for path in commands.iterdir())
        noted = [body["id"] for _, body in read_journal(commands) if body["what"] == "received"]
        assert len(noted) == NOTED_AN_HOUR
        assert noted[:NOTED] == [f"x{n}" for n in range(NOTED)]
        assert len([line for line in caplog.messages if "command" in line]) < 2 * LINES_AT_ONCE, "however many are refused"

        script.on(HEARTBEAT, {"paired": True, "pending_commands": [{"id": "good", "type": "refresh"}]}, {"paired": True})
        async with Agent(config(script.url), dirs, identity, STRAIGHT, lambda: None) as made, running(made.run()):
            done = await eventually(lambda: [one for one in made.commands.recent() if one.id == "good"])
        assert done[0].status == "succeeded"


async def test_a_picture_of_an_alert_that_cannot_be_had_is_not_asked_for_at_every_heartbeat(
    dirs: Dirs, caplog: pytest.LogCaptureFixture
):
    fire = {"id": "a1", "title": "Fire", "severity": "extreme", "image_url": "/fire.png"}
    async with scripted_server() as script:
        script.on(REGISTER, {"paired": True})
        script.on(PLAYLIST, {"playlist": None})
        script.on(HEARTBEAT, {"paired": True, "emergency_alerts": [fire]})
        async with Agent(config(script.url), dirs, load_or_create(dirs.state), STRAIGHT, lambda: None) as made, running(made.run()):
            await eventually(lambda: made.faults.of("pictures of alerts"))
            asked, beats = len(script.asked("/fire.png")), len(script.asked(HEARTBEAT))
            await eventually(lambda: len(script.asked(HEARTBEAT)) > beats + 20, 20)
    assert len(script.asked("/fire.png")) == asked
    assert len([line for line in caplog.messages if "picture" in line]) == 1


async def test_a_programme_that_is_another_at_each_poll_is_asked_for_more_seldom(dirs: Dirs, caplog: pytest.LogCaptureFixture):
    numbers = itertools.count()
    caplog.set_level("INFO")

    def another(_: Seen) -> dict[str, Any]:
        like = {"type": "ticker", "text": f"news {next(numbers)}"}
        return {"playlist": {"id": 1, "items": [{"id": n, "content_id": n, **like} for n in range(5000)]}}

    async with scripted_server() as script:
        script.on(REGISTER, {"paired": True})
        script.on(PLAYLIST, another)
        script.on(HEARTBEAT, {"paired": True})
        hasty = config(script.url, poll_s=0.01)
        async with Agent(hasty, dirs, load_or_create(dirs.state), STRAIGHT, lambda: None) as made, running(made.run()):
            await eventually(lambda: made.sync.rest_s() > 0, 60)
            asked, beats = len(script.asked(PLAYLIST)), len(script.asked(HEARTBEAT))
            await eventually(lambda: len(script.asked(HEARTBEAT)) > beats + 50, 60)
    assert len(script.asked(PLAYLIST)) == asked
    size = (dirs.state / "programme.json").stat().st_size
    assert asked == 1 + PROGRAMMES_AT_ONCE // size, "they are written until so much is"


async def test_items_by_the_thousand_that_may_not_be_opened_leave_the_loop_its_turns(dirs: Dirs):
    """Their names are such as cost most to be looked through for secrets."""
    items = [
        {
            "id": n,
            "content_id": n,
            "name": "a.b.c://" * 500 if n % 2 else "x" * 4000,
            "type": "youtube",
            "source_url": f"http://other.example/{n}",
        }
        for n in range(3000)
    ]
    turns, longest = 0, 0.0

    async def turning() -> None:
        nonlocal turns, longest
        while True:
            began = time.thread_time()
            await asyncio.sleep(0)
            turns, longest = turns + 1, max(longest, time.thread_time() - began)

    async with scripted_server() as script:
        script.on(REGISTER, {"paired": True})
        script.on(PLAYLIST, {"playlist": {"id": 1, "items": items}})
        script.on(HEARTBEAT, {"paired": True})
        agent = Agent(config(script.url), dirs, load_or_create(dirs.state), STRAIGHT, lambda: None)
        async with agent as made, running(made.run(), turning()):
            await eventually(lambda: len(made.faults.of("items")) == len(items), 60)
    assert max(len(fault.message) for fault in made.faults.of("items").values()) == LONGEST
    assert longest < 2.0, "seconds of the processor that one turn of the loop took"
