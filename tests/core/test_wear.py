"""How much downloads may wear flash out: all together by their bytes, and each content by how often it is another file."""

from __future__ import annotations

from player.core.wear import A_MINUTE, DAY_S, REVISION_EVERY_S, REVISIONS, ByteBudget, Revisions, for_changes


def test_twice_what_the_cache_holds_may_come_at_once_and_then_as_much_each_day():
    budget = ByteBudget(2000, 1000)
    budget.spend(2000, 0.0)
    assert budget.wait_s(0.0) == 0.0
    budget.spend(500, 0.0)
    assert budget.wait_s(0.0) == DAY_S / 2
    assert budget.wait_s(DAY_S / 4) == DAY_S / 4
    budget.spend(1, 10 * DAY_S)
    assert budget.wait_s(10 * DAY_S) == 0.0
    budget.spend(1999, 10 * DAY_S)
    assert budget.wait_s(10 * DAY_S) == 0.0
    budget.spend(1000, 10 * DAY_S)
    assert budget.wait_s(10 * DAY_S) == DAY_S


def test_what_is_written_for_each_change_is_a_megabyte_a_minute_and_the_first_one_is_written_however_large_it_is():
    budget = for_changes(2 * A_MINUTE)
    budget.spend(5 * A_MINUTE, 0.0)
    assert round(budget.wait_s(0.0)) == 180
    assert budget.wait_s(179.0) > 0
    assert budget.wait_s(180.1) == 0.0


def test_a_content_that_is_another_file_each_time_waits_and_no_other_does():
    revisions = Revisions()
    for number in range(REVISIONS):
        assert revisions.wait_s("film", f"k{number}", 0.0) == 0.0
    assert revisions.wait_s("film", "another", 0.0) == REVISION_EVERY_S
    assert revisions.wait_s("picture", "k", 0.0) == 0.0
    assert revisions.wait_s("film", "another", REVISION_EVERY_S) == 0.0


def test_what_broke_off_goes_on_as_often_as_it_has_to():
    revisions = Revisions()
    assert {revisions.wait_s("film", "k", float(number)) for number in range(100)} == {0.0}


def test_what_was_fetched_whole_and_is_fetched_again_under_the_same_name_counts():
    revisions = Revisions()
    for _ in range(REVISIONS):
        assert revisions.wait_s("film", "k", 0.0) == 0.0
        revisions.fetched("film")
    assert revisions.wait_s("film", "k", 0.0) > 0
    revisions.keep_only({"other"})
    revisions.fetched("film")
    assert revisions.wait_s("film", "k", 0.0) == 0.0


def test_both_tell_what_they_hold():
    revisions = Revisions()
    revisions.wait_s("film", "k", 0.0)
    assert (repr(ByteBudget(2**21, 2**20)), repr(revisions)) == ("<2 MiB may be written>", "<revisions of 1 contents>")
