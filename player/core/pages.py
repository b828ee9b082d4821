"""A list by pages: which of it stands on this one, and where the next begins. Pure; times are seconds since the epoch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class PageWanted:
    """`since` is included, `until` is not; `descending`: newest first."""

    limit: int
    descending: bool = True
    since: float | None = None
    until: float | None = None


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """`onward`: what the next page is asked with; None: this is the last."""

    items: Sequence[T]
    onward: PageWanted | None = None


def page(items: Sequence[T], made_at: Callable[[T], float], wanted: PageWanted) -> Page[T]:
    """The part of `items` that is wanted. Two that were made in the same millisecond must not be: one could be passed over."""
    found = sorted((one for one in items if _is_between(made_at(one), wanted)), key=made_at, reverse=wanted.descending)
    shown, rest = found[: wanted.limit], found[wanted.limit :]
    if not rest or not shown:
        return Page(shown)
    if wanted.descending:
        return Page(shown, PageWanted(wanted.limit, until=made_at(shown[-1]), since=wanted.since))
    return Page(shown, PageWanted(wanted.limit, descending=False, since=made_at(rest[0]), until=wanted.until))


def _is_between(at: float, wanted: PageWanted) -> bool:
    return (wanted.since is None or at >= wanted.since) and (wanted.until is None or at < wanted.until)
