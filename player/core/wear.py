"""How much of the flash may be worn out, whatever a server keeps changing. Pure; times are monotonic seconds.

Twice what the cache holds may be fetched at once, and from then on as much each day; a file that is another one each time is
fetched some times at once, and then now and then. What is broken off and tried again is the same file. What is written whenever
a programme changes, the manifest and the index of the files, is a megabyte a minute: one of ten thousand items is written at once
however large it is, and the next one when it is paid for.
"""

from __future__ import annotations

from collections.abc import Collection

from player.core.allowance import Allowance

DAY_S = 86_400.0
LEAST_A_DAY = 512 * 1024 * 1024  # bytes, however small a cache is
REVISIONS, REVISION_EVERY_S = 6, 600.0
A_MINUTE = 1_000_000  # bytes of what is written for each change
PROGRAMMES_AT_ONCE = 8_000_000  # bytes: ten thousand items of AdCast take 6.4 million, and what follows is not to wait
LEAST_WRITE = 65_536  # what flash is worn by for a file of a few bytes, with its name and the file system's own journal


class ByteBudget:
    """`at_once` bytes, then `a_day` within a day. What was begun is not cut off, and is paid for later."""

    def __init__(self, at_once: int, a_day: int) -> None:
        self._most, self._per_s = float(at_once), a_day / DAY_S
        self._left, self._at = self._most, float("-inf")

    def __repr__(self) -> str:
        return f"<{self._left / 2**20:.0f} MiB may be written>"

    def wait_s(self, now: float) -> float:
        """Seconds until something may be written again; 0: now."""
        self._refill(now)
        return max(0.0, -self._left / self._per_s)

    def spend(self, size: int, now: float) -> None:
        """So many bytes were written."""
        self._refill(now)
        self._left -= size

    def _refill(self, now: float) -> None:
        self._left = min(self._most, self._left + (now - self._at) * self._per_s)
        self._at = now


def for_changes(at_once: int) -> ByteBudget:
    """Of what is written for each change of a programme."""
    return ByteBudget(at_once, A_MINUTE * 24 * 60)


class Revisions:
    """Which file each content was last fetched as, and how soon it may be fetched as another one."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[str, Allowance]] = {}

    def __repr__(self) -> str:
        return f"<revisions of {len(self._known)} contents>"

    def wait_s(self, content: str, key: str, now: float) -> float:
        """Seconds until `content` may be fetched as `key`; where that is 0 it counts."""
        under_way, allowance = self._known.get(content, ("", Allowance(REVISIONS, REVISION_EVERY_S)))
        if under_way == key:
            return 0.0
        wait_s = allowance.due_in(now)
        if wait_s <= 0:
            self._known[content] = key, allowance
        return wait_s

    def fetched(self, content: str) -> None:
        """It is here, whole: whatever is fetched next is another one, under the same name too."""
        if content in self._known:
            self._known[content] = "", self._known[content][1]

    def keep_only(self, contents: Collection[str]) -> None:
        """What is no longer wanted may be fetched as if it had never been."""
        self._known = {content: known for content, known in self._known.items() if content in contents}
