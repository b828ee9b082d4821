"""A drawing that multiplies is counted as what it comes to, however it is nested, and in no more time than it has elements."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from player.core.uses import DrawingOutline

MOST = 10**9


class Part:
    """An element of a drawing whose parts are counted one by one."""

    def __init__(self, uses: list[int]) -> None:
        self.uses, self.children = uses, list[int]()


@st.composite
def drawings(draw: st.DrawFn, *, circles: bool) -> list[Part]:
    """The first holds all; each of the others lies in one before it, and uses others: without `circles` those after it alone."""
    count = draw(st.integers(1, 12))
    parts = [
        Part(
            draw(st.lists(st.integers(0 if circles else number + 1, count - 1), max_size=3))
            if circles or number + 1 < count
            else []
        )
        for number in range(count)
    ]
    for number in range(1, count):
        parts[draw(st.integers(0, number - 1))].children.append(number)
    return parts


def outline(parts: list[Part]) -> DrawingOutline:
    drawing = DrawingOutline()

    def read(number: int) -> None:
        drawing.begin("g", f"p{number}", [f"p{to}" for to in parts[number].uses], [])
        for child in parts[number].children:
            read(child)
        drawing.end()

    read(0)
    return drawing


def one_by_one(parts: list[Part], number: int = 0) -> int:
    return 1 + sum(one_by_one(parts, to) for to in [*parts[number].children, *parts[number].uses])


@given(drawings(circles=False))
def test_each_use_counts_what_it_draws(parts: list[Part]):
    whole = one_by_one(parts)
    assert outline(parts).comes_to(MOST) == whole
    assert outline(parts).comes_to(5) == min(5, whole)


@given(drawings(circles=True))
def test_circles_come_to_an_end(parts: list[Part]):
    assert len(parts) <= outline(parts).comes_to(MOST) < MOST


def test_a_deep_and_wide_one_is_counted_at_once():
    drawing = DrawingOutline()
    drawing.begin("svg", "", [], [])
    for level in range(50_000):
        drawing.begin("g", f"l{level}", [f"l{level + 1}"] * 2, [])
        drawing.end()
    assert drawing.comes_to(200_000) == 200_000
    assert repr(drawing) == "<outline of 50001 elements>"


@pytest.mark.parametrize(("tag", "times"), [("pattern", 3), ("mask", 3), ("clipPath", 3), ("marker", 3), ("linearGradient", 1)])
def test_what_paints_counts_where_it_is_drawn_anew(tag: str, times: int):
    drawing = DrawingOutline()
    drawing.begin("svg", "", [], [])
    drawing.begin(tag, "paint", [], [])
    drawing.begin("rect", "", [], [])
    drawing.end()
    drawing.end()
    for names in (["paint"], ["paint", "nobody"]):
        drawing.begin("rect", "", ["nobody"], names)
        drawing.end()
    assert drawing.comes_to(MOST) == 1 + 2 + 2 * times


def test_what_is_empty_comes_to_nothing():
    assert DrawingOutline().comes_to(MOST) == 0


def test_of_two_with_the_same_id_the_first_is_drawn():
    drawing = DrawingOutline()
    drawing.begin("svg", "", ["a"], [])
    drawing.begin("g", "a", [], [])
    drawing.begin("rect", "", [], [])
    drawing.end()
    drawing.end()
    drawing.begin("g", "a", [], [])
    drawing.end()
    assert drawing.comes_to(MOST) == 4 + 2
