"""A page of a fault book, for what is tested without its composition root: the real parts."""

from __future__ import annotations

from player.core.faults import FaultBook
from player.core.ports.box import Clock
from player.runtime.clock import SystemClock
from player.runtime.fault_page import FaultPage


def fault_page(book: FaultBook | None = None, author: str = "under test", clock: Clock | None = None) -> FaultPage:
    """One of `book`; without it, one in a book of its own."""
    return FaultPage(FaultBook() if book is None else book, clock or SystemClock(), author)
