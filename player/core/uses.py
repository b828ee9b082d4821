"""How many elements a drawing comes to once it is drawn (pure): what a `use` names is drawn there once more, with all that it uses.

Eight elements of which each uses the next one ten times come to a hundred million, in a file of a few kilobytes. Patterns, masks,
clips and markers are drawn at each place that names them, and multiply in the same way; gradients do not.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

_DRAWN_WHERE_NAMED = frozenset({"pattern", "mask", "clipPath", "marker"})


class DrawingOutline:
    """A drawing as it is read: its elements begin and end in the order of the file. The first is what everything lies in."""

    def __init__(self) -> None:
        self._children: list[list[int]] = []
        self._uses: list[Collection[str]] = []
        self._paints: list[Collection[str]] = []
        self._tags: list[str] = []
        self._named: dict[str, int] = {}
        self._open: list[int] = []

    def __repr__(self) -> str:
        return f"<outline of {len(self._tags)} elements>"

    def begin(self, tag: str, name: str, uses: Collection[str], paints: Collection[str]) -> None:
        """An element with the id `name` ("": none) begins; it draws what it `uses`, and is painted, cut or marked by `paints`."""
        number = len(self._tags)
        if self._open:
            self._children[self._open[-1]].append(number)
        if name:
            self._named.setdefault(name, number)  # of two with the same id browsers take the first
        self._tags.append(tag)
        self._children.append([])
        self._uses.append(uses)
        self._paints.append(paints)
        self._open.append(number)

    def end(self) -> None:
        """The element that began last, of those that have not ended, ends."""
        self._open.pop()

    def comes_to(self, most: int) -> int:
        """The number of elements, counted up to `most`. What leads back to itself is not drawn there again, as browsers hold it."""
        found: dict[int, int] = {}
        begun: set[int] = set()
        waiting = [0] if self._tags else []
        while waiting:
            number = waiting[-1]
            if number not in begun:
                begun.add(number)
                waiting.extend(to for to in self._draws(number) if to not in begun)
            else:
                waiting.pop()
                if number not in found:
                    found[number] = min(most, 1 + sum(found.get(to, 0) for to in self._draws(number)))
        return found.get(0, 0)

    def _draws(self, number: int) -> Iterator[int]:
        yield from self._children[number]
        for name in self._uses[number]:
            if name in self._named:
                yield self._named[name]
        for name in self._paints[number]:
            if name in self._named and self._tags[self._named[name]] in _DRAWN_WHERE_NAMED:
                yield self._named[name]
