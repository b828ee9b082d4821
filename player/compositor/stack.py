"""Which window lies above which: layers, and within a layer the order of raising.

Sway stacks floating windows in the order of their last focus and knows no layers, so raising one means focusing again, in order,
all that belong above it. Pure: this only says what to focus.
"""

from __future__ import annotations

from collections.abc import Sequence

OVERLAYS = 1000


class Stack:
    """Windows by sway's con_id, from the bottom to the top."""

    def __init__(self) -> None:
        self._layer: dict[int, float] = {}
        self._order: list[int] = []

    def set_layer(self, window: int, layer: float) -> None:
        """Layers are 0 (where a window is that was given none) to 999; higher ones lie above."""
        self._layer[window] = layer

    def set_overlays(self, windows: Sequence[int]) -> None:
        """These lie above every layer, from the bottom to the top; those of the earlier list are content again."""
        for window, layer in list(self._layer.items()):
            if layer >= OVERLAYS:
                del self._layer[window]
        self._layer.update({window: OVERLAYS + place for place, window in enumerate(windows)})
        self._order += [window for window in windows if window not in self._order]
        self._order.sort(key=lambda window: self._layer.get(window, 0))

    def raised(self, window: int) -> list[int]:
        """What to focus, in this order, so that `window` is on top of its layer and nothing else moves."""
        self.forget(window, keep_layer=True)
        layer = self._layer.get(window, 0)
        at = next((i for i, other in enumerate(self._order) if self._layer.get(other, 0) > layer), len(self._order))
        self._order.insert(at, window)
        return self._order[at:]

    def forget(self, window: int, *, keep_layer: bool = False) -> None:
        """For a window that went away."""
        if window in self._order:
            self._order.remove(window)
        if not keep_layer:
            self._layer.pop(window, None)
