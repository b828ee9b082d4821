"""Readings over time: the last of each kind, and which is due."""

from __future__ import annotations

from player.core.samples import KEPT, BoxSample, SampleBook


def test_so_many_of_each_kind_are_kept_oldest_first():
    book = SampleBook.of(BoxSample("VOLUME", float(at), at) for at in range(KEPT + 3))
    book.write(BoxSample("STORAGE", 1.0, {}))
    assert [sample.at for sample in book.of_kind("VOLUME")][:2] == [3.0, 4.0]
    assert len(book.all()) == KEPT + 1
    assert book.of_kind("TIMERS") == ()


def test_what_was_never_read_or_long_ago_is_due_and_so_is_what_was_read_in_the_future():
    book = SampleBook.of([BoxSample("VOLUME", 100.0, 1), BoxSample("STORAGE", 100.0, 1)])
    every = {"VOLUME": 60.0, "STORAGE": 30.0, "DEBUG": 60.0}
    assert book.due(every, 130.0) == ["STORAGE", "DEBUG"]
    assert book.due(every, 50.0) == ["VOLUME", "STORAGE", "DEBUG"]
