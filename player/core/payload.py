"""Reading a command's payload: each field checked and typed (K5), each refusal a sentence with command and field. Pure."""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Mapping
from typing import Any

from player.core.content import Orientation
from player.errors import CommandRejected

MAX_SECONDS = 3600.0
MAX_TEXT = 500


class Payload:
    """Reads one payload and words the refusals: `TYPE: FIELD must be …`."""

    def __init__(self, kind: str, held: Mapping[str, Any]) -> None:
        self._kind, self._held = kind, held

    def percent(self, name: str) -> int:
        """A whole number from 0 to 100."""
        value = self._number(name)
        if value is None or not 0 <= value <= 100:
            raise self._refused(name, "a whole number from 0 to 100")
        return round(value)

    def seconds(self, name: str, default: float | None) -> float | None:
        """A duration: more than 0, cut at an hour; `default` where it is not given."""
        if self._held.get(name) is None:
            return default
        value = self._number(name)
        if value is None or value <= 0:
            raise self._refused(name, "a number of seconds above 0")
        return min(value, MAX_SECONDS)

    def truth(self, name: str, *, default: bool | None = None) -> bool:
        """true or false, also as 0 and 1."""
        words: dict[Any, bool] = {"true": True, "1": True, "false": False, "0": False}
        value = self._held.get(name, default)
        found = value if isinstance(value, bool) else words.get(str(value).lower())
        if found is None:
            raise self._refused(name, "true or false")
        return found

    def text(self, name: str, limit: int = MAX_TEXT) -> str:
        """A text that is not empty; whole numbers count as text. Control characters become spaces."""
        value = self.optional_text(name, limit)
        if value is None:
            raise self._refused(name, "a text")
        return value

    def optional_text(self, name: str, limit: int = MAX_TEXT) -> str | None:
        """As `text`, None where it is not given or empty."""
        value = self._held.get(name)
        if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**63:
            value = str(value)
        if value is not None and not isinstance(value, str):
            raise self._refused(name, "a text")
        cleaned = "".join(" " if _is_control(c) else c for c in (value or "")[:limit]).strip()
        return cleaned or None

    def orientation(self, name: str) -> Orientation:
        """One of the four words."""
        try:
            return Orientation(str(self._held.get(name)).lower().replace("-", "_"))
        except ValueError:
            raise self._refused(name, "one of " + ", ".join(Orientation)) from None

    def _number(self, name: str) -> float | None:
        value = self._held.get(name)
        if isinstance(value, bool) or not isinstance(value, int | float | str):
            return None
        try:
            read = float(value)
        except (ValueError, OverflowError):
            return None
        return read if math.isfinite(read) else None

    def _refused(self, name: str, wanted: str) -> CommandRejected:
        found = repr(self._held[name])[:60] if name in self._held else "nothing"
        return CommandRejected(f"{self._kind}: {name} must be {wanted}, found {found}")


def _is_control(character: str) -> bool:
    """Control characters and lone surrogates; a line break is none, and joiners belong to many scripts."""
    return character != "\n" and unicodedata.category(character) in ("Cc", "Cs")
