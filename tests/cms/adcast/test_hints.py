"""AdCast's push at the embedded server and at one that misbehaves: what is hinted at is asked for at once, and never too often."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from player import cms
from player.cms.adcast.hints import Hints, address
from player.cms.adcast.keys import Keys
from player.cms.push import Rationed, Talk, Trouble, keep_line
from player.config import CmsConfig
from player.core.content import Programme
from player.core.ports.box import Absent
from player.core.ports.server import (
    AlertsListed,
    CommandsCame,
    Connection,
    ContentChanged,
    Device,
    Paired,
    Reached,
    Telemetry,
    Unpaired,
)
from player.demo.adcast.client import Operator
from player.demo.adcast.server import DemoServer
from player.runtime.clock import SystemClock
from tests.fakes.inbox import FakeInbox
from tests.fakes.running import eventually, running
from tests.fakes.uploads import put_there
from tests.fakes.way_out import STRAIGHT

WITHIN_S, HOUR_S = 20.0, 3600.0
CLOCK = SystemClock()


def device() -> Device:
    async def telemetry() -> Telemetry:
        return Telemetry(None, None, 100, 40, 60, True, None, 5, None)

    return Device(
        uuid="2b1d0b4e-9999-4aaa-8bbb-ccccddddeeee", key="k", model="Box", os_version="12", version="1.0", paired=None,
        telemetry=telemetry, faults=tuple, results=tuple, heartbeat_interval=lambda: HOUR_S, upload=put_there,
    )  # fmt: skip


@dataclass
class Site:
    """A paired device that would not call for an hour, with its line open."""

    server: DemoServer
    operator: Operator
    connection: Connection
    inbox: FakeInbox
    number: int

    async def programme(self) -> Programme:
        assert not isinstance(self.connection.content, Absent)
        return await self.connection.content.programme()


@contextlib.asynccontextmanager
async def site(folder: Path) -> AsyncIterator[Site]:
    inbox = FakeInbox()
    async with DemoServer(folder) as server, Operator(server.url) as operator:
        await operator.register("Ada", "ada@example.com", "correct horse", "Ada's")
        config = CmsConfig(url=server.url, poll_interval=0.2, heartbeat_interval=0.2)
        async with cms.connect(config, Keys(), device(), CLOCK, STRAIGHT) as connection:
            assert not isinstance(connection.rhythm, Absent)
            async with running(connection.rhythm.run(inbox)):
                code = (await eventually(lambda: inbox.of(Unpaired), WITHIN_S))[0].code
                number = int((await operator.pair(code, "Lobby"))["id"])
                await eventually(lambda: number in server.push.listening, WITHIN_S)
                await eventually(lambda: inbox.of(ContentChanged) and inbox.of(Reached)[2:], WITHIN_S)  # what was missed
                yield Site(server, operator, connection, inbox, number)


async def test_what_an_operator_does_is_heard_at_once(tmp_path: Path):
    async with site(tmp_path / "server") as at:
        given = await at.operator.command(at.number, "next")
        await eventually(lambda: at.inbox.of(CommandsCame), WITHIN_S)
        assert [one.id for one in at.inbox.of(CommandsCame)[-1].commands] == [str(given["id"])]
        await at.operator.alert("Fire", "Leave the house")
        await eventually(lambda: any(event.alerts for event in at.inbox.of(AlertsListed)), WITHIN_S)
        changes = len(at.inbox.of(ContentChanged))
        await at.operator.playlist("Day", [(await at.operator.link("https://example.com/"))["id"]], is_default=True)
        await eventually(lambda: len(at.inbox.of(ContentChanged)) > changes, WITHIN_S)
        assert [item.name for item in (await at.programme()).items] == ["https://example.com/"]
        await at.operator.delete_device(at.number)
        await eventually(lambda: len(at.inbox.of(Unpaired)) > 1, WITHIN_S)


async def test_a_line_that_broke_is_opened_again_and_what_was_missed_is_asked_for(tmp_path: Path):
    async with site(tmp_path / "server") as at:
        await at.server.__aexit__(None, None, None)
        await at.server.__aenter__()
        before = len(at.inbox.of(ContentChanged)), len(at.inbox.of(Reached))
        await eventually(lambda: at.number in at.server.push.listening, WITHIN_S)
        await eventually(lambda: (len(at.inbox.of(ContentChanged)), len(at.inbox.of(Reached))) > before, WITHIN_S)
        assert [event.faults for event in at.inbox.of(Reached) if event.faults] == []
        assert len(at.inbox.of(Paired)) == 1, "nobody introduces himself again for a line's sake"


# --- a push that misbehaves

Misbehave = Callable[[ServerConnection], Awaitable[None]]


@dataclass
class Listener:
    """Hints from a server that does what it wants; `beats` are the heartbeats that they were worth."""

    hints: Hints
    inbox: FakeInbox
    beats: int = 0

    async def count(self) -> None:
        while True:
            await self.hints.heartbeat_within(HOUR_S)
            self.beats += 1

    @property
    def said(self) -> str:
        return " ".join(fault.message for fault in self.hints.faults)


@contextlib.asynccontextmanager
async def hinted(talk: Misbehave, *, ping_s: float = 20.0) -> AsyncIterator[Listener]:
    async def whole(socket: ServerConnection) -> None:
        with contextlib.suppress(ConnectionClosed):
            assert json.loads(await socket.recv()) == {"uuid": "u"}
            await talk(socket)

    async with serve(whole, "127.0.0.1", 0, compression=None, close_timeout=0.2) as server:
        url = f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}"

        async def keep(talk: Talk, trouble: Trouble) -> None:
            await keep_line(url, STRAIGHT, CLOCK, talk, ping_s=ping_s, trouble=trouble, first_s=0.05)

        made = Listener(Hints("u", CLOCK, keep), FakeInbox())
        async with running(made.hints.run(made.inbox), made.count()):
            yield made


async def test_garbage_is_a_fault_and_worth_a_look_and_other_words_are_not():
    async def talk(socket: ServerConnection) -> None:
        await heard.wait()
        for raw in ('{"changed": ["weather"]}', '{"changed": 5}', '{"changed": null}', "{}"):
            await socket.send(raw)
        await quiet.wait()
        for raw in ("x", "[1]", b"\x00\xff", '{"a": "' + "x" * 11_000 + '"}'):
            await socket.send(raw)
        await socket.wait_closed()

    heard, quiet = asyncio.Event(), asyncio.Event()
    async with hinted(talk) as listener:
        await eventually(lambda: listener.beats and listener.inbox.of(ContentChanged), WITHIN_S)
        beats = listener.beats
        heard.set()
        await asyncio.sleep(0.2)
        assert (listener.beats, listener.said) == (beats, "")
        quiet.set()
        await eventually(lambda: listener.beats > beats, WITHIN_S)
        await eventually(lambda: "11009 characters" in listener.said, WITHIN_S)


async def test_a_flood_of_hints_is_worth_few_calls_and_ends_the_line():
    async def talk(socket: ServerConnection) -> None:
        lines.append(1)
        if len(lines) == 1:
            for _ in range(3000):
                await socket.send('{"changed": ["commands", "playlist", "alerts"]}')
        await socket.wait_closed()

    lines = list[int]()
    async with hinted(talk) as listener:
        await eventually(lambda: "messages a second" in listener.said, WITHIN_S)
        assert listener.beats <= Rationed.AT_ONCE + 2
        assert len(listener.inbox.of(ContentChanged)) <= Rationed.AT_ONCE + 2
        await eventually(lambda: len(lines) == 2, WITHIN_S)


async def test_hints_that_come_again_and_again_are_worth_one_call_a_second():
    async def talk(socket: ServerConnection) -> None:
        for _ in range(150):
            await socket.send('{"changed": ["commands"]}')
            await asyncio.sleep(0)
        sent.set()
        await socket.wait_closed()

    sent = asyncio.Event()
    async with hinted(talk) as listener:
        await sent.wait()
        await asyncio.sleep(0.3)
        assert 1 <= listener.beats <= Rationed.AT_ONCE + 1
        assert listener.hints.faults == ()


async def test_a_line_that_never_answers_a_ping_is_opened_again():
    async def talk(socket: ServerConnection) -> None:
        lines.append(1)
        socket.pong = never  # type: ignore[method-assign]
        socket.transport.pause_reading()
        await ended.wait()

    async def never(_: Any = b"") -> None:
        return

    lines, ended = list[int](), asyncio.Event()
    async with hinted(talk, ping_s=0.1) as listener:
        await eventually(lambda: len(lines) >= 2, WITHIN_S)
        await eventually(lambda: "ended with" in listener.said, WITHIN_S)
        ended.set()


@pytest.mark.parametrize(("code", "told"), [(1000, False), (1001, False), (4404, True), (1011, True)])
async def test_how_a_line_ended_is_told_unless_the_server_just_went(code: int, *, told: bool):
    async def talk(socket: ServerConnection) -> None:
        lines.append(1)
        await socket.close(code, "so it is")

    lines = list[int]()
    async with hinted(talk) as listener:
        await eventually(lambda: len(lines) >= 2, WITHIN_S)
        assert (f"ended with {code} so it is" in listener.said) is told


def test_the_line_goes_to_the_server_itself():
    assert address("https://cms.example.com/base/") == "wss://cms.example.com/base/api/device/ws"
    assert address("http://10.0.0.5:8080") == "ws://10.0.0.5:8080/api/device/ws"
