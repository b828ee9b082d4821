"""Decisions on ten thousand items take a moment, not minutes (faults C12)."""

from __future__ import annotations

import time

from player.core import cues as p
from player.core.content import Item, Playlist
from player.core.kinds import Kind
from player.core.playback import RegionMachine
from player.core.timeline import position_after


def test_c12_a_region_takes_up_ten_thousand_items_and_passes_over_those_that_fail():
    items = tuple(Item(str(n), str(n), str(n), Kind.IMAGE, 5) for n in range(10_000))
    region, began = RegionMachine("main", seed=0), time.process_time()
    effects = region.handle(p.PlaylistChanged(Playlist("p", "p", items)), p.Moment(0, 0))
    for n in range(50):
        token = next(e.token for e in effects if isinstance(e, p.PrepareItem))
        effects = region.handle(p.PrepareFailed(token, "damaged", "x"), p.Moment(n / 100, 0))
    assert position_after(Playlist("p", "p", items), "9999", 0) == 10_000
    assert time.process_time() - began < 5.0
