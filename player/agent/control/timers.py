"""The box's timers as the control API writes and reads them: what switches the screen on and off by the box's own wall clock."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import time
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from player.core.device_schedule import Timer, TimerLevel
from player.core.schedule import EVERY_DAY
from player.errors import CommandRejected

Wall = Annotated[time, Meta(tz=False)]


class WantedTimer(msgspec.Struct, frozen=True):
    """{number, level, on, off, days, volume}: times as "08:00:00"; days 1 (Monday) to 7; without both times it goes."""

    number: Annotated[int, Meta(ge=1, le=7)]
    level: TimerLevel = TimerLevel.NATIVE
    on: Wall | None = None
    off: Wall | None = None
    days: frozenset[Annotated[int, Meta(ge=1, le=7)]] = EVERY_DAY
    volume: Annotated[int, Meta(ge=0, le=100)] | None = None

    def timer(self, since: float) -> Timer | None:
        """Set at `since` (seconds since the epoch); None: it is to go. Raises CommandRejected."""
        if self.on is None and self.off is None:
            return None
        if not self.days:
            raise CommandRejected("days: a timer needs at least one day")
        return Timer(self.level, self.number, self.on, self.off, self.days, self.volume, since)


def read(body: Mapping[str, Any]) -> WantedTimer:
    """Raises CommandRejected that names what is wrong."""
    try:
        return msgspec.convert(body, WantedTimer)
    except msgspec.ValidationError as error:
        raise CommandRejected(f"timer: {error}") from error


def shown(timer: Timer) -> dict[str, Any]:
    """As `read` takes it."""
    return {
        "number": timer.number, "level": timer.level, "on": timer.on, "off": timer.off, "days": sorted(timer.days),
        "volume": timer.volume,
    }  # fmt: skip
