"""Fault L1, by real HTTP against the assembled control server and the real lock: strangers do not lock the owner out."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import aiohttp
import pytest

from player.agent.control.callers import SOON_S
from player.agent.control.local_page import REASONS
from player.agent.control.wrong_passwords import FREE_TRIES, WrongPasswords
from player.agent.reports.status import Status
from player.agent.settings.brief_store import BriefStore
from player.agent.settings.screen_lock import ScreenLock
from player.core.guesses import SCREEN, SOCKET, STRANGERS_AT_ONCE
from player.errors import WrongPin
from tests.fakes.clock import FakeClock
from tests.fakes.control import control_server
from tests.fakes.faults import fault_page
from tests.fakes.local_controls import SUMMER, FakeActions, FakeSource
from tests.fakes.running import eventually
from tests.fakes.settings import registry
from tests.fakes.stage import FakeStage

PASSWORD, PIN = "correct horse", "4711"
NEXT = {"type": "next"}


class RealLock(FakeActions):
    """Actions whose PIN is that of a real lock."""

    def __init__(self, lock: ScreenLock) -> None:
        super().__init__()
        self.lock_of_the_box = lock

    async def check_pin(self, pin: str, source: str) -> bool:
        return await self.lock_of_the_box.check_pin(pin, source)

    async def unlock(self, pin: str, source: str) -> None:
        await self.lock_of_the_box.unlock(pin, source)


class Gated(FakeSource):
    """Tells the status only when `open` is set; `asked` counts who waits for it or had it, `most` how many waited together."""

    def __init__(self) -> None:
        super().__init__()
        self.open, self.asked, self.waiting, self.most = asyncio.Event(), 0, 0, 0
        self.open.set()

    async def status(self) -> Status:
        self.asked += 1
        self.waiting += 1
        self.most = max(self.most, self.waiting)
        await self.open.wait()
        await asyncio.sleep(0)
        self.waiting -= 1
        return await super().status()


class Box:
    """A served box that may be started again in the same folder."""

    def __init__(self, folder: Path, connections: int = 128, turn_within_s: float = 60.0) -> None:
        self.source = Gated()
        self.folder, self.clock, stage = folder, FakeClock(), FakeStage()
        settings = registry(folder, BriefStore(folder / "orders.json", stage), stage, self.clock)
        said = folder / "locked.json"
        self.lock = ScreenLock(folder / "lock.json", settings, stage, self.clock, fault_page(), said=said, log_n=4)
        self.server = control_server(
            folder, source=self.source, actions=RealLock(self.lock), password=PASSWORD, connections=connections,
            wrong_passwords=WrongPasswords(folder / "wrong_passwords.json", self.clock.monotonic), turn_within_s=turn_within_s,
        )  # fmt: skip

    async def get(self, address: str) -> int:
        """The status of asking for the status from `address`."""
        async with self.caller(address) as http, http.get("/api/status") as answer:
            return answer.status

    async def failing(self, address: str) -> int:
        """The same; 0 where the line is closed before the answer."""
        try:
            return await self.get(address)
        except aiohttp.ClientError:
            return 0

    async def hold(self, address: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """A connection from `address` that asks for nothing."""
        return await asyncio.open_connection("127.0.0.1", self.server.port, local_addr=(address, 0))

    @asynccontextmanager
    async def caller(self, address: str) -> AsyncIterator[aiohttp.ClientSession]:
        """A client at `address` (127.x.y.z)."""
        connector = aiohttp.TCPConnector(local_addr=(address, 0))
        async with aiohttp.ClientSession(f"http://127.0.0.1:{self.server.port}", connector=connector) as http:
            yield http

    async def post(self, address: str, **headers: str) -> int:
        """The status of a command from `address`."""
        async with self.caller(address) as http, http.post("/api/command", json=NEXT, headers=headers) as answer:
            return answer.status

    async def over_the_socket(self, pin: str) -> int:
        """The status of unlocking through the Unix socket."""
        connector = aiohttp.UnixConnector(str(self.folder / "control.sock"))
        async with (
            aiohttp.ClientSession("http://localhost", connector=connector) as http,
            http.post("/api/unlock", json={"pin": pin}) as answer,
        ):
            return answer.status


@pytest.fixture
async def box(tmp_path: Path) -> AsyncIterator[Box]:
    made = Box(tmp_path)
    await made.lock.lock(PIN, SCREEN)
    async with made.server.serving():
        yield made


def basic(password: str) -> dict[str, str]:
    return {"Authorization": aiohttp.encode_basic_auth("local", password)}


def pin(digits: str) -> dict[str, str]:
    return {"X-Signage-Pin": digits}


async def test_wrong_passwords_make_only_their_sender_wait(box: Box) -> None:
    for _ in range(FREE_TRIES + 1):
        assert await box.post("127.0.0.2", **basic("guess")) == 401
    assert await box.post("127.0.0.2", **basic(PASSWORD)) == 429
    assert await box.post("127.0.0.3", **basic(PASSWORD)) == 200
    box.clock.forward(1.0)
    assert await box.post("127.0.0.2", **basic(PASSWORD)) == 200


async def test_wrong_pins_make_only_their_sender_wait(box: Box) -> None:
    assert await box.post("127.0.0.2", **pin("0000")) == 403
    assert await box.post("127.0.0.2", **pin(PIN)) == 429
    assert await box.post("127.0.0.3", **pin(PIN)) == 200
    await box.lock.unlock(PIN, SCREEN)


async def test_many_addresses_share_an_allowance_that_closes_neither_box_nor_owner(box: Box) -> None:
    owner = "127.0.1.1"
    assert await box.post(owner, **pin(PIN), **basic("none")) == 200
    for number in range(STRANGERS_AT_ONCE):
        assert await box.post(f"127.0.2.{number + 1}", **pin("0000")) == 403
        assert await box.post(f"127.0.2.{number + 1}", **basic("guess")) == 401
    for right in (pin(PIN), basic(PASSWORD)):
        assert await box.post("127.0.3.1", **right) == 429
        assert await box.post(owner, **right) == 200
    assert await box.over_the_socket(PIN) == 200
    await box.lock.unlock(PIN, SCREEN)


async def test_the_screen_and_the_socket_wait_for_their_own_mistakes_alone(box: Box) -> None:
    with pytest.raises(WrongPin):
        await box.lock.unlock("0000", SCREEN)
    assert await box.over_the_socket(PIN) == 200
    assert await box.over_the_socket("0000") == 403
    box.clock.forward(1.0)
    await box.lock.unlock(PIN, SCREEN)
    with pytest.raises(WrongPin):
        await box.lock.unlock("0000", SOCKET)


async def test_a_restart_gives_no_free_guess_and_blames_the_same(box: Box) -> None:
    for _ in range(FREE_TRIES + 2):
        await box.post("127.0.0.2", **basic("guess"))
        box.clock.forward(1.0)
    await box.post("127.0.0.2", **pin("0000"))
    again = Box(box.folder)
    async with again.server.serving():
        assert await again.post("127.0.0.2", **basic(PASSWORD)) == 429
        assert await again.post("127.0.0.2", **pin(PIN)) == 429
        assert await again.post("127.0.0.3", **basic(PASSWORD)) == 200
        assert await again.post("127.0.0.3", **pin(PIN)) == 200


async def test_what_comes_through_a_proxy_on_the_box_is_not_the_boxs_mistake(box: Box) -> None:
    assert await box.post("127.0.0.1", **pin("0000"), **{"X-Forwarded-For": "192.0.2.7"}) == 403
    assert await box.post("127.0.0.1", **pin(PIN), **{"X-Forwarded-For": "192.0.2.8"}) == 429
    assert await box.post("127.0.0.1", **pin(PIN)) == 200


async def test_a_count_that_cannot_be_written_still_counts(box: Box, caplog: pytest.LogCaptureFixture) -> None:
    (box.folder / "wrong_passwords.json.tmp").mkdir()
    for _ in range(FREE_TRIES + 1):
        await box.post("127.0.0.2", **basic("guess"))
    assert await box.post("127.0.0.2", **basic(PASSWORD)) == 429
    assert "wrong passwords cannot be written" in caplog.text


async def test_l6_fifty_calls_at_once_all_succeed_eight_at_a_time(box: Box) -> None:
    box.source.open.clear()
    async with asyncio.TaskGroup() as group:
        calls = [group.create_task(box.get("127.0.0.2")) for _ in range(50)]
        await eventually(lambda: box.source.waiting == 8, within_s=20)
        assert await box.over_the_socket(PIN) == 200
        other = group.create_task(box.get("127.0.0.3"))
        await eventually(lambda: box.source.waiting == 9, within_s=20)
        box.source.open.set()
    assert [call.result() for call in (*calls, other)] == [200] * 51
    assert box.source.most == 9


async def test_l6_who_gets_no_turn_is_told_so(tmp_path: Path) -> None:
    box = Box(tmp_path, turn_within_s=0.2)
    async with box.server.serving(), asyncio.TaskGroup() as group:
        box.source.open.clear()
        calls = [group.create_task(box.get("127.0.0.2")) for _ in range(8)]
        await eventually(lambda: box.source.waiting == 8, within_s=20)
        assert await box.get("127.0.0.2") == 503
        box.source.open.set()
        await eventually(lambda: all(call.done() for call in calls), within_s=20)
        assert [call.result() for call in calls] == [200] * 8
        assert await box.get("127.0.0.2") == 200


async def test_l6_one_caller_with_very_many_connections_keeps_nobody_out(tmp_path: Path) -> None:
    box = Box(tmp_path, connections=10)
    await box.lock.lock(PIN, SCREEN)
    async with box.server.serving():
        held = [await box.hold("127.0.0.2") for _ in range(10)]
        try:
            assert await box.get("127.0.0.3") == 200
            with contextlib.suppress(ConnectionError):
                async with asyncio.timeout(20):
                    assert await held[0][0].read() == b""
            assert not any(reader.at_eof() for reader, _ in held[1:])
            assert await box.over_the_socket(PIN) == 200
        finally:
            for _, writer in held:
                writer.close()


async def test_l6_who_is_at_work_makes_way_for_nobody_but_who_has_fewer_connections(tmp_path: Path) -> None:
    box = Box(tmp_path, connections=3)
    await box.lock.lock(PIN, SCREEN)
    async with box.server.serving(), asyncio.TaskGroup() as group:
        box.source.open.clear()
        calls = []
        for count in range(1, 4):
            calls.append(group.create_task(box.failing("127.0.0.2")))
            await eventually(lambda asked=count: box.source.waiting == asked, within_s=20)
        assert await box.get("127.0.0.2") == 503
        assert await box.over_the_socket(PIN) == 200
        other = group.create_task(box.get("127.0.0.3"))
        await eventually(calls[0].done, within_s=20)
        box.source.open.set()
    assert other.result() == 200
    assert [call.result() == 200 for call in calls] == [False, True, True]  # a client may have asked once more, in vain


async def test_l6_strangers_that_ask_slowly_from_many_addresses_keep_nobody_out(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    box = Box(tmp_path, connections=12)
    slowly = b"POST /api/unlock HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: 99\r\n\r\n{"
    async with box.server.serving():
        held = [await box.hold(f"127.0.2.{number + 1}") for number in range(12)]
        try:
            for _, writer in held:
                writer.write(slowly)
            for number in range(5):
                assert await box.get(f"127.0.3.{number + 1}") == 200
            for reader, _ in held:
                with contextlib.suppress(ConnectionError):
                    async with asyncio.timeout(20):
                        await reader.read()
        finally:
            for _, writer in held:
                writer.close()
    assert caplog.records == []


@pytest.mark.parametrize("over", ["tcp", "unix"])
async def test_who_closes_his_half_of_the_line_first_is_answered(box: Box, over: str) -> None:
    at = asyncio.open_unix_connection(str(box.folder / "control.sock")) if over == "unix" else box.hold("127.0.0.1")
    reader, writer = await at
    box.source.open.clear()
    writer.write(b"GET /api/status HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
    writer.write_eof()
    await eventually(lambda: box.source.waiting, within_s=20)
    await asyncio.sleep(2 * SOON_S)
    box.source.open.set()
    async with asyncio.timeout(20):
        answer = await reader.read()
    writer.close()
    assert answer.startswith(b"HTTP/1.1 200 OK")
    assert answer.endswith(b"}")


HALF_A_BODY = b"POST /api/unlock HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 9\r\n\r\n{"


@pytest.mark.parametrize("said", [b"", b"GET /api/sta", HALF_A_BODY])
async def test_a_half_closed_line_on_which_nothing_whole_was_asked_is_hung_up_on(box: Box, said: bytes) -> None:
    reader, writer = await box.hold("127.0.0.2")
    writer.write(said)
    writer.write_eof()
    with contextlib.suppress(ConnectionError):
        async with asyncio.timeout(20):
            assert b" 200 " not in await reader.read()
    writer.close()


async def test_l6_who_is_refused_and_sends_no_body_is_hung_up_on_without_lingering(box: Box) -> None:
    reader, writer = await box.hold("127.0.0.2")
    writer.write(b"POST /api/command HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer x\r\nContent-Length: 60000\r\n\r\n")
    async with asyncio.timeout(8):  # a server that lingers waits ten for what never comes
        answer = await reader.read()
    writer.close()
    assert answer.startswith(b"HTTP/1.1 401")


@pytest.mark.parametrize("path", ["/api/lock", "/api/unlock", "/api/command", "/api/settings/volume"])
async def test_l6_who_hangs_up_in_the_middle_of_a_body_writes_nothing_into_the_log(
    box: Box, caplog: pytest.LogCaptureFixture, path: str
) -> None:
    head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: 99\r\n\r\n{{"
    for _ in range(3):
        _, writer = await box.hold("127.0.0.2")
        writer.write(head.encode())
        await writer.drain()
        writer.transport.abort()
    assert await box.get("127.0.0.1") == 200
    assert caplog.records == []


async def test_l6_who_expects_what_is_no_text_writes_nothing_into_the_log(box: Box, caplog: pytest.LogCaptureFixture) -> None:
    reader, writer = await box.hold("127.0.0.2")
    writer.write(b"GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\nExpect: \xff\r\n\r\n")
    async with asyncio.timeout(20):
        assert (await reader.read()).startswith(b"HTTP/1.1 ")
    writer.close()
    assert await box.get("127.0.0.1") == 200
    assert caplog.records == []


async def test_the_page_shows_some_of_ten_thousand_reasons_and_how_many_more_there_are(tmp_path: Path) -> None:
    box = Box(tmp_path)
    box.source.reasons = tuple(replace(SUMMER, item_id=str(number)) for number in range(10_000))
    async with box.server.serving(), box.caller("127.0.0.1") as http, http.get("/why") as answer:
        page = await answer.text()
    assert page.count("<li") == REASONS
    assert f"{10_000 - REASONS} more" in page
