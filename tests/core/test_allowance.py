"""An allowance: by example, and that no pattern of asking beats it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from player.core.allowance import Allowance


def test_some_at_once_then_one_at_a_time_and_a_rest_fills_it_up():
    allowance = Allowance(3, 10.0)
    assert [allowance.take(100.0) for _ in range(5)] == [0.0, 0.0, 0.0, 10.0, 20.0]
    assert allowance.take(125.0) == 5.0
    assert [allowance.take(1000.0) for _ in range(4)] == [0.0, 0.0, 0.0, 10.0]
    assert repr(allowance) == "<Allowance: one each 10 s, the next at 1040>"


def test_what_is_left_out_where_it_would_have_to_wait_costs_nothing():
    allowance = Allowance(2, 10.0)
    assert [allowance.spare(100.0) for _ in range(5)] == [True, True, False, False, False]
    assert [allowance.spare(at) for at in (109.0, 110.0, 111.0)] == [False, True, False]


def test_how_many_could_be_had_is_known_before_one_is_taken():
    allowance = Allowance(3, 10.0)
    assert allowance.left(100.0) == allowance.left(0.0) == 3
    allowance.take(100.0)
    assert [allowance.left(at) for at in (100.0, 109.0, 110.0, 500.0)] == [2, 2, 3, 3]
    for _ in range(4):
        allowance.take(110.0)
    assert [allowance.left(at) for at in (110.0, 129.0, 130.0)] == [0, 0, 1]
    assert allowance.spare(130.0)


@given(st.lists(st.integers(0, 40), max_size=60), st.integers(1, 5), st.integers(1, 20))
def test_within_any_time_no_more_than_its_share(pauses: list[int], at_once: int, every_s: int):
    allowance, now, done = Allowance(at_once, every_s), 0, list[float]()
    for pause in pauses:
        now += pause
        done.append(now + allowance.take(now))
    assert done == sorted(done)
    for first, began in enumerate(done):
        for last in range(first, len(done)):
            assert last - first + 1 <= at_once + (done[last] - began) / every_s
