"""A share of what a server lets us ask in a window of time, spread over it, so that others with our key get something too. Pure."""

from __future__ import annotations

from player.core.allowance import Allowance


class Quota:
    """At most `share` of the limit in any window of `window_s`: a quarter of that at once, the rest evenly. Before `told`: all.

    Times are monotonic seconds.
    """

    def __init__(self, share: float, window_s: float) -> None:
        self._share, self._window_s = share, window_s
        self._limit: int | None = None
        self._spent_until = float("-inf")
        self._allowance = Allowance(1, 0.0)

    def __repr__(self) -> str:
        return f"<Quota: {self._share:.0%} of {self._limit if self._limit is not None else 'what is not known yet'}>"

    def told(self, limit: int | None, remaining: int | None, reset_in_s: float | None, now: float) -> None:
        """What an answer said of the limit; None: it did not say."""
        if limit and limit != self._limit:
            ours = max(1, int(limit * self._share))
            at_once = max(1, ours // 4)
            self._limit, self._allowance = limit, Allowance(at_once, self._window_s / max(1, ours - at_once))
        if self._limit and remaining is not None and remaining <= self._limit - int(self._limit * self._share):
            self._spent_until = now + (self._window_s if reset_in_s is None else reset_in_s)

    def wait_s(self, now: float) -> float:
        """How long the next call has to wait; it is counted when that is 0."""
        if now < self._spent_until:
            return self._spent_until - now
        return 0.0 if self._limit is None else self._allowance.due_in(now)
