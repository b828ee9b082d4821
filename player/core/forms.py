"""A form's fields as the objects and lists that their names spell: `weekdays[0]=mon`, `size[width]=1920`. Pure.

A name that stands in it more than once is a list as well. Values stay text.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import pairwise
from typing import Any

DEEPEST = 8
_NAME = re.compile(r"([^\[\]]+)((?:\[[^\[\]]*\])*)")
_PIECE = re.compile(r"\[([^\[\]]*)\]")


def unfolded(fields: Iterable[tuple[str, str]]) -> dict[str, Any]:
    """The object that a form's fields make, in their order. Raises ValueError for names that spell nothing."""
    root: dict[str, Any] = {}
    for name, value in fields:
        pieces = _pieces(name)
        within = root
        for piece, _ in pairwise(pieces):
            within = _object(within.setdefault(piece or str(len(within)), {}), name)
        last = pieces[-1] or str(len(within))
        within[last] = _together(within.get(last), value, name)
    return {name: _listed(value) for name, value in root.items()}


def _pieces(name: str) -> list[str]:
    found = _NAME.fullmatch(name)
    if found is None:
        raise ValueError(f"no field is called {name[:60]}")
    pieces = [found[1], *_PIECE.findall(found[2])]
    if len(pieces) > DEEPEST:
        raise ValueError(f"a field has {DEEPEST} levels at most")
    return pieces


def _object(held: Any, name: str) -> dict[str, Any]:
    if isinstance(held, dict):
        return held
    raise ValueError(f"{name[:60]} is a value and an object at once")


def _together(held: Any, value: str, name: str) -> Any:
    match held:
        case None:
            return value
        case str():
            return [held, value]
        case list():
            return [*held, value]
        case _:
            raise ValueError(f"{name[:60]} is a value and an object at once")


def _listed(value: Any) -> Any:
    """An object whose names count from 0 is a list."""
    if not isinstance(value, dict):
        return value
    inner = {name: _listed(one) for name, one in value.items()}
    places = [str(number) for number in range(len(inner))]
    return [inner[place] for place in places] if inner.keys() == set(places) else inner
