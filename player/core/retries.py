"""What is tried again when, and when the show goes on without it (pure). Times are monotonic seconds.

A thing that failed waits for its time; after a few failures, or when it can only fail, nothing waits for it any more, and it is
still tried.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace

PATIENCE = 3


@dataclass(frozen=True, slots=True)
class _Tried:
    failures: int
    retry_at: float
    hopeless: bool


class Retries:
    """Things by key: how often each failed since it last went well, and when it is due again."""

    def __init__(self) -> None:
        self._tried: dict[str, _Tried] = {}

    def __repr__(self) -> str:
        return f"<Retries: {len(self._tried)} things, {sum(map(self.given_up, self._tried))} given up>"

    def failures(self, key: str) -> int:
        """How often it failed."""
        known = self._tried.get(key)
        return known.failures if known else 0

    def failed(self, key: str, *, retry_at: float, hopeless: bool) -> None:
        """An attempt failed; `hopeless` when the next will too, unless something else changes."""
        self._tried[key] = _Tried(self.failures(key) + 1, retry_at, hopeless)

    def give_up(self, key: str) -> None:
        """It can only fail, and was not even tried."""
        self._tried[key] = _Tried(0, 0.0, hopeless=True)

    def went_well(self, key: str) -> None:
        """It worked: nothing is counted against it."""
        self._tried.pop(key, None)

    def keep_only(self, keys: Collection[str]) -> None:
        """The rest is wanted no more."""
        self._tried = {key: tried for key, tried in self._tried.items() if key in keys}

    def hurry(self) -> None:
        """Everything is due at once."""
        self._tried = {key: replace(tried, retry_at=0.0) for key, tried in self._tried.items()}

    def due(self, key: str, at: float) -> bool:
        """Whether an attempt may be made now."""
        known = self._tried.get(key)
        return known is None or at >= known.retry_at

    def given_up(self, key: str) -> bool:
        """Whether the show goes on without it."""
        known = self._tried.get(key)
        return known is not None and (known.hopeless or known.failures >= PATIENCE)

    def next_in_s(self, at: float) -> float | None:
        """Seconds until the next attempt that may go well; None when there is nothing to try again."""
        pending = [tried.retry_at for tried in self._tried.values() if tried.failures]
        return max(0.0, min(pending) - at) if pending else None
