"""What a programme needs is worked out when it is another, or other times have come, and not at each round."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, time
from zoneinfo import ZoneInfo

from player.agent.content.gathered import GatheredByManifest
from player.agent.content.item_faults import ItemFaults
from player.agent.content.look_through import LookThrough
from player.core.content import Item, Manifest, Playlist, Programme, WantedAsset, full_screen
from player.core.faults import FaultBook
from player.core.kinds import Kind
from player.core.onair import Listings
from player.core.schedule import Condition, Rule
from tests.fakes.clock import FakeClock
from tests.fakes.faults import fault_page

NOON, ZONE = datetime(2026, 3, 25, 12, tzinfo=UTC), ZoneInfo("UTC")


def layout(name: str, *items: Item):
    return replace(full_screen(Playlist(name, name, items)), id=name)


def clip(name: str) -> tuple[Item, WantedAsset]:
    return Item(f"i{name}", name, name, Kind.VIDEO, 10), WantedAsset(name, name, "video", f"https://h/{name}")


async def test_the_same_programme_is_looked_through_once():
    clock, book = FakeClock(), FaultBook()
    look = LookThrough(ItemFaults(fault_page(book, "items", clock), clock), None, youtube_hosts=(), stream_hosts=())
    (day, day_asset), (night, night_asset) = clip("day"), clip("night")
    bad = Item("w", "w", "w", Kind.WEB, 10, url="ftp://example.com/")
    given = Programme(
        (layout("night", night), layout("day", day, bad)), (Rule("1", start_time=time(20), layout="night"),), "day",
        assets=(night_asset, day_asset),
    )  # fmt: skip
    programme = look.addressed(given)
    assert look.addressed(given) is programme
    listings = Listings(programme, ZONE)
    first = await look.work(listings, NOON, {}, ())
    assert ([need.item_id for need in first.needs], first.now, first.left_out) == (["iday", "inight"], "day", {"w"})
    again = await look.work(listings, NOON, {}, ())
    assert again == first
    assert again.needs is first.needs
    assert [fault.code for fault in book.faults] == ["bad_url"]
    evening = await look.work(listings, NOON.replace(hour=21), {}, ())
    assert ([need.item_id for need in evening.needs], evening.now) == (["inight", "iday"], "night")
    other = look.addressed(replace(given, layouts=(layout("day", day),)))
    assert (await look.work(Listings(other, ZONE), NOON, {}, ())).left_out == frozenset()
    assert book.faults == ()


async def test_what_is_on_air_is_fetched_before_what_a_condition_keeps_off():
    clock = FakeClock()
    look = LookThrough(ItemFaults(fault_page(FaultBook(), "items", clock), clock), None, youtube_hosts=(), stream_hosts=())
    (shown, shown_asset), (away, away_asset) = clip("shown"), clip("away")
    rules = (Rule("5", priority=9, layout="away", conditions=(Condition("away", "eq", "k"),)), Rule("always", layout="shown"))
    programme = look.addressed(Programme((layout("away", away), layout("shown", shown)), rules, assets=(away_asset, shown_asset)))
    listings = Listings(programme, ZONE)
    assert [need.item_id for need in (await look.work(listings, NOON, {}, ())).needs] == ["ishown", "iaway"]
    gone = await look.work(listings, NOON, {"away": "k"}, ())
    assert ([need.item_id for need in gone.needs], gone.now) == (["iaway", "ishown"], "away")


def test_what_a_manifest_holds_is_gathered_once_for_the_last_two():
    held = GatheredByManifest()
    first, second, third = (
        Manifest(name, (layout("l", Item("i", name, name, Kind.VIDEO, 10, file=f"f/{name}", asset=name)),)) for name in "abc"
    )
    assert (held.of(first).assets, held.of(first).files) == ({"a"}, {"f/a"})
    assert held.of(second) is held.of(second)
    assert held.of(first) is held.of(first)
    assert held.of(third).assets == {"c"}
    assert held.of(None).assets == frozenset()
