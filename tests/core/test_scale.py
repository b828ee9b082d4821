"""Decisions on ten thousand items take a moment, not minutes (faults C12)."""

from __future__ import annotations

from datetime import UTC, datetime
from datetime import time as wall
from zoneinfo import ZoneInfo

from player.core import cues as p
from player.core.content import Item, Playlist
from player.core.kinds import Kind
from player.core.playback import RegionMachine
from player.core.schedule import Condition, Rule
from player.core.timeline import position_after
from player.core.timetable import Timetable
from tests.fakes.measured import processor_at_most


def test_c12_a_region_takes_up_ten_thousand_items_and_passes_over_those_that_fail():
    items = tuple(Item(str(n), str(n), str(n), Kind.IMAGE, 5) for n in range(10_000))
    for _ in processor_at_most(5.0):
        region = RegionMachine("main", seed=0)
        effects = region.handle(p.PlaylistChanged(Playlist("p", "p", items)), p.Moment(0, 0))
        for n in range(50):
            token = next(e.token for e in effects if isinstance(e, p.PrepareItem))
            effects = region.handle(p.PrepareFailed(token, "damaged", "x"), p.Moment(n / 100, 0))
        assert position_after(Playlist("p", "p", items), "9999", 0) == 10_000


def test_of_five_thousand_rules_a_change_is_looked_up_and_not_searched_for():
    weather = (Condition("weather", "gt", 30),)  # which nobody knows: each rule is asked, and none is on air
    rules = [Rule(str(n), start_time=wall(n % 24, n % 60), end_time=wall(n % 23, 30), conditions=weather) for n in range(5000)]
    table, begins = Timetable(rules, ZoneInfo("Europe/Berlin")), datetime(2026, 3, 28, 12, tzinfo=UTC)
    for _ in processor_at_most(2.5):  # a look at each rule on each day takes ten seconds
        at = begins
        for _turn in range(50):
            at = table.at(at, {}).until or at
        assert at > begins
