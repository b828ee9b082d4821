"""The faults of items, as the regions tell them; and which items are kept off, because the stage crashed with them on screen."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import replace

from player.core import cues
from player.core.content import Item, Playlist
from player.core.faults import Fault
from player.core.kinds import Kind
from player.runtime.fault_page import FaultPage
from player.stage.mark import Mark


class RegionFaults:
    """Keeps its pages of the fault book; `mark` knows who is kept off."""

    def __init__(self, page: Callable[[str], FaultPage], mark: Mark) -> None:
        self._faults, self._kept_off, self._mark = page("items"), page("items kept off"), mark

    def __repr__(self) -> str:
        return f"<faults of {len(self.all)} items>"

    @property
    def all(self) -> tuple[Fault, ...]:
        """Those that there are."""
        return (*self._faults.faults, *self._kept_off.faults)

    def keep_only(self, known: Collection[str]) -> None:
        """Those of other items are over."""
        self._faults.keep_only(known)
        self._kept_off.keep_only(known)

    def judge_again(self) -> None:
        """Who is kept off is told anew, by `without_barred`."""
        self._kept_off.keep_only(())

    def without_barred(self, playlist: Playlist) -> Playlist:
        """The playlist without the items that are kept off, each of which is a fault."""
        barred = self._mark.barred(playlist.items)
        for item in (one for one in playlist.items if one.id in barred):
            words = f"{item.name}: the stage crashed again and again with it on screen; it is kept off for a while"
            self._kept_off.report(item.id, "quarantined", words, item_id=item.id, content_id=item.content_id, count=1)
        return replace(playlist, items=tuple(item for item in playlist.items if item.id not in barred))

    def report(self, report: cues.Report) -> None:
        """An item could not be shown."""
        item = report.item
        words = f"{item.name}: {report.reason}"
        self._faults.report(item.id, report.code, words, item_id=item.id, content_id=item.content_id)

    def recover(self, item: Item) -> None:
        """Its fault is over."""
        self._faults.clear(item.id)

    def shown(self, item: Item) -> None:
        """It comes on screen: it is not kept off, nor at fault any more, wherever it could not be shown before.

        What comes in a web page's name may be its last picture: of those the driver tells when it knows.
        """
        self._kept_off.clear(item.id)
        if item.kind is not Kind.WEB:
            self.recover(item)
