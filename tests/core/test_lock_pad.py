"""The lock pad, key by key: nothing that anybody presses does more than open it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from player.core.lock_pad import KEY_NAMES, LONGEST_PIN, OPEN_S, LockPad, local_action

keys = st.sampled_from([*"0123456789", "enter", "backspace", "escape", "right", "f12", ""])


def press(pad: LockPad, *names: str, at: float = 0.0) -> list[str]:
    return [pin for name in names if (pin := pad.press(name, at)) is not None]


def test_the_first_key_opens_the_pad_and_a_digit_counts_at_once():
    for name, pin in (("right", ""), ("enter", ""), ("7", "7")):
        pad = LockPad()
        assert press(pad, name, at=5.0) == []
        assert (pad.opened, pad.pin) == (5.0, pin)


def test_a_pin_is_handed_out_once_and_forgotten():
    pad = LockPad()
    assert press(pad, *"1294", "backspace", "3", "enter", "enter") == ["1293"]
    assert (pad.pin, pad.checking) == ("", True)
    assert press(pad, *"55", "enter") == [], "nothing is taken while one is being checked"


def test_a_right_pin_closes_the_pad():
    pad = LockPad()
    press(pad, "1", "enter")
    pad.answered(ok=True, wait_s=0, looked_at=True, at=1.0)
    assert (pad.opened, pad.checking, pad.message) == (None, False, "")


def test_l5_after_a_wrong_pin_the_pad_says_so_and_takes_nothing_until_the_wait_is_over():
    pad = LockPad()
    press(pad, "1", "enter")
    pad.answered(ok=False, wait_s=4.0, looked_at=True, at=1.0)
    assert (pad.message, pad.wait_until) == ("That PIN is wrong", 5.0)
    assert press(pad, "2", "enter", at=4.9) == []
    assert press(pad, "2", "enter", at=5.0) == ["2"]
    assert pad.message == ""


def test_l5_a_pin_that_came_too_soon_is_not_called_wrong():
    pad = LockPad()
    press(pad, "1", "enter")
    pad.answered(ok=False, wait_s=4.0, looked_at=False, at=1.0)
    assert (pad.message, pad.wait_until) == ("Enter the PIN once more", 5.0)


def test_l5_closing_and_opening_again_does_not_shorten_the_wait():
    pad = LockPad()
    press(pad, "1", "enter")
    pad.answered(ok=False, wait_s=60.0, looked_at=True, at=0.0)
    assert press(pad, "escape", "2", "3", "enter", at=30.0) == []
    assert press(pad, "2", "enter", at=60.0) == ["2"]


def test_escape_closes_the_pad_and_forgets_what_was_entered():
    pad = LockPad()
    press(pad, *"12", "escape")
    assert (pad.opened, pad.pin) == (None, "")
    press(pad, "escape")
    assert pad.opened is None, "escape alone does not open it"


def test_the_pad_closes_when_nobody_touches_it_but_not_during_a_wait():
    pad = LockPad()
    pad.tick(1000.0)
    press(pad, "1", at=0.0)
    pad.tick(OPEN_S - 0.1)
    assert pad.pin == "1"
    pad.tick(OPEN_S)
    assert (pad.opened, pad.pin) == (None, "")
    press(pad, "1", "enter", at=0.0)
    pad.answered(ok=False, wait_s=OPEN_S + 30, looked_at=True, at=0.0)
    pad.tick(OPEN_S + 1)
    assert pad.opened is not None
    pad.tick(OPEN_S + 30)
    assert pad.opened is None


@given(st.lists(keys, max_size=80))
def test_no_keys_ever_give_anything_but_digits_and_never_too_many(names: list[str]):
    pad = LockPad()
    for name in names:
        pin = pad.press(name, 0.0)
        assert len(pad.pin) <= LONGEST_PIN
        assert pin is None or (pin.isdigit() and len(pin) <= LONGEST_PIN)
        if pin is not None:
            pad.answered(ok=False, wait_s=0.0, looked_at=True, at=0.0)


def test_unlocked_a_few_keys_do_what_somebody_before_the_screen_expects():
    assert [local_action(key) for key in ("right", "space", "left", "i")] == ["next", "next", "previous", "identify"]
    assert [local_action(key) for key in ("q", "escape", "5", "enter", "")] == [None] * 5


def test_both_rows_of_digits_have_their_names():
    assert [KEY_NAMES[code] for code in range(2, 12)] == list("1234567890")
    assert [KEY_NAMES[code] for code in (82, 79, 80, 81, 75, 76, 77, 71, 72, 73)] == list("0123456789")
