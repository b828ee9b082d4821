"""A line that is pushed by: opened again and again, bounded in what it may bring, its end told by its meaning."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.frames import Frame, Opcode
from websockets.http11 import Request
from websockets.server import ServerProtocol

from player.cms.push import AT_ONCE, FRAMES_AT_ONCE, READ_BYTES, Again, PushLine, Unread, keep_line, open_line
from player.errors import NotOffered, ServerBusy, ServerDenied, ServerError, ServerNonsense, ServerUnreachable
from player.runtime.clock import SystemClock
from tests.fakes.neighbour import neighbour
from tests.fakes.running import eventually, running
from tests.fakes.server import raw_server
from tests.fakes.way_out import STRAIGHT

CLOCK = SystemClock()
Serve = Callable[[ServerConnection], Awaitable[None]]


@contextlib.asynccontextmanager
async def pushing(talk: Serve) -> AsyncIterator[str]:
    async with serve(talk, "127.0.0.1", 0, compression=None) as server:
        yield f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/"


@contextlib.asynccontextmanager
async def line_to(talk: Serve, ping_s: float | None = None) -> AsyncIterator[PushLine]:
    async with pushing(talk) as url, open_line(url, STRAIGHT, CLOCK, ping_s=ping_s) as line:
        yield line


async def test_messages_come_and_go_as_objects():
    async def talk(socket: ServerConnection) -> None:
        async for text in socket:
            assert isinstance(text, str)
            await socket.send(text)

    async with line_to(talk) as line:
        await line.send({"event": "é"})
        assert await line.hear() == {"event": "é"}
        await line.close()
        assert await line.hear() is None
        await line.send({"nobody": "hears"})


@pytest.mark.parametrize(
    "frame",
    [Frame(Opcode.PING, b"p" * 125), Frame(Opcode.PONG, b""), Frame(Opcode.CONT, b"", fin=False)],
    ids=["pings", "pongs", "a message without an end"],
)
async def test_whoever_sends_frames_without_an_end_is_hung_up_on(frame: Frame):
    async def talk(socket: ServerConnection) -> None:
        socket.transport.write(Frame(Opcode.TEXT, b"{", fin=frame.opcode is not Opcode.CONT).serialize(mask=False))
        while not socket.transport.is_closing():
            socket.transport.write(frame.serialize(mask=False) * 500)
            await asyncio.sleep(0)

    async with line_to(talk) as line, asyncio.timeout(20):
        while await line.hear() is not None:
            pass


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_line_that_is_led_elsewhere_is_not_followed(status: int):
    async with neighbour() as other:

        async def leads_on(_: Any, writer: asyncio.StreamWriter) -> None:
            head = f"HTTP/1.1 {status} Elsewhere\r\nLocation: ws://127.0.0.1:{other.port}/\r\nContent-Length: 0\r\n\r\n"
            writer.write(head.encode())

        async with raw_server(leads_on) as url:
            with pytest.raises(NotOffered, match=str(status)):
                async with open_line(url.replace("http", "ws"), STRAIGHT, CLOCK, ping_s=None):
                    pass
        assert other.reached == []


async def test_some_pings_between_messages_end_nothing():
    async def talk(socket: ServerConnection) -> None:
        for number in range(5):
            socket.transport.write(Frame(Opcode.PING, b"p").serialize(mask=False) * (FRAMES_AT_ONCE // 8))
            await socket.send(f'{{"number": {number}}}')
        await socket.wait_closed()

    async with line_to(talk) as line:
        assert [await line.hear() for _ in range(5)] == [{"number": number} for number in range(5)]


async def test_what_cannot_be_read_is_told_and_the_line_goes_on():
    async def talk(socket: ServerConnection) -> None:
        for raw in ("x", "[1]", b"\xff", "[" * 9000, '{"a": "' + "x" * READ_BYTES + '"}', '{"a": 1}'):
            await socket.send(raw)
        await socket.close(4001, "gone")

    async with line_to(talk) as line:
        heard = [await line.hear() for _ in range(7)]
        assert [isinstance(one, Unread) for one in heard] == [True] * 5 + [False] * 2
        assert [one.too_long for one in heard if isinstance(one, Unread)] == [False, False, False, False, True]
        assert heard[5:] == [{"a": 1}, None]
        assert line.ended == (4001, "gone")


async def test_a_message_beyond_every_limit_ends_the_line():
    async def talk(socket: ServerConnection) -> None:
        await socket.send("x" * 70_000)
        await socket.wait_closed()

    async with line_to(talk) as line:
        assert await line.hear() is None


async def test_a_flood_ends_the_line():
    async def talk(socket: ServerConnection) -> None:
        with contextlib.suppress(ConnectionClosed):
            for _ in range(10 * AT_ONCE):
                await socket.send("{}")
            await socket.wait_closed()

    async def drink(line: PushLine) -> None:
        while await line.hear() is not None:
            heard.append(1)

    heard = list[int]()
    async with line_to(talk) as line:
        with pytest.raises(ServerNonsense, match="messages a second"):
            await drink(line)
    assert AT_ONCE <= len(heard) < 9 * AT_ONCE


@pytest.mark.parametrize(
    ("status", "means"), [(404, NotOffered), (501, NotOffered), (401, ServerDenied), (403, ServerDenied), (503, ServerBusy)]
)
async def test_a_refusal_leaves_by_its_meaning(status: int, means: type[ServerError]):
    async def answer(_: Any, writer: asyncio.StreamWriter) -> None:
        writer.write(f"HTTP/1.1 {status} No\r\nContent-Length: 0\r\n\r\n".encode())
        await writer.drain()

    async with raw_server(answer) as url:
        with pytest.raises(means):
            async with open_line(url.replace("http", "ws"), STRAIGHT, CLOCK, ping_s=None):
                pass


async def test_what_is_no_websocket_is_nonsense_and_nobody_is_unreachable():
    async def answer(_: Any, writer: asyncio.StreamWriter) -> None:
        writer.write(b"hello\r\n\r\n")
        await writer.drain()

    async with raw_server(answer) as url:
        with pytest.raises(ServerNonsense):
            async with open_line(url.replace("http", "ws"), STRAIGHT, CLOCK, ping_s=None):
                pass
    with pytest.raises(ServerUnreachable):
        async with open_line(url.replace("http", "ws"), STRAIGHT, CLOCK, ping_s=None):
            pass


async def test_a_line_whose_other_side_does_not_answer_the_ping_ends():
    async def deaf(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        protocol = ServerProtocol()
        while heard := await reader.read(4096):
            protocol.receive_data(heard)
            for event in protocol.events_received():
                if isinstance(event, Request):
                    protocol.send_response(protocol.accept(event))
                    writer.writelines(protocol.data_to_send())
        writer.close()

    server = await asyncio.start_server(deaf, "127.0.0.1", 0)
    async with server:
        url = f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
        async with open_line(url, STRAIGHT, CLOCK, ping_s=0.05) as line:
            async with asyncio.timeout(20):
                assert await line.hear() is None


async def test_a_line_is_opened_again_and_a_verdict_decides_when():
    opened = list[str]()

    async def talk(_: ServerConnection) -> None:
        return

    async def hear(line: PushLine) -> Again:
        opened.append(repr(line))
        assert await line.hear() is None
        return Again.TOMORROW if len(opened) == 3 else Again.AT_ONCE if len(opened) == 1 else Again.AFTER_A_PAUSE

    async with pushing(talk) as url:
        keeping = keep_line(url, STRAIGHT, CLOCK, hear, ping_s=None, trouble=lambda _: None, first_s=0.01)
        async with running(keeping):
            await eventually(lambda: len(opened) == 3, 20)
            await asyncio.sleep(0.1)
    assert len(opened) == 3


async def test_who_is_away_is_told_and_tried_again():
    troubles = list[ServerError]()

    async def hear(_: PushLine) -> Again:
        raise AssertionError("nobody is there")

    async with pushing(lambda _: asyncio.sleep(0)) as url:
        pass
    keeping = keep_line(url, STRAIGHT, CLOCK, hear, ping_s=None, trouble=troubles.append, first_s=0.01)
    async with running(keeping):
        await eventually(lambda: len(troubles) >= 2, 20)
    assert {type(one) for one in troubles} == {ServerUnreachable}


async def test_where_nothing_is_pushed_it_is_tried_once_and_hours_later():
    asked, troubles = list[int](), list[ServerError]()

    async def answer(_: Any, writer: asyncio.StreamWriter) -> None:
        asked.append(1)
        writer.write(b"HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n")
        await writer.drain()

    async def hear(_: PushLine) -> Again:
        raise AssertionError("nobody is there")

    async with raw_server(answer) as url:
        keeping = keep_line(url.replace("http", "ws"), STRAIGHT, CLOCK, hear, ping_s=None, trouble=troubles.append, first_s=0.01)
        async with running(keeping):
            await eventually(lambda: troubles, 20)
            await asyncio.sleep(0.1)
    assert (len(asked), [type(one) for one in troubles]) == (1, [NotOffered])
