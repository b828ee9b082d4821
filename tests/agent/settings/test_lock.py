"""The lock and the orders: kept over restarts, closed by the server when it says so anew, slow to those who guess."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from player.agent.settings.brief_store import BriefStore
from player.agent.settings.screen_lock import SAID_AT_ONCE, SAID_EVERY_S, ScreenLock
from player.core.brief import DeviceSettings
from player.core.content import Orientation
from player.core.guesses import SCREEN
from player.core.ports.stage import AnswerPin, Reread
from player.errors import BoxError, PinNotLookedAt, StorageError, WrongPin
from player.runtime.fault_page import FaultPage
from player.store import Snapshot
from tests.fakes.clock import FakeClock
from tests.fakes.faults import fault_page
from tests.fakes.running import eventually, running
from tests.fakes.settings import registry
from tests.fakes.stage import FakeStage


@pytest.fixture
def stage():
    return FakeStage()


@pytest.fixture
def clock():
    return FakeClock()


@pytest.fixture
def faults() -> FaultPage:
    return fault_page()


@pytest.fixture
def brief(tmp_path: Path, stage: FakeStage):
    return BriefStore(tmp_path / "orders.json", stage)


def open_lock(folder: Path, brief: BriefStore, stage: FakeStage, clock: FakeClock, faults: FaultPage) -> ScreenLock:
    settings = registry(folder, brief, stage, clock)
    return ScreenLock(folder / "lock.json", settings, stage, clock, faults, said=folder / "locked.json", log_n=4)


@pytest.fixture
def lock(tmp_path: Path, brief: BriefStore, stage: FakeStage, clock: FakeClock, faults: FaultPage):
    return open_lock(tmp_path, brief, stage, clock, faults)


# --- orders ------------------------------------------------------------------------------------------------------------------


async def test_k8_orders_are_on_disk_before_the_stage_is_told(tmp_path: Path, brief: BriefStore, stage: FakeStage):
    await brief.change_settings(screen_on=False, orientation=Orientation.PORTRAIT)
    assert stage.asked == [Reread()]
    assert Snapshot(tmp_path / "orders.json", DeviceSettings).read() == DeviceSettings(
        screen_on=False, orientation=Orientation.PORTRAIT
    )
    assert BriefStore(tmp_path / "orders.json", stage).current.settings.screen_on is False
    assert (tmp_path / "orders.json").stat().st_mode & 0o777 == 0o640


async def test_what_is_ordered_already_is_not_written_again(tmp_path: Path, brief: BriefStore, stage: FakeStage):
    await brief.change_settings(locked=True)
    written = (tmp_path / "orders.json").stat().st_mtime_ns
    await brief.change_settings(locked=True)
    assert (tmp_path / "orders.json").stat().st_mtime_ns == written
    assert stage.asked == [Reread()]


async def test_an_absent_stage_costs_nothing(brief: BriefStore, stage: FakeStage):
    stage.away = True
    await brief.change_settings(locked=True)
    assert brief.current.settings.locked is True


async def test_s3_an_order_that_cannot_be_written_is_not_in_force(tmp_path: Path, stage: FakeStage):
    book = BriefStore(tmp_path / "orders.json", stage)
    (tmp_path / "orders.json.tmp").mkdir()
    with pytest.raises(StorageError):
        await book.change_settings(locked=True)
    assert book.current.settings.locked is False
    assert stage.asked == []


# --- the lock ------------------------------------------------------------------------------------------------------------------


async def test_the_server_locks_and_the_pin_unlocks(lock: ScreenLock, brief: BriefStore):
    await lock.server_says(True, "1234")
    assert lock.locked
    assert brief.current.settings.locked
    with pytest.raises(WrongPin):
        await lock.unlock("9999", SCREEN)
    assert lock.locked


async def test_who_unlocked_with_the_pin_stays_in_until_the_server_locks_anew(lock: ScreenLock, clock: FakeClock):
    await lock.server_says(True, "1234")
    await lock.unlock("1234", SCREEN)
    for _ in range(3):
        await lock.server_says(True, "1234")
        assert not lock.locked
    await lock.server_says(False, "1234")
    await lock.server_says(True, "1234")
    assert lock.locked


async def test_a_lock_command_locks_whatever_the_server_said_before(lock: ScreenLock):
    await lock.server_says(True, "1234")
    await lock.unlock("1234", SCREEN)
    await lock.command(locked=True, pin="5678")
    assert lock.locked
    await lock.unlock("5678", SCREEN)
    assert not lock.locked


async def test_a_server_that_never_locked_opens_nothing(lock: ScreenLock):
    await lock.lock("1234", SCREEN)
    await lock.server_says(False, None)
    assert lock.locked
    await lock.server_says(True, None)
    await lock.server_says(False, None)
    assert not lock.locked


async def test_locking_at_the_box_takes_the_first_pin_and_then_needs_it(lock: ScreenLock):
    with pytest.raises(BoxError, match="no PIN was set"):
        await lock.unlock("1234", SCREEN)
    await lock.lock("1234", SCREEN)
    await lock.unlock("1234", SCREEN)
    with pytest.raises(WrongPin):
        await lock.lock("0000", SCREEN)
    assert not lock.locked


async def test_the_pin_is_kept_as_a_hash_that_only_we_read(tmp_path: Path, lock: ScreenLock):
    await lock.server_says(True, "482916")
    kept = tmp_path / "lock.json"
    assert b"482916" not in kept.read_bytes()
    assert kept.stat().st_mode & 0o777 == 0o600


async def test_the_same_pin_again_is_not_hashed_again(tmp_path: Path, lock: ScreenLock, brief: BriefStore, stage, clock, faults):
    await lock.server_says(True, "1234")
    kept = (tmp_path / "lock.json").read_bytes()
    await lock.server_says(True, "1234")
    await open_lock(tmp_path, brief, stage, clock, faults).server_says(True, "1234")
    assert (tmp_path / "lock.json").read_bytes() == kept


async def test_l5_wrong_pins_slow_down_and_the_right_one_is_not_looked_at_meanwhile(
    lock: ScreenLock, clock: FakeClock, faults: FaultPage
):
    await lock.server_says(True, "1234")
    for pause in (1, 2, 4, 8):
        with pytest.raises(WrongPin) as wrong:
            await lock.unlock("0000", SCREEN)
        assert wrong.value.wait_s == pause
        with pytest.raises(PinNotLookedAt, match=f"not looked at.*try again in {pause} s"):
            await lock.unlock("1234", SCREEN)
        clock.forward(pause)
    await lock.unlock("1234", SCREEN)
    assert faults.faults == ()


async def test_l5_a_restart_gives_no_free_guess(
    tmp_path: Path, lock: ScreenLock, brief: BriefStore, stage: FakeStage, clock: FakeClock, faults: FaultPage
):
    await lock.server_says(True, "1234")
    for _ in range(6):
        with pytest.raises(WrongPin):
            await lock.unlock("0000", SCREEN)
        clock.forward(300)
    after_a_restart = fault_page()
    again = open_lock(tmp_path, brief, stage, clock, after_a_restart)
    assert after_a_restart.faults == faults.faults
    assert [(fault.code, fault.count) for fault in faults.faults] == [("wrong_pin", 6)]
    with pytest.raises(WrongPin) as wrong:
        await again.unlock("1234", SCREEN)
    assert wrong.value.wait_s == 32
    clock.forward(32)
    await again.unlock("1234", SCREEN)
    assert after_a_restart.faults == ()


async def test_l5_guesses_at_the_same_time_count_one_by_one(lock: ScreenLock):
    await lock.server_says(True, "1234")
    answers = await asyncio.gather(*(lock.check_pin(f"{n:04}", SCREEN) for n in range(20)), return_exceptions=True)
    assert [a for a in answers if a is True] == []
    assert len([a for a in answers if isinstance(a, WrongPin)]) == 19


async def test_a_pin_entered_at_the_screen_is_answered_there(lock: ScreenLock, stage: FakeStage, clock: FakeClock):
    await lock.server_says(True, "1234")
    async with running(lock.run()):
        for pin, ok in (("0000", False), ("1234", True)):
            stage.asked.clear()
            await lock.entered(pin)
            await eventually(lambda: stage.was_asked(AnswerPin))
            assert [answer.ok for answer in stage.asked if isinstance(answer, AnswerPin)] == [ok]
            clock.forward(2)
    assert not lock.locked


async def test_l5_the_screen_is_told_that_a_pin_came_too_soon(lock: ScreenLock, stage: FakeStage):
    await lock.server_says(True, "1234")
    async with running(lock.run()):
        for pin, looked_at in (("0000", True), ("1234", False)):
            stage.asked.clear()
            await lock.entered(pin)
            await eventually(lambda: stage.was_asked(AnswerPin))
            assert [answer.looked_at for answer in stage.asked if isinstance(answer, AnswerPin)] == [looked_at]


async def test_s3_a_full_disk_does_not_forget_wrong_pins_while_we_run(tmp_path: Path, lock: ScreenLock, clock: FakeClock):
    await lock.server_says(True, "1234")
    (tmp_path / "lock.json.tmp").mkdir()
    with pytest.raises(WrongPin):
        await lock.unlock("0000", SCREEN)
    with pytest.raises(WrongPin):
        await lock.unlock("1234", SCREEN)
    clock.forward(1)
    await lock.unlock("1234", SCREEN)


async def test_a_server_that_locks_and_unlocks_without_an_end_is_heard_now_and_then(lock: ScreenLock, clock: FakeClock):
    changes = 0
    for number in range(50):
        before = lock.locked
        await lock.server_says(number % 2 == 0, str(1000 + number))
        changes += lock.locked is not before
    assert 0 < changes <= SAID_AT_ONCE
    clock.forward(SAID_EVERY_S)
    wanted = not lock.locked
    await lock.server_says(wanted, None)
    assert lock.locked is wanted
