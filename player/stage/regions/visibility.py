"""One region's windows as its panel lets them be seen: implements `Compositor` for the region's driver and surfaces.

While the panel is away the region plays on, so that its plays are recorded and its place in the playlist is kept. What should be
seen is remembered here, nothing is shown on a panel that it does not belong to, and `open` shows it when the panel returns.
Without any panel sway still knows its windows and takes their opacity, but refuses to raise or move them.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path

from player.core.content import Orientation, Rect
from player.core.ports.screen import Compositor, CompositorEvent, Output, Window
from player.errors import BoxError

NO_WINDOW = 0  # of what stands in for an item where no window can be opened, and of what is only heard


class Visibility:
    """Implements `Compositor`. Seen at first; `close` and `open` say otherwise."""

    def __init__(self, compositor: Compositor, *, is_open: bool = True) -> None:
        self._compositor = compositor
        self._meant: dict[int, float] = {}
        self.is_open = is_open

    def __repr__(self) -> str:
        return f"<visibility of {sorted(self._meant)}: {'open' if self.is_open else 'closed'}>"

    async def close(self) -> None:
        """Nobody can see the region: its windows go out of sight."""
        self.is_open = False
        for window in tuple(self._meant):  # others come and go meanwhile
            with contextlib.suppress(BoxError):  # gone already: it cannot be seen either
                await self._compositor.opacity(window, 0.0)

    async def open(self) -> None:
        """The region can be seen: what should be is shown again. Raises BoxError."""
        self.is_open = True
        for window, value in list(self._meant.items()):
            await self._compositor.show_above(window, value)

    def handed_over(self) -> tuple[int, ...]:
        """What `open` would show, for whoever shows it together with other regions' windows; it counts as seen from here on."""
        self.is_open = True
        return tuple(self._meant)

    # --- windows

    async def place(self, window_id: int, rect: Rect) -> None:
        """Out of sight a place is of no use where there is no panel at all."""
        if window_id == NO_WINDOW:
            return
        try:
            await self._compositor.place(window_id, rect)
        except BoxError:
            if self.is_open:
                raise

    async def move(self, places: Mapping[int, Rect]) -> None:
        """As `Compositor.move`, while it is seen."""
        there = {window_id: rect for window_id, rect in places.items() if window_id != NO_WINDOW}
        if self.is_open and there:
            await self._compositor.move(there)

    async def opacity(self, window_id: int, value: float) -> None:
        """As `Compositor.opacity`, once it is seen."""
        self._mean(window_id, value)
        if self.is_open and window_id != NO_WINDOW:
            await self._compositor.opacity(window_id, value)

    async def show_above(self, window_id: int, value: float = 1.0, at: Rect | None = None) -> None:
        """As `Compositor.show_above`, once it is seen."""
        if window_id == NO_WINDOW:
            return
        self._meant[window_id] = value
        if self.is_open:
            await self._compositor.show_above(window_id, value, at)

    async def show_together(self, window_ids: Sequence[int]) -> None:
        """As `Compositor.show_together`, once they are seen."""
        for window_id in window_ids:
            self._mean(window_id, 1.0)
        if self.is_open:
            await self._compositor.show_together([window_id for window_id in window_ids if window_id != NO_WINDOW])

    async def swap(self, front: int, back: int | None, at: Rect | None = None) -> None:
        """As `Compositor.swap`, once it is seen."""
        back = back or None
        self._mean(front, 1.0)
        if back is not None:
            self._mean(back, 0.0)
        if self.is_open and front != NO_WINDOW:
            await self._compositor.swap(front, back, at)
        elif self.is_open and back is not None:
            await self._compositor.opacity(back, 0.0)

    def _mean(self, window_id: int, value: float) -> None:
        if value > 0 and window_id != NO_WINDOW:
            self._meant[window_id] = value
        else:
            self._meant.pop(window_id, None)

    # --- what has nothing to do with being seen

    def set_layer(self, window_id: int, layer: float) -> None:
        self._compositor.set_layer(window_id, layer)

    async def windows(self) -> Sequence[Window]:
        return await self._compositor.windows()

    async def outputs(self) -> Sequence[Output]:
        return await self._compositor.outputs()

    async def turn(self, output: str, orientation: Orientation) -> None:
        await self._compositor.turn(output, orientation)

    async def mode(self, output: str, width: int, height: int, refresh_mhz: int | None = None) -> None:
        await self._compositor.mode(output, width, height, refresh_mhz)

    async def scale(self, output: str, value: float) -> None:
        await self._compositor.scale(output, value)

    async def power(self, output: str, on: bool) -> None:
        await self._compositor.power(output, on)

    async def screenshot(self, path: Path) -> None:
        await self._compositor.screenshot(path)

    def events(self) -> AsyncIterator[CompositorEvent]:
        return self._compositor.events()
