"""Who stays connected to the local page when one more comes: so many each address, so many in all; idle ones make way, and then
those of whoever holds the most. Pure.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Caller:
    """An open connection of `source`. `at_work`: something was asked and is not answered yet."""

    source: str
    at_work: bool


@dataclass(frozen=True, slots=True)
class Room:
    """Space for one more. `goes`: the index of the caller that makes way; None: nobody has to."""

    goes: int | None


def room_for(source: str, connected: Sequence[Caller], *, each: int, total: int) -> Room | None:
    """Room for one more of `source` beside those `connected`, oldest first; None: there is none.

    Of a source that has `each`, its own oldest idle one goes. Where there are `total`, the oldest idle one goes of the source that
    has the most; where nobody is idle, the oldest of the source that has the most, for whoever has fewer: strangers that ask slowly
    from many addresses cannot keep out who holds none.
    """
    held = Counter(caller.source for caller in connected)
    idle = [index for index, caller in enumerate(connected) if not caller.at_work]
    if held[source] >= each:
        idle = [index for index in idle if connected[index].source == source]
    elif len(connected) < total:
        return Room(None)
    if idle:
        return Room(max(idle, key=lambda index: held[connected[index].source]))
    most = max(held.values(), default=0)
    if held[source] >= min(each, most):
        return None
    return Room(next(index for index, caller in enumerate(connected) if held[caller.source] == most))
