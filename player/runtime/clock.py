"""The real clock: instants are aware UTC, durations monotonic (house rule 12)."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo


class SystemClock:
    """Implements `core.ports.box.Clock`."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return time.clock_gettime(time.CLOCK_BOOTTIME)


def local_zone(name: str | None) -> ZoneInfo:
    """The zone of that name; the machine's own where there is none or it is not known here, else UTC."""
    try:
        if name:
            return ZoneInfo(name)
    except (ValueError, OSError, LookupError):  # said by whoever checks settings
        pass
    try:
        with Path("/etc/localtime").open("rb") as file:
            return ZoneInfo.from_file(file, "localtime")
    except (ValueError, OSError):
        return ZoneInfo("UTC")
