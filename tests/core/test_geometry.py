"""Layout units to pixels: what touches in a layout touches on the screen."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from player.core.content import Layout, Rect
from player.core.geometry import NOWHERE, on_panel, placed, to_pixels
from player.core.kinds import Kind

sizes = st.integers(1, 8000)


def layout(width: int, height: int) -> Layout:
    return Layout("l", width, height)


@pytest.mark.parametrize(
    ("rect", "units", "screen", "expected"),
    [
        (Rect(0, 0, 1920, 1080), (1920, 1080), (1280, 720), Rect(0, 0, 1280, 720)),
        (Rect(0, 0, 1, 1), (3, 3), (1000, 1000), Rect(0, 0, 333, 333)),
        (Rect(1, 1, 1, 1), (3, 3), (1000, 1000), Rect(333, 333, 334, 334)),
        (Rect(-50, -50, 100, 100), (100, 100), (200, 200), Rect(0, 0, 100, 100)),  # cut off at the left and the top
        (Rect(50, 50, 100, 100), (100, 100), (200, 200), Rect(100, 100, 100, 100)),  # and at the right and the bottom
        (Rect(100, 100, 10, 10), (100, 100), (200, 200), Rect(199, 199, 1, 1)),  # outside: one pixel at the edge
        (Rect(-20, -20, 10, 10), (100, 100), (200, 200), Rect(0, 0, 1, 1)),
        (Rect(0, 0, 1, 1), (7680, 4320), (640, 360), Rect(0, 0, 1, 1)),  # never nothing
    ],
)
def test_a_rectangle_is_scaled_cut_off_at_the_edges_and_never_empty(rect, units, screen, expected):
    assert to_pixels(rect, layout(*units), screen) == expected


@pytest.mark.parametrize("rect", [Rect(0, 0, 0, 0), Rect(5, 5, 0, 9), Rect(5, 5, 9, 0), Rect(100, 0, 9, 9), Rect(0, -9, 9, 9)])
def test_what_is_to_be_seen_needs_a_place_and_what_is_only_heard_needs_none(rect: Rect):
    assert placed(rect, (100, 50), [Kind.AUDIO, Kind.AUDIO]) == NOWHERE
    assert placed(rect, (100, 50), [Kind.AUDIO, Kind.IMAGE]) is None
    assert placed(rect, (100, 50), []) is None


def test_what_has_a_place_keeps_it_on_every_panel():
    corner = Rect(90, -8, 20, 9)
    assert placed(corner, (100, 50), [Kind.IMAGE]) == placed(corner, (100, 50), [Kind.AUDIO]) == corner
    assert not on_panel(NOWHERE, layout(100, 50), Rect(1280, 0, 640, 360)).has_area


@given(units=sizes, pixels=sizes, cuts=st.lists(st.integers(0, 8000), max_size=8))
def test_columns_that_fill_the_layout_fill_the_screen_without_gap_or_overlap(units: int, pixels: int, cuts: list[int]):
    edges = sorted({0, units, *(cut % (units + 1) for cut in cuts)})
    columns = [to_pixels(Rect(left, 0, right - left, 1), layout(units, 1), (pixels, 1)) for left, right in pairwise(edges)]
    if any(right - left < units / pixels for left, right in pairwise(edges)):
        return  # thinner than a pixel: it is widened to one, and lies over its neighbour
    assert columns[0].x == 0
    assert all(left.x + left.width == right.x for left, right in pairwise(columns))
    assert columns[-1].x + columns[-1].width == pixels


@given(
    rect=st.builds(Rect, *(st.integers(-9000, 9000) for _ in range(2)), *(st.integers(1, 9000) for _ in range(2))),
    units=st.tuples(sizes, sizes),
    screen=st.tuples(sizes, sizes),
)
def test_every_rectangle_lies_on_the_screen_with_at_least_one_pixel(rect: Rect, units, screen):
    found = to_pixels(rect, layout(*units), screen)
    assert found.width >= 1
    assert found.height >= 1
    assert 0 <= found.x <= found.x + found.width <= screen[0]
    assert 0 <= found.y <= found.y + found.height <= screen[1]


@given(first=st.integers(0, 4000), second=st.integers(0, 4000), units=sizes, pixels=sizes)
def test_both_directions_are_scaled_by_the_same_rule(first: int, second: int, units: int, pixels: int):
    found = to_pixels(Rect(first, first, second, second), layout(units, units), (pixels, pixels))
    assert (found.x, found.width) == (found.y, found.height)


def test_on_a_panel_beside_another_it_lies_where_that_panel_lies():
    assert on_panel(Rect(50, 0, 50, 100), layout(100, 100), Rect(1280, 40, 800, 600)) == Rect(1680, 40, 400, 600)
