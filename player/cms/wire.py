"""Lenient types for what servers send: numbers may be strings, absent may be null, empty objects may be lists (contract §3.3).

For pydantic models at the edge only. What cannot be read becomes None, and the adapter decides what None means.

A long answer is read bit by bit: of ten thousand items as objects several times its size would be held at once. `unfolded` leaves
its parts as they are written (`msgspec.Raw`), and `table` and `rows` open one when it is asked for. Two bytes of JSON may be sixty
of memory: what holds more values than anything that is meant is not read at all.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any

import msgspec
from pydantic import BaseModel, BeforeValidator, ConfigDict

from player.errors import ServerNonsense

Written = bytes | bytearray | memoryview | msgspec.Raw
_NESTS = (dict, list)
_TRUE, _FALSE = ("1", "true", "yes", "on"), ("0", "false", "no", "off")
LONGEST = 4096  # characters of a text
LONG, DEPTH = 4096, 64  # bytes of a part that is read whole; how deep JSON is nested at most
TOO_DEEP = f"it is nested more than {DEPTH} deep"
VALUES, VALUES_IN_PARTS = 300_000, 1_000_000  # ten thousand items with all that is said of each are two hundred thousand
_TIME_LIMIT = 32_503_680_000.0  # the year 3000


class Wire(BaseModel):
    """A part of an answer: fields that we do not know are ignored."""

    model_config = ConfigDict(extra="ignore", frozen=True)


@dataclass(frozen=True, slots=True)
class Listed:
    """The rows of a list that came in pages, and why it was not read to its end ("": it was)."""

    rows: tuple[dict[str, Any], ...]
    cut: str = ""


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
    """An object, also where it was sent as a string of JSON; anything else, such as PHP's [] for an empty one, is empty.

    Raises ValueError where it is a part of a long answer that is no JSON.
    """
    if isinstance(value, msgspec.Raw):
        value = unfolded(value, LONG)
    elif isinstance(value, str) and len(value) <= 65536:
        try:
            value = read_json(value.encode())  # as strict as for an answer: no NaN, no half characters
        except ValueError:
            return {}
    return value if isinstance(value, dict) else {}


def rows(value: Any) -> list[Any] | None:
    """A list; an object's values where PHP made one of it; anything else -> None. Of a part of a long answer, its own parts.

    Raises ValueError where that is no JSON.
    """
    if isinstance(value, msgspec.Raw):
        value = unfolded(value, 0)
    if isinstance(value, dict):
        return list(value.values())
    return value if isinstance(value, list) else None


def read_json(written: Written) -> Any:
    """What JSON says. Raises ValueError: of what is none, is nested more than `DEPTH` deep, or holds more than `VALUES`."""
    _check_count(written, VALUES)
    try:
        value = msgspec.json.decode(written)
    except RecursionError as error:
        raise ValueError(TOO_DEEP) from error
    if _deeper_than(value, DEPTH):
        raise ValueError(TOO_DEEP)
    return value


def unfolded(written: Written, whole: int) -> Any:
    """What JSON says; of more than `whole` bytes one level alone, in which lists and objects above that stay as they are written.

    Raises ValueError of what is none, as far as it was read.
    """
    kind = _opening(written)
    _check_count(written, VALUES_IN_PARTS)
    if memoryview(written).nbytes <= whole or kind not in (b"[", b"{"):
        return read_json(written)
    try:
        if kind == b"[":
            return [_settled(one, whole) for one in msgspec.json.decode(written, type=list[msgspec.Raw])]
        return {name: _settled(one, whole) for name, one in msgspec.json.decode(written, type=dict[str, msgspec.Raw]).items()}
    except RecursionError as error:
        raise ValueError(TOO_DEEP) from error


def unreadable(where: str, error: ValueError) -> ServerNonsense:
    """What an answer is of which a part is no JSON."""
    return ServerNonsense(where, f"its JSON cannot be read ({str(error)[:100]})")


def _check_count(written: Written, most: int) -> None:
    """Raises ValueError. What stands in texts counts as well: nobody means so much."""
    if memoryview(written).nbytes > most:
        whole = written if isinstance(written, bytes | bytearray) else bytes(written)
        if sum(map(whole.count, (b",", b"[", b"{"))) > most:
            raise ValueError(f"it holds more than {most} values")


def _settled(part: msgspec.Raw, whole: int) -> Any:
    return part if memoryview(part).nbytes > whole and _opening(part) in (b"[", b"{") else read_json(part)


def _opening(written: Written) -> bytes:
    return bytes(memoryview(written)[:64]).lstrip()[:1]


def _deeper_than(value: Any, limit: int) -> bool:
    level = [value] if isinstance(value, _NESTS) else []
    for _ in range(limit + 1):
        level = [child for node in level for child in _children(node)]
        if not level:
            return False
    return True


def _children(node: Any) -> list[Any]:
    return [child for child in (node.values() if isinstance(node, dict) else node) if isinstance(child, _NESTS)]


Number = Annotated[float | None, BeforeValidator(number)]
Truth = Annotated[bool | None, BeforeValidator(truth)]
Text = Annotated[str | None, BeforeValidator(text)]
Instant = Annotated[float | None, BeforeValidator(instant)]
Table = Annotated[dict[str, Any], BeforeValidator(table)]
Rows = Annotated[list[Any] | None, BeforeValidator(rows)]
