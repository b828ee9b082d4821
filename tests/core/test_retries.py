"""What is tried again when, and what is given up."""

from __future__ import annotations

from player.core.retries import PATIENCE, Retries


def test_what_failed_waits_for_its_time():
    retries = Retries()
    assert retries.due("film", 0.0)
    retries.failed("film", retry_at=10.0, hopeless=False)
    assert not retries.due("film", 9.9)
    assert retries.due("film", 10.0)
    assert retries.due("another", 0.0)


def test_after_a_few_failures_the_show_goes_on_without_it_and_it_is_still_tried():
    retries = Retries()
    for number in range(1, PATIENCE + 1):
        assert not retries.given_up("film")
        retries.failed("film", retry_at=10.0 * number, hopeless=False)
        assert retries.failures("film") == number
    assert retries.given_up("film")
    assert retries.due("film", 10.0 * PATIENCE)
    assert repr(retries) == "<Retries: 1 things, 1 given up>"
    retries.went_well("film")
    assert (retries.given_up("film"), retries.failures("film")) == (False, 0)


def test_what_can_only_fail_is_given_up_at_once():
    retries = Retries()
    retries.failed("torn", retry_at=3600.0, hopeless=True)
    retries.give_up("too large")
    assert retries.given_up("torn")
    assert retries.given_up("too large")
    assert retries.due("too large", 0.0)


def test_the_next_attempt_is_the_earliest_of_what_failed():
    retries = Retries()
    retries.give_up("too large")
    assert retries.next_in_s(0.0) is None, "nothing was tried"
    retries.failed("film", retry_at=30.0, hopeless=False)
    retries.failed("torn", retry_at=3600.0, hopeless=True)
    assert retries.next_in_s(10.0) == 20.0
    assert retries.next_in_s(50.0) == 0.0
    retries.keep_only({"torn"})
    assert retries.next_in_s(50.0) == 3550.0
    retries.hurry()
    assert retries.next_in_s(50.0) == 0.0
    assert retries.due("torn", 50.0)
