"""Applets' pages that could not be shown, and when each is tried again: the programme plays meanwhile (pure).

A page pauses for a time that doubles, up to an hour, as any other item. One that was on screen for a minute is forgiven: what
breaks it then counts as the first failure. Times are monotonic seconds.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

from player.core.order import FIRST_PAUSE_S, LONGEST_PAUSE_S

STEADY_S = 60.0


@dataclass(frozen=True, slots=True)
class _Failures:
    times: int
    until: float
    shown_at: float | None = None  # since the last one


class AppletPauses:
    """By the ids of the pages' items."""

    def __init__(self) -> None:
        self._known: dict[str, _Failures] = {}

    def __repr__(self) -> str:
        return f"<{len(self._known)} applets that could not be shown>"

    def failed(self, item: str, at: float) -> None:
        """It could not be shown, or broke on screen."""
        known = self._known.get(item)
        forgiven = known is None or (known.shown_at is not None and at - known.shown_at >= STEADY_S)
        times = 0 if known is None or forgiven else known.times
        self._known[item] = _Failures(times + 1, at + min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2.0 ** min(times, 20)))

    def shown(self, item: str, at: float) -> None:
        """It is on screen."""
        known = self._known.get(item)
        if known is not None and known.shown_at is None:
            self._known[item] = replace(known, shown_at=at)

    def keep_only(self, items: Collection[str]) -> None:
        """The others are no pages of applets any more."""
        self._known = {item: known for item, known in self._known.items() if item in items}

    def at(self, at: float) -> Mapping[str, float]:
        """Those that are not to be tried yet at that time, and until when."""
        return {item: known.until for item, known in self._known.items() if at < known.until}
