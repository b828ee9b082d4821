"""When crashes of the stage are too many to go on as before: safe mode, entered, prolonged and left. Pure.

A crash is a signal or an exit of its own; who was killed, or lost its compositor, did not crash. One with an item on screen that is
kept off since is explained by that item, and does not count. Times are seconds since the boot.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace

LIMIT, WITHIN_S = 5, 600.0
GOOD_S = 3600.0  # without a crash: what made the crashes may be gone


@dataclass(frozen=True, slots=True)
class Crash:
    """One crash, and the ids of the items that were on screen."""

    at: float
    items: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class CrashRecord:
    """The crashes of late. `safe_since`: when safe mode began, or was prolonged by another crash; None outside of it."""

    crashes: tuple[Crash, ...] = ()
    safe_since: float | None = None

    def after(self, crash: Crash, kept_off: Collection[str]) -> CrashRecord:
        """With one more crash; `kept_off` are the ids of items that are to blame, and are not shown any more."""
        recent = (*(one for one in self.crashes if 0 <= crash.at - one.at <= WITHIN_S), crash)
        if self.safe_since is not None:
            return CrashRecord(recent, crash.at)
        unexplained = [one for one in recent if not set(one.items) & set(kept_off)]
        return CrashRecord(recent, crash.at if len(unexplained) >= LIMIT else None)

    def at(self, now: float) -> CrashRecord:
        """As it stands at `now`: after a good hour, and after a boot, nothing is held against the stage."""
        if self.safe_since is not None and not 0 <= now - self.safe_since < GOOD_S:
            return CrashRecord()
        return replace(self, crashes=tuple(one for one in self.crashes if one.at <= now))
