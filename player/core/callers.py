"""Who stays connected to the local page when one more comes: so many each address, so many in all; idle ones make way, and then
those of whoever holds the most. Pure.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
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
    has the most, and more than this one; else the oldest at work of that source; else an idle one of its own. So neither who holds
    many, nor strangers that ask slowly from many addresses, keep out who holds none, or hang up on who holds one.
    """
    held = Counter(caller.source for caller in connected)
    if held[source] >= each:
        return _oldest(connected, lambda caller: caller.source == source and not caller.at_work)
    if len(connected) < total:
        return Room(None)
    idle = {caller.source for caller in connected if not caller.at_work and held[caller.source] > held[source]}
    most = max(idle or held, key=lambda one: held[one])
    if held[most] > held[source]:
        return _oldest(connected, lambda caller: caller.source == most and not (idle and caller.at_work))
    return _oldest(connected, lambda caller: caller.source == source and not caller.at_work)


def _oldest(connected: Sequence[Caller], fits: Callable[[Caller], bool]) -> Room | None:
    """Whoever that fits makes way; None: there is nobody."""
    found = next((index for index, caller in enumerate(connected) if fits(caller)), None)
    return None if found is None else Room(found)
