"""The table of codes, and the book: what is kept of a fault, what is told of it, and what ends it."""

from __future__ import annotations

import pytest

from player.core.faults import CODES, LEAVING, UNKNOWN, Fault, FaultBook, Gravity, gravest, meaning_of

SOUND, FILM, PAGE = ("sound", ""), ("item", "film"), ("item", "page")
SILENT = Fault("no_audio", "there is no sound device", 100.0)
TORN = Fault("damaged", "film: it cannot be read", 200.0, "i1", "film")
AWAY = Fault("page_unreachable", "page: no answer", 300.0, "i2", "page")


@pytest.mark.parametrize("code", CODES)
def test_every_code_says_what_it_means_and_what_to_do_about_it(code: str):
    known = meaning_of(code)
    for sentence in (known.meaning, known.remedy):
        assert 8 <= len(sentence) <= 90
        assert not sentence.endswith(".")
        assert "|" not in sentence, "it would end a cell of the README's table"


def test_a_code_of_another_version_has_a_meaning_too():
    assert meaning_of("of_tomorrow") is UNKNOWN
    assert gravest([Fault("of_tomorrow", "x", 1.0)]) == (Fault("of_tomorrow", "x", 1.0),)


def test_a_fault_begins_once_and_keeps_the_time_when_it_began():
    book = FaultBook()
    assert book.report(FILM, TORN, once_more=True)
    later = Fault("damaged", "film: it still cannot be read", 260.0, "i1", "film")
    assert not book.report(FILM, later, once_more=True)
    assert book.faults == (Fault("damaged", "film: it still cannot be read", 200.0, "i1", "film", 2),)


def test_what_an_author_counts_himself_is_not_counted_again():
    book = FaultBook()
    book.report(SOUND, Fault("no_audio", "x", 1.0, count=4), once_more=False)
    assert not book.report(SOUND, Fault("no_audio", "x", 2.0, count=9), once_more=False)
    assert [(fault.count, fault.since) for fault in book.faults] == [(9, 1.0)]


def test_another_code_for_the_same_thing_is_another_fault_in_its_place():
    book = FaultBook()
    book.report(FILM, TORN, once_more=True)
    missing = Fault("missing", "film: its file is not here", 250.0, "i1", "film")
    assert book.report(FILM, missing, once_more=True)
    assert book.faults == (missing,)


def test_what_is_over_is_told_once_and_begins_again_from_one():
    book = FaultBook()
    book.report(FILM, TORN, once_more=True)
    book.report(FILM, TORN, once_more=True)
    assert book.clear(FILM) == Fault("damaged", TORN.message, 200.0, "i1", "film", 2)
    assert book.clear(FILM) is None
    assert book.report(FILM, TORN, once_more=True)
    assert [fault.count for fault in book.faults] == [1]


def test_an_author_ends_his_own_faults_and_nobody_elses():
    book = FaultBook()
    for key, fault in ((SOUND, SILENT), (FILM, TORN), (PAGE, AWAY)):
        book.report(key, fault, once_more=True)
    assert book.of("item") == {"film": TORN, "page": AWAY}
    assert book.keep_only("item", {"page"}) == (TORN,)
    assert book.keep_only("item", {"page"}) == ()
    assert set(book.faults) == {SILENT, AWAY}
    assert repr(book) == "no_audio, page_unreachable"
    assert book.keep_only("item", ()) == (AWAY,)
    assert book.keep_only("sound", ()) == (SILENT,)
    assert repr(book) == "no faults"


def test_the_gravest_is_told_first_and_of_equals_the_older():
    dark, cut = Fault("no_display", "x", 900.0), Fault("unsupported_transition", "x", 1.0)
    assert gravest([cut, AWAY, TORN, dark]) == (dark, TORN, AWAY, cut)
    assert {meaning_of(fault.code).gravity for fault in (dark, TORN, cut)} == set(Gravity)


def test_of_very_many_a_hundred_leave_and_the_grave_one_is_among_them():
    many = [Fault("bad_url", "x", float(at)) for at in range(5000)]
    leaving = gravest([*many, Fault("no_display", "x", 9999.0)])
    assert len(leaving) == LEAVING
    assert leaving[0].code == "no_display"
    assert leaving[1:] == tuple(many[: LEAVING - 1])
