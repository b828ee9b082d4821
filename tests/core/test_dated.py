"""Items with dates: each stretch of time has its layout, and nothing on air changes between two of them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from player.core.content import FULL_SCREEN, Item, Layout, Playlist, Programme, Region, always
from player.core.dated import SHOWN, STRETCHES, DatedItem, by_dates
from player.core.kinds import Kind
from player.core.onair import on_air

NOW = datetime(2026, 4, 1, 12, tzinfo=UTC).timestamp()
LAYOUT = Layout("7", 1920, 1080, (Region("a", FULL_SCREEN, Playlist("1", "Day")), Region("b", FULL_SCREEN, Playlist("2", "Side"))))


def item(name: str) -> Item:
    return Item(name, name, name, Kind.IMAGE, 10.0)


def dated(name: str, begins: float | None = None, ends: float | None = None) -> DatedItem:
    return DatedItem(item(name), None if begins is None else NOW + begins, None if ends is None else NOW + ends)


def shown(programme: Programme, after_s: float) -> list[str]:
    """What is on air so many seconds after now."""
    at = datetime.fromtimestamp(NOW, UTC) + timedelta(seconds=after_s)
    layout = on_air(programme, at, ZoneInfo("UTC"), {}).layout
    return [one.id for region in (layout.regions if layout else ()) for one in region.playlist.items]


def programme(first: Sequence[DatedItem], second: Sequence[DatedItem] = (), now: float = NOW) -> Programme:
    layouts, rules = by_dates(LAYOUT, {"a": first, "b": second}, now)
    return Programme(layouts, rules)


def test_without_dates_there_is_one_layout_and_one_rule():
    layouts, rules = by_dates(LAYOUT, {"a": [dated("x")], "b": []}, NOW)
    assert ([one.id for one in layouts], rules) == (["7"], always(layouts[0]))


def test_an_item_comes_and_goes_at_its_instants():
    whole = programme([dated("x"), dated("new", 60, 120)], [dated("old", None, 90)])
    assert [shown(whole, s) for s in (0, 59.9, 60, 89.9, 90, 119.9, 120, 1e9)] == [
        ["x", "old"], ["x", "old"], ["x", "new", "old"], ["x", "new", "old"], ["x", "new"], ["x", "new"], ["x"], ["x"],
    ]  # fmt: skip


def test_what_is_over_is_not_there_and_its_end_names_the_stretch():
    layouts, _ = by_dates(LAYOUT, {"a": [dated("x"), dated("gone", -90, -60)], "b": []}, NOW)
    assert [(one.id, len(one.regions[0].playlist.items)) for one in layouts] == [("7@2026-04-01T11:59:00", 1)]


def test_a_stretch_keeps_its_name_when_its_time_has_come():
    items = {"a": [dated("x"), dated("new", 60)], "b": []}
    before, after = by_dates(LAYOUT, items, NOW)[0], by_dates(LAYOUT, items, NOW + 61)[0]
    assert [one.id for one in before] == ["7", "7@2026-04-01T12:01:00"]
    assert after == before[1:]


def test_stretches_within_one_second_have_names_of_their_own():
    whole = programme([dated("x", 1.25), dated("y", 1.75)])
    assert len({one.id for one in whole.layouts}) == len(whole.layouts) == 3
    assert [shown(whole, s) for s in (1.2, 1.3, 1.8)] == [[], ["x"], ["x", "y"]]


def test_while_no_item_is_shown_nothing_is_on_air():
    whole = programme([dated("x", 60, 120)])
    assert [shown(whole, s) for s in (0, 60, 120)] == [[], ["x"], []]


@pytest.mark.parametrize(("count", "stretches"), [(500, SHOWN // 500), (STRETCHES * 2, STRETCHES)])
def test_stretches_have_an_end_and_the_last_one_goes_on(count: int, stretches: int):
    layouts, rules = by_dates(LAYOUT, {"a": [dated(str(n), n + 1) for n in range(count)], "b": []}, NOW)
    assert len(layouts) == len(rules) == stretches
    assert len(shown(Programme(layouts, rules), 1e9)) == stretches - 1


ends = st.none() | st.integers(-5, 5).map(float)


@given(st.lists(st.tuples(ends, ends), max_size=6), st.integers(-6, 6))
def test_at_each_instant_that_is_shown_which_holds_then(spans: list[tuple[float | None, float | None]], later: int):
    items = [dated(str(n), begins, end) for n, (begins, end) in enumerate(spans)]
    whole, at = programme(items), max(0.0, float(later))
    assert shown(whole, at) == [one.item.id for one in items if one.holds(NOW + at)]
    now = datetime.fromtimestamp(NOW + at, UTC)
    found = on_air(whole, now, ZoneInfo("UTC"), {})
    if found.layout and found.until:
        just_before = (found.until - timedelta(milliseconds=1)).timestamp() - NOW
        assert shown(whole, just_before) == shown(whole, at)
