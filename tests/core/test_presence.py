"""When the player was up: sums, gaps and hours."""

from __future__ import annotations

from player.core.presence import DAY_S, KEPT, Span, begun, by_hour, gaps, lived_on, stretches, uptime_s, whole_days

SPANS = (Span(0.0, 100.0), Span(200.0, 3700.0), Span(3800.0, 4000.0))


def test_a_start_begins_a_span_which_lasts_as_long_as_the_player():
    spans = begun(SPANS, 5000.0)
    assert spans[-1] == Span(5000.0, 5000.0)
    assert lived_on(spans, 5600.0)[-1] == Span(5000.0, 5600.0)
    assert lived_on(spans, 4000.0)[-1] == Span(5000.0, 5000.0)
    assert lived_on((), 5.0) == ()
    assert len(begun(SPANS * 200, 1e6)) == KEPT


def test_what_lies_between_two_instants_counts_and_the_rest_of_a_span_does_not():
    assert uptime_s(SPANS, 0.0, 4000.0) == 3800.0
    assert uptime_s(SPANS, 50.0, 300.0) == 150.0


def test_the_gaps_are_between_its_starts():
    assert list(gaps(SPANS, 0.0, 9000.0)) == [Span(100.0, 200.0), Span(3700.0, 3800.0)]
    assert list(gaps(SPANS, 150.0, 3600.0)) == [Span(150.0, 200.0)]


def test_an_hour_in_which_it_never_was_up_is_left_out():
    assert list(by_hour(SPANS, 100.0, 4000.0)) == [(0.0, 3500.0), (3600.0, 300.0)]
    assert list(by_hour(SPANS, 7200.0, 9000.0)) == []


def test_the_stretches_of_a_time_are_cut_to_it():
    assert list(stretches(SPANS, 50.0, 3000.0)) == [Span(50.0, 100.0), Span(200.0, 3000.0)]
    assert list(stretches(SPANS, 100.0, 200.0)) == []


def test_a_day_counts_when_it_is_over_and_the_player_was_up_in_it():
    spans = (Span(3600.0, 7200.0), Span(2 * DAY_S + 5.0, 3 * DAY_S + 60.0))
    assert list(whole_days(spans, 3 * DAY_S + 60.0)) == [0.0, 2 * DAY_S]
    assert list(whole_days(spans, DAY_S - 1)) == []
    assert list(whole_days((), DAY_S)) == []
