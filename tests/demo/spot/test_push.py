"""The push of the embedded Spot server: channels open by a word, events reach who listens, odd lines end with their code."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect

from player.demo.spot.push import APP_KEY
from tests.fakes.running import eventually
from tests.fakes.spot import Caller, spot

WITHIN_S = 20.0


@pytest.fixture
async def caller(tmp_path: Path) -> AsyncIterator[Caller]:
    async with spot(tmp_path / "server", activity_s=1.0) as made:
        yield made


def line(caller: Caller, key: str = APP_KEY, protocol: str = "7") -> connect:
    return connect(f"{caller.server.push_url}/app/{key}?protocol={protocol}&client=test", proxy=None)


async def hear(socket: ClientConnection) -> tuple[str, Any, str]:
    """(event, data, channel) of the next message."""
    async with asyncio.timeout(WITHIN_S):
        message = json.loads(await socket.recv())
    data = message.get("data")
    return message["event"], json.loads(data) if isinstance(data, str) else data, message.get("channel", "")


async def opened(caller: Caller, socket: ClientConnection, channel: str) -> None:
    event, about, _ = await hear(socket)
    assert (event, about["activity_timeout"]) == ("pusher:connection_established", 1)
    status, _, answer = await caller.call(
        "POST", f"{caller.server.url}/broadcasting/auth", {"socket_id": about["socket_id"], "channel_name": channel}
    )
    assert status == 200
    await say(socket, "pusher:subscribe", channel=channel, **answer)
    assert await hear(socket) == ("pusher_internal:subscription_succeeded", {}, channel)


async def say(socket: ClientConnection, event: str, **content: Any) -> None:
    await socket.send(json.dumps({"event": event, "data": content}))


async def test_who_is_subscribed_hears_a_command_and_is_online(caller: Caller):
    player = caller.server.add_player("Lobby")
    channel = f"private-player.{player}"
    async with line(caller) as socket:
        await opened(caller, socket, channel)
        assert [row["status"] for row in await caller.get("players")] == ["online"]
        told = await caller.send("POST", f"players/{player}/commands", {"command": "reboot"})
        event, command, where = await hear(socket)
        assert (event, where, command["command_id"], command["command"]) == (
            "player.command",
            channel,
            told["command_id"],
            "reboot",
        )
        await say(socket, "pusher:unsubscribe", channel=channel)
        await eventually(lambda: not caller.server.push.listening(channel), WITHIN_S)


async def test_a_private_channel_opens_to_its_word_alone(caller: Caller):
    async with line(caller) as socket:
        await hear(socket)
        for channel, auth in (("private-player.1", f"{APP_KEY}:{'0' * 64}"), ("private-player.1", ""), ("two words", "")):
            await say(socket, "pusher:subscribe", channel=channel, auth=auth)
            event, why, where = await hear(socket)
            assert (event, why["status"], where) == ("pusher:subscription_error", 401, channel)
        await say(socket, "pusher:subscribe", channel="news")
        assert (await hear(socket))[0] == "pusher_internal:subscription_succeeded"


@pytest.mark.parametrize(("key", "protocol", "code"), [("other", "7", 4001), (APP_KEY, "", 4008), (APP_KEY, "99", 4007)])
async def test_a_line_that_cannot_be_is_refused_with_its_code(caller: Caller, key: str, protocol: str, code: int):
    async with line(caller, key, protocol) as socket:
        event, why, _ = await hear(socket)
        assert (event, why["code"]) == ("pusher:error", code)
        await socket.wait_closed()
        assert socket.close_code == code


async def test_an_event_that_is_too_long_comes_as_an_error(caller: Caller):
    async with line(caller) as socket:
        await hear(socket)
        await say(socket, "pusher:subscribe", channel="news")
        await hear(socket)
        assert await caller.server.push.publish("news", "told", {"text": "x" * 10_000}) == 1
        event, why, _ = await hear(socket)
        assert (event, why["code"]) == ("pusher:error", 4301)
        assert await caller.server.push.publish("elsewhere", "told", {}) == 0


async def test_pings_go_both_ways_and_silence_ends_the_line(caller: Caller):
    async with line(caller) as socket:
        await hear(socket)
        await say(socket, "pusher:ping")
        assert (await hear(socket))[0] == "pusher:pong"
        await say(socket, "client-shout")
        assert (await hear(socket))[1]["code"] == 4301
        await socket.send("no json")
        await socket.send("[]")
        assert (await hear(socket))[0] == "pusher:ping"
        async with asyncio.timeout(WITHIN_S):
            await socket.wait_closed()
        assert socket.close_code == 4201


async def test_who_asks_for_a_word_says_for_what_and_may(caller: Caller):
    auth = f"{caller.server.url}/broadcasting/auth"
    assert (await caller.call("POST", auth, {"socket_id": "x", "channel_name": "news"}))[0] == 422
    form = {"socket_id": "1.2", "channel_name": "private-player.1"}
    headers = {"Authorization": f"Bearer {caller.key}"}
    async with caller.session.post(auth, data=form, headers=headers) as answer:
        assert (await answer.json())["auth"].startswith(f"{APP_KEY}:")
    caller.key = caller.server.keyring.create("others", ["webhooks"])
    assert (await caller.call("POST", auth, form))[0] == 403


async def test_somebody_who_listens_for_a_player_that_is_not_there_changes_nothing(caller: Caller):
    async with line(caller) as socket:
        await opened(caller, socket, "private-player.99")
    assert await caller.get("players") == []
