"""Fault L1, by real HTTP against the assembled control server and the real lock: strangers do not lock the owner out."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest

from player.agent.control.access import TokenStore
from player.agent.control.http import ControlServer
from player.agent.control.wrong_passwords import FREE_TRIES, WrongPasswords
from player.agent.settings.brief_store import BriefStore
from player.agent.settings.screen_lock import ScreenLock
from player.core.guesses import SCREEN, SOCKET, STRANGERS_AT_ONCE
from player.errors import WrongPin
from tests.fakes.clock import FakeClock
from tests.fakes.faults import fault_page
from tests.fakes.local_controls import FakeActions, FakeSource
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


class Box:
    """A served box that may be started again in the same folder."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.clock, stage = folder, FakeClock(), FakeStage()
        settings = registry(folder, BriefStore(folder / "orders.json", stage), stage, self.clock)
        said = folder / "locked.json"
        self.lock = ScreenLock(folder / "lock.json", settings, stage, self.clock, fault_page(), said=said, log_n=4)
        self.server = ControlServer(
            FakeSource(),
            RealLock(self.lock),
            socket_path=folder / "control.sock",
            tokens=TokenStore(folder / "tokens.json"),
            wrong_passwords=WrongPasswords(folder / "wrong_passwords.json", self.clock.monotonic),
            listen="127.0.0.1:0",
            password=PASSWORD,
        )

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
