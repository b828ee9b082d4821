"""How long a server has had nothing to show, and whether that is long enough for another source (pure)."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class Lack:
    """`after_s`: so long it has to last. Times are monotonic seconds."""

    after_s: float
    since: float | None = None

    def is_due(self, *, has_content: bool, now: float) -> bool:
        """Whether another source is to be shown, as of `now`; asked at every look at the server."""
        if has_content:
            self.since = None
            return False
        if self.since is None:
            self.since = now
        return now - self.since >= self.after_s
