"""Which files are asked about again, and what an answer means."""

from __future__ import annotations

import pytest

from player.core.ask_again import ROUNDS, Validators, due, is_changed, is_same

DAY, NEXT = "Wed, 21 Oct 2026 07:28:00 GMT", "Thu, 22 Oct 2026 07:28:00 GMT"


@pytest.mark.parametrize("count", [0, 1, 2, 3, 10, 100])
def test_within_a_few_rounds_everything_is_asked_about_and_no_more_than_its_share_in_one(count: int):
    keys = [f"{n}" for n in range(count)]
    asked: dict[str, int] = {}
    for number in range(ROUNDS):
        now = due(keys, asked)
        assert len(now) <= -(-count // ROUNDS)
        asked |= dict.fromkeys(now, number)
    assert set(asked) == set(keys)
    assert not keys or asked[due(keys, asked)[0]] == min(asked.values()), "those of the longest ago come first"


@pytest.mark.parametrize(
    ("known", "told", "length", "changed"),
    [
        (Validators('"1"'), Validators('"1"'), 5, False),
        (Validators('"1"'), Validators('W/"1"'), 5, False),
        (Validators('"1"'), Validators('"2"'), 5, True),
        (Validators('"1"', DAY), Validators('"2"', DAY), 5, False),
        (Validators('"1"', DAY), Validators('"2"', DAY), 6, True),
        (Validators('"1"', DAY), Validators('"1"', NEXT), None, False),
        (Validators(None, DAY), Validators(None, DAY), 5, False),
        (Validators(None, DAY), Validators(None, DAY), 6, True),
        (Validators(None, DAY), Validators(None, NEXT), 5, True),
        (Validators(), Validators('"1"', DAY), 5, False),
        (Validators(), Validators('"1"', DAY), 6, True),
        (Validators('"1"'), Validators(), None, False),
    ],
)
def test_other_bytes_are_told_by_tag_date_and_length(known: Validators, told: Validators, length: int | None, changed: bool):
    assert is_changed(known, told, 5, length) is changed


def test_behind_another_address_only_a_strong_tag_tells_the_same_bytes():
    assert is_same(Validators('"1"', DAY), Validators('"1"', NEXT))
    assert not is_same(Validators('W/"1"'), Validators('W/"1"'))
    assert not is_same(Validators('"1"'), Validators('"2"'))
    assert not is_same(Validators(None, DAY), Validators(None, DAY))
