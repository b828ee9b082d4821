"""The stage's socket with listeners of every sort, spoken to over the real socket."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from player.agent.stage_client import StageClient
from player.core.cover import StageState
from player.core.ports.stage import AnyAnswer, AnyRequest, LogLines, NextItem, PinEntered, ReadLog, ShowIdentity, StageStatus
from player.errors import BoxError
from player.stage.agent_socket import AgentSocket
from tests.fakes.faults import fault_page
from tests.fakes.running import eventually, running

PLAYING = StageStatus(state=StageState.PLAYING)
IDLE = StageStatus(state=StageState.IDLE)


async def handle(request: AnyRequest) -> AnyAnswer:
    """A stage that has a log, shows its identity slowly and has nothing on air."""
    match request:
        case ReadLog():
            return LogLines(("one", "two"))
        case ShowIdentity(seconds):
            await asyncio.sleep(seconds)
            return None
    raise BoxError("stage", "nothing is on air")


@pytest.fixture
def path(runtime_dir: Path) -> Path:
    return runtime_dir / "stage.sock"


@pytest.fixture
async def server(path: Path) -> AsyncIterator[AgentSocket]:
    made = AgentSocket(path, handle, waiting_limit=200_000)
    async with running(made.run()):
        await eventually(path.is_socket)
        yield made


@contextlib.asynccontextmanager
async def listener(path: Path) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    reader, writer = await asyncio.open_unix_connection(path)
    try:
        yield reader, writer
    finally:
        writer.close()


async def heard(reader: asyncio.StreamReader) -> dict[str, Any]:
    async with asyncio.timeout(20):
        line = await reader.readline()
    return json.loads(line)


async def left(reader: asyncio.StreamReader) -> bool:
    async with asyncio.timeout(20):
        with contextlib.suppress(ConnectionError):
            await reader.read()
    return True


async def test_everyone_hears_what_was_said_last_and_every_change(server: AgentSocket, path: Path):
    server.tell(IDLE)
    async with listener(path) as (one, _), listener(path) as (other, _):
        assert (await heard(one))["body"]["state"] == "idle"
        assert (await heard(other))["body"]["state"] == "idle"
        server.tell(PLAYING)
        server.tell(PLAYING)
        server.tell(PinEntered("1234"))
        server.tell(PinEntered("1234"))
        for reader in (one, other):
            said = [await heard(reader) for _ in range(3)]
            assert [line["kind"] for line in said] == ["StageStatus", "PinEntered", "PinEntered"], "a status only when it changed"


async def test_requests_are_answered_by_number_and_a_slow_one_holds_up_no_other(server: AgentSocket, path: Path):
    async with listener(path) as (reader, writer):
        for number, op, args in ((1, "identify", {"seconds": 0.2}), (2, "log", {})):
            writer.write(json.dumps({"kind": "Request", "body": {"id": number, "op": op, "args": args}}).encode() + b"\n")
        assert (await heard(reader))["body"] == {"id": 2, "result": {"lines": ["one", "two"]}, "error": None}
        assert (await heard(reader))["body"]["id"] == 1


async def test_what_is_asked_is_answered_by_what_the_request_promises_or_by_the_reason(server: AgentSocket, path: Path):
    client = StageClient(path, _no_pin, fault_page())
    async with running(client.run()):
        await eventually(lambda: "connected" in repr(client))
        assert await client.ask(ReadLog()) == LogLines(("one", "two"))
        await client.ask(ShowIdentity(0.0))
        with pytest.raises(BoxError, match="nothing is on air"):
            await client.ask(NextItem())


@pytest.mark.parametrize(
    ("asked", "reason"),
    [
        ({"op": "dance"}, "does not know the request 'dance'"),
        ({"op": "identify"}, "the request identify was not understood"),
        ({"op": "identify", "args": {"seconds": "many"}}, "the request identify was not understood"),
        ({"op": "identify", "args": {"seconds": None}}, "the request identify was not understood"),
        ({"op": "identify", "args": []}, "the request identify was not understood"),
    ],
)
async def test_k4_an_unknown_or_malformed_request_is_answered_with_a_sentence(
    server: AgentSocket, path: Path, asked: dict[str, Any], reason: str
):
    async with listener(path) as (reader, writer):
        writer.write(json.dumps({"kind": "Request", "body": {"id": 5, **asked}}).encode() + b"\n")
        answer = (await heard(reader))["body"]
        assert (answer["id"], reason in answer["error"]) == (5, True)
        writer.write(b'{"kind":"Request","body":{"id":6,"op":"log"}}\n')
        assert (await heard(reader))["body"]["result"] == {"lines": ["one", "two"]}, "the socket holds"


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        (b'{"kind":"Answer","body":{"id":1,"result":{"lines":"none"}}}\n', "cannot be read"),
        (b'{"kind":"Answer","body":{"id":1}}\n', "cannot be read"),
        (b'{"kind":"StageStatus","body":{"state":"dreaming"}}\n{"kind":"Answer","body":{"id":1,"error":"no"}}\n', "no"),
        (b'{"kind":"Song","body":5}\n{"kind":"Answer","body":{"id":1,"error":"it does not know that"}}\n', "does not know that"),
    ],
)
async def test_a_stage_of_another_version_is_heard_as_far_as_it_is_understood(path: Path, said: bytes, reason: str):
    async def older(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b'{"kind":"StageStatus","body":{"state":"playing","mood":"good"}}\n')
        await reader.readline()
        writer.write(said)
        await reader.read()
        writer.close()

    client = StageClient(path, _no_pin, fault_page())
    async with await asyncio.start_unix_server(older, path), running(client.run()):
        await eventually(lambda: client.status)
        with pytest.raises(BoxError, match=reason):
            await client.ask(ReadLog())
        assert client.status == PLAYING, "still connected"


@pytest.mark.parametrize(
    "garbage",
    [b"\n", b"hello\n", b"{}\n", b"[1]\n", b'{"kind":"Request"}\n', b"\0" * 1000 + b"\n",
     b'{"kind":"Request","body":{"id":"one","op":5}}\n', b"x" * 3_000_000],
)  # fmt: skip
async def test_n17_who_sends_garbage_is_left_and_others_hear_on(server: AgentSocket, path: Path, garbage: bytes):
    async with listener(path) as (good, _), listener(path) as (bad, writer):
        writer.write(garbage)
        assert await left(bad)
        server.tell(PLAYING)
        assert (await heard(good))["body"]["state"] == "playing"


async def test_a_listener_may_send_other_messages_than_requests_to_no_effect(server: AgentSocket, path: Path):
    async with listener(path) as (reader, writer):
        writer.write(b'{"kind":"PinEntered","body":{"pin":"1"}}\n{"kind":"Song","body":{}}\n')
        writer.write(b'{"kind":"Request","body":{"id":7,"op":"log"}}\n')
        assert (await heard(reader))["body"]["id"] == 7


async def test_a_listener_that_does_not_read_is_cut_off_and_the_stage_goes_on(server: AgentSocket, path: Path):
    async with listener(path) as (good, _), listener(path) as (slow, _):
        for number in range(2000):
            server.tell(StageStatus(state=StageState.PLAYING, playlist=f"{number} " + "x" * 1000))
            if number % 20 == 0:
                await asyncio.sleep(0)
            assert (await heard(good))["kind"] == "StageStatus"
        assert await left(slow)
        server.tell(IDLE)
        assert (await heard(good))["body"]["state"] == "idle"


async def test_p1_a_question_to_a_stage_that_dies_ends_at_once_and_the_next_stage_is_found(path: Path):
    client = StageClient(path, _no_pin, fault_page())
    async with running(client.run()), asyncio.TaskGroup() as group:
        async with running(AgentSocket(path, handle).run()):
            await eventually(lambda: "connected" in repr(client))
            asked = group.create_task(_refusal(client.ask(ShowIdentity(30.0))), name="question")
            await asyncio.sleep(0.05)
        async with asyncio.timeout(20):
            assert "went away" in await asked
        with pytest.raises(BoxError, match="not running"):
            await client.ask(ReadLog())
        again = AgentSocket(path, handle)
        again.tell(PLAYING)
        async with running(again.run()):
            await eventually(lambda: client.status)
            assert client.status == PLAYING
            assert await client.ask(ReadLog()) == LogLines(("one", "two"))


async def test_the_end_of_the_stage_does_not_wait_for_those_who_listen(path: Path):
    async with asyncio.TaskGroup() as group:
        server = AgentSocket(path, handle)
        task = group.create_task(server.run(), name="server")
        await eventually(path.is_socket)
        async with listener(path) as (reader, _):
            server.tell(IDLE)
            await asyncio.sleep(0.02)
            task.cancel()
            async with asyncio.timeout(20):
                await asyncio.wait([task])
                assert await left(reader)


async def test_a_socket_that_a_dead_stage_left_is_replaced(path: Path):
    (await asyncio.start_unix_server(lambda *_: None, path)).close()
    async with running(AgentSocket(path, handle).run()):
        await eventually(lambda: path.stat().st_mode & 0o777 == 0o660)
        async with listener(path):
            pass


async def _no_pin(pin: str) -> None:
    raise AssertionError(pin)


async def _refusal(question: Any) -> str:
    with pytest.raises(BoxError) as caught:
        await question
    return str(caught.value)
