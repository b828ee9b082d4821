"""The embedded Spot server's push satisfies pusher-js, the client that users of its document have: run by Node, by real sockets."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from player.demo.spot.push import APP_KEY
from tests.fakes.running import eventually, running
from tests.fakes.spot import Caller, spot
from tests.sdk.node import end

HERE = Path(__file__).parent
WITHIN_S = 30.0


class Client:
    """pusher-js in a process of its own; `said` is what it printed."""

    def __init__(self, out: asyncio.StreamReader) -> None:
        self._out = out
        self.said: list[list[Any]] = []

    async def read(self) -> None:
        """Reads for ever."""
        while line := await self._out.readline():
            self.said.append(json.loads(line))

    async def says(self, what: str, *, after: int = 0) -> Any:
        """What it says of that last, once it does; `after` so many lines."""
        told: list[Any] = await eventually(lambda: [about for name, about in self.said[after:] if name == what], WITHIN_S)
        return told[-1]


@contextlib.asynccontextmanager
async def listening(caller: Caller, channel: str, *, key: str = APP_KEY, bearer: str = "") -> AsyncIterator[Client]:
    where = urlsplit(caller.server.url)
    asked = {
        "host": where.hostname, "port": where.port, "key": key, "channel": channel,
        "authEndpoint": f"{caller.server.url}/broadcasting/auth", "headers": {"Authorization": f"Bearer {bearer or caller.key}"},
    }  # fmt: skip
    process = await asyncio.create_subprocess_exec(
        "node", HERE / "listen.mjs", json.dumps(asked), stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout
    client = Client(process.stdout)
    try:
        async with running(client.read()):
            yield client
    finally:
        await end(process)


@pytest.fixture
async def caller(tmp_path: Path) -> AsyncIterator[Caller]:
    async with spot(tmp_path / "server") as made:
        yield made


async def test_it_subscribes_hears_commands_and_comes_back_after_a_restart(caller: Caller):
    player = caller.server.add_player("Lobby")
    async with listening(caller, f"private-player.{player}") as client:
        await client.says("subscribed")
        told = await caller.send("POST", f"players/{player}/commands", {"command": "reboot"})
        command = await client.says("command")
        assert (command["command_id"], command["command"]) == (told["command_id"], "reboot")
        await client.says("pong")  # it asks after a silence of less than half a second
        before = len(client.said)
        await caller.server.push.close_all(4200, "restart")
        await client.says("subscribed", after=before)
        told = await caller.send("POST", f"players/{player}/commands", {"command": "reload_content"})
        assert (await client.says("command", after=before))["command_id"] == told["command_id"]


async def test_a_key_without_the_scope_opens_no_channel_and_another_application_no_line(caller: Caller):
    other = caller.server.keyring.create("others", ["webhooks"])
    async with listening(caller, "private-player.1", bearer=other) as client:
        assert await client.says("refused") == 403
    async with listening(caller, "private-player.1", key="another") as client:
        assert (await client.says("error"))["code"] == 4001
        await client.says("disconnected")
