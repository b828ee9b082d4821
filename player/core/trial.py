"""Whether a version that was just installed stays: the units are looked at until it is known. Pure.

The verdict is by what the units do and not by how fast they do it: a version that keeps ending has been started again so often, and
one that lives has been the same processes for a while. Only what does neither has to be given up by the clock.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum

MOST_STARTS = 5  # by systemd, of one unit: more than the compositor needs to find the renderer that this box can bear
STEADY_S = 30.0
PATIENCE_S = 600.0


class TrialEnd(StrEnum):
    """How a trial ends; OPEN: it has not."""

    OPEN = "open"
    STAYS = "stays"
    GOES = "goes"


@dataclass(frozen=True, slots=True)
class UnitSeen:
    """One unit at one look. `pid`: its main process, 0 for none; `started_again`: how often systemd did that by itself."""

    active: bool
    pid: int
    started_again: int


def verdict(units: Collection[UnitSeen], unchanged_s: float, waited_s: float) -> TrialEnd:
    """`units` have been as they are for `unchanged_s` seconds, and were looked at for `waited_s`."""
    if any(unit.started_again >= MOST_STARTS for unit in units):
        return TrialEnd.GOES
    if units and all(unit.active for unit in units) and unchanged_s >= STEADY_S:
        return TrialEnd.STAYS
    return TrialEnd.GOES if waited_s >= PATIENCE_S else TrialEnd.OPEN
