"""Three crashes within an hour keep an item off for minutes, more for longer; a region keeps its last one."""

from __future__ import annotations

from player.core.blame import DEATHS, FIRST_S, LIMIT_S, WITHIN_S, ItemDeaths, barred

NOW = 1_000_000.0


def crashed(*at: float) -> ItemDeaths:
    held = ItemDeaths()
    for moment in at:
        held = held.one_more(NOW + moment)
    return held


def test_the_third_crash_within_an_hour_keeps_it_off_for_five_minutes():
    assert not crashed(0, 10).is_kept_off(NOW + 10)
    held = crashed(0, 10, 20)
    assert held.count == DEATHS
    assert held.is_kept_off(NOW + 20)
    assert held.is_kept_off(NOW + 20 + FIRST_S - 1)
    assert not held.is_kept_off(NOW + 20 + FIRST_S)


def test_crashes_that_lie_apart_are_not_added_up():
    assert crashed(0, 10, 10 + WITHIN_S).count == 1


def test_each_further_one_doubles_the_pause_up_to_two_hours():
    held, pauses = crashed(0, 10), []
    for _ in range(8):
        at = max(held.until, held.last_at) + 60
        held = held.one_more(at)
        pauses.append(held.until - at)
    assert pauses == [300, 600, 1200, 2400, 4800, LIMIT_S, LIMIT_S, LIMIT_S]


def test_what_another_clock_wrote_counts_for_nothing():
    ahead = crashed(5000, 5010, 5020)
    assert not ahead.is_kept_off(NOW)
    assert ahead.one_more(NOW).count == 1


def test_the_last_item_of_a_region_is_spared_and_it_is_the_one_that_may_come_back_first():
    assert barred({"a": 5.0, "b": None}) == {"a"}
    assert barred({"a": 5.0, "b": 3.0}) == {"a"}
    assert barred({"a": 5.0}) == set()
    assert barred({}) == set()
