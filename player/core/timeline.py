"""Playlist -> the order of its items, round after round. Pure: the seed is an argument (house rule 1).

A *position* counts showings from 0; a *round* is one pass over the playlist. Weighted items appear `weight` times a round, spread
apart; a shuffled playlist has another order each round, the same for the same seed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from itertools import islice

from player.core.content import Item, Playlist


def round_of(playlist: Playlist, number: int, seed: int) -> tuple[Item, ...]:
    """The items of round `number`, in the order they are shown."""
    items = playlist.items
    if any(item.weight > 1 for item in items):
        spread = (
            ((turn + 0.5) / item.weight, item_number) for item_number, item in enumerate(items) for turn in range(_turns(item))
        )
        items = tuple(items[item_number] for _, item_number in sorted(spread))
    if playlist.shuffle:
        places = sorted(range(len(items)), key=lambda place: _dice(seed, number, place))
        items = tuple(items[place] for place in places)
    return items


def _turns(item: Item) -> int:
    return max(1, item.weight)


def item_at(playlist: Playlist, position: int, seed: int) -> Item | None:
    """The item shown at `position`, or None when the playlist is empty."""
    return next((item for _, item in upcoming(playlist, position, seed)), None)


def upcoming(playlist: Playlist, position: int, seed: int) -> Iterator[tuple[int, Item]]:
    """One round's worth of (position, item), from `position` on; the round after is made only where it is asked for.

    Of a playlist that does not repeat: what is left of its one round.
    """
    length = sum(map(_turns, playlist.items))
    if not length:
        return
    number, place = divmod(position, length)
    if number and not playlist.repeats:
        return
    yield from enumerate(islice(round_of(playlist, number, seed), place, None), position)
    if place and playlist.repeats:
        yield from enumerate(islice(round_of(playlist, number + 1, seed), place), position + length - place)


def position_after(playlist: Playlist, item_id: str, seed: int) -> int:
    """Where to go on after `item_id` in the first round; the start when the playlist does not hold it."""
    for position, item in enumerate(round_of(playlist, 0, seed)):
        if item.id == item_id:
            return position + 1
    return 0


def _dice(seed: int, number: int, place: int) -> bytes:
    return hashlib.sha256(b"%d %d %d" % (seed, number, place)).digest()
