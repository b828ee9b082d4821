"""What the assembled agent tells a stage of where its content comes from, state by state."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from aiohttp import web

from player.agent.app import Agent
from player.cms.adcast.keys import Keys
from player.config import CmsConfig, Config, ControlConfig
from player.core.ports.stage import AnyRequest, StageStatus, TellOutlook
from player.core.problem import Outlook, Problem
from player.dirs import Dirs
from player.identity import load_or_create
from player.stage.agent_socket import AgentSocket
from tests.fakes.running import eventually, running
from tests.fakes.server import PLAYLIST, REGISTER, Script, paired_server
from tests.fakes.way_out import STRAIGHT


class ListeningStage:
    """A stage that remembers what it was told."""

    def __init__(self) -> None:
        self.told: list[Outlook] = []

    async def __call__(self, request: AnyRequest) -> None:
        if isinstance(request, TellOutlook):
            self.told.append(request.outlook)

    def codes(self) -> set[str]:
        return {one.problem.code for one in self.told if one.problem}


@pytest.fixture
def dirs(tmp_path: Path, runtime_dir: Path) -> Dirs:
    return Dirs(tmp_path / "state", tmp_path / "cache", runtime_dir, runtime_dir)


@pytest.fixture
async def script() -> AsyncIterator[Script]:
    async with paired_server() as made:
        yield made


@contextlib.asynccontextmanager
async def told(url: str, dirs: Dirs) -> AsyncIterator[ListeningStage]:
    stage = ListeningStage()
    server = AgentSocket(dirs.stage_socket, stage)
    server.tell(StageStatus())
    cms = CmsConfig(url=url, heartbeat_interval=0.1, poll_interval=0.5)
    config = Config(cms=cms, control=ControlConfig(listen=""), server=Keys() if url else None)
    async with (
        running(server.run()),
        Agent(config, dirs, load_or_create(dirs.state), STRAIGHT, lambda: None) as agent,
        running(agent.run()),
    ):
        yield stage


async def until(stage: ListeningStage, holds: Callable[[Outlook], bool]) -> Outlook:
    return next(one for one in await eventually(lambda: [one for one in stage.told if holds(one)], 10.0))


async def test_without_a_server_the_stage_is_told_that_none_is_configured(dirs: Dirs):
    async with told("", dirs) as stage:
        assert (await until(stage, lambda _: True)).problem == Problem("no_server")


async def test_a_box_that_waits_for_its_code_to_be_entered_has_no_problem(script: Script, dirs: Dirs):
    script.on(REGISTER, {"paired": False, "pairing_code": "4A7X2B"})
    async with told(script.url, dirs) as stage:
        await eventually(lambda: len(script.asked(REGISTER)) >= 2)
        await until(stage, lambda _: True)
        assert stage.codes() == set()


async def test_a_refused_licence_is_told_in_the_servers_words(script: Script, dirs: Dirs):
    script.on(REGISTER, lambda _: web.json_response({"message": "The licence has expired"}, status=403))
    async with told(script.url, dirs) as stage:
        found = await until(stage, lambda one: one.problem is not None)
        assert found.problem == Problem("server_refused", "403: The licence has expired")


async def test_what_answers_for_the_server_is_told_and_not_hidden_by_the_pauses_after_it(script: Script, dirs: Dirs):
    script.on(REGISTER, lambda _: web.Response(text="<html>Welcome</html>", content_type="text/html"))
    async with told(script.url, dirs) as stage:
        found = await until(stage, lambda one: one.problem is not None)
        assert found.problem is not None
        assert (found.problem.code, "text/html" in found.problem.sentence) == ("portal", True)
        await eventually(lambda: len(script.asked(REGISTER)) >= 2, 10.0)
        await asyncio.sleep(1.5)  # longer than the teller's look
        assert stage.codes() == {found.problem.code}


async def test_a_server_that_is_not_there_is_told_of_before_anything_was_paired(dirs: Dirs):
    async with told("http://127.0.0.1:9", dirs) as stage:
        found = await until(stage, lambda one: one.problem is not None)
        assert found.problem == Problem("server_unreachable", "Connection refused; check the network")


async def test_paired_without_content_is_told_once_the_server_has_none(script: Script, dirs: Dirs):
    script.on(PLAYLIST, {"playlist": None})
    async with told(script.url, dirs) as stage:
        assert (await until(stage, lambda one: one.problem is not None)).problem == Problem("no_content")


async def test_the_files_that_come_are_counted(script: Script, dirs: Dirs):
    gone = {"content_id": 1, "name": "poster", "type": "image", "download_url": "/poster.png", "file_hash": "0" * 64}
    script.on(PLAYLIST, {"playlist": {"id": 1, "name": "Lobby", "items": [{"id": 1, "order": 1, "duration": 5, **gone}]}})

    async def slow(_: web.Request) -> web.Response:
        await asyncio.sleep(30)
        return web.Response()

    script.on("/poster.png", slow)
    async with told(script.url, dirs) as stage:
        found = await until(stage, lambda one: one.total > 0)
        assert (found.problem, found.ready, found.total) == (None, 0, 1)


async def test_a_stage_that_starts_again_is_told_again(dirs: Dirs):
    stage = ListeningStage()
    server = AgentSocket(dirs.stage_socket, stage)
    server.tell(StageStatus(started_at=1.0))
    config = Config(cms=CmsConfig(), control=ControlConfig(listen=""))
    async with (
        running(server.run()),
        Agent(config, dirs, load_or_create(dirs.state), STRAIGHT, lambda: None) as agent,
        running(agent.run()),
    ):
        await eventually(lambda: len(stage.told) == 1)
        server.tell(StageStatus(started_at=2.0))
        await eventually(lambda: len(stage.told) == 2)
