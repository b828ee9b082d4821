"""Readings of the device over time: the last `KEPT` of each kind. Pure; times are seconds since the epoch."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

KEPT = 288  # of each kind: four days of one every twenty minutes


@dataclass(frozen=True, slots=True)
class BoxSample:
    """What was read of one kind at one time; `reading` is JSON."""

    kind: str
    at: float
    reading: Any


@dataclass(slots=True)
class SampleBook:
    """Samples by kind, in the order in which they were taken."""

    _kinds: dict[str, deque[BoxSample]] = field(default_factory=dict)

    @classmethod
    def of(cls, samples: Iterable[BoxSample]) -> SampleBook:
        """The book that these make."""
        book = cls()
        for sample in samples:
            book.write(sample)
        return book

    def write(self, sample: BoxSample) -> None:
        """Takes in the next reading."""
        self._kinds.setdefault(sample.kind, deque(maxlen=KEPT)).append(sample)

    def of_kind(self, kind: str) -> Sequence[BoxSample]:
        """The readings of that kind, oldest first."""
        return tuple(self._kinds.get(kind, ()))

    def all(self) -> Sequence[BoxSample]:
        """Oldest first of each kind."""
        return tuple(sample for row in self._kinds.values() for sample in row)

    def due(self, intervals_s: Mapping[str, float], now: float) -> Sequence[str]:
        """The kinds, of those with an interval, that are to be read at `now`; a clock that was set back makes all of them due."""
        last = {kind: row[-1].at for kind, row in self._kinds.items()}
        return [kind for kind, every_s in intervals_s.items() if not 0 <= now - last.get(kind, float("-inf")) < every_s]
