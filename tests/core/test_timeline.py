"""The order of items: plain, weighted, shuffled by seed."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from player.core.content import Item, Playlist
from player.core.kinds import Kind
from player.core.timeline import item_at, position_after, round_of, upcoming


def make(*weights: int, shuffle: bool = False) -> Playlist:
    return Playlist(
        "p", "", tuple(Item(str(n), str(n), str(n), Kind.IMAGE, 5, weight=w) for n, w in enumerate(weights)), shuffle=shuffle
    )


def names(playlist: Playlist, number: int = 0, seed: int = 0) -> str:
    return "".join(item.name for item in round_of(playlist, number, seed))


def test_a_plain_playlist_keeps_its_order_in_every_round():
    assert names(make(1, 1, 1)) == names(make(1, 1, 1), 5) == "012"


def test_a_weighted_item_comes_more_often_and_spread_apart():
    assert names(make(1, 3)) == "1011"
    assert "".join(item.name for _, item in upcoming(make(1, 3), 2, 0)) == "1110"


def test_an_empty_playlist_has_no_items():
    assert item_at(make(), 7, 0) is None
    assert position_after(make(), "x", 0) == 0


def test_where_to_go_on_after_an_item():
    assert position_after(make(1, 1, 1), "1", 0) == 2
    assert position_after(make(1, 1, 1), "gone", 0) == 0


@given(st.lists(st.integers(1, 4), min_size=1, max_size=8), st.integers(0, 50), st.integers())
def test_every_round_of_a_shuffle_holds_every_item_by_its_weight_and_is_the_same_for_the_same_seed(weights, number, seed):
    playlist = make(*weights, shuffle=True)
    shown = [item.name for item in round_of(playlist, number, seed)]
    assert sorted(shown) == sorted(str(n) for n, w in enumerate(weights) for _ in range(w))
    assert shown == [item.name for item in round_of(playlist, number, seed)]


def test_rounds_of_a_shuffle_differ():
    playlist = make(*[1] * 8, shuffle=True)
    assert len({names(playlist, number) for number in range(10)}) > 5


def test_shuffles_of_different_seeds_differ():
    playlist = make(*[1] * 8, shuffle=True)
    assert len({names(playlist, seed=seed) for seed in range(10)}) > 5
