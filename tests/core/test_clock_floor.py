"""What is known of the clock: what holds for good, and what is taken back."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from player.core.brief import ClockFacts
from player.core.clock_floor import LATEST, STEP_S, clock_facts

NOW = 1_800_000_000.0
DAY, YEAR = 86_400.0, 31_536_000.0


def after(before: ClockFacts | None = None, **known: Any) -> ClockFacts:
    usual = {"trusted_boot": "", "now": 0.0, "synced": False, "server_says": None, "built_at": NOW}
    return clock_facts(before or ClockFacts(), **{**usual, **known})


def test_it_is_not_earlier_than_the_player_was_built():
    assert after() == ClockFacts("", NOW, NOW)


def test_what_a_synchronized_clock_showed_holds_for_good():
    seen = after(now=NOW + DAY, synced=True, trusted_boot="b")
    assert seen == ClockFacts("b", NOW + DAY, NOW + DAY)
    assert after(seen, now=5.0) == ClockFacts("", NOW + DAY, NOW + DAY)
    assert after(seen, now=NOW, synced=True) == ClockFacts("", NOW + DAY, NOW + DAY), "also when one shows less later"


def test_an_untrusted_clock_shows_nothing():
    assert after(now=NOW + DAY) == ClockFacts("", NOW, NOW)


def test_a_clock_that_agrees_with_the_server_counts_as_its_word():
    assert after(now=NOW + DAY, trusted_boot="b") == ClockFacts("b", NOW + DAY, NOW)


def test_a_servers_word_holds_while_it_is_away():
    said = after(server_says=NOW + DAY)
    assert said == ClockFacts("", NOW + DAY, NOW)
    assert after(said) == said


def test_a_servers_word_is_taken_back_by_its_next_one_and_never_below_what_is_sure():
    said = after(server_says=NOW + YEAR)
    assert after(said, server_says=NOW + DAY).floor == NOW + DAY
    assert after(said, server_says=5.0).floor == NOW


def test_a_synchronized_clock_takes_a_servers_word_back_and_hears_it_no_more():
    said = after(server_says=NOW + YEAR)
    assert after(said, now=NOW + DAY, synced=True, server_says=NOW + YEAR) == ClockFacts("", NOW + DAY, NOW + DAY)


def test_nobody_is_believed_that_it_is_later_than_2100():
    assert after(server_says=LATEST + 1).floor == NOW
    assert after(server_says=LATEST).floor == LATEST
    said = after(server_says=NOW + DAY)
    assert after(said, server_says=LATEST + 1) == said


def test_a_difference_of_less_than_an_hour_is_none():
    seen = after(now=NOW + DAY, synced=True)
    assert after(seen, now=NOW + DAY + STEP_S - 1, synced=True) == seen
    assert after(seen, now=NOW + DAY + STEP_S, synced=True).synced_floor == NOW + DAY + STEP_S
    said = after(seen, server_says=NOW + 2 * DAY)
    assert after(said, server_says=NOW + 2 * DAY - STEP_S + 1) == said


looks = st.fixed_dictionaries(
    {"now": st.floats(0, 2 * NOW), "synced": st.booleans(), "server_says": st.none() | st.floats(0, 9 * NOW)}
)


@given(st.lists(looks, max_size=8))
def test_what_is_sure_never_falls_and_the_floor_is_never_much_below_it(seen: list[dict[str, Any]]):
    facts = ClockFacts()
    for look in seen:
        before, facts = facts, after(facts, **look)
        assert facts.synced_floor >= before.synced_floor
        assert facts.floor > facts.synced_floor - STEP_S
