"""Wrong passwords and PINs, by where they came from: who guesses waits, and the owner does not. Pure; times are monotonic seconds.

Each source waits for itself, the longer the more wrong answers in a row it gave. A stranger with many addresses would never wait,
so all strangers together have an allowance as well: a generous one, and it covers neither who was right before nor whoever stands
at the box. However many sources there are, `SOURCES` are remembered.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from player.core.pin import pause_s

SCREEN = "the screen"
SOCKET = "the command line"
PROXY = "a proxy on this box"
AT_THE_BOX = frozenset({SCREEN, SOCKET})
SOURCES = 64
KNOWN = 16
STRANGERS_AT_ONCE = 20
STRANGERS_EVERY_S = 120.0


@dataclass(frozen=True, slots=True)
class Wrong:
    """`count` wrong answers in a row from `source`; nothing of it is looked at before `until`."""

    source: str
    count: int
    until: float


@dataclass(frozen=True, slots=True)
class Guesses:
    """What is remembered; every change is another one of these. `free` wrong answers in a row cost a source nothing.

    `rows`: the latest last. `known`: who was right before, the latest last. `strangers`: how many wrong answers of theirs count, as
    of `as_of`; they are forgotten one each `STRANGERS_EVERY_S`.
    """

    free: int
    rows: tuple[Wrong, ...] = ()
    known: tuple[str, ...] = ()
    strangers: float = 0.0
    as_of: float = 0.0

    def wait_s(self, source: str, now: float) -> float:
        """How many seconds nothing from `source` is looked at; 0.0: it may try."""
        own = self._row(source).until - now
        return max(0.0, own, 0.0 if self._is_known(source) else (self._left(now) - STRANGERS_AT_ONCE + 1) * STRANGERS_EVERY_S)

    def wrong(self, source: str, now: float) -> Guesses:
        """After a wrong answer."""
        count = self._row(source).count + 1
        rows = [row for row in self.rows if row.source != source]
        if len(rows) >= SOURCES:
            rows.remove(min((row for row in rows if row.source not in AT_THE_BOX), key=lambda row: row.count))
        left = self._left(now) + (0 if self._is_known(source) else 1)
        fresh = Wrong(source, count, now + pause_s(count - self.free))
        return replace(self, rows=(*rows, fresh), strangers=left, as_of=now)

    def right(self, source: str) -> Guesses:
        """After a right answer."""
        rows = tuple(row for row in self.rows if row.source != source)
        if source in AT_THE_BOX or source in self.known:
            return replace(self, rows=rows)
        return replace(self, rows=rows, known=(*self.known, source)[-KNOWN:])

    def restarted(self, now: float) -> Guesses:
        """What was kept, on a clock that began anew: every wait begins again, and no time counts as waited."""
        rows = tuple(replace(row, until=now + pause_s(row.count - self.free)) for row in self.rows)
        return replace(self, rows=rows, as_of=now)

    def _row(self, source: str) -> Wrong:
        return next((row for row in self.rows if row.source == source), Wrong(source, 0, float("-inf")))

    def _is_known(self, source: str) -> bool:
        return source in AT_THE_BOX or source in self.known

    def _left(self, now: float) -> float:
        return max(0.0, self.strangers - (now - self.as_of) / STRANGERS_EVERY_S)
