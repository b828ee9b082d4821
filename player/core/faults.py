"""Faults: the problems that an operator should know of."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Fault:
    """A problem an operator should know of: a stable `code`, a sentence, the item, and when it began (seconds since the epoch)."""

    code: str
    message: str
    since: float
    item_id: str | None = None
    content_id: str | None = None
    count: int = 1
