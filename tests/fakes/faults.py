"""A page of a fault book, for what is tested alone: the real parts."""

from __future__ import annotations

from player.core.faults import FaultBook
from player.core.ports.box import Clock
from player.runtime.clock import SystemClock
from player.runtime.fault_page import FaultPage


def fault_page(author: str = "under test", clock: Clock | None = None) -> FaultPage:
    """One in a book of its own."""
    return FaultPage(FaultBook(), clock or SystemClock(), author)
