"""The real clock: instants are aware UTC, durations monotonic (house rule 12)."""

from __future__ import annotations

import time
from datetime import UTC, datetime


class SystemClock:
    """The real `core.ports.box.Clock`."""

    def now(self) -> datetime:
        """This instant, aware UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Seconds that only grow, counted while suspended too."""
        return time.clock_gettime(time.CLOCK_BOOTTIME)
