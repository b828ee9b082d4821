"""What is on air, until when and why; in which order the layouts' times come."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from player.core.content import Item, Layout, Manifest, Playlist, Programme, Rect, Region, StandBy, always
from player.core.kinds import Kind
from player.core.onair import Because, Listings, OnAir, Source, on_air
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


def asked(source: Manifest, at: datetime = NOON) -> OnAir:
    return on_air(source, at, UTC_ZONE, {})


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
    assert [listings.at(NOON, facts).layout for facts in ({}, {"weather": 31})] == [DAY, NIGHT]
