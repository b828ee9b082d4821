"""Wrong passwords and PINs by source: who guesses waits, and the owner does not."""

from __future__ import annotations

from player.core.guesses import (
    AT_THE_BOX,
    KNOWN,
    SCREEN,
    SOCKET,
    SOURCES,
    STRANGERS_AT_ONCE,
    STRANGERS_EVERY_S,
    Guesses,
)


def flood(guesses: Guesses, count: int, now: float = 0.0) -> Guesses:
    """After one wrong answer from each of `count` addresses."""
    for number in range(count):
        guesses = guesses.wrong(f"10.0.{number // 256}.{number % 256}", now)
    return guesses


def test_who_guesses_waits_ever_longer_and_nobody_else_does():
    guesses = Guesses(free=0)
    for pause in (1, 2, 4, 8):
        guesses = guesses.wrong("stranger", 0.0)
        assert guesses.wait_s("stranger", 0.0) == pause
        assert guesses.wait_s("stranger", pause - 0.5) == 0.5
        assert guesses.wait_s("stranger", pause) == 0.0
    for other in ("owner", *AT_THE_BOX):
        assert guesses.wait_s(other, 0.0) == 0.0


def test_the_free_ones_cost_nothing_and_a_right_answer_forgets_them():
    guesses = Guesses(free=2).wrong("a", 0.0).wrong("a", 0.0)
    assert guesses.wait_s("a", 0.0) == 0.0
    assert guesses.wrong("a", 0.0).wait_s("a", 0.0) == 1.0
    assert guesses.right("a").wrong("a", 0.0).wait_s("a", 0.0) == 0.0


def test_many_addresses_share_one_allowance_that_fills_up_again():
    guesses = flood(Guesses(free=0), STRANGERS_AT_ONCE)
    assert guesses.wait_s("another", 0.0) == STRANGERS_EVERY_S
    assert guesses.wait_s("another", STRANGERS_EVERY_S) == 0.0
    assert guesses.wrong("another", STRANGERS_EVERY_S).wait_s("a third", STRANGERS_EVERY_S) == STRANGERS_EVERY_S


def test_the_allowance_covers_neither_who_was_right_before_nor_the_box_itself():
    guesses = flood(Guesses(free=0).right("owner").right("owner"), 500)
    for own in ("owner", *AT_THE_BOX):
        assert guesses.wait_s(own, 0.0) == 0.0
    assert guesses.known == ("owner",)
    assert guesses.wrong("owner", 0.0).wrong(SCREEN, 0.0).strangers == guesses.strangers
    assert guesses.wrong("owner", 0.0).wait_s("owner", 0.0) == 1.0


def test_memory_is_bounded_and_a_flood_makes_nobody_forget_who_guessed_most():
    guesses = Guesses(free=0)
    for _ in range(5):
        guesses = guesses.wrong("persistent", 0.0).wrong(SCREEN, 0.0)
    guesses = flood(guesses, 1000).right(SOCKET)
    assert len(guesses.rows) == SOURCES
    assert {row.source: row.count for row in guesses.rows if row.count > 1} == {"persistent": 5, SCREEN: 5}
    for number in range(100):
        guesses = guesses.right(f"phone {number}")
    assert len(guesses.known) == KNOWN
    assert guesses.known[-1] == "phone 99"


def test_a_restart_shortens_no_wait():
    guesses = flood(Guesses(free=1), STRANGERS_AT_ONCE, now=5000.0)
    guesses = guesses.wrong("a", 5000.0).wrong("a", 5000.0).wrong("a", 5000.0).restarted(7.0)
    assert guesses.wait_s("another", 7.0) == 4 * STRANGERS_EVERY_S
    assert [guesses.right("a").right("b").wait_s("b", 7.0), guesses.right("b").wait_s("a", 7.0)] == [0.0, 4 * STRANGERS_EVERY_S]
    assert guesses.rows[-1].until == 9.0
