"""A page of the fault book: when a fault began, and one line in the log when it begins and when it is over."""

from __future__ import annotations

import logging

import pytest

from player.core.allowance import LINES_AT_ONCE
from player.core.faults import Fault, FaultBook
from player.runtime.fault_page import FaultPage
from tests.fakes.clock import FakeClock


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def book() -> FaultBook:
    return FaultBook()


@pytest.fixture
def page(book: FaultBook, clock: FakeClock) -> FaultPage:
    return FaultPage(book, clock, "items")


def lines(caplog: pytest.LogCaptureFixture) -> list[tuple[int, str]]:
    return [(record.levelno, record.getMessage()) for record in caplog.records]


def test_a_fault_is_one_line_when_it_begins_and_one_when_it_is_over(
    page: FaultPage, clock: FakeClock, caplog: pytest.LogCaptureFixture
):
    caplog.set_level(logging.INFO)
    began = clock.now().timestamp()
    for _ in range(3):
        page.report("film", "damaged", "film: it cannot be read", item_id="i1", content_id="c1")
        clock.forward(60)
    assert page.faults == (Fault("damaged", "film: it cannot be read", began, "i1", "c1", 3),)
    page.clear("film")
    page.clear("film")
    assert page.faults == ()
    assert lines(caplog) == [
        (logging.WARNING, "film: it cannot be read (damaged)"),
        (logging.INFO, "over: film: it cannot be read (damaged)"),
    ]


def test_an_author_may_know_since_when_and_how_often(page: FaultPage, clock: FakeClock):
    page.report("", "wrong_pin", "7 wrong PINs", count=7, since=12.0)
    page.report("", "wrong_pin", "8 wrong PINs", count=8)
    assert page.faults == (Fault("wrong_pin", "8 wrong PINs", 12.0, count=8),)


def test_what_is_no_longer_wanted_ends_and_another_author_keeps_his(
    page: FaultPage, book: FaultBook, clock: FakeClock, caplog: pytest.LogCaptureFixture
):
    caplog.set_level(logging.INFO)
    other = FaultPage(book, clock, "sound")
    other.report("", "no_audio", "there is no sound device")
    page.report("film", "damaged", "film: it cannot be read")
    page.report("page", "page_unreachable", "page: no answer")
    page.keep_only(["page"])
    assert [fault.code for fault in page.faults] == ["page_unreachable"]
    assert repr(page) == "<faults of items: page_unreachable>"
    assert len(book.faults) == 2
    assert lines(caplog)[-1] == (logging.INFO, "over: film: it cannot be read (damaged)")
    page.keep_only([])
    other.clear()
    assert (repr(page), book.faults) == ("<faults of items: none>", ())


def test_faults_that_somebody_else_found_are_taken_as_they_are_and_keep_their_beginning(
    page: FaultPage, caplog: pytest.LogCaptureFixture
):
    caplog.set_level(logging.INFO)
    bad, slow = Fault("bad_item", "x has no address", 10.0, "i1", "c1"), Fault("bad_duration", "y", 10.0, "i2", "c2")
    page.replace([bad, slow])
    page.replace([Fault("bad_item", "x has no address", 70.0, "i1", "c1")])
    assert page.faults == (bad,)
    assert [message for _, message in lines(caplog)] == [
        "x has no address (bad_item)", "y (bad_duration)", "over: y (bad_duration)",
    ]  # fmt: skip
    page.replace([])
    assert page.faults == ()


def test_of_many_that_come_and_go_some_are_said_and_all_are_kept(caplog: pytest.LogCaptureFixture):
    caplog.set_level(logging.INFO)
    book, clock = FaultBook(), FakeClock()
    page = FaultPage(book, clock, "answers")
    for n in range(1000):
        page.replace([Fault("bad_command", f"command {n} has no id", 5.0)])
    assert len(caplog.messages) == LINES_AT_ONCE
    assert [fault.message for fault in page.faults] == ["command 999 has no id"]
