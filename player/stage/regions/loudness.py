"""How loud a region's items are: by the settings in force, the region, the item, and a change of sound that is under way."""

from __future__ import annotations

from collections.abc import Callable

from player.core.content import Item, Region
from player.stage.regions.soundfade import mpv_volume
from player.stage.regions.surfaces import Placed, SurfaceSort


class Loudness:
    """Of the region that `region` answers, now; `muted` is whether the settings want silence."""

    def __init__(self, region: Callable[[], Region], muted: Callable[[], bool]) -> None:
        self._region, self._muted = region, muted

    @property
    def muted(self) -> bool:
        """Whether nothing of the region is to be heard."""
        return not self._region().audible or self._muted()

    def volume(self, item: Item) -> int:
        """0 to 100, of the item in this region."""
        return self._region().volume * (100 if item.volume is None else item.volume) // 100

    def give(self, item: Item, placed: Placed, gain: float = 1.0) -> None:
        """Has the surface sound as the item is to, or by `gain` (0 to 1) of that."""
        volume = self.volume(item)
        if gain < 1:
            volume = mpv_volume(volume, gain) if placed.sort in (SurfaceSort.MPV, SurfaceSort.HEARD) else round(volume * gain)
        placed.surface.set_volume(volume, muted=self.muted)
