"""When a clip ends by the clock, when it is worth looking, and what becomes of it while it stands."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from player.core.clipclock import LEAD_S, OVERDUE_S, ClipClock


def clip(duration_s: float | None = 2.0, rate: float = 25.0, started: float | None = 100.0) -> ClipClock:
    made = ClipClock()
    made.duration_s, made.frame_s = duration_s, 1 / rate if rate else 0.0
    if started is not None:
        made.started(started)
    return made


def test_the_end_is_foreseen_shortly_before_it_and_told_a_little_early():
    made = clip()
    assert not made.foreseeable(101.9)
    assert made.foreseeable(101.99)
    assert made.next_look_s(100.0, 9.0) == pytest.approx(2.0 - made.foresight_s)
    assert made.rest_s(101.99, 1.0) == pytest.approx(0.01 - LEAD_S)
    assert made.rest_s(102.5, 1.0) == 0.0


def test_a_lead_never_takes_more_than_a_quarter_of_a_frame():
    assert clip(rate=100).lead_s == pytest.approx(0.0025)
    assert clip(rate=0).lead_s == 0.0


def test_what_has_no_length_is_endless():
    made = clip(None)
    assert made.left_s(1e9) == math.inf
    assert not made.foreseeable(1e9)
    assert not made.overdue(1e9)
    assert not made.is_last(5.0)
    assert (made.next_look_s(0.0, 2.5), made.rest_s(0.0, 1.0)) == (2.5, 0.0)


def test_what_stands_does_not_come_to_its_end():
    made = clip()
    made.paused(101.99)
    assert made.left_s(500.0) == pytest.approx(0.01)
    assert not made.foreseeable(500.0)
    assert made.next_look_s(500.0, 2.5) == 2.5
    made.started(600.0)
    made.started(601.0)
    assert made.left_s(600.5) == pytest.approx(-0.49)
    made.rewound()
    assert made.played_s(700.0) == 0.0


def test_the_last_frame_is_told_from_the_one_before():
    assert clip().is_last(1.96)
    assert not clip().is_last(1.92)


def test_one_that_does_not_end_is_overdue_and_looked_at_at_its_pace():
    made = clip()
    assert not made.overdue(102.1)
    assert made.overdue(102.0 + OVERDUE_S)
    assert made.next_look_s(102.0, 9.0) == pytest.approx(OVERDUE_S)
    assert made.next_look_s(110.0, 9.0) == OVERDUE_S


@given(st.floats(0.04, 3600), st.floats(1, 120), st.floats(0, 4000))
def test_somebody_always_looks_before_the_end_and_never_in_a_hot_loop(duration: float, rate: float, passed: float):
    made = clip(duration, rate, 0.0)
    wait = made.next_look_s(passed, 2.5)
    assert 0 < wait <= 2.5
    if made.left_s(passed) > made.foresight_s:
        assert made.left_s(passed + wait) >= made.foresight_s - 1e-6
