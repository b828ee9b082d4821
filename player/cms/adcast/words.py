"""AdCast's words for what an item is, and for a ticker's speed."""

from __future__ import annotations

from typing import Any

from player.cms.wire import number, text
from player.core.kinds import Kind

_PACES = {"slow": 0.04, "normal": 0.075, "fast": 0.15}  # widths of the region a second


def pace(value: Any) -> float | None:
    """A ticker's speed in widths of its region a second: such a number, or slow, normal, fast; None where it is neither."""
    read = number(value)
    if read is None:
        return _PACES.get((text(value) or "").strip().lower())
    return min(max(read, 0.005), 1.0) if read > 0 else None


def kind_of(word: str | None, *, packed: bool) -> Kind | None:
    """What an item is; None for a word that we do not know. A page that is `packed` is a package; a drawing comes as a picture."""
    try:
        kind = Kind((word or "").strip().lower())
    except ValueError:
        return None
    if kind is Kind.WEB and packed:
        return Kind.PACKAGE
    return kind.asked


def is_zip(mime: str | None, *addresses: str | None) -> bool:
    """Whether a page's media type or one of its addresses says that it is an archive."""
    if mime is not None:
        return mime.partition(";")[0].strip().lower() in ("application/zip", "application/x-zip-compressed")
    return any(address.partition("?")[0].partition("#")[0].lower().endswith(".zip") for address in addresses if address)
