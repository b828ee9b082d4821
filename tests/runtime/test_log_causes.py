"""One cause writes some lines a minute, and says how many it was kept from; another cause is heard beside it."""

from __future__ import annotations

import logging

import pytest

from player.core.allowance import LINE_EVERY_S, LINES_AT_ONCE
from player.runtime.logs import CAUSES, FAULTS, EachCause, RecentLines


class Bench:
    """A logger of its own, with a clock that stands."""

    def __init__(self) -> None:
        self.now, self.kept = 0.0, RecentLines()
        self.heard = EachCause([self.kept], lambda: self.now)

    def says(self, level: int, words: str, *names: object, by: str = "bench", trace: Exception | None = None) -> None:
        caught = (type(trace), trace, None) if trace else None
        self.heard.handle(logging.LogRecord(by, level, "bench.py", 1, words, names, caught))

    def said(self, words: str) -> list[str]:
        return [line.partition(": ")[2] for line in self.kept.lines if words in line]


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_lines_that_differ_in_what_they_name_are_of_one_cause(bench: Bench):
    for number in range(1000):
        bench.says(logging.INFO, "the volume is %d", number)
    bench.says(logging.INFO, "something else")
    assert bench.said("the volume") == [f"the volume is {number}" for number in range(LINES_AT_ONCE)]
    assert bench.said("something") == ["something else"]


def test_the_next_line_of_it_says_how_many_were_left_out(bench: Bench):
    for number in range(LINES_AT_ONCE + 5):
        bench.says(logging.WARNING, "wrong number %d", number)
    bench.now += LINE_EVERY_S
    bench.says(logging.WARNING, "wrong number %d", 77)
    assert bench.said("wrong")[LINES_AT_ONCE:] == ["wrong number 77 (5 like it were left out)"]


def test_traces_and_what_is_looked_for_and_faults_are_not_counted(bench: Bench):
    for number in range(20):
        bench.says(logging.DEBUG, "detail %d", number)
        bench.says(logging.WARNING, "fault %d", number, by=FAULTS)
        bench.says(logging.ERROR, "it broke", trace=ValueError(number))
    assert [len(bench.said(words)) for words in ("detail", "fault", "it broke")] == [20, 20, 20]


def test_causes_without_an_end_are_not_all_remembered(bench: Bench):
    for number in range(2 * CAUSES):
        bench.says(logging.INFO, f"cause {number}")
        bench.says(logging.INFO, "the same")
    assert len(bench.said("the same")) <= 4 * LINES_AT_ONCE
