"""The assembled agent and the embedded Spotwatch server: a broadcast is called in, and the stage is asked to answer it."""

from __future__ import annotations

import asyncio
from pathlib import Path

import aiohttp

from player.agent.app import Agent
from player.agent.control.metrics import render
from player.cms.triggers.spotwatch.keys import Keys
from player.config import Config, ControlConfig, TriggerConfig
from player.core.ports.stage import AnyAnswer, AnyRequest, ShowTrigger, StageStatus, TriggerSeen
from player.demo.spotwatch.server import DEMO_KEY, SpotwatchServer
from player.dirs import Dirs
from player.identity import load_or_create
from player.stage.agent_socket import AgentSocket
from tests.fakes.running import eventually, free_port, running
from tests.fakes.samples import make_picture
from tests.fakes.spotwatch import message
from tests.fakes.way_out import STRAIGHT

WITHIN_S = 20.0


async def test_a_broadcast_that_is_called_in_reaches_the_stage_without_any_server(tmp_path: Path, runtime_dir: Path):
    dirs = Dirs(tmp_path / "state", tmp_path / "cache", runtime_dir, runtime_dir)
    (tmp_path / "answers").mkdir()
    make_picture(tmp_path / "answers" / "answer.png")
    at = f"127.0.0.1:{free_port()}"
    asked: list[ShowTrigger] = []

    async def stage(request: AnyRequest) -> AnyAnswer:
        if isinstance(request, ShowTrigger):
            asked.append(request)
            return TriggerSeen(5.0)
        return None

    door = AgentSocket(dirs.stage_socket, stage)
    door.tell(StageStatus())
    async with SpotwatchServer(speed=1.0) as server:
        source = Keys(url=server.url, key=DEMO_KEY, receive="webhook", folder=str(tmp_path / "answers"))
        rules = (
            TriggerConfig(name="cars", show="file:answer.png", brand=("alfa*",), seconds=6.0, late_s=1e12),
            TriggerConfig(name="gone", show="content:1"),
        )
        control = ControlConfig(listen=at, public_url=f"http://{at}")
        config = Config(control=control, trigger_kind="spotwatch", trigger_source=source, triggers=rules)
        async with (
            running(door.run()),
            Agent(config, dirs, load_or_create(dirs.state), STRAIGHT, lambda: None) as made,
            running(made.run()),
        ):
            await eventually(lambda: made.sync.shown, WITHIN_S)
            manifest = made.sync.manifest
            assert manifest is not None
            (waits,) = manifest.stand_by
            assert (waits.trigger, waits.items[0].duration_s, manifest.layouts) == ("cars", 6.0, ())
            assert (dirs.cache / (waits.items[0].file or "")).is_file()
            await eventually(lambda: server.paths.push.endpoint, WITHIN_S)
            await server.push(message(7))
            await eventually(lambda: asked, WITHIN_S)
            await eventually(lambda: made.triggers and made.triggers.watch.figures.shown, WITHIN_S)
            async with aiohttp.ClientSession() as session:
                for method, path in (("get", "/hooks/spotwatch"), ("post", "/hooks/elsewhere")):
                    async with session.request(method, f"http://{at}{path}", headers={"Host": "box.example"}, json={}) as answer:
                        assert answer.status in (401, 403, 404, 421), (path, answer.status)
                headers = {"Host": "box.example"}  # the name that a proxy outside has
                async with session.post(f"http://{at}/hooks/spotwatch", headers=headers, json={"ping": "x"}) as answer:
                    assert (answer.status, answer.content_type, await answer.text()) == (200, "text/plain", "x")
            status = await made.status.read()
            figures = status.triggers
            assert figures is not None
            assert (figures.online, figures.received, figures.shown, figures.last[0].brand) == (True, 1, 1, "alfa romeo")
            assert b"signage_triggers_shown_total 1.0" in await asyncio.to_thread(render, status)
            assert "bad_trigger" in {fault.code for fault in status.faults}
    assert (asked[0].name, asked[0].told["broadcast_id"], asked[0].told["channel"]) == ("cars", "7", "sport1")
