"""When the player was up: spans of time, what part of a stretch they cover, and the gaps. Pure; seconds since the epoch."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

HOUR_S, DAY_S = 3600.0, 86400.0
KEPT = 400  # spans


@dataclass(frozen=True, slots=True)
class Span:
    """It was up from `begins` to `ends`."""

    begins: float
    ends: float

    def within(self, begins: float, ends: float) -> float:
        """How many seconds of it lie between two instants."""
        return max(0.0, min(self.ends, ends) - max(self.begins, begins))


def lived_on(spans: Sequence[Span], until: float) -> tuple[Span, ...]:
    """The player that began the last span is still up at `until`."""
    return () if not spans else (*spans[:-1], Span(spans[-1].begins, max(spans[-1].ends, until)))


def begun(spans: Sequence[Span], at: float) -> tuple[Span, ...]:
    """A player starts at `at`; the oldest spans go where there are too many."""
    return (*spans, Span(at, at))[-KEPT:]


def uptime_s(spans: Sequence[Span], begins: float, ends: float) -> float:
    """For how long it was up between two instants."""
    return sum(span.within(begins, ends) for span in spans)


def gaps(spans: Sequence[Span], begins: float, ends: float) -> Iterator[Span]:
    """When it was not, between its first start and now, as far as that lies between two instants; oldest first."""
    for before, after in pairwise(spans):
        gap = Span(max(before.ends, begins), min(after.begins, ends))
        if gap.begins < gap.ends:
            yield gap


def by_hour(spans: Sequence[Span], begins: float, ends: float) -> Iterator[tuple[float, float]]:
    """For each whole hour in which it was up: when that hour begins, and how many seconds of it; oldest first."""
    hour = begins // HOUR_S * HOUR_S
    while hour < ends:
        up_s = uptime_s(spans, hour, hour + HOUR_S)
        if up_s > 0:
            yield hour, up_s
        hour += HOUR_S


def stretches(spans: Sequence[Span], begins: float, ends: float) -> Iterator[Span]:
    """When it was, as far as that lies between two instants; oldest first."""
    for span in spans:
        part = Span(max(span.begins, begins), min(span.ends, ends))
        if part.begins < part.ends:
            yield part


def whole_days(spans: Sequence[Span], until: float) -> Iterator[float]:
    """When each day (of UTC) begins that was over at `until` and in which it was up; oldest first."""
    day = spans[0].begins // DAY_S * DAY_S if spans else until
    while day + DAY_S <= until:
        if uptime_s(spans, day, day + DAY_S) > 0:
            yield day
        day += DAY_S
