"""A compositor that does not answer: when patience is over, and how long a hang is told."""

from __future__ import annotations

from player.core.hangs import TOLD_S, Answer, Hangs, InVain, Silence


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


def seen(*looks: tuple[float, float | None]) -> bool:
    """Whether the stage's word changed nothing, after looks of (when the last hang was told, when the compositor started)."""
    vain = InVain()
    for told_at, started_at in looks:
        vain = vain.after(Hangs(1, told_at) if told_at else Hangs(), started_at)
    return vain.is_sure


def test_a_hang_told_twice_of_the_same_compositor_was_told_in_vain():
    assert not seen((0.0, 50.0), (100.0, 50.0), (100.0, 50.0))
    assert seen((0.0, 50.0), (100.0, 50.0), (111.0, 50.0))


def test_a_compositor_that_came_anew_has_answered_what_was_told_of_the_one_before():
    assert not seen((100.0, 50.0), (111.0, 105.0), (111.0, 105.0))
    assert not seen((100.0, 50.0), (100.0, None), (100.0, 105.0), (130.0, 105.0))


def test_of_a_compositor_that_is_not_up_nothing_is_told():
    assert not seen((100.0, None), (111.0, None), (122.0, None))
