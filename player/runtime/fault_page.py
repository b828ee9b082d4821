"""One author's page of the daemon's fault book: it says when a fault began, and writes the line in the log.

The composition root makes one `FaultBook` and hands each author a page of it. A fault is one line when it begins and one when it is
over, never one a look, and of many that come and go no more than some a minute: the book has them all.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable

from player.core.allowance import LINE_EVERY_S, LINES_AT_ONCE, Allowance
from player.core.faults import Fault, FaultBook
from player.core.plaintext import without_logins
from player.core.ports.box import Clock
from player.runtime.logs import FAULTS

log = logging.getLogger(FAULTS)
LONGEST = 1000  # characters of a message: people read it


class FaultPage:
    """The faults that `author` tells of, one for each `thing`: an item, a region, "" where there is one thing alone."""

    def __init__(self, book: FaultBook, clock: Clock, author: str) -> None:
        self._book, self._author, self._clock = book, author, clock
        self._lines = Allowance(LINES_AT_ONCE, LINE_EVERY_S)

    def __repr__(self) -> str:
        return f"<faults of {self._author}: {', '.join(fault.code for fault in self.faults) or 'none'}>"

    @property
    def faults(self) -> tuple[Fault, ...]:
        """Those of this page."""
        return tuple(self._book.of(self._author).values())

    def report(
        self, thing: str, code: str, message: str, *, item_id: str | None = None, content_id: str | None = None,
        count: int | None = None, since: float | None = None,
    ) -> None:  # fmt: skip
        """It is so. `count` where the author knows it, else once more; `since` where it began before this process did.

        The message goes to the server and to whoever may read the status: no login or signature of an address stays in it.
        """
        message = without_logins(message)[:LONGEST]
        began = self._clock.now().timestamp() if since is None else since
        item_id, content_id = (one and without_logins(one) for one in (item_id, content_id))  # of a page it may be its address
        fault = Fault(code, message, began, item_id, content_id, 1 if count is None else count)
        if self._book.report((self._author, thing), fault, once_more=count is None):
            self._say(logging.WARNING, f"{message} ({code})")

    def clear(self, thing: str = "") -> None:
        """It is so no longer."""
        self._say_over(self._book.clear((self._author, thing)))

    def keep_only(self, things: Collection[str]) -> None:
        """What is no longer wanted is no fault any more."""
        for fault in self._book.keep_only(self._author, things):
            self._say_over(fault)

    def replace(self, faults: Iterable[Fault]) -> None:
        """Exactly these, as somebody else found them: those that were told before keep the time when they began."""
        by_thing = {f"{fault.code} {fault.item_id} {fault.message}": fault for fault in faults}
        self.keep_only(by_thing)
        for thing, fault in by_thing.items():
            self.report(thing, fault.code, fault.message, item_id=fault.item_id, content_id=fault.content_id,
                        count=fault.count, since=fault.since)  # fmt: skip

    def _say_over(self, fault: Fault | None) -> None:
        if fault is not None:
            self._say(logging.INFO, f"over: {fault.message} ({fault.code})")

    def _say(self, level: int, line: str) -> None:
        log.log(level if self._lines.spare(self._clock.monotonic()) else logging.DEBUG, "%s", line)
