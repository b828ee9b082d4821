"""Files that nothing but their address tells apart: which are asked about in this round, and what the answer means (pure).

A server that gives no hash may put other bytes behind the same address, and the same bytes behind another one. What it calls the
bytes (`ETag`, `Last-Modified`) tells; where it calls them nothing, their number does.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

ROUNDS = 3  # in so many everything is asked about once


@dataclass(frozen=True, slots=True)
class Validators:
    """What a server calls the bytes behind an address, as its headers have it."""

    etag: str | None = None
    last_modified: str | None = None


def due(keys: Sequence[str], asked: Mapping[str, int]) -> tuple[str, ...]:
    """A part of `keys`, those that were asked about longest ago; `asked` holds the number of the round in which that was."""
    longest = sorted(keys, key=lambda key: asked.get(key, -1))
    return tuple(longest[: -(-len(longest) // ROUNDS)])


def is_changed(known: Validators, told: Validators, size: int, length: int | None) -> bool:
    """Whether other bytes are there; `size` of those at hand, `length` of those that the server would send, None where unknown.

    Servers of one address may differ in their tags: an equal date and an equal length outrank these.
    """
    other_length = length is not None and length != size
    same_date = known.last_modified is not None and known.last_modified == told.last_modified
    if same_date and not other_length:
        return False
    if known.etag is not None and told.etag is not None:
        return _plain(known.etag) != _plain(told.etag)
    if known.last_modified is not None and told.last_modified is not None:
        return not same_date or other_length
    return other_length


def is_same(known: Validators, told: Validators) -> bool:
    """Whether what lies behind another address is surely the same: only a strong tag says so."""
    return known.etag is not None and known.etag == told.etag and not known.etag.startswith("W/")


def _plain(etag: str) -> str:
    return etag.removeprefix("W/")
