"""What is on air, until when and why; what stands by for triggers; in which order the layouts' times come."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from player.core.content import Item, Layout, Manifest, Playlist, Programme, Rect, Region, StandBy, always, full_screen
from player.core.kinds import Kind
from player.core.onair import Because, Listings, OnAir, Source, TriggerShown, on_air
from player.core.schedule import Condition, Rule

UTC_ZONE = ZoneInfo("UTC")
NOON = datetime(2026, 4, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def item(name: str) -> Item:
    return Item(name, name, name, Kind.WEB, 10, url="https://example.com/")


def layout(name: str, *names: str) -> Layout:
    return Layout(name, 10, 10, (Region("main", Rect(0, 0, 10, 10), Playlist(name, name, tuple(map(item, names)))),))


LUNCH, DAY, NIGHT, EMPTY = layout("lunch", "soup"), layout("day", "shop"), layout("night", "bar"), layout("empty")
AT_LUNCH = Rule("1", start_time=time(11), end_time=time(13), priority=5, layout="lunch", name="Lunch")
AT_NIGHT = Rule("2", start_time=time(20), end_time=time(2), layout="night")


def manifest(*rules: Rule, default: str | None = "day", stand_by: tuple[StandBy, ...] = ()) -> Manifest:
    return Manifest("1", (LUNCH, DAY, NIGHT, EMPTY), rules, default, stand_by)


def asked(source: Manifest, at: datetime = NOON, *triggers: TriggerShown) -> OnAir:
    return on_air(source, at, UTC_ZONE, {}, triggers)


def test_the_best_rule_says_what_is_on_air():
    found = asked(manifest(AT_LUNCH, AT_NIGHT))
    assert (found.layout, found.until, found.why) == (LUNCH, NOON + HOUR, Because(Source.RULE, AT_LUNCH))
    assert str(found.why) == 'the rule "Lunch" puts it on air'


def test_where_no_rule_is_on_air_the_default_is_and_where_there_is_none_nothing_is():
    found = asked(manifest(AT_NIGHT))
    assert (found.layout, found.until) == (DAY, NOON + 8 * HOUR)
    assert str(found.why) == "no rule is on air, and it is the default"
    found = asked(manifest(AT_NIGHT, default=None))
    assert (found.layout, str(found.why)) == (None, "no rule is on air, and there is no default")


def test_one_rule_without_times_is_on_air_for_ever():
    one = Manifest("1", (DAY,), always(DAY))
    assert asked(one) == OnAir(DAY, None, Because(Source.RULE, Rule("always", layout="day")))
    assert str(asked(one).why) == "the rule always puts it on air"


def test_a_rule_whose_layout_has_nothing_to_show_or_is_not_there_gives_way():
    for name in ("empty", "nowhere"):
        assert asked(manifest(Rule("9", priority=99, layout=name))).layout == DAY
    assert asked(manifest(default="nowhere")).layout is None


def test_a_trigger_puts_its_items_into_a_region_until_its_time_is_over():
    left, right = (
        Region("left", Rect(0, 0, 1, 9), Playlist("l", "l", (item("a"),))),
        Region("right", Rect(1, 0, 9, 9), Playlist("r", "r")),
    )
    two = Layout("two", 10, 9, (left, right))
    stand_by = (StandBy("goal", (item("beer"),)), StandBy("rain", (item("umbrella"),), "left"))
    source = Manifest("1", (two,), always(two), stand_by=stand_by)
    found = asked(source, NOON, TriggerShown("goal", NOON + HOUR))
    assert found.layout is not None
    assert [[i.name for i in region.playlist.items] for region in found.layout.regions] == [["a"], ["beer"]]
    assert (found.until, str(found.why)) == (NOON + HOUR, 'the trigger "goal" put it on')
    found = asked(source, NOON, TriggerShown("rain", NOON + HOUR), TriggerShown("goal", NOON + HOUR))
    assert found.layout is not None
    assert [[i.name for i in region.playlist.items] for region in found.layout.regions] == [["umbrella"], []]


def test_a_trigger_that_is_over_or_has_nothing_standing_by_changes_nothing():
    source = manifest(AT_LUNCH, stand_by=(StandBy("goal", (item("beer"),)),))
    assert asked(source, NOON, TriggerShown("goal", NOON), TriggerShown("other", NOON + HOUR)) == asked(source)


def test_what_is_below_a_trigger_may_change_first_and_a_trigger_needs_no_layout():
    stand_by = (StandBy("goal", (item("beer"),)),)
    found = asked(manifest(AT_LUNCH, stand_by=stand_by), NOON, TriggerShown("goal", NOON + 9 * HOUR))
    assert found.until == NOON + HOUR
    found = asked(manifest(default=None, stand_by=stand_by), NOON, TriggerShown("goal", NOON + HOUR))
    assert found.layout == full_screen(Playlist("trigger goal", "goal", (item("beer"),)))


def test_the_order_is_that_in_which_times_come():
    source = manifest(AT_NIGHT, Rule("3", start_time=time(15), end_time=time(16), layout="lunch"))
    assert Listings(source, UTC_ZONE).order(NOON) == ("day", "lunch", "night", "empty")
    assert Listings(manifest(AT_NIGHT, AT_LUNCH, default=None), UTC_ZONE).order(NOON) == ("lunch", "night", "day", "empty")


def test_items_are_those_of_every_layout_and_what_stands_by():
    stand_by = (StandBy("goal", (item("beer"),)),)
    for source in (manifest(stand_by=stand_by), Programme((LUNCH, DAY, NIGHT, EMPTY), stand_by=stand_by)):
        assert [one.name for one in source.items] == ["soup", "shop", "bar", "beer"]


def test_the_facts_decide():
    heat = Rule("h", conditions=(Condition("weather", "gt", 30),), layout="night", priority=9)
    listings = Listings(manifest(heat), UTC_ZONE)
    assert [listings.at(NOON, facts, ()).layout for facts in ({}, {"weather": 31})] == [DAY, NIGHT]
