"""The order of windows: whatever is raised, layers hold."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from player.compositor.stack import Stack

WINDOWS = st.integers(1, 8)


class Screen:
    """Stacks like sway: focusing puts a window on top."""

    def __init__(self) -> None:
        self.order: list[int] = []

    def focus(self, windows: list[int]) -> None:
        for window in windows:
            self.order = [other for other in self.order if other != window] + [window]


@given(st.dictionaries(WINDOWS, st.integers(0, 3)), st.lists(WINDOWS, unique=True, max_size=3), st.lists(WINDOWS))
def test_after_any_raising_layers_hold_and_overlays_are_on_top_in_their_order(layers, overlays, raised):
    stack, screen = Stack(), Screen()
    for window, layer in layers.items():
        stack.set_layer(window, layer)
    stack.set_overlays(overlays)
    height = layers | {window: 1000 + place for place, window in enumerate(overlays)}
    for window in raised:
        screen.focus(stack.raised(window))
        heights = [height.get(other, 0) for other in screen.order]
        assert heights == sorted(heights)
        same = [other for other in screen.order if height.get(other, 0) == height.get(window, 0)]
        assert same[-1] == window


def test_windows_that_went_away_are_not_raised_again():
    stack = Stack()
    stack.set_overlays([7])
    assert stack.raised(1) == [1, 7]
    stack.forget(7)
    assert stack.raised(1) == [1]


def test_a_window_that_is_no_overlay_any_more_is_content_again():
    stack = Stack()
    stack.set_overlays([7])
    stack.raised(1)
    stack.set_overlays([])
    stack.raised(7)
    assert stack.raised(1) == [1]
