"""Which applet is on: from and until, positions, finish events, and what goes before what."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from player.core.applets import (
    AppletAssignment,
    AppletPlace,
    AppletPlan,
    AppletRun,
    AppletTiming,
    AppletTurn,
    Finish,
    FinishKind,
    applet_on,
    next_change,
    together,
    turned,
    whose_time,
)

RUN = AppletRun("menu", "1.0.0", files="f00d")
TAP = Finish(FinishKind.SCREEN_TAP)


def timing(
    uid: str, starts_at: float, ends_at: float | None = None, position: int = 1, finish: Finish | None = None
) -> AppletTiming:
    return AppletTiming(uid, starts_at, starts_at, RUN, starts_at, starts_at if ends_at is None else ends_at, position, finish)


def on(plan: AppletPlan, at: float) -> str:
    return applet_on(plan, turned(AppletTurn(), plan, at, 0.0), at, 0.0).uid


def test_a_timing_without_an_end_lasts_until_a_later_one_begins_and_is_on_again_when_that_is_over():
    plan = AppletPlan((timing("first", 100.0), timing("second", 200.0, 300.0), timing("third", 400.0)))
    assert [on(plan, at) for at in (99.0, 100.0, 199.9, 200.0, 299.9, 300.0, 400.0, 1e9)] == [
        "", "first", "first", "second", "second", "first", "third", "third",
    ]  # fmt: skip


def test_the_next_change_is_the_first_begin_or_end_after_now():
    timings = (timing("a", 100.0), timing("b", 200.0, 300.0))
    assert [next_change(timings, at) for at in (0.0, 100.0, 200.0, 300.0)] == [100.0, 200.0, 300.0, None]
    assert applet_on(AppletPlan(timings), AppletTurn(), 150.0, 0.0).until == 200.0


def test_timings_that_began_together_are_ordered_by_position_then_age_then_uid():
    made = [timing("c", 1.0, position=2), timing("b", 1.0), timing("a", 1.0), replace(timing("d", 1.0), created_at=0.5)]
    assert [one.uid for one in together(made, 5.0)] == ["d", "a", "b", "c"]


def test_whose_time_it_is_says_whom_a_reload_is_about():
    other, third = replace(RUN, applet="other"), replace(RUN, applet="third")
    assigned = AppletAssignment("a", 1.0, 1.0, other)
    together_on = (timing("a", 100.0), replace(timing("b", 100.0, position=2), run=third), replace(timing("c", 900.0), run=other))
    plan = AppletPlan(together_on, assigned, enabled=False, place=AppletPlace.OFF)
    assert whose_time(plan, 500.0) == (RUN, third), "also where none may be shown"
    assert whose_time(plan, 1.0) == (other,)
    assert whose_time(replace(plan, assigned=replace(assigned, active=False)), 1.0) == ()
    assert whose_time(AppletPlan(), 1.0) == ()
    assert whose_time(replace(plan, connected=third), 500.0) == (third,)


def turns(finish: Finish | None, *steps: tuple[float, bool]) -> list[int]:
    plan = AppletPlan((timing("a", 1.0, finish=finish), timing("b", 1.0, position=2, finish=finish)))
    turn = turned(AppletTurn(), plan, 5.0, 0.0)
    found = []
    for mono, tapped in steps:
        turn = turned(turn, plan, 5.0, mono, tapped=tapped)
        found.append(turn.index)
    return found


def test_a_duration_ends_a_turn_and_a_tap_does_not():
    assert turns(Finish(FinishKind.DURATION, 1000), (0.9, True), (1.0, False), (1.9, False), (2.0, False)) == [0, 1, 1, 0]


def test_a_tap_ends_a_turn_and_time_does_not():
    assert turns(TAP, (1000.0, False), (1001.0, True), (1002.0, False), (1003.0, True)) == [0, 1, 1, 0]


def test_an_idle_timeout_counts_from_the_last_tap():
    assert turns(Finish(FinishKind.IDLE_TIMEOUT, "1000"), (0.9, True), (1.5, False), (1.9, False), (2.0, False), (2.9, False)) == [
        0,
        0,
        1,
        1,
        0,
    ]


@pytest.mark.parametrize("data", [None, "soon", 0, -5, {}, 10**400])
def test_what_is_no_length_ends_nothing(data: Any):
    assert turns(Finish(FinishKind.DURATION, data), (1e6, True)) == [0]


def test_without_a_finish_event_the_first_one_stays():
    assert turns(None, (1e6, True)) == [0]


def test_one_alone_stays_whatever_its_finish_event_says():
    plan = AppletPlan((timing("a", 1.0, finish=TAP),))
    turn = turned(turned(AppletTurn(), plan, 5.0, 0.0), plan, 5.0, 3.0, tapped=True)
    assert (turn.index, turn.began_at, turn.touched_at) == (0, 0.0, 3.0)
    assert applet_on(plan, turn, 5.0, 3.0).ends_in_s is None


def test_others_than_before_begin_with_the_first():
    plan = AppletPlan((timing("a", 1.0, finish=TAP), timing("b", 1.0, position=2), timing("c", 9.0)))
    turn = turned(turned(AppletTurn(), plan, 5.0, 0.0), plan, 5.0, 1.0, tapped=True)
    assert turn.index == 1
    assert turned(turn, plan, 9.0, 2.0) == AppletTurn(("c",), 0, 2.0, 2.0)


def test_it_says_when_a_turn_is_over_and_which_of_how_many_it_is():
    plan = AppletPlan((timing("a", 1.0, finish=Finish(FinishKind.DURATION, 4000)), timing("b", 1.0, position=2, finish=TAP)))
    turn = turned(AppletTurn(), plan, 5.0, 0.0)
    found = applet_on(plan, turn, 5.0, 1.0)
    assert (found.uid, found.ends_in_s, found.why) == ("a", 3.0, "the timing a puts the applet menu 1.0.0 on air, 1 of 2")
    assert applet_on(plan, turned(turn, plan, 5.0, 4.0), 5.0, 4.0).ends_in_s is None


ASSIGNED = AppletAssignment("assigned", 1.0, 1.0, AppletRun("clock", "2.0.0", files="beef"))
CONNECTED = AppletRun("mine", "0.1.0", url="http://10.0.0.2:8080/")


def test_what_is_connected_goes_before_timings_and_these_before_what_is_assigned():
    plan = AppletPlan((timing("a", 1.0, 9.0),), ASSIGNED, CONNECTED)
    assert on(plan, 5.0) == "connected"
    assert on(replace(plan, connected=None), 5.0) == "a"
    assert on(replace(plan, connected=None), 9.0) == "assigned"
    assert on(replace(plan, connected=None, assigned=replace(ASSIGNED, active=False)), 9.0) == ""
    assert plan.runs == (RUN, ASSIGNED.run, CONNECTED)
    assert AppletPlan().runs == ()


def test_switched_off_none_is_on():
    found = applet_on(AppletPlan((timing("a", 1.0),), ASSIGNED, CONNECTED, enabled=False), AppletTurn(), 5.0, 0.0)
    assert (found.run, found.why) == (None, "applets are switched off (APPLET_DISABLE)")


def test_where_the_configuration_gives_them_no_place_none_is_on():
    found = applet_on(AppletPlan((timing("a", 1.0),), place=AppletPlace.OFF), AppletTurn(), 5.0, 0.0)
    assert (found.run, found.why) == (None, "applets have no place on this screen (devices.content)")


def test_one_without_its_files_gives_way_and_is_told_of():
    lacking = replace(timing("a", 4.0), run=AppletRun("menu", "1.1.0"))
    assert on(AppletPlan((timing("b", 1.0), lacking)), 5.0) == "b"
    assert "menu 1.1.0 is wanted, and its files" in applet_on(AppletPlan((lacking,)), AppletTurn(), 5.0, 0.0).why
    unready = replace(ASSIGNED, run=AppletRun("clock", "3.0.0"))
    assert "clock 3.0.0 is wanted" in applet_on(AppletPlan((), unready), AppletTurn(), 5.0, 0.0).why
    assert applet_on(AppletPlan((), replace(unready, active=False)), AppletTurn(), 5.0, 0.0).why.startswith("no applet is assigned")
