"""How much memory pages may hold before the process that draws one is ended (pure). Bytes.

What pages hold is looked at from outside, ten times a second, and one that grows by a gigabyte a second takes much before the next
look. So one page has three bounds, each somebody else's to keep: the browser's own for what scripts keep, the kernel's for what a
process asks for, and the look's for what it holds. A page that has frames of other sites has a process for each of them, and the
page that comes next is there beside the one on screen, so all together have a room of their own. Where it is full, who came last
leaves: that is what is made ready for its turn, which costs nobody a picture, and only then what is on screen. The room goes by the
pages on screen, which the programme decides, and not by processes, of which a page has as many as it likes.

The bounds are for the worst page and not for a usual one, which holds 60 to 150 MiB: there has to be room for the browser, whose
own processes hold some 100, for the page that comes next, and for what plays beside them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

_ASKED_AT_ONCE = 384 * 1024 * 1024  # of which a page that holds nothing has asked for most, and touches none
_NEXT = 96 * 1024 * 1024  # for what comes after the page on screen, and for the window that waits for it
_FURTHER = 120 * 1024 * 1024  # for a usual page in another region, with its window that waits
_LARGEST_TOGETHER = 4


@dataclass(frozen=True, slots=True)
class PageMemory:
    """Of one process: `held` in the box's memory, `scripts` of that for what they keep, `asked` touched or not; all hold `most`."""

    held: int
    scripts: int
    asked: int
    most: int

    def together(self, shown: int) -> int:
        """What all processes may hold while so many pages are on screen."""
        return min(self.held + _NEXT + _FURTHER * max(0, shown - 1), self.most)


def page_memory(wanted: int, installed: int) -> PageMemory:
    """Where `wanted` are configured for a page: more than a quarter of what is installed it never gets, and all never half."""
    held = min(wanted, installed // 4)
    return PageMemory(held, held, _ASKED_AT_ONCE + 2 * held, min(_LARGEST_TOGETHER * held, installed // 2))


def too_large(held: Mapping[int, int], memory: PageMemory, shown: int) -> list[int]:
    """Those of the processes that have to end, by what each holds, in the order in which they came; `shown` pages are on screen."""
    ends = [pid for pid, size in held.items() if size > memory.held]
    left = sum(held.values()) - sum(held[pid] for pid in ends)
    for pid in reversed([pid for pid in held if pid not in ends]):
        if left <= memory.together(shown):
            break
        left -= held[pid]
        ends.append(pid)
    return ends
