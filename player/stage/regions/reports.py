"""What region drivers tell (a play, a fault, an item about to be shown), written down at once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from player.core import cues
from player.core.content import Item, Region
from player.stage.mark import Mark
from player.stage.plays import Plays
from player.stage.regions.driver import RegionEvents
from player.stage.regions.placement import Placement
from player.stage.regions.region_faults import RegionFaults


class RegionReports:
    """`find` knows a region that is on air by its id; `judged` is told of each item that is on screen, or (False) could not be."""

    def __init__(
        self, *, placement: Placement, plays: Plays, mark: Mark, faults: RegionFaults, find: Callable[[str], Region | None],
        synced: Callable[[], bool], judged: Callable[[Item, bool], None],
    ) -> None:  # fmt: skip
        self._placement, self._plays, self._mark, self._faults = placement, plays, mark, faults
        self._find, self._synced, self._judged = find, synced, judged
        self.first_shown = asyncio.Event()

    def __repr__(self) -> str:
        return f"<regions have told of {'something' if self.first_shown.is_set() else 'nothing'} on screen>"

    def events(self, changed: Callable[[], None], *, repeats: bool) -> RegionEvents:
        """Where a driver tells it; of one that only `repeats` another on a further panel nothing counts but that it changed."""
        if repeats:
            return RegionEvents(_nothing, _nothing, _nothing, _nothing, changed)
        return RegionEvents(self._record, self._report, self._faults.recover, self._about_to_show, changed)

    def _record(self, zone: str, record: cues.PlayRecord) -> None:
        region = self._find(zone)
        seen, playlist = self._placement.was_seen(region, zone), region.playlist.id if region else ""
        self._plays.record(record, playlist_id=playlist, zone=zone, screen_on=seen, clock_synced=self._synced())
        if record.result is cues.PlayResult.COMPLETE:
            self._mark.went_well(record.item)

    def _report(self, report: cues.Report) -> None:
        self._faults.report(report)
        self._judged(report.item, False)
        self.first_shown.set()  # or cannot be: if nothing else can, a card is needed

    def _about_to_show(self, zone: str, item: Item) -> None:
        self._mark.shown(zone, item)
        self._faults.shown(item)
        self._judged(item, True)
        self.first_shown.set()


def _nothing(*_: object) -> None:
    """What only repeats another region tells nothing."""
