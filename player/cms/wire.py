"""Lenient types for what servers send: numbers may be strings, absent may be null, empty objects may be lists (contract §3.3).

For pydantic models at the edge only. What cannot be read becomes None, and the adapter decides what None means.
"""

from __future__ import annotations

import math
from datetime import UTC, datetime
from typing import Annotated, Any

import msgspec
from pydantic import BaseModel, BeforeValidator, ConfigDict

_TRUE, _FALSE = ("1", "true", "yes", "on"), ("0", "false", "no", "off")
LONGEST = 4096  # characters of a text
_TIME_LIMIT = 32_503_680_000.0  # the year 3000


class Wire(BaseModel):
    """A part of an answer: fields that we do not know are ignored."""

    model_config = ConfigDict(extra="ignore", frozen=True)


def number(value: Any) -> float | None:
    """30, "30", " 30.0 " -> 30.0; anything else, NaN and the infinite -> None."""
    if isinstance(value, bool) or not isinstance(value, int | float | str) or (isinstance(value, str) and len(value) > 40):
        return None
    try:
        read = float(value)
    except (ValueError, OverflowError):
        return None
    return read if math.isfinite(read) else None


def truth(value: Any) -> bool | None:
    """true, 1, "1", "yes" -> True; the like for False; anything else -> None."""
    if isinstance(value, bool):
        return value
    word = (text(value) or "").strip().lower()
    return True if word in _TRUE else False if word in _FALSE else None


def text(value: Any) -> str | None:
    """Strings as they are, whole numbers as digits, empty and anything else -> None. NUL and lone surrogates are taken out."""
    if isinstance(value, str) and value.isascii() and "\0" not in value and len(value) <= LONGEST:
        return value or None  # as nearly all of them are
    if isinstance(value, bool) or not isinstance(value, int | str) or (isinstance(value, int) and abs(value) >= 2**63):
        return None
    return str(value)[:LONGEST].replace("\0", "").encode("utf-8", "ignore").decode("utf-8") or None


def instant(value: Any) -> float | None:
    """Seconds since the epoch, of a number or of ISO 8601 (UTC when it names no zone); anything else -> None."""
    seconds = number(value)
    if seconds is None and isinstance(value, str):
        try:
            parsed = datetime.fromisoformat(value.strip())
            seconds = parsed.replace(tzinfo=parsed.tzinfo or UTC).timestamp()
        except (ValueError, OverflowError):
            return None
    return seconds if seconds is not None and 0 <= seconds <= _TIME_LIMIT else None


def table(value: Any) -> dict[str, Any]:
    """An object, also where it was sent as a string of JSON; anything else, such as PHP's [] for an empty one, is empty."""
    if isinstance(value, str) and len(value) <= 65536:
        try:
            value = msgspec.json.decode(value)  # as strict as for an answer: no NaN, no half characters
        except (ValueError, RecursionError):
            return {}
    return value if isinstance(value, dict) else {}


def rows(value: Any) -> list[Any] | None:
    """A list; an object's values where PHP made one of it; anything else -> None."""
    if isinstance(value, dict):
        return list(value.values())
    return value if isinstance(value, list) else None


Number = Annotated[float | None, BeforeValidator(number)]
Truth = Annotated[bool | None, BeforeValidator(truth)]
Text = Annotated[str | None, BeforeValidator(text)]
Instant = Annotated[float | None, BeforeValidator(instant)]
Table = Annotated[dict[str, Any], BeforeValidator(table)]
Rows = Annotated[list[Any] | None, BeforeValidator(rows)]
