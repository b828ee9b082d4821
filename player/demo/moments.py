"""Instants as people and programs send them to a demonstration server."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import BeforeValidator


def moment(value: Any) -> float | None:
    """Seconds since the epoch, of a number or an ISO date and time (without a zone: UTC)."""
    if value is None or value == "":
        return None
    try:
        found = float(value)
    except (TypeError, ValueError):
        instant = datetime.fromisoformat(str(value))
        found = (instant if instant.tzinfo else instant.replace(tzinfo=UTC)).timestamp()
    if not 0 <= found < 253402300800:
        raise ValueError("a time between 1970 and 9999 is expected")
    return found


Moment = Annotated[float | None, BeforeValidator(moment)]
NeededMoment = Annotated[float, BeforeValidator(moment)]
