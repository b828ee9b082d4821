"""Spot's rhythm at the embedded server and at scripted ones: pushed commands, missed ones, settings, and a push that misbehaves."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from player import cms
from player.cms.push import AT_ONCE, Rationed
from player.cms.spot.keys import Keys
from player.config import CmsConfig
from player.core.content import Orientation
from player.core.faults import Fault
from player.core.ports.box import Absent, Clock
from player.core.ports.server import (
    CommandResult,
    CommandsCame,
    CommandStatus,
    Connection,
    ContentChanged,
    Device,
    Missed,
    Paired,
    Reached,
    SettingsWanted,
    Telemetry,
    Unpaired,
)
from player.demo.spot.push import APP_KEY
from player.errors import ConfigError, ServerDenied
from player.runtime.clock import SystemClock
from tests.fakes.inbox import FakeInbox
from tests.fakes.running import eventually, running
from tests.fakes.server import Script, scripted_server
from tests.fakes.spot import KEY, Caller, spot
from tests.fakes.uploads import put_there
from tests.fakes.way_out import STRAIGHT

WITHIN_S = 20.0
PLAYER = "/api/v1/players/16"


def device(interval_s: float = 0.05) -> Device:
    async def telemetry() -> Telemetry:
        return Telemetry(None, None, 100, 40, 60, True, None, 5, None)

    return Device(
        uuid="u", key="k", model="Box", os_version="12", version="1.0", paired=None, telemetry=telemetry, faults=tuple,
        results=tuple, heartbeat_interval=lambda: interval_s, upload=put_there,
    )  # fmt: skip


@contextlib.asynccontextmanager
async def listening(
    url: str, own: Keys, clock: Clock, *, player: str = "16", token: str = KEY, interval_s: float = 0.05
) -> AsyncIterator[tuple[Connection, FakeInbox]]:
    """A connection whose rhythm runs."""
    inbox, config = FakeInbox(), CmsConfig(kind="spot", url=url, token=token, device=player)
    async with cms.connect(config, own, device(interval_s), clock, STRAIGHT) as connection:
        assert not isinstance(connection.rhythm, Absent)
        async with running(connection.rhythm.run(inbox)):
            yield connection, inbox


def came(inbox: FakeInbox) -> list[tuple[str, str]]:
    return [(command.id, command.type) for event in inbox.of(CommandsCame) for command in event.commands]


def faults(inbox: FakeInbox) -> list[Fault]:
    """Those of the last contact."""
    reached = inbox.of(Reached)
    return list(reached[-1].faults) if reached else []


# --- at the embedded server


@pytest.fixture
async def caller(tmp_path: Path) -> AsyncIterator[Caller]:
    async with spot(tmp_path / "server") as made:
        yield made


def keys(caller: Caller) -> Keys:
    return Keys(push_url=caller.server.push_url, push_key=APP_KEY)


async def subscribed(caller: Caller, player: int) -> None:
    """The player listens on its channel."""
    await eventually(lambda: player in caller.server.push.listening(f"private-player.{player}"), WITHIN_S)


async def test_a_command_is_pushed_and_its_words_come_back_in_order(caller: Caller):
    player = caller.server.add_player("Lobby")
    async with listening(caller.server.url, keys(caller), SystemClock(), player=str(player)) as (connection, inbox):
        await subscribed(caller, player)
        told = await caller.send("POST", f"players/{player}/commands", {"command": "take_screenshot"})
        await eventually(lambda: came(inbox), WITHIN_S)
        name = str(told["command_id"])
        assert came(inbox)[0] == (name, "screenshot")

        def order() -> dict[str, Any]:
            return caller.server.store.one("SELECT status, message FROM orders") or {}

        await eventually(lambda: order()["status"] == "received", WITHIN_S)
        assert not isinstance(connection.results, Absent)
        going = CommandResult(name, "screenshot", CommandStatus.INITIATED, "soon", 5.0, 6.0, {}, True)
        assert await connection.results.send_result(going)
        assert order() == {"status": "received", "message": "soon"}
        done = CommandResult(name, "screenshot", CommandStatus.SUCCEEDED, "done", 5.0, 6.0, {}, True)
        assert await connection.results.send_result(done)
        assert order() == {"status": "succeeded", "message": "done"}


async def test_a_groups_command_comes_and_another_group_is_another_line(caller: Caller):
    groups = [caller.server.store.insert("player_groups", name=name) for name in ("Shops", "Bars")]
    player = caller.server.add_player("Lobby", group_id=groups[0])
    async with listening(caller.server.url, keys(caller), SystemClock(), player=str(player)) as (_, inbox):
        await eventually(lambda: caller.server.push.listening(f"private-player-group.{groups[0]}"), WITHIN_S)
        first = await caller.send("POST", f"player-groups/{groups[0]}/commands", {"command": "reboot"})
        await eventually(lambda: came(inbox), WITHIN_S)
        caller.server.change_player(player, group_id=groups[1])
        await eventually(lambda: caller.server.push.listening(f"private-player-group.{groups[1]}"), WITHIN_S)
        second = await caller.send("POST", f"player-groups/{groups[1]}/commands", {"command": "reboot"})
        await eventually(lambda: (str(second["command_id"]), "reboot") in came(inbox), WITHIN_S)
        assert (str(first["command_id"]), "reboot") in came(inbox)
        assert caller.server.push.listening(f"private-player-group.{groups[0]}") == set()


async def test_what_was_ordered_while_nobody_listened_is_fetched_when_the_line_opens(caller: Caller):
    player = caller.server.add_player("Lobby")
    told = await caller.send("POST", f"players/{player}/commands", {"command": "reload_content"})
    async with listening(caller.server.url, keys(caller), SystemClock(), player=str(player)) as (_, inbox):
        await eventually(lambda: came(inbox), WITHIN_S)
        assert came(inbox)[0] == (str(told["command_id"]), "refresh")
        await subscribed(caller, player)
        await caller.server.push.close_all(4200, "restart")
        second = await caller.send("POST", f"players/{player}/commands", {"command": "reboot"})
        await eventually(lambda: (str(second["command_id"]), "reboot") in came(inbox), WITHIN_S)


async def test_what_the_player_is_told_to_be_and_that_its_content_changed(caller: Caller):
    player = caller.server.add_player("Lobby", orientation="90", timezone="Europe/Berlin")
    async with listening(caller.server.url, Keys(), SystemClock(), player="Lobby") as (_, inbox):
        await eventually(lambda: inbox.of(SettingsWanted), WITHIN_S)
        assert inbox.of(SettingsWanted)[0] == SettingsWanted(orientation=Orientation.PORTRAIT, time_zone="Europe/Berlin")
        assert inbox.of(Paired) == [Paired("Lobby")]
        caller.server.change_player(player, name="Lobby", orientation="sideways", timezone="Mars/Olympus")
        await eventually(lambda: inbox.of(ContentChanged), WITHIN_S)
        await eventually(lambda: len(faults(inbox)) == 2, WITHIN_S)
        assert [fault.code for fault in faults(inbox)] == ["bad_setting", "bad_setting"]
        assert inbox.of(SettingsWanted)[-1] == SettingsWanted()


async def test_a_key_that_is_revoked_is_told_and_what_plays_stays(caller: Caller):
    player = caller.server.add_player("Lobby")
    async with listening(caller.server.url, keys(caller), SystemClock(), player=str(player)) as (_, inbox):
        await eventually(lambda: inbox.of(Paired), WITHIN_S)
        caller.server.keyring.revoke(KEY)
        await eventually(lambda: inbox.of(Missed), WITHIN_S)
        assert isinstance(inbox.of(Missed)[0].error, ServerDenied)
        assert "cms.token" in str(inbox.of(Missed)[0].error)
        assert inbox.of(Unpaired) == []


async def test_a_key_that_may_not_open_the_channel_leaves_a_fault(caller: Caller):
    player = caller.server.add_player("Lobby")
    wrong = Keys(push_url=caller.server.push_url, push_key="another")
    async with listening(caller.server.url, wrong, SystemClock(), player=str(player)) as (_, inbox):
        await eventually(lambda: faults(inbox), WITHIN_S)
        assert [(fault.code, "4001" in fault.message) for fault in faults(inbox)] == [("push", True)]


# --- at a push that misbehaves

Talk = Callable[[ServerConnection], Awaitable[None]]
WAITING = [{"command_id": 9, "command": "reboot"}]


class Misbehaving:
    """A push that says what a test tells it to, beside a server that has one command waiting."""

    def __init__(self, script: Script, url: str) -> None:
        self.script, self.own = script, Keys(push_url=url, push_key="k")

    @property
    def fetched(self) -> int:
        return len([one for one in self.script.asked(f"{PLAYER}/commands") if one.method == "GET"])


def said(event: str, content: Any, channel: str = "private-player.16") -> str:
    return json.dumps({"event": event, "channel": channel, "data": content})


HELLO = said("pusher:connection_established", json.dumps({"socket_id": "1.2", "activity_timeout": 120}))
OPEN = said("pusher_internal:subscription_succeeded", "{}")


@contextlib.asynccontextmanager
async def misbehaving(talk: Talk) -> AsyncIterator[Misbehaving]:
    async def whole(socket: ServerConnection) -> None:
        with contextlib.suppress(ConnectionClosed):
            await talk(socket)

    async with scripted_server() as script, serve(whole, "127.0.0.1", 0, compression=None) as server:
        script.on(PLAYER, {"id": 16, "name": "Lobby"})
        script.on(f"{PLAYER}/heartbeat", {})
        script.on(f"{PLAYER}/commands", {"data": []})
        script.on("/broadcasting/auth", {"auth": "k:s"})
        yield Misbehaving(script, f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}")


async def greet(socket: ServerConnection) -> None:
    """Opens the channel as it should be."""
    await socket.send(HELLO)
    assert json.loads(await socket.recv()) == {"event": "pusher:subscribe", "data": {"channel": "private-player.16", "auth": "k:s"}}
    await socket.send(OPEN)


async def test_garbage_repetition_and_others_channels_bring_nothing_but_the_command():
    async def talk(socket: ServerConnection) -> None:
        await greet(socket)
        for raw in ("x", "[]", b"\x00\xff", said("player.command", "x"), said("player.command", {"command": "reboot"})):
            await socket.send(raw)
        await socket.send(said("player.command", {"command_id": 1, "command": "reboot"}, "private-player.17"))
        for _ in range(3):
            await socket.send(said("player.command", json.dumps({"command_id": 2, "command": "next"})))
        await socket.wait_closed()

    async with misbehaving(talk) as push, listening(push.script.url, push.own, SystemClock()) as (_, inbox):
        push.script.on(f"{PLAYER}/commands/2/ack", {})
        await eventually(lambda: len(came(inbox)) == 3, WITHIN_S)
        assert set(came(inbox)) == {("2", "next")}
        await eventually(lambda: {fault.code for fault in faults(inbox)} == {"push", "bad_command"}, WITHIN_S)
        await eventually(lambda: push.script.asked(f"{PLAYER}/commands/2/ack"), WITHIN_S)
        assert len(push.script.asked(f"{PLAYER}/commands/2/ack")) == 1


@pytest.mark.parametrize(
    "message", [said("pusher:error", {"code": 4301, "message": "too long"}), said("player.command", {"x": "y" * 11_000})]
)
async def test_a_message_that_is_too_long_is_fetched(message: str):
    async def talk(socket: ServerConnection) -> None:
        await greet(socket)
        await asked.wait()
        await socket.send(message)
        await socket.wait_closed()

    asked = asyncio.Event()
    async with misbehaving(talk) as push, listening(push.script.url, push.own, SystemClock()) as (_, inbox):
        await eventually(lambda: push.fetched >= 1, WITHIN_S)
        await asyncio.sleep(0.1)
        push.script.on(f"{PLAYER}/commands", {"data": WAITING})
        asked.set()
        await eventually(lambda: came(inbox), WITHIN_S)
        assert came(inbox)[0] == ("9", "reboot")


async def test_a_line_that_is_named_over_and_over_and_loses_all_costs_some_calls():
    async def talk(socket: ServerConnection) -> None:
        await greet(socket)
        for _ in range(AT_ONCE // 4):
            await socket.send(HELLO)
            await socket.send(said("pusher:error", {"code": 4301}))
        await socket.send(said("player.command", {"command_id": 1, "command": "next"}))
        await socket.wait_closed()

    async with misbehaving(talk) as push, listening(push.script.url, push.own, SystemClock()) as (_, inbox):
        await eventually(lambda: came(inbox), WITHIN_S)
        assert len(push.script.asked("/broadcasting/auth")) == 1
        assert push.fetched <= Rationed.AT_ONCE + 2


async def test_a_flood_ends_the_line_and_what_waits_is_fetched():
    async def talk(socket: ServerConnection) -> None:
        lines.append(1)
        await greet(socket)
        if len(lines) == 1:
            for _ in range(3000):
                await socket.send(said("news", {}))
        await socket.wait_closed()

    lines = list[int]()
    async with misbehaving(talk) as push, listening(push.script.url, push.own, SystemClock()) as (_, inbox):
        await eventually(lambda: any("messages a second" in fault.message for fault in faults(inbox)), WITHIN_S)
        fetched = push.fetched
        await eventually(lambda: len(lines) == 2 and push.fetched > fetched, WITHIN_S)
        await eventually(lambda: not faults(inbox), WITHIN_S)


@pytest.mark.parametrize(
    ("code", "lines", "told"),
    [
        *((code, 1, True) for code in (4001, 4004, 4009, 4099)),
        *((code, 2, True) for code in (4100, 4199, 1011)),
        *((code, 2, False) for code in (4200, 4201, 4299)),
    ],
)
async def test_each_closing_code_has_its_meaning(code: int, lines: int, *, told: bool):
    async def talk(socket: ServerConnection) -> None:
        opened.append(1)
        if len(opened) == 1:
            await socket.send(HELLO)
            await socket.close(code, "so it is")
        await socket.wait_closed()

    opened = list[int]()
    async with misbehaving(talk) as push, listening(push.script.url, push.own, SystemClock()) as (_, inbox):
        await eventually(lambda: len(opened) == lines, WITHIN_S)
        contacts = len(inbox.of(Reached))
        await eventually(lambda: len(inbox.of(Reached)) > contacts + 4, WITHIN_S)
        assert len(opened) == lines
        seen = [fault.message for event in inbox.of(Reached) for fault in event.faults]
        assert any(str(code) in message for message in seen) is told


async def test_a_line_on_which_nothing_is_heard_is_asked_and_then_left():
    async def talk(socket: ServerConnection) -> None:
        lines.append(1)
        await socket.send(said("pusher:connection_established", {"socket_id": "1.2", "activity_timeout": 1}))
        await socket.recv()
        async for raw in socket:
            asked.append(json.loads(raw)["event"])
            if len(asked) == 1:
                await socket.send(said("pusher:pong", {}))

    lines, asked = list[int](), list[str]()
    async with misbehaving(talk) as push, listening(push.script.url, push.own, SystemClock()) as (_, inbox):
        await eventually(lambda: len(asked) == 2, WITHIN_S)
        assert len(lines) == 1
        await eventually(lambda: any("silent" in fault.message for fault in faults(inbox)), WITHIN_S)
        await eventually(lambda: len(lines) == 2, WITHIN_S)
    assert asked[:2] == ["pusher:ping", "pusher:ping"]


async def test_a_ping_is_answered():
    async def talk(socket: ServerConnection) -> None:
        await greet(socket)
        await socket.send(said("pusher:ping", {}))
        answered.append(json.loads(await socket.recv())["event"])
        await socket.wait_closed()

    answered = list[str]()
    async with misbehaving(talk) as push, listening(push.script.url, push.own, SystemClock()):
        await eventually(lambda: answered == ["pusher:pong"], WITHIN_S)


async def test_a_scope_that_is_missing_for_commands_is_one_fault():
    async def talk(socket: ServerConnection) -> None:
        await socket.wait_closed()

    async with misbehaving(talk) as push:
        push.script.on(f"{PLAYER}/commands", 403)
        async with listening(push.script.url, Keys(), SystemClock()) as (_, inbox):
            await eventually(lambda: faults(inbox), WITHIN_S)
            ((code, message),) = [(fault.code, fault.message) for fault in faults(inbox)]
            assert (code, "read:players" in message) == ("server_refused", True)


async def test_a_key_that_may_only_read_is_enough_to_play_and_the_rest_is_one_fault():
    async def talk(socket: ServerConnection) -> None:
        await socket.wait_closed()

    async with misbehaving(talk) as push:
        push.script.on(f"{PLAYER}/heartbeat", 403)
        async with listening(push.script.url, Keys(), SystemClock()) as (_, inbox):
            await eventually(lambda: inbox.of(Paired), WITHIN_S)
            contacts = len(inbox.of(Reached))
            await eventually(lambda: len(inbox.of(Reached)) > contacts + 2, WITHIN_S)
            ((code, message),) = [(fault.code, fault.message) for fault in faults(inbox)]
            assert (code, "write:players" in message) == ("server_refused", True)
            assert len(push.script.asked(f"{PLAYER}/heartbeat")) == 1
            assert inbox.of(Missed) == []


async def test_a_player_that_is_made_anew_is_found_and_its_commands_are_fetched(caller: Caller):
    player = caller.server.add_player("Lobby")
    async with listening(caller.server.url, Keys(), SystemClock(), player="Lobby") as (_, inbox):
        await eventually(lambda: inbox.of(Paired), WITHIN_S)
        caller.server.remove_player(player)
        await eventually(lambda: inbox.of(Unpaired), WITHIN_S)
        player = caller.server.add_player("Lobby")
        told = await caller.send("POST", f"players/{player}/commands", {"command": "reboot"})
        await eventually(lambda: (str(told["command_id"]), "reboot") in came(inbox), WITHIN_S)


@pytest.mark.parametrize(
    ("own", "key"),
    [
        (Keys(push_url="wss://push.example"), "spot.push_key"),
        (Keys(push_key="k"), "spot.push_url"),
        (Keys(push_url="https://push.example", push_key="k"), "spot.push_url"),
        (Keys(push_url="ws://[", push_key="k"), "spot.push_url"),
        (Keys(push_url="ws://push.example", push_key="k"), "spot.push_url"),
    ],
)
async def test_a_push_that_cannot_be_is_a_mistake_of_the_configuration(own: Keys, key: str):
    config = CmsConfig(kind="spot", url="https://spot.example", token="t", device="16")
    with pytest.raises(ConfigError) as caught:
        async with cms.connect(config, own, device(), SystemClock(), STRAIGHT):
            pass
    assert caught.value.key == key
