"""A `core.ports.Clock` that stands still until a test moves it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta


class FakeClock:
    """`now` begins at 2026-03-25 12:00 UTC, `monotonic` at 1000 s."""

    def __init__(self, at: datetime = datetime(2026, 3, 25, 12, tzinfo=UTC)) -> None:
        self.at, self.elapsed = at, 1000.0

    def now(self) -> datetime:
        return self.at

    def monotonic(self) -> float:
        return self.elapsed

    def forward(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)
        self.elapsed += seconds

    def step(self, seconds: float) -> None:
        """The wall clock alone jumps, as NTP makes it."""
        self.at += timedelta(seconds=seconds)
