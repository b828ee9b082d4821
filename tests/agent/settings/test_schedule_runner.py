"""The box's own times carried out: by the wall clock, over restarts, made up for where they passed unseen, and no restart late."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from player.agent.settings.brief_store import BriefStore
from player.agent.settings.registry import SettingsRegistry
from player.agent.settings.schedule_runner import ScheduleRunner
from player.core.device_schedule import (
    PLANNED_AT_MOST,
    BrightnessPoints,
    PlannedAction,
    PowerAction,
    Timer,
    TimerLevel,
)
from player.core.ports.stage import Reread
from player.core.schedule import EVERY_DAY
from player.core.settings import Asker
from player.errors import BoxError, SettingRefused, StorageError
from tests.fakes.clock import FakeClock
from tests.fakes.device import FakeAudio, FakePanel
from tests.fakes.running import eventually, running
from tests.fakes.settings import registry, telling
from tests.fakes.stage import FakeStage

NIGHT = datetime(2026, 3, 25, 2, 0, tzinfo=UTC)
LEVEL = TimerLevel.PROPRIETARY
UTC_ZONE = ZoneInfo("UTC")


class Box:
    """A box that can be switched off and on again; `deeds` is what was done."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.clock, self.panel, self.audio = folder, FakeClock(NIGHT), FakePanel(), FakeAudio()
        self.deeds, self.stage = list[str](), FakeStage()
        self.floor, self.zone = 0.0, UTC_ZONE

    async def start(self) -> ScheduleRunner:
        brief = BriefStore(self.folder / "orders.json", self.stage)
        self.settings: SettingsRegistry = registry(
            self.folder, brief, FakeStage(), self.clock, panel=self.panel, audio=self.audio
        )  # fmt: skip
        await self.settings.open()
        return ScheduleRunner(
            self.folder / "device_schedule.json", self.settings, self.clock, zone=lambda: self.zone, floor=lambda: self.floor,
            deeds={PowerAction.REBOOT: self.reboot, PowerAction.RESTART_APP: self.fail, PowerAction.APPLET_ON: self.stumble},
            look_s=0.01,
        )  # fmt: skip

    async def reboot(self) -> None:
        self.deeds.append("reboot")

    async def stumble(self) -> None:
        raise ZeroDivisionError

    async def fail(self) -> None:
        raise BoxError("restart", "the fake was told to break")

    def timer(self, on: int | None = 8, off: int | None = 20, **given: Any) -> Timer:
        made = {"level": LEVEL, "number": 1, "days": EVERY_DAY, "volume": None, **given}
        return Timer(on=on and time(on), off=off and time(off), since=self.clock.now().timestamp(), **made)

    def plan(self, action: PowerAction, hour: int, planned_id: str = "p1") -> PlannedAction:
        return PlannedAction(planned_id, action, EVERY_DAY, time(hour), self.clock.now().timestamp())

    def until(self, hour: int, minute: int = 0, days: int = 0) -> None:
        at = self.clock.now().replace(hour=hour, minute=minute, second=0) + timedelta(days=days)
        self.clock.forward((at - self.clock.now()).total_seconds())


@pytest.fixture
def box(tmp_path: Path) -> Box:
    return Box(tmp_path)


# --- timers


async def test_a_timer_switches_the_screen_and_turns_the_volume_and_says_that_it_was_it(box: Box):
    schedule = await box.start()
    schedule.set_timer(box.timer(volume=35))
    box.until(8)
    await schedule.look()
    assert (box.panel.power, box.audio.level) == (True, 35)
    box.audio.level = 60
    box.until(20)
    await schedule.look()
    assert (box.panel.power, box.audio.level) == (False, 60)
    box.until(8, days=1)
    await schedule.look()
    assert (box.panel.power, box.audio.level) == (True, 35)
    row = await box.settings.row("screen_on")
    assert (row.wanted, row.asked_by, row.asked_at) == (True, "timer 1", box.clock.now().timestamp())


async def test_setting_a_timer_darkens_nothing(box: Box):
    schedule = await box.start()
    schedule.set_timer(box.timer())
    await schedule.look()
    assert (box.panel.power, box.settings.asked_at("screen_on")) == (True, None)


async def test_a_screen_that_was_off_when_its_timer_fired_is_on_after_the_boot(box: Box):
    schedule = await box.start()
    schedule.set_timer(box.timer())
    box.until(20)
    await schedule.look()
    assert box.panel.power is False
    box.until(10, days=1)  # the box has no power at 8
    await (await box.start()).look()
    assert (box.panel.power, (await box.settings.row("screen_on")).asked_by) == (True, "timer 1")


async def test_who_asked_after_a_timer_is_not_overruled_by_it_before_its_next_moment(box: Box):
    schedule = await box.start()
    schedule.set_timer(box.timer())
    box.until(8, 1)
    await schedule.look()
    await box.settings.ask("screen_on", False, by=Asker.COMMAND, who="")
    box.until(15)
    for started in (schedule, await box.start()):
        await started.look()
        assert box.settings.wanted("screen_on") is False
    box.until(8, days=1)
    await (await box.start()).look()
    assert box.settings.wanted("screen_on") is True


async def test_a_timer_that_is_gone_leaves_no_screen_dark(box: Box):
    schedule = await box.start()
    schedule.set_timer(box.timer())
    schedule.set_timer(box.timer(9, 21, number=2))
    box.until(21)
    await schedule.look()
    await schedule.remove_timer(LEVEL, 1)
    assert box.panel.power is False, "the other switches it on in the morning"
    await schedule.remove_timer(LEVEL, 2)
    assert (box.panel.power, schedule.current.timers) == (True, ())


async def test_a_screen_that_somebody_switched_off_stays_off_when_a_timer_goes(box: Box):
    schedule = await box.start()
    schedule.set_timer(box.timer())
    await box.settings.ask("screen_on", False, by=Asker.COMMAND, who="")
    await schedule.remove_timer(LEVEL, 1)
    assert box.panel.power is False


async def test_another_zone_moves_the_wall_clock(box: Box):
    schedule = await box.start()
    schedule.set_timer(box.timer())
    box.until(14)
    box.zone = ZoneInfo("Asia/Tokyo")  # 23:00 there
    await schedule.look()
    assert box.panel.power is False


async def test_a_panel_that_is_away_is_told_by_the_registry_when_it_is_back(box: Box):
    schedule = await box.start()
    schedule.set_timer(box.timer())
    box.panel.broken = True
    box.until(20)
    await schedule.look()
    await schedule.set_brightness(BrightnessPoints(90, time(9), 40, time(19), box.clock.now().timestamp()))
    assert (box.settings.wanted("screen_on"), box.panel.power) == (False, True)
    assert (box.settings.wanted("brightness"), box.panel.level) == (40, 100)
    box.panel.broken = False
    async with running(*telling(box.settings)):
        box.clock.forward(400)
        await eventually(lambda: (box.panel.power, box.panel.level) == (False, 40), 20)


async def test_while_the_clock_is_known_to_be_behind_nothing_is_done(box: Box):
    schedule = await box.start()
    schedule.set_timer(box.timer())
    schedule.plan(box.plan(PowerAction.REBOOT, 20))
    box.until(20)
    box.floor = box.clock.now().timestamp() + 86400
    await schedule.look()
    assert (box.panel.power, box.deeds) == (True, [])
    box.floor = box.clock.now().timestamp() - 5
    await schedule.look()
    assert (box.panel.power, box.deeds) == (False, ["reboot"])


# --- brightness


async def test_the_days_two_brightnesses_hold_at_once_and_then_by_their_times(box: Box):
    schedule = await box.start()
    await schedule.set_brightness(BrightnessPoints(90, time(9), 40, time(20), box.clock.now().timestamp()))
    assert box.panel.level == 40
    box.until(9, 30)
    schedule = await box.start()
    await schedule.look()
    assert box.panel.level == 90
    await box.settings.ask("brightness", 10, by=Asker.BOX, who="the command line")
    await schedule.look()
    assert box.panel.level == 10
    await schedule.set_brightness(None)
    box.until(21)
    await schedule.look()
    assert box.panel.level == 10


# --- planned power actions


async def test_a_planned_restart_is_done_at_its_moment_once_and_over_the_restart(box: Box):
    schedule = await box.start()
    schedule.plan(box.plan(PowerAction.REBOOT, 3))
    box.until(2, 59)
    await schedule.look()
    assert box.deeds == []
    box.until(3)
    await schedule.look()
    box.clock.forward(30)  # the box is back within the minute
    await (await box.start()).look()
    assert box.deeds == ["reboot"]
    box.until(3, days=1)
    await (await box.start()).look()
    assert box.deeds == ["reboot"] * 2


async def test_a_restart_is_written_down_before_it_is_done(box: Box):
    schedule = await box.start()
    schedule.plan(box.plan(PowerAction.REBOOT, 3))
    box.until(3)
    (box.folder / "device_schedule.json.tmp").mkdir()
    with pytest.raises(StorageError):
        await schedule.look()
    assert box.deeds == []


async def test_an_old_restart_is_never_done_late(box: Box):
    (await box.start()).plan(box.plan(PowerAction.REBOOT, 3))
    box.until(3, 5)  # without power at 3
    await (await box.start()).look()
    assert box.deeds == []


async def test_two_plans_for_one_moment_are_one_restart(box: Box):
    schedule = await box.start()
    schedule.plan(box.plan(PowerAction.REBOOT, 3))
    schedule.plan(box.plan(PowerAction.REBOOT, 3, "p2"))
    box.until(3)
    await schedule.look()
    assert box.deeds == ["reboot"]


async def test_what_cannot_be_done_or_fails_is_said_and_holds_nothing_up(box: Box, caplog: pytest.LogCaptureFixture):
    schedule = await box.start()
    for number, action in enumerate((PowerAction.APPLET_OFF, PowerAction.RESTART_APP, PowerAction.APPLET_ON, PowerAction.REBOOT)):
        schedule.plan(box.plan(action, 3, str(number)))
    box.until(3)
    await schedule.look()
    assert box.deeds == ["reboot"]
    assert "applet_off was planned for this moment, and this box cannot do it" in caplog.text
    assert "restart_app, as planned, failed: restart: the fake was told to break" in caplog.text
    assert "(ZeroDivisionError)" in caplog.text


async def test_a_state_over_which_the_player_stumbles_holds_nothing_up(box: Box):
    schedule = await box.start()
    box.stage.mistakes[Reread] = ZeroDivisionError()
    schedule.set_timer(box.timer(volume=35))
    schedule.plan(box.plan(PowerAction.REBOOT, 8))
    box.until(8)
    await schedule.look()
    assert box.deeds == ["reboot"]


async def test_a_planned_screen_is_a_state(box: Box):
    schedule = await box.start()
    schedule.plan(box.plan(PowerAction.SCREEN_OFF, 22))
    box.until(5, days=1)
    await schedule.look()
    assert box.panel.power is False
    assert await schedule.cancel("p1")
    assert box.panel.power is True
    assert not await schedule.cancel("p1")


async def test_plans_are_bounded(box: Box):
    schedule = await box.start()
    for number in range(PLANNED_AT_MOST):
        schedule.plan(box.plan(PowerAction.REBOOT, 3, str(number)))
    with pytest.raises(SettingRefused, match="planned power actions: 64 power actions are planned already"):
        schedule.plan(box.plan(PowerAction.REBOOT, 3))
    assert len((await box.start()).current.planned) == PLANNED_AT_MOST


# --- kept


async def test_what_cannot_be_kept_is_not_in_force(box: Box):
    schedule = await box.start()
    (box.folder / "device_schedule.json.tmp").mkdir()
    with pytest.raises(StorageError):
        schedule.set_timer(box.timer())
    assert schedule.current.timers == ()


async def test_all_of_it_is_there_after_a_start(box: Box):
    schedule = await box.start()
    schedule.set_timer(box.timer(None, 20, days=frozenset({1, 7}), volume=35))
    schedule.plan(box.plan(PowerAction.APPLET_ON, 3))
    await schedule.set_brightness(BrightnessPoints(90, time(9, 30, 15), 40, time(20), 5.0))
    assert (await box.start()).current == schedule.current


async def test_a_damaged_file_costs_itself(box: Box):
    (box.folder / "device_schedule.json").write_text('{"format": 1, "body": {"timers": [{"number": 9}]}}')
    assert (await box.start()).current.timers == ()


async def test_it_runs_by_itself(box: Box):
    schedule = await box.start()
    async with running(schedule.run()):
        schedule.set_timer(box.timer())
        box.until(20)
        await eventually(lambda: box.panel.power is False)
