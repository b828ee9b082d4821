"""When pages are shown now or soon, so that the browser stays."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from player.core.browser_rest import AHEAD, needs_pages
from player.core.content import Item, Layout, Manifest, Playlist, Rect, Region, StandBy, always
from player.core.kinds import Kind
from player.core.onair import Listings
from player.core.schedule import Rule

NOON = datetime(2026, 4, 1, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)


def item(kind: Kind) -> Item:
    return Item(kind, kind, kind, kind, 10)


def layout(name: str, *kinds: Kind) -> Layout:
    return Layout(name, 10, 10, (Region("main", Rect(0, 0, 10, 10), Playlist(name, name, tuple(map(item, kinds)))),))


FILMS, PAGES = layout("films", Kind.VIDEO, Kind.IMAGE), layout("pages", Kind.VIDEO, Kind.WEB)
FROM_TWELVE = Rule("1", start_time=time(12), end_time=time(13), layout="pages")


def needed(manifest: Manifest, at: datetime = NOON) -> bool:
    return needs_pages(Listings(manifest, ZoneInfo("UTC")), at, {}, manifest.stand_by)


@pytest.mark.parametrize("kind", [Kind.WEB, Kind.PACKAGE, Kind.SVG])
def test_whatever_the_browser_shows_keeps_it(kind: Kind):
    assert needed(Manifest("1", (FILMS, page := layout("a", Kind.VIDEO, kind)), always(page)))


def test_films_and_pictures_do_not():
    assert not needed(Manifest("1", (FILMS, PAGES), always(FILMS)))


def test_a_page_that_comes_on_air_soon_keeps_it_and_one_that_was_on_air_does_not():
    manifest = Manifest("1", (FILMS, PAGES), (FROM_TWELVE,), "films")
    assert not needed(manifest, NOON - AHEAD - SECOND)
    assert needed(manifest, NOON - AHEAD)
    assert needed(manifest, NOON + timedelta(hours=1) - SECOND)
    assert not needed(manifest, NOON + timedelta(hours=1))


def test_nothing_on_air_and_nothing_to_come_needs_nothing():
    assert not needed(Manifest("1", (FILMS, PAGES), (FROM_TWELVE,), None), NOON + timedelta(hours=2))


def test_what_stands_by_for_a_trigger_keeps_it():
    assert needed(Manifest("1", (FILMS,), always(FILMS), None, (StandBy("goal", (item(Kind.WEB),)),)))
    assert not needed(Manifest("1", (FILMS,), always(FILMS), None, (StandBy("goal", (item(Kind.VIDEO),)),)))


def test_a_programme_that_changes_every_second_is_not_looked_at_for_ever():
    rules = tuple(
        Rule(str(at), start_time=time(12, at // 60, at % 60), end_time=time(12, (at + 1) // 60, (at + 1) % 60), layout="films")
        for at in range(0, 300, 2)
    )
    pages = Rule("pages", start_time=time(12, 5), end_time=time(12, 6), layout="pages")
    assert not needed(Manifest("1", (FILMS, PAGES), (*rules, pages), None)), "beyond the changes that are looked at"
