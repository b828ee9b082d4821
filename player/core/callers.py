"""Who stays connected to the local page when one more comes: so many each address, so many in all, and idle ones make way. Pure."""

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
    """Space for one more. `goes`: the index of the idle caller that makes way; None: nobody has to."""

    goes: int | None


def room_for(source: str, connected: Sequence[Caller], *, each: int, total: int) -> Room | None:
    """Room for one more of `source` beside those `connected`, oldest first; None: there is none.

    Of a source that has `each`, its own oldest idle one goes. Where there are `total`, the oldest idle one goes of the source that
    has the most: whoever holds many cannot keep out who holds none.
    """
    held = Counter(caller.source for caller in connected)
    idle = [index for index, caller in enumerate(connected) if not caller.at_work]
    if held[source] >= each:
        idle = [index for index in idle if connected[index].source == source]
    elif len(connected) < total:
        return Room(None)
    if not idle:
        return None
    return Room(max(idle, key=lambda index: held[connected[index].source]))
