"""Ages and dates as people write them on a command line: 7d, 12h, 2026-03-01."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from player.errors import SignageError

_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}


class BadSpan(SignageError):
    """Not an age or a date."""

    code = "usage"


def age(text: str) -> float:
    """Seconds of "30d", "12h". Raises BadSpan."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)([smhdw])", text)
    if not match:
        raise BadSpan(f'expected an age such as "30d" or "12h", found "{text}"')
    return float(match[1]) * _SECONDS[match[2]]


def since(text: str, now: float) -> float:
    """Seconds since the epoch of a date (midnight UTC), an instant, or an age before `now`. Raises BadSpan."""
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        try:
            return now - age(text)
        except BadSpan as error:
            raise BadSpan(f'expected a date such as "2026-03-01", or an age such as "7d", found "{text}"') from error
    return (instant if instant.tzinfo else instant.replace(tzinfo=UTC)).timestamp()
