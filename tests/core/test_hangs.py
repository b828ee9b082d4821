"""A compositor that does not answer: when patience is over, and how long a hang is told."""

from __future__ import annotations

from player.core.hangs import TOLD_S, Answer, Hangs, Silence


def looked(*answers: Answer) -> Silence:
    patience = Silence()
    for answer in answers:
        patience = patience.after(answer)
    return patience


def test_one_look_without_an_answer_is_a_busy_box_and_two_in_a_row_are_a_hang():
    assert not looked(Answer.NONE).is_over(announced=True)
    assert looked(Answer.NONE, Answer.NONE).is_over(announced=True)
    assert not looked(Answer.NONE, Answer.GIVEN, Answer.NONE).is_over(announced=True)
    assert not looked(Answer.NONE, Answer.NOBODY, Answer.NONE).is_over(announced=True)


def test_one_that_is_still_coming_up_has_five_looks():
    assert not looked(*[Answer.NONE] * 4).is_over(announced=False)
    assert looked(*[Answer.NONE] * 5).is_over(announced=False)


def test_nobody_is_waited_for_without_end():
    assert not looked(*[Answer.NOBODY] * 100).is_over(announced=True)


def test_a_hang_is_told_for_an_hour_and_counted_as_long():
    once = Hangs().one_more(1000.0)
    assert once.is_told(1000.0 + TOLD_S - 1)
    assert not once.is_told(1000.0 + TOLD_S)
    assert once.one_more(1500.0) == Hangs(2, 1500.0)
    assert once.one_more(1000.0 + TOLD_S) == Hangs(1, 1000.0 + TOLD_S)


def test_a_time_to_come_and_none_at_all_tell_nothing():
    assert not Hangs(3, 2000.0).is_told(1000.0)
    assert not Hangs().is_told(0.0)
