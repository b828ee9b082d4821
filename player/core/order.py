"""Which item of a playlist is next in a region: its place in the order, and what became of each item so far. Pure.

An item that failed pauses for a time that doubles, up to an hour; then it is tried again, after those that could not be had yet and
failed less often, so that none waits for ever behind one that hangs.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from player.core.content import Item, Playlist
from player.core.timeline import item_at, position_after, upcoming

FIRST_PAUSE_S, LONGEST_PAUSE_S = 10.0, 3600.0
FIRST_STREAM_PAUSE_S, LONGEST_STREAM_PAUSE_S = 1.0, 30.0


@dataclass(frozen=True, slots=True)
class _Failure:
    item: Item
    times: int
    until: float  # monotonic: not to be tried before


class Order:
    """Times are monotonic seconds; `seed` as for `timeline`."""

    def __init__(self, seed: int) -> None:
        self.playlist = Playlist("", "")
        self._seed = seed
        self._position = 0
        self._failures: dict[str, _Failure] = {}
        self._proven: dict[str, Item] = {}  # those that could be made ready before

    @property
    def paused(self) -> dict[str, float]:
        """The items that failed, by id, and when each one's pause is over."""
        return {name: failure.until for name, failure in self._failures.items()}

    @property
    def following(self) -> Item | None:
        """The next item, whether it can be had or not."""
        return item_at(self.playlist, self._position, self._seed)

    def holds(self, item: Item) -> bool:
        """Whether the playlist has it, as it is."""
        return any(one == item for one in self.playlist.items)

    def change(self, playlist: Playlist, showing: Item | None) -> list[Item]:
        """Goes on after `showing` in another playlist. Returns the items that are at fault no more: gone, or others."""
        self.playlist = playlist
        wanted = {item.id: item for item in playlist.items}
        mended = [failure.item for failure in self._failures.values() if wanted.get(failure.item.id) != failure.item]
        for item in mended:
            del self._failures[item.id]
        self._proven = {name: item for name, item in self._proven.items() if wanted.get(name) == item}
        self._position = position_after(playlist, showing.id, self._seed) if showing else 0
        return mended

    def next(self, at: float, *, awaited: Item | None, likely: bool = False) -> tuple[Item, int] | None:
        """The next item that is neither in its pause nor `awaited`, and its position; `likely`: of those that are there."""
        found = (
            (item, position)
            for position, item in self._round()
            if not (self._is_paused(item, at) or (likely and self._is_doubtful(item)) or item == awaited)
        )
        first = next(found, None)
        if first is None or first[0].id not in self._failures:
            return first
        doubtful = (one for one in found if self._is_doubtful(one[0]))
        return min((first, *doubtful), key=lambda one: self._times(one[0]))

    def find(self, item_id: str, at: float) -> tuple[Item, int] | None:
        """The first place of that item; None where the playlist has it no more, or it is in its pause."""
        return next(((one, place) for place, one in self._round() if one.id == item_id and not self._is_paused(one, at)), None)

    def go_on_after(self, position: int) -> None:
        """What follows on that place is next."""
        self._position = position + 1

    def took(self, item: Item, position: int | None) -> None:
        """The item has its turn; `position`: the one that `next` told, None when it comes out of its order."""
        if position is not None:
            self._position = position + 1
        elif self.following == item:
            self._position += 1

    def step_back(self) -> None:
        """The one before what is on screen is next."""
        self._position = max(0, self._position - 2)

    def could_be_had(self, item: Item) -> bool:
        """Notes that it was made ready. Whether it was at fault until then."""
        self._proven[item.id] = item
        return self._failures.pop(item.id, None) is not None

    def failed(self, item: Item, at: float) -> None:
        """Notes that it could not be had, or broke: it pauses."""
        times, stream = self._times(item), item.kind.is_stream
        first, longest = (FIRST_STREAM_PAUSE_S, LONGEST_STREAM_PAUSE_S) if stream else (FIRST_PAUSE_S, LONGEST_PAUSE_S)
        self._proven.pop(item.id, None)
        self._failures[item.id] = _Failure(item, times + 1, at + min(longest, first * 2.0 ** min(times, 20)))

    def _round(self) -> Iterator[tuple[int, Item]]:
        return upcoming(self.playlist, self._position, self._seed)

    def _is_paused(self, item: Item, at: float) -> bool:
        return item.id in self._failures and self._failures[item.id].until > at

    def _is_doubtful(self, item: Item) -> bool:
        on_disk = item.kind.has_file or item.kind.is_drawn
        return item.id in self._failures or not (on_disk or self._proven.get(item.id) == item)

    def _times(self, item: Item) -> int:
        return self._failures[item.id].times if item.id in self._failures else 0
