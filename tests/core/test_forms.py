"""Forms: objects and lists as the names of fields spell them."""

from __future__ import annotations

import pytest

from player.core.forms import DEEPEST, unfolded


def test_plain_fields_are_an_object_and_a_name_that_comes_again_is_a_list():
    assert unfolded([("volume", "50"), ("days", "mon"), ("days", "tue"), ("days", "wed"), ("none", "")]) == {
        "volume": "50", "days": ["mon", "tue", "wed"], "none": "",
    }  # fmt: skip


def test_names_in_brackets_are_lists_and_objects():
    assert unfolded([("weekdays[1]", "tue"), ("weekdays[0]", "mon"), ("more[]", "a"), ("more[]", "b")]) == {
        "weekdays": ["mon", "tue"], "more": ["a", "b"],
    }  # fmt: skip
    assert unfolded([("size[width]", "1920"), ("size[height]", "1080"), ("items[0][value][volume]", "5")]) == {
        "size": {"width": "1920", "height": "1080"}, "items": [{"value": {"volume": "5"}}],
    }  # fmt: skip
    assert unfolded([("days[1]", "tue")]) == {"days": {"1": "tue"}}, "a list that does not begin at its beginning is none"


@pytest.mark.parametrize(
    "fields",
    [
        [("[a]", "1")], [("a[b", "1")], [("a]b", "1")], [("", "1")], [("a" + "[b]" * DEEPEST, "1")],
        [("a", "1"), ("a[b]", "2")], [("a[b]", "2"), ("a", "1")], [("a[b][c]", "2"), ("a[b]", "1")],
    ],
)  # fmt: skip
def test_names_that_spell_nothing_are_refused(fields: list[tuple[str, str]]):
    with pytest.raises(ValueError, match=r"field|at once"):
        unfolded(fields)
