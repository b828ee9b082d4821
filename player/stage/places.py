"""Where every region is, for the stage that comes after: written each second and at each seam, in memory-backed storage.

A file that is damaged or of a later version costs itself: the regions begin with their first items.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from pathlib import Path

import msgspec

from player.core.cues import Resumed
from player.core.resume import Death, HeadStart, LeftOff, film_of, head_start, resumed, sound_is_suspect
from player.stage.regions.driver import RegionDriver

VERSION = 1


class _Places(msgspec.Struct):
    """Where each region was, by its id."""

    regions: dict[str, LeftOff]
    version: int = VERSION


class Places:
    """`path` lies in memory-backed storage; `death`: how the stage before this one ended."""

    def __init__(self, path: Path, death: Death) -> None:
        self._path, self._death = path, death
        self._found = self._read()
        self.items = frozenset(place.item for place in self._found.values())
        self.sound_is_suspect = sound_is_suspect(self._found.values(), death)

    def __repr__(self) -> str:
        return f"<{len(self._found)} places to go on from>"

    def resume(self, region: str) -> Resumed | None:
        """How the region goes on; None where nothing is known of it, or something is on screen again."""
        place = self._found.get(region)
        return resumed(place, self._death, suspect=self.sound_is_suspect) if place else None

    @property
    def head_start(self) -> HeadStart | None:
        """What is to be opened before anything else, if anything is."""
        return head_start(self._found.values(), self._death)

    def write(self, drivers: Iterable[RegionDriver], at: float) -> None:
        """Where they are at `at` (monotonic). Nothing is written before anything is on screen: deaths in a row lose nothing."""
        now = {driver.region.id: place for driver in drivers if (place := _place(driver, at))}
        if now:
            self._found = {}
            beside = self._path.with_suffix(".tmp")
            with contextlib.suppress(OSError):  # a full folder costs a restart its place
                beside.write_bytes(msgspec.json.encode(_Places(now)))
                beside.replace(self._path)

    def clear(self) -> None:
        """An end in order: the next stage begins anew."""
        self._path.unlink(missing_ok=True)

    def _read(self) -> dict[str, LeftOff]:
        try:
            found = msgspec.json.decode(self._path.read_bytes(), type=_Places)
        except (OSError, ValueError):
            return {}
        return found.regions if found.version == VERSION else {}


def _place(driver: RegionDriver, at: float) -> LeftOff | None:
    showing = driver.machine.on_screen
    if showing is None:
        return None
    heard = driver.is_heard(showing.token, showing.item)
    return LeftOff(showing.item.id, showing.seen_s(at), showing.planned_s, heard, film_of(driver.opened(showing.token)))
