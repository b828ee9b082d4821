"""The management API is loaded when somebody manages the box, and not before."""

from __future__ import annotations

import asyncio
import sys
from dataclasses import replace
from pathlib import Path

import aiohttp

from player.agent.control.access import DEVICE_KIND, Scope, TokenStore
from player.agent.devices.late import LateManagement
from tests.fakes.management import Managed
from tests.fakes.running import eventually, listens, running

WING = "player.agent.devices.management"


async def test_an_agent_that_nobody_manages_does_not_load_it_and_answers_with_it_once_there_is_a_token(
    tmp_path: Path, runtime_dir: Path
):
    state, loaded = tmp_path / "state", tmp_path / "loaded"
    environment = {
        "PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": str(tmp_path), "SIGNAGE__CONTROL__LISTEN": "",
        "SIGNAGE__STORAGE__STATE_DIR": str(state), "SIGNAGE__STORAGE__CACHE_DIR": str(tmp_path / "cache"),
        "SIGNAGE__STORAGE__RUNTIME_DIR": str(runtime_dir),
    }  # fmt: skip
    command = (sys.executable, "-X", "importtime", "-P", "-m", "player", "agent")
    with loaded.open("wb") as said:
        agent = await asyncio.create_subprocess_exec(*command, stderr=said, env=environment)
    try:
        await eventually(lambda: listens(runtime_dir / "control.sock"), 20)
        socket = aiohttp.UnixConnector(str(runtime_dir / "control.sock"))
        async with aiohttp.ClientSession("http://box", connector=socket) as http:
            async with http.get("/v1/device", headers={"X-Auth": "nobody:nothing"}) as closed:
                assert (closed.status, (await closed.json())["errorName"]) == (404, "RESOURCE_NOT_FOUND")
            assert "player.agent.devices.late" in loaded.read_text()
            assert WING not in loaded.read_text()
            token, secret = TokenStore(state / "tokens.json").create("tool", Scope.READ, kind=DEVICE_KIND)
            async with http.get("/v1/device", headers={"X-Auth": f"{token.id}:{secret}"}) as answer:
                assert answer.status == 200
            assert WING in loaded.read_text()
    finally:
        agent.terminate()
        await agent.wait()


async def test_a_token_brings_what_it_does_by_itself_and_a_box_that_was_managed_has_it_without_one(tmp_path: Path):
    box, state = Managed(tmp_path), tmp_path / "state"
    await box.open()
    parts = replace(box.parts, state=state, runtime=tmp_path / "run", tokens=TokenStore(state / "tokens.json"))
    late = LateManagement(parts, look_s=0.01)
    async with running(late.run()):
        parts.tokens.create("phone", Scope.ADMIN)
        await asyncio.sleep(0.1)
        assert "nobody manages this box" in repr(late)
        parts.tokens.create("tool", Scope.READ, kind=DEVICE_KIND)
        await eventually((state / "devices" / "presence.json").exists, 20)
    late.close()
    parts.tokens.revoke_managing()
    again = LateManagement(parts, look_s=0.01)
    async with running(again.run()):
        await eventually(lambda: "there" in repr(again), 20)
    again.close()
    box.close()
