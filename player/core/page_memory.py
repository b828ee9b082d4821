"""How much memory pages may hold before the process that draws one is ended (pure). Bytes.

What pages hold is looked at from outside, each second, and one that grows by a gigabyte a second would be through with a small box
before the next look. So one page has three bounds, each somebody else's to keep: the browser's own for what scripts keep, the
kernel's for what a process asks for, and the look's for what it holds. A page that has frames of other sites has a process for
each of them, so all together have a bound as well; where that is passed the largest goes, as when the kernel has no memory left.

The bounds are for the worst page and not for a usual one, which holds 60 to 150 MiB: on a box of a gigabyte there has to be room
for the browser, for the page that comes next, and for what plays beside them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

_ASKED_AT_ONCE = 384 * 1024 * 1024  # of which a page that holds nothing has asked for most, and touches none
_LARGEST_TOGETHER = 4


@dataclass(frozen=True, slots=True)
class PageMemory:
    """Of one process: `held` in the box's memory, `scripts` of that for what they keep, `asked` touched or not; and of all."""

    held: int
    scripts: int
    asked: int
    together: int


def page_memory(wanted: int, installed: int) -> PageMemory:
    """Where `wanted` are configured for a page: more than a quarter of what is installed it never gets, and all never half."""
    held = min(wanted, installed // 4)
    return PageMemory(held, held, _ASKED_AT_ONCE + 2 * held, min(_LARGEST_TOGETHER * held, installed // 2))


def too_large(held: Mapping[int, int], memory: PageMemory) -> list[int]:
    """Those of the processes that have to end, by what each holds: the largest first."""
    left, ends = sum(held.values()), []
    for pid in sorted(held, key=lambda pid: -held[pid]):
        if held[pid] <= memory.held and left <= memory.together:
            break
        left -= held[pid]
        ends.append(pid)
    return ends
