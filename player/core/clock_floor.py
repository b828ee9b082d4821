"""How late it must be at the least, whatever this box's clock shows, and how that is known. Pure; seconds since the epoch.

What a synchronized clock showed holds for good. A server's word holds until the server says otherwise, or a synchronized clock
does: who lied once cannot stop a box's timers, or keep its updates out, for ever.
"""

from __future__ import annotations

from player.core.brief import ClockFacts

STEP_S = 3600.0  # a difference of less is not worth a write to flash
LATEST = 4_102_444_800.0  # the year 2100: whoever says that it is later is wrong


def clock_facts(
    before: ClockFacts, *, trusted_boot: str, now: float, synced: bool, server_says: float | None, built_at: float
) -> ClockFacts:
    """What is known at `now`, as this box's clock shows it: whether that is `synced`, and what the server says that it is.

    `trusted_boot`: this boot, where the clock was found right in it; then it counts as the server's word where that is None.
    """
    sure = max(before.synced_floor, built_at, now if synced else 0.0)
    word = now if server_says is None and trusted_boot else server_says
    if synced:
        floor = sure
    elif word is None or word > LATEST:
        floor = max(sure, before.floor)
    else:
        floor = max(sure, word)
    return ClockFacts(trusted_boot, _stepped(before.floor, floor), _stepped(before.synced_floor, sure))


def _stepped(before: float, after: float) -> float:
    return after if abs(after - before) >= STEP_S else before
