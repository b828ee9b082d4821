"""The replay: what of the made-up day has been on television until now, and when that was.

The day before the start counts as seen, so that there is a past to be asked for; from the start on the day runs at its speed, again
and again. A showing's times are those at which it is replayed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from player.demo.spotwatch.day import DAY_S, DayShowing, showings

DETECTED_AFTER_S = 2.0
KEPT = 20_000


@dataclass(frozen=True, slots=True)
class Seen:
    """A showing and when it began (seconds since the epoch)."""

    showing: DayShowing
    at: float

    @property
    def block_began(self) -> float:
        """When its break did."""
        return self.at - (self.showing.begins - self.showing.block.begins)


class Replay:
    """`start`: the instant (seconds since the epoch) at which the day begins; `speed`: how many of its seconds pass in one."""

    def __init__(self, start: float, speed: float) -> None:
        self._day = showings()
        self._start, self._speed = start, speed
        self._coming = self._all()
        self._next = next(self._coming)
        self.past: list[Seen] = [Seen(one, start - DAY_S + one.begins) for one in self._day]

    def __repr__(self) -> str:
        return f"<a day at {self._speed:g} times its speed, {len(self.past)} showings seen>"

    def _all(self) -> Iterator[Seen]:
        """Round after round, each with numbers of its own."""
        turn = 1
        while True:
            for one in self._day:
                began = self._start + ((turn - 1) * DAY_S + one.begins) / self._speed
                yield Seen(replace(one, id=one.id + turn * len(self._day)), began)
            turn += 1

    @property
    def next_at(self) -> float:
        """When the next one is detected: at the day's own speed some seconds after it began, at a higher one at once."""
        return self._next.at + (DETECTED_AFTER_S if self._speed <= 1 else 0.0)

    def due(self, now: float) -> Sequence[Seen]:
        """What has been detected since this was last asked."""
        found = []
        while self.next_at <= now:
            found.append(self._next)
            self._next = next(self._coming)
        self.past += found
        del self.past[:-KEPT]
        return found
