"""Names in the order in which people count."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from player.core.natural import natural_key


def test_numbers_are_sorted_by_their_value_and_letters_whatever_their_case():
    names = ["10 Dessert.jpg", "2 soup.png", "1.png", "B", "a", "a10b", "a9b", "²", ""]
    assert sorted(names, key=natural_key) == ["", "1.png", "2 soup.png", "10 Dessert.jpg", "a", "a9b", "a10b", "B", "²"]


@given(st.lists(st.text(max_size=12)))
def test_any_names_can_be_sorted(names: list[str]):
    ordered = sorted(names, key=natural_key)
    assert all(natural_key(one) <= natural_key(following) for one, following in pairwise(ordered))
