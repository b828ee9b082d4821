"""Names in the order in which people count: "2 menu" before "10 menu", capital letters like small ones (pure)."""

from __future__ import annotations

import re

_NUMBER = re.compile(r"(\d+)")


def natural_key(name: str) -> tuple[tuple[int, int, str], ...]:
    """Sorts names: runs of digits by their value, what is between them by its letters."""
    parts = (part for part in _NUMBER.split(name.casefold()) if part)
    return tuple((0, int(part), "") if part.isdecimal() else (1, 0, part) for part in parts)
