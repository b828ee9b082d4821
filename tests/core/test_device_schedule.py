"""Timers, planned power actions and brightnesses by wall time: what holds, what is due, what is too late, and the two nights."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from player.core.device_schedule import (
    LATE_S,
    PLANNED_AT_MOST,
    BrightnessPoints,
    Deed,
    DeviceSchedule,
    PlannedAction,
    PowerAction,
    TimedState,
    Timer,
    TimerLevel,
    due_deeds,
    holding,
    next_moment,
)
from player.core.schedule import EVERY_DAY

BERLIN = ZoneInfo("Europe/Berlin")
LONG_AGO = 0.0
FRIDAY = frozenset({5})


def local(text: str, *, fold: int = 0) -> datetime:
    """A moment on Berlin's clock, "2026-03-27 08:00"."""
    return datetime.fromisoformat(text).replace(tzinfo=BERLIN, fold=fold).astimezone(UTC)


def timer(on: str | None = "08:00", off: str | None = "20:00", **given: Any) -> Timer:
    made: dict[str, Any] = {
        "level": TimerLevel.PROPRIETARY,
        "number": 1,
        "days": EVERY_DAY,
        "volume": None,
        "since": LONG_AGO,
        **given,
    }
    return Timer(on=on and time.fromisoformat(on), off=off and time.fromisoformat(off), **made)  # type: ignore[arg-type]  # "" is not given


def planned(action: PowerAction, at: str, **given: Any) -> PlannedAction:
    made: dict[str, Any] = {"id": "p1", "days": EVERY_DAY, "since": LONG_AGO, **given}
    return PlannedAction(action=action, at=time.fromisoformat(at), **made)


def screen(schedule: DeviceSchedule, at: datetime) -> bool | None:
    """Whether it holds the screen on at that moment; None: it says nothing."""
    return next((bool(moment.value) for moment in holding(schedule, at, BERLIN) if moment.name == "screen_on"), None)


# --- timers


@pytest.mark.parametrize(
    ("at", "on", "began"),
    [
        ("2026-03-25 07:59", False, "2026-03-24 20:00"),
        ("2026-03-25 08:00", True, "2026-03-25 08:00"),
        ("2026-03-25 19:59", True, "2026-03-25 08:00"),
        ("2026-03-25 20:00", False, "2026-03-25 20:00"),
    ],
)
def test_a_timer_holds_from_its_moment_until_the_next(at: str, on: bool, began: str):
    schedule = DeviceSchedule((timer(),))
    assert holding(schedule, local(at), BERLIN) == (TimedState(local(began), "screen_on", on, "timer 1"),)


def test_days_are_those_on_which_a_timer_begins():
    schedule = DeviceSchedule((timer("18:00", "02:00", days=FRIDAY),))
    assert [screen(schedule, local(at)) for at in ("2026-03-27 17:59", "2026-03-27 18:00", "2026-03-28 01:59")] == [
        False, True, True,
    ]  # fmt: skip
    assert [screen(schedule, local(at)) for at in ("2026-03-28 02:00", "2026-04-03 17:59", "2026-04-03 18:00")] == [
        False, False, True,
    ]  # fmt: skip


def test_one_of_the_two_times_is_enough():
    assert screen(DeviceSchedule((timer(off=None),)), local("2026-03-25 03:00")) is True
    assert screen(DeviceSchedule((timer(on=None),)), local("2026-03-25 19:00")) is False


def test_a_timer_has_nothing_to_do_with_what_was_before_it_was_set():
    schedule = DeviceSchedule((timer(since=local("2026-03-25 21:00").timestamp()),))
    assert holding(schedule, local("2026-03-25 22:00"), BERLIN) == ()
    assert screen(schedule, local("2026-03-26 08:00")) is True


def test_the_screen_is_on_while_any_timer_holds_it():
    schedule = DeviceSchedule((timer("08:00", "12:00"), timer("10:00", "14:00", number=2), timer("14:00", "16:00", number=3)))
    at = [screen(schedule, local(f"2026-03-25 {hour}:30")) for hour in ("07", "08", "12", "13", "14", "16")]
    assert at == [False, True, True, True, True, False]
    assert screen(schedule, local("2026-03-25 14:00")) is True
    only_off = timer(None, "11:00", number=4)
    assert screen(schedule.with_timer(only_off), local("2026-03-25 11:30")) is False, "an off that stands alone is meant"


def test_a_timer_turns_the_volume_when_it_begins():
    schedule = DeviceSchedule((timer(volume=35),))
    found = {moment.name: (moment.value, moment.at) for moment in holding(schedule, local("2026-03-25 21:00"), BERLIN)}
    assert found == {"screen_on": (False, local("2026-03-25 20:00")), "volume": (35, local("2026-03-25 08:00"))}


def test_from_morning_to_the_same_morning_is_always():
    schedule = DeviceSchedule((timer("08:00", "08:00"),))
    assert all(screen(schedule, local("2026-03-25 00:00") + timedelta(hours=hour)) for hour in range(48))


# --- the two nights


def test_a_timer_in_the_hour_that_is_left_out_begins_at_the_change():
    schedule = DeviceSchedule((timer("02:30", "06:00"),))
    at = local("2026-03-29 03:00")
    assert screen(schedule, at - timedelta(seconds=1)) is False
    assert holding(schedule, at, BERLIN) == (TimedState(at, "screen_on", True, "timer 1"),)


def test_in_the_hour_that_comes_twice_a_timer_acts_the_first_time_alone():
    schedule = DeviceSchedule((timer("02:30", "06:00"),))
    first, second = local("2026-10-25 02:30"), local("2026-10-25 02:30", fold=1)
    assert second - first == timedelta(hours=1)
    assert next_moment(schedule, local("2026-10-25 01:00"), BERLIN) == first
    assert next_moment(schedule, first, BERLIN) == local("2026-10-25 06:00")


def test_a_restart_in_the_hour_that_comes_twice_is_done_once():
    schedule = DeviceSchedule(planned=(planned(PowerAction.REBOOT, "02:30"),))
    first = local("2026-10-25 02:30")
    (deed,) = due_deeds(schedule, first, BERLIN)
    assert due_deeds(schedule.with_done([deed]), first + timedelta(hours=1), BERLIN) == ()
    assert due_deeds(schedule, first + timedelta(hours=1), BERLIN) == ()


# --- who asked since


def test_what_was_asked_for_since_holds_until_the_next_moment():
    moment = TimedState(local("2026-03-25 08:00"), "screen_on", True, "timer 1")
    now = local("2026-03-25 15:00")
    assert moment.is_due(None, now)
    assert moment.is_due(local("2026-03-25 07:59").timestamp(), now)
    assert not moment.is_due(local("2026-03-25 08:00").timestamp(), now)
    assert not moment.is_due(local("2026-03-25 14:00").timestamp(), now)


def test_what_a_wrong_clock_dated_into_the_future_holds_nothing_up():
    moment = TimedState(local("2026-03-25 08:00"), "screen_on", True, "timer 1")
    assert moment.is_due(local("2031-01-01 00:00").timestamp(), local("2026-03-25 15:00"))


# --- brightness


def brightness(schedule: DeviceSchedule, at: str) -> tuple[int, datetime]:
    (moment,) = holding(schedule, local(at), BERLIN)
    return int(moment.value), moment.at


def test_of_two_brightnesses_from_one_time_on_the_second_holds_and_of_two_in_the_hour_left_out_the_later():
    since = local("2026-03-25 07:00")
    schedule = DeviceSchedule(brightness=BrightnessPoints(90, time(8), 40, time(8), since.timestamp()))
    assert [brightness(schedule, f"2026-03-25 {wall}")[0] for wall in ("07:30", "08:00", "23:00")] == [40, 40, 40]
    since = local("2026-03-28 20:00")  # the night on which clocks go from 2 to 3
    for points in ((90, time(2), 40, time(2, 30)), (40, time(2, 30), 90, time(2))):
        schedule = DeviceSchedule(brightness=BrightnessPoints(*points, since.timestamp()))
        assert brightness(schedule, "2026-03-29 03:00") == (40, local("2026-03-29 03:00"))


def test_two_brightnesses_a_day_are_in_force_at_once_and_from_their_times_on():
    since = local("2026-03-25 14:00")
    schedule = DeviceSchedule(brightness=BrightnessPoints(90, time(9), 40, time(20), since.timestamp()))
    assert brightness(schedule, "2026-03-25 14:00") == (90, since)
    assert brightness(schedule, "2026-03-25 20:00") == (40, local("2026-03-25 20:00"))
    assert brightness(schedule, "2026-03-26 08:59") == (40, local("2026-03-25 20:00"))
    assert brightness(schedule, "2026-03-26 09:00") == (90, local("2026-03-26 09:00"))


def test_points_that_were_set_weeks_ago_go_by_their_times():
    schedule = DeviceSchedule(brightness=BrightnessPoints(90, time(9), 40, time(20), LONG_AGO))
    assert brightness(schedule, "2026-03-25 14:00") == (90, local("2026-03-25 09:00"))


# --- planned power actions


def test_the_screen_by_plan_is_a_state_that_is_made_up_for():
    schedule = DeviceSchedule(
        planned=(planned(PowerAction.SCREEN_OFF, "22:00", days=FRIDAY), planned(PowerAction.SCREEN_ON, "06:00", id="p2"))
    )
    assert screen(schedule, local("2026-03-27 23:00")) is False
    assert screen(schedule, local("2026-03-28 11:00")) is True
    assert due_deeds(schedule, local("2026-03-27 22:00"), BERLIN) == ()


def test_of_two_at_one_moment_the_screen_is_on():
    plans = [planned(PowerAction.SCREEN_ON, "06:00"), planned(PowerAction.SCREEN_OFF, "06:00", id="p2")]
    for order in (plans, plans[::-1]):
        assert screen(DeviceSchedule(planned=tuple(order)), local("2026-03-25 07:00")) is True


@pytest.mark.parametrize(("late_s", "due"), [(-1, False), (0, True), (LATE_S, True), (LATE_S + 1, False), (3600, False)])
def test_an_old_restart_is_never_done_late(late_s: float, due: bool):
    schedule = DeviceSchedule(planned=(planned(PowerAction.REBOOT, "03:00"),))
    at = local("2026-03-25 03:00")
    found = due_deeds(schedule, at + timedelta(seconds=late_s), BERLIN)
    assert found == ((Deed(at, "p1", PowerAction.REBOOT),) if due else ())


def test_a_restart_that_was_begun_is_not_begun_again_and_the_next_days_is():
    schedule = DeviceSchedule(planned=(planned(PowerAction.REBOOT, "03:00"),))
    at = local("2026-03-25 03:00")
    begun = schedule.with_done(due_deeds(schedule, at, BERLIN))
    assert due_deeds(begun, at + timedelta(seconds=40), BERLIN) == ()
    assert due_deeds(begun, at - timedelta(seconds=5), BERLIN) == (), "the clock went back over it"
    assert len(due_deeds(begun, at + timedelta(days=1), BERLIN)) == 1


def test_a_restart_planned_for_a_moment_ago_waits_for_its_next():
    at = local("2026-03-25 03:00")
    schedule = DeviceSchedule(planned=(planned(PowerAction.REBOOT, "03:00", since=at.timestamp() + 5),))
    assert due_deeds(schedule, at + timedelta(seconds=10), BERLIN) == ()
    assert next_moment(schedule, at + timedelta(seconds=10), BERLIN) == at + timedelta(days=1)


def test_where_nothing_is_planned_nothing_comes_next():
    assert next_moment(DeviceSchedule(), local("2026-03-25 12:00"), BERLIN) is None


# --- the whole as a value


def test_a_timer_replaces_the_one_in_its_place():
    schedule = DeviceSchedule().with_timer(timer()).with_timer(timer(number=2)).with_timer(timer("09:00"))
    assert [(each.number, each.on) for each in schedule.timers] == [(1, time(9)), (2, time(8))]
    native = schedule.with_timer(timer(level=TimerLevel.NATIVE))
    assert len(native.timers) == 3
    assert native.without_timer(TimerLevel.PROPRIETARY, 1).without_timer(TimerLevel.PROPRIETARY, 2).timers == (
        timer(level=TimerLevel.NATIVE),
    )


def test_whether_the_screen_would_ever_be_switched_on():
    assert not DeviceSchedule((timer(on=None),), planned=(planned(PowerAction.REBOOT, "03:00"),)).switches_on
    assert DeviceSchedule((timer(),)).switches_on
    assert DeviceSchedule(planned=(planned(PowerAction.SCREEN_ON, "03:00"),)).switches_on


def test_plans_are_bounded_and_a_cancelled_one_leaves_nothing():
    schedule = DeviceSchedule()
    for number in range(PLANNED_AT_MOST):
        schedule = schedule.with_planned(planned(PowerAction.REBOOT, "03:00", id=str(number)))
    with pytest.raises(ValueError, match="64 power actions are planned already"):
        schedule.with_planned(planned(PowerAction.REBOOT, "03:00"))
    begun = schedule.with_done([Deed(local("2026-03-25 03:00"), "5", PowerAction.REBOOT)])
    left = begun.without_planned("5")
    assert (len(left.planned), left.done) == (PLANNED_AT_MOST - 1, {})
    assert begun.without_planned("6").done == begun.done


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: timer(number=8), "timer must be 1 to 7, found 8"),
        (lambda: timer(volume=101), "volume must be 0 to 100, found 101"),
        (lambda: timer(days=frozenset()), "days must be some of"),
        (lambda: timer(days=frozenset({0})), "days must be some of"),
        (lambda: timer(None, None), "a timer has a time to switch on, or one to switch off"),
        (lambda: BrightnessPoints(101, time(9), 40, time(20), 0.0), "brightness must be 0 to 100"),
        (lambda: BrightnessPoints(90, time(9), -1, time(20), 0.0), "brightness must be 0 to 100"),
        (lambda: planned(PowerAction.REBOOT, "03:00", days=frozenset({8})), "days must be some of"),
    ],
)
def test_what_is_out_of_range_is_no_timer(make: Any, said: str):
    with pytest.raises(ValueError, match=said):
        make()


WALLS = st.none() | st.times().map(lambda each: each.replace(microsecond=0))


@given(
    on=WALLS, off=WALLS, days=st.frozensets(st.integers(1, 7), min_size=1),
    at=st.datetimes(datetime(2026, 3, 20), datetime(2026, 11, 5)),  # noqa: DTZ001 - made aware below
)  # fmt: skip
def test_from_one_moment_to_the_next_the_same_holds(on: time | None, off: time | None, days: frozenset[int], at: datetime):
    if on is None and off is None:
        on = time(8)
    schedule = DeviceSchedule((Timer(TimerLevel.NATIVE, 1, on, off, days, None, LONG_AGO),))
    now = at.replace(tzinfo=UTC)
    following = next_moment(schedule, now, BERLIN)
    assert following is not None
    assert now < following <= now + timedelta(days=8)
    assert screen(schedule, following - timedelta(seconds=1) if following - now > timedelta(seconds=1) else now) == screen(
        schedule, now
    )
