"""How much memory pages may hold before the process that draws one is ended (pure). Bytes.

What pages hold is looked at from outside, ten times a second, and one that grows by a gigabyte a second takes much before the next
look. So one page has three bounds, each somebody else's to keep: the browser's own for what scripts keep, the kernel's for what a
process asks for, and the look's for what it holds. A page that has frames of other sites has a process for each of them, and the
page that comes next is there beside the one on screen, so all together have a bound as well; where that is passed the largest
goes, as when the kernel has no memory left.

The bounds are for the worst page and not for a usual one, which holds 60 to 150 MiB: there has to be room for the browser, whose
own processes take some 200, for the page that comes next, and for what plays beside them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

_ASKED_AT_ONCE = 384 * 1024 * 1024  # of which a page that holds nothing has asked for most, and touches none
_LARGEST_TOGETHER = 4
_USUAL = 56 * 1024 * 1024  # of two windows of a region one shows nothing for most of the time


@dataclass(frozen=True, slots=True)
class PageMemory:
    """Of one process: `held` in the box's memory, `scripts` of that for what they keep, `asked` touched or not; all hold `most`."""

    held: int
    scripts: int
    asked: int
    most: int

    def together(self, processes: int) -> int:
        """What so many processes may hold at once: one what a page may, each further one what a usual page or frame holds."""
        return min(self.held + _USUAL * max(0, processes - 1), self.most)


def page_memory(wanted: int, installed: int) -> PageMemory:
    """Where `wanted` are configured for a page: more than a quarter of what is installed it never gets, and all never half."""
    held = min(wanted, installed // 4)
    return PageMemory(held, held, _ASKED_AT_ONCE + 2 * held, min(_LARGEST_TOGETHER * held, installed // 2))


def too_large(held: Mapping[int, int], memory: PageMemory) -> list[int]:
    """Those of the processes that have to end, by what each holds: the largest first."""
    left, ends, together = sum(held.values()), [], memory.together(len(held))
    for pid in sorted(held, key=lambda pid: -held[pid]):
        if held[pid] <= memory.held and left <= together:
            break
        left -= held[pid]
        ends.append(pid)
    return ends
