"""When a clip ends by the clock, when it is worth looking, and what becomes of it while it stands."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from player.core.clipclock import (
    ANNOUNCED_S,
    LATE_STILL_S,
    LEAD_S,
    LONGEST_LAST_S,
    LONGEST_STILL_S,
    OVERDUE_S,
    ClipClock,
    Look,
    Over,
    Overdue,
    Reading,
    Stalled,
)

STALL_S = 5.0


def clip(
    duration_s: float | None = 2.0,
    rate: float = 25.0,
    started: float | None = 100.0,
    *,
    whole: bool = True,
    stall_s: float = STALL_S,
) -> ClipClock:
    made = ClipClock(stall_s)
    made.rewound(whole=whole)
    made.duration_s, made.frame_s = duration_s, 1 / rate if rate else 0.0
    if started is not None:
        made.started(started)
    return made


def test_the_end_is_foreseen_shortly_before_it_and_told_a_little_early():
    made = clip()
    assert not made.foreseeable(101.9)
    assert made.foreseeable(101.99)
    assert made.next_look_s(100.0) == pytest.approx(2.0 - made.foresight_s)
    assert made.rest_s(101.99) == pytest.approx(0.01 - LEAD_S)
    assert made.rest_s(102.5) == 0.0


def test_a_lead_never_takes_more_than_a_quarter_of_a_frame():
    assert clip(rate=100).lead_s == pytest.approx(0.0025)
    assert clip(rate=0).lead_s == 0.0


def test_what_has_no_length_is_endless():
    made = clip(None)
    assert made.left_s(1e9) == math.inf
    assert not made.foreseeable(1e9)
    assert not made.overdue(1e9)
    assert not made.is_last(5.0)
    assert (made.next_look_s(0.0), made.rest_s(0.0)) == (2.5, 0.0)


def test_what_stands_does_not_come_to_its_end():
    made = clip()
    made.paused(101.99)
    assert made.left_s(500.0) == pytest.approx(0.01)
    assert not made.foreseeable(500.0)
    assert made.next_look_s(500.0) == 2.5
    made.started(600.0)
    made.started(601.0)
    assert made.left_s(600.5) == pytest.approx(-0.49)
    made.rewound(whole=True)
    assert made.played_s(700.0) == 0.0


def test_the_last_frame_is_told_from_the_one_before():
    assert clip().is_last(1.96)
    assert not clip().is_last(1.92)


def test_one_that_does_not_end_is_overdue_and_looked_at_at_its_pace():
    made = clip()
    assert not made.overdue(102.1)
    assert made.overdue(102.0 + OVERDUE_S)
    assert made.next_look_s(102.0) == pytest.approx(OVERDUE_S)
    assert made.next_look_s(110.0) == OVERDUE_S


@pytest.mark.parametrize(("rate", "seconds"), [(1 / 6, 18.0), (0.0, 45.0), (25.0, 18.0)])
def test_the_end_is_foreseen_as_shortly_before_it_when_its_frames_are_slides(rate: float, seconds: float):
    made = clip(seconds, rate, 0.0)
    made.saw(Reading(seconds - 0.01, math.inf), seconds - 3.0)
    assert made.foresight_s <= 0.025
    assert isinstance(made.judge(seconds - 2.0, eof=False), Look)


def test_the_end_comes_when_the_last_frame_was_seen_to_stand():
    made = clip()
    assert made.judge(101.99, eof=False) == Look(pytest.approx(OVERDUE_S + 0.01))
    made.saw(Reading(1.92, math.inf), 101.99)
    assert isinstance(made.judge(101.99, eof=False), Look), "it runs late"
    made.saw(Reading(1.96, math.inf), 101.99)
    assert made.judge(101.99, eof=False) == Over(pytest.approx(0.01 - LEAD_S))


def test_a_last_frame_stands_as_long_as_the_length_of_its_file_leaves_to_it():
    assert clip(6.0, 4.3).judge(101.23, eof=True) == Over(pytest.approx(4.77 - LEAD_S))
    assert clip(600.0).judge(110.0, eof=True) == Over(LONGEST_LAST_S), "a file that was cut off"
    assert clip(600.0, whole=False).judge(110.0, eof=True) == Over(ANNOUNCED_S), "a stream that broke off"
    assert clip(None).judge(110.0, eof=True) == Over(0.0)


def test_one_that_stands_at_its_end_without_saying_so_is_over():
    made = clip()
    made.saw(Reading(1.96, math.inf), 102.0)
    assert isinstance(made.judge(102.0 + OVERDUE_S, eof=False), Look), "seen once"
    made.saw(Reading(1.96, math.inf), 102.0 + OVERDUE_S)
    assert made.judge(102.0 + OVERDUE_S, eof=False) == Overdue()


def test_one_that_runs_late_and_stands_for_a_moment_is_not_over():
    made = clip()
    for at in (103.0, 103.0 + LATE_STILL_S - 0.01):
        made.saw(Reading(1.2, math.inf), at)
        assert isinstance(made.judge(at, eof=False), Look)
    made.saw(Reading(1.2, math.inf), 103.0 + LATE_STILL_S)
    assert made.judge(103.0 + LATE_STILL_S, eof=False) == Overdue(), "its sound device went away before its end"


def test_a_clip_of_slides_that_runs_late_is_not_taken_for_one_that_stands_at_its_end():
    made = clip(18.0, 1 / 6, 0.0)
    for at in (18.3, 18.6):
        made.saw(Reading(6.0, 12.0), at)
        assert isinstance(made.judge(at, eof=False), Look)


def test_what_does_not_move_for_longer_than_anything_in_it_stands_is_given_up():
    made = clip(60.0)
    made.saw(Reading(10.0, 11.0), 110.0)
    made.saw(Reading(10.0, 11.0), 115.9)
    assert isinstance(made.judge(115.9, eof=False), Look)
    made.saw(Reading(10.0, 11.0), 116.0)
    assert made.judge(116.0, eof=False) == Stalled(6.0)
    made.saw(Reading(10.04, 11.0), 117.0)
    assert isinstance(made.judge(117.0, eof=False), Look)


def test_a_frame_may_stand_until_the_next_that_was_read_is_due():
    made = clip(500.0, 10.0, 0.0)
    made.saw(Reading(10.0, 25.0), 10.0)
    made.saw(Reading(10.0, 25.0), 29.9)
    assert isinstance(made.judge(29.9, eof=False), Look)
    made.saw(Reading(10.0, 25.0), 30.1)
    assert isinstance(made.judge(30.1, eof=False), Stalled)


def test_when_all_was_read_its_length_is_waited_for_and_a_jump_in_its_times_is_not():
    made = clip(45.0, 0.0, 0.0)
    made.saw(Reading(30.0, math.inf), 30.0)
    made.saw(Reading(30.0, math.inf), 44.9)
    assert isinstance(made.judge(44.9, eof=False), Look)
    made = clip(90_000.0, 25.0, 0.0)
    made.saw(Reading(30.0, 80_000.0), 30.0)
    made.saw(Reading(30.0, 80_000.0), 30.0 + STALL_S + LONGEST_STILL_S)
    assert isinstance(made.judge(400.0, eof=False), Stalled)


@pytest.mark.parametrize("made", [clip(None), clip(60.0, whole=False)], ids=["no length", "a stream"])
def test_of_a_stream_no_more_is_expected_than_a_frame(made: ClipClock):
    made.saw(Reading(10.0, 40.0), 110.0)
    made.saw(Reading(10.0, 40.0), 110.0 + STALL_S + made.frame_s)
    assert isinstance(made.judge(115.1, eof=False), Stalled)


def test_what_tells_no_position_is_given_up_too():
    made = clip(60.0)
    made.saw(Reading(None, 0.0), 100.0)
    made.saw(Reading(None, 0.0), 100.0 + STALL_S + made.frame_s)
    assert isinstance(made.judge(105.1, eof=False), Stalled)


def test_standing_still_on_purpose_is_no_stall_nor_is_what_was_seen_before():
    made = clip(60.0)
    for at in (110.0, 120.0, 130.0):
        made.saw(Reading(10.0, 11.0, paused=True), at)
        assert isinstance(made.judge(at, eof=False), Look)
    made.saw(Reading(10.0, 11.0), 131.0)
    made.paused(132.0)
    made.started(200.0)
    made.saw(Reading(10.0, 11.0), 200.0)
    assert isinstance(made.judge(200.0, eof=False), Look)


@given(st.floats(0.04, 3600), st.floats(1, 120), st.floats(0, 4000))
def test_somebody_always_looks_before_the_end_and_never_in_a_hot_loop(duration: float, rate: float, passed: float):
    made = clip(duration, rate, 0.0)
    wait = made.next_look_s(passed)
    assert 0 < wait <= 2.5
    if made.left_s(passed) > made.foresight_s:
        assert made.left_s(passed + wait) >= made.foresight_s - 1e-6


def test_a_clip_that_begins_in_its_middle_ends_when_its_rest_is_over():
    made = ClipClock(5.0)
    made.duration_s, made.frame_s = 10.0, 0.04
    made.rewound(whole=True, begin_s=7.0)
    made.started(100.0)
    assert made.left_s(101.0) == 2.0
