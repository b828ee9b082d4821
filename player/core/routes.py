"""Which row of a table answers a request: patterns of paths, where a fixed piece goes before a named one. Pure.

A pattern is a path whose named pieces stand in braces: `/v1/device/{device}/volume`; `{path*}` at its end stands for all the pieces
that follow, at least one. Empty pieces of a request's path do not count,
so that a slash too many at either end of a base address does no harm.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")
_REST = "*}"


@dataclass(frozen=True, slots=True)
class Found(Generic[T]):
    """The row that answers, and the named pieces of the path."""

    row: T
    pieces: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Unknown:
    """No row answers. `methods`: those that the path itself is known with, sorted."""

    methods: tuple[str, ...] = ()


class Table(Generic[T]):
    """Rows by method and pattern. Raises ValueError for two rows that no request could tell apart."""

    def __init__(self, rows: Sequence[tuple[str, str, T]]) -> None:
        self._rows = sorted(((pieces_of(pattern), method, row) for method, pattern, row in rows), key=_fixed_first)
        shapes = Counter((method, *("{}" if is_named(piece) else piece for piece in pattern)) for pattern, method, _ in self._rows)
        twice = sorted(" ".join(shape) for shape, count in shapes.items() if count > 1)
        if twice:
            raise ValueError(f"more than one row answers {', '.join(twice)}")

    def find(self, method: str, path: Sequence[str]) -> Found[T] | Unknown:
        """The row for a method and the pieces of a path."""
        methods = set()
        for pattern, answers_to, row in self._rows:
            pieces = _match(pattern, path)
            if pieces is None:
                continue
            if answers_to == method:
                return Found(row, pieces)
            methods.add(answers_to)
        return Unknown(tuple(sorted(methods)))


def pieces_of(path: str) -> tuple[str, ...]:
    """The pieces between the slashes that are not empty."""
    return tuple(piece for piece in path.split("/") if piece)


def is_named(piece: str) -> bool:
    """Whether a piece of a pattern stands for any one."""
    return piece.startswith("{")


def _fixed_first(row: tuple[tuple[str, ...], str, object]) -> tuple[bool, ...]:
    return tuple(is_named(piece) for piece in row[0])


def _match(pattern: Sequence[str], path: Sequence[str]) -> dict[str, str] | None:
    if pattern and pattern[-1].endswith(_REST) and len(path) >= len(pattern):
        path = (*path[: len(pattern) - 1], "/".join(path[len(pattern) - 1 :]))
    if len(pattern) != len(path) or any(not is_named(want) and want != piece for want, piece in zip(pattern, path, strict=True)):
        return None
    return {want[1:-1].rstrip("*"): piece for want, piece in zip(pattern, path, strict=True) if is_named(want)}
