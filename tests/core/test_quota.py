"""Never more than our share of a limit in any window, however it is asked for; and others' calls count too."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from player.core.quota import Quota


def spend(quota: Quota, now: float, until: float, pauses: list[float]) -> list[float]:
    """The moments of calls that are made as soon as they may be, some after a pause."""
    calls = list[float]()
    while now < until and len(calls) < 2000:
        wait_s = quota.wait_s(now)
        if wait_s <= 0:
            calls.append(now)
            now += pauses[len(calls) % len(pauses)] if pauses else 0.0
        else:
            now += wait_s
    return calls


@settings(deadline=None)  # of a busy machine nothing is asked
@given(st.integers(1, 300), st.lists(st.floats(0.0, 20.0), max_size=5))
def test_in_no_window_is_more_than_the_share_spent(limit: int, pauses: list[float]):
    quota = Quota(0.8, 60.0)
    quota.told(limit, None, None, 0.0)
    calls = spend(quota, 0.0, 200.0, pauses)
    most = max(sum(at <= other < at + 59.999 for other in calls) for at in calls)
    assert most <= max(1, int(limit * 0.8)) + 1  # one may lie on the edge


def test_what_is_ours_is_had_within_the_window():
    quota = Quota(0.8, 60.0)
    quota.told(60, None, None, 0.0)
    calls = spend(quota, 0.0, 60.0, [])
    assert len(calls) in (47, 48)
    assert calls[11] == 0.0 < calls[12]


def test_before_a_limit_is_known_nothing_waits():
    quota = Quota(0.8, 60.0)
    assert [quota.wait_s(0.0) for _ in range(100)] == [0.0] * 100
    quota.told(None, 0, 30.0, 0.0)
    assert quota.wait_s(0.0) == 0.0
    assert repr(quota) == "<Quota: 80% of what is not known yet>"


def test_what_others_spend_is_left_to_them():
    quota = Quota(0.8, 60.0)
    quota.told(60, 13, 20.0, 100.0)
    assert quota.wait_s(100.0) == 0.0
    quota.told(60, 12, 20.0, 101.0)
    assert quota.wait_s(101.0) == 20.0
    quota.told(60, 12, None, 130.0)
    assert quota.wait_s(130.0) == 60.0
    assert quota.wait_s(191.0) == 0.0


def test_another_plan_is_another_pace():
    quota = Quota(0.8, 60.0)
    quota.told(1, None, None, 0.0)
    assert (quota.wait_s(0.0), quota.wait_s(0.0)) == (0.0, 60.0)
    quota.told(1000, 990, 5.0, 1.0)
    assert [quota.wait_s(1.0) for _ in range(190)] == [0.0] * 190
    assert repr(quota) == "<Quota: 80% of 1000>"
