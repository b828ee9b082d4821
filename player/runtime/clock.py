"""The real clock: instants are aware UTC, durations monotonic (house rule 12)."""

from __future__ import annotations

import time
from datetime import UTC, datetime


class SystemClock:
    """Implements `core.ports.box.Clock`."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return time.clock_gettime(time.CLOCK_BOOTTIME)
