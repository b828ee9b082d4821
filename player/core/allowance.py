"""How often something may be done that somebody outside asks for: so many times at once, then one more every so many seconds.

Pure. Asking again, or sooner, or under another name does not help.
"""

from __future__ import annotations

LINES_AT_ONCE, LINE_EVERY_S = 8, 30.0  # what one cause may write into a log: ten lines in a minute


class Allowance:
    """`at_once` without a wait, then one each `every_s` seconds; a rest fills it up again."""

    def __init__(self, at_once: int, every_s: float) -> None:
        self._lead_s, self._every_s = (at_once - 1) * every_s, every_s
        self._next_at = float("-inf")

    def __repr__(self) -> str:
        return f"<Allowance: one each {self._every_s:g} s, the next at {self._next_at:g}>"

    def take(self, now: float) -> float:
        """Takes one, and answers how many seconds it has to wait. `now` is monotonic."""
        due = max(self._next_at, now)
        self._next_at = due + self._every_s
        return max(0.0, due - self._lead_s - now)

    def left(self, now: float) -> int:
        """How many could be had without a wait; none is taken."""
        return max(0, 1 + int((now + self._lead_s - max(self._next_at, now)) // self._every_s))

    def due_in(self, now: float) -> float:
        """How many seconds until one can be had; where that is 0 it is taken."""
        return 0.0 if self.spare(now) else max(self._next_at, now) - self._lead_s - now

    def spare(self, now: float) -> bool:
        """Whether one could be had without a wait; then it is taken."""
        free = max(self._next_at, now) - self._lead_s <= now
        if free:
            self.take(now)
        return free
