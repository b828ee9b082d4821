"""What a Screenzzie server's objects become: layouts, rules in the screen's zone, sequences written out, faults."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from player.cms.screenzzie.programme import Named, ReadLibrary, ScreenzzieReader, is_within, reaches, standing, zone_of
from player.cms.screenzzie.words import WireMedia, WireSchedule, WireScreen, day_of, is_id, web_options
from player.core.content import Orientation, Programme
from player.core.kinds import Kind
from player.core.onair import on_air
from tests.fakes.screenzzie import SCREEN_ID, item, media, page, playlist, schedule, screen

WARSAW = ZoneInfo("Europe/Warsaw")
DAY_LIST, NIGHT_LIST = playlist("day", item(0, "a")), playlist("night", item(0, "b"))
TWO_YEARS = (datetime.fromisoformat("2025-01-01"), datetime.fromisoformat("2027-01-01"))


def made(*schedules: dict[str, Any], on: dict[str, Any] | None = None, **library: list[dict[str, Any]]) -> Programme:
    playlists = {raw["id"]: raw for raw in library.get("playlists", [DAY_LIST, NIGHT_LIST])}
    files = [media("a"), media("b"), media("clip", type="video", duration=7)]
    held = {raw["id"]: WireMedia.model_validate(raw) for raw in library.get("media", files)}
    whole = ReadLibrary(playlists, {raw["id"]: raw for raw in library.get("sequences", [])}, held)
    reader = ScreenzzieReader(WireScreen.model_validate(on or screen()), whole, 5.0, lambda url: f"https://x.example/{url}", "key")
    return reader.programme([WireSchedule.model_validate(raw) for raw in schedules])


def shown(programme: Programme, at: str) -> str:
    """The layout that is on air at a time of Warsaw."""
    found = on_air(programme, datetime.fromisoformat(at).replace(tzinfo=WARSAW).astimezone(UTC), ZoneInfo("UTC"), {})
    return found.layout.id if found.layout else "nothing"


def items_of(programme: Programme, layout: str) -> list[tuple[str, float]]:
    (found,) = (one for one in programme.layouts if one.id == layout)
    return [(item.content_id, item.duration_s) for item in found.regions[0].playlist.items]


# --- which schedule is on


def test_a_schedule_is_read_in_the_screens_zone_and_not_in_the_boxs():
    programme = made(schedule("s", "day", startTime="09:00", endTime="17:00"))
    assert [shown(programme, f"2026-03-02T{at}") for at in ("08:59:59", "09:00:00", "16:59:59", "17:00:00")] == [
        "nothing", "playlist day", "playlist day", "nothing",
    ]  # fmt: skip


def test_days_count_from_sunday_and_belong_to_the_day_on_which_a_night_began():
    programme = made(schedule("s", "night", dayOfWeek=[0, "5"], startTime="22:00", endTime="02:00"))
    nights = {"2026-03-01T23:00": True, "2026-03-02T01:59": True, "2026-03-02T23:00": False, "2026-03-06T23:00": True}
    assert {at: shown(programme, at) != "nothing" for at in nights} == nights  # the first is a Sunday


@pytest.mark.parametrize(
    ("times", "on", "off"),
    [({"startTime": "18:00"}, "23:59", "17:59"), ({"endTime": "06:00"}, "00:00", "06:00"), ({}, "12:00", None)],
)
def test_a_time_that_is_missing_is_midnight(times: dict[str, str], on: str, off: str | None):
    programme = made(schedule("s", "day", **times))
    assert shown(programme, f"2026-03-02T{on}") == "playlist day"
    assert off is None or shown(programme, f"2026-03-02T{off}") == "nothing"


def test_dates_include_their_last_day():
    programme = made(schedule("s", "day", startDate="2026-03-02", endDate="2026-03-03T00:00:00.000Z"))
    days = ["2026-03-01T23:59:59", "2026-03-02T00:00", "2026-03-03T23:59:59", "2026-03-04T00:00"]
    assert [shown(programme, at) for at in days] == ["nothing", "playlist day", "playlist day", "nothing"]


def test_a_date_with_an_hour_is_the_day_that_the_screens_clock_showed():
    assert day_of("2026-03-01T23:00:00Z", WARSAW) == date(2026, 3, 2)
    assert day_of("2026-03-01T00:00:00Z", ZoneInfo("America/New_York")) == date(2026, 3, 1)
    assert day_of("2026-03-01T23:00:00Z", None) == date(2026, 3, 1)
    assert day_of(None, WARSAW) is None


TIES = [
    ("priority", {"priority": 10}, {"priority": 9, "targetType": "screen", "screenId": SCREEN_ID}),
    ("a screen before several", {"targetType": "screen", "screenId": SCREEN_ID}, {"targetType": "multiple_screens"}),
    ("several before a group", {"targetType": "multiple_screens"}, {"targetType": "screen_group", "screenGroupId": "g"}),
    ("a group before all", {"targetType": "screen_group", "screenGroupId": "g"}, {}),
    ("the later change", {"updatedAt": "2024-01-02T00:00:00Z"}, {"updatedAt": "2024-01-01T00:00:00Z"}),
]


@pytest.mark.parametrize(("first", "second"), [(first, second) for _, first, second in TIES], ids=[name for name, *_ in TIES])
def test_of_two_that_are_on_the_one_wins_that_ranks_higher(first: dict[str, Any], second: dict[str, Any]):
    for name, other in (("a", "z"), ("z", "a")):  # whatever their ids
        programme = made(schedule(other, "day", **second), schedule(name, "night", **first))
        assert shown(programme, "2026-03-02T12:00") == "playlist night"


def test_a_playlist_with_nothing_in_it_gives_way_to_the_next():
    programme = made(schedule("s", "empty", priority=9), schedule("t", "day"), playlists=[DAY_LIST, playlist("empty")])
    assert shown(programme, "2026-03-02T12:00") == "playlist day"


@pytest.mark.parametrize(
    "wrong", [{"startTime": "25:00"}, {"dayOfWeek": [7]}, {"dayOfWeek": "soon"}, {"startDate": "the third"}, {"dayOfWeek": [None]}]
)
def test_a_schedule_that_makes_no_sense_costs_that_schedule(wrong: dict[str, Any]):
    programme = made(schedule("bad", "night", priority=9, **wrong), schedule("good", "day"))
    assert [rule.id for rule in programme.rules] == ["good"]
    assert [(fault.code, "bad" in fault.message) for fault in programme.faults] == [("bad_rule", True)]


@given(st.lists(st.integers(0, 6), max_size=7), st.times(), st.times(), st.datetimes(*TWO_YEARS))
def test_a_schedule_is_on_when_its_words_say_so(days: list[int], start: time, end: time, wall: datetime):
    start, end = (one.replace(second=0, microsecond=0, minute=one.minute % 59) for one in (start, end))
    words = {"dayOfWeek": days, "startTime": f"{start:%H:%M}", "endTime": f"{end:%H:%M}"}
    programme = made(schedule("s", "day", **words), on=screen(timezone="UTC"))
    found = on_air(programme, wall.replace(tzinfo=UTC), WARSAW, {}).layout

    def covers(days_ago: int) -> bool:
        day = date.fromordinal(wall.toordinal() - days_ago)
        begins = datetime.combine(day, start)
        ends = datetime.combine(date.fromordinal(day.toordinal() + (end <= start)), end)
        return (not days or day.isoweekday() % 7 in days) and begins <= wall < ends

    assert (found is not None) == (covers(0) or covers(1))


# --- whom a schedule is for


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ({"targetType": "all_screens"}, True), ({"targetType": "screen", "screenId": SCREEN_ID}, True),
        ({"targetType": "screen", "screenId": "other"}, False), ({"targetType": "screen", "screenId": None}, False),
        ({"targetType": "screen_group", "screenGroupId": "g"}, True), ({"targetType": "screen_group"}, False),
        ({"targetType": "multiple_screens"}, False), ({"id": "chosen", "targetType": "multiple_screens"}, True),
        ({"targetType": "city"}, False), ({"targetType": None}, False),
    ],
)  # fmt: skip
def test_a_schedule_reaches_its_target(target: dict[str, Any], expected: bool):
    here = WireScreen.model_validate(screen(screenGroupId="g"))
    assert reaches(WireSchedule.model_validate(schedule("s", "day") | target), here, {"chosen"}) is expected


def test_a_screen_without_a_group_is_in_no_group():
    words = schedule("s", "day", targetType="screen_group", screenGroupId=None)
    assert not reaches(WireSchedule.model_validate(words), WireScreen.model_validate(screen()), ())


@pytest.mark.parametrize(
    ("of", "has", "expected"), [(None, None, True), (None, "w", True), ("w", "w", True), ("w", "v", False), ("w", None, False)]
)
def test_a_workspaces_schedules_stay_in_it(of: str | None, has: str | None, expected: bool):
    words = WireSchedule.model_validate(schedule("s", "day", workspaceId=of))
    assert is_within(words, WireScreen.model_validate(screen(workspaceId=has))) is expected


# --- what is on without a schedule


def test_what_is_current_goes_before_the_default_and_the_default_is_there_where_it_is_empty():
    on = screen(currentPlaylistId="night", defaultPlaylistId="day")
    assert standing(WireScreen.model_validate(on)) == (Named("playlist", "night"), Named("playlist", "day"))
    assert made(on=on).default == "playlist night"
    assert made(on=on, playlists=[DAY_LIST]).default == "playlist day"
    assert made(on=on, playlists=[DAY_LIST, playlist("night")]).default == "playlist day"
    assert made(on=screen()).default is None


# --- sequences


def sequence(*parts: dict[str, Any]) -> dict[str, Any]:
    return {"id": "seq", "name": "The day", "items": list(parts)}


def test_a_sequence_is_its_playlists_one_after_the_other_by_position_each_item_once_more_with_an_id_of_its_own():
    parts = sequence({"position": 2, "playlistId": "night", "repeat": 2}, {"position": 1, "playlistId": "day"})
    programme = made(on=screen(currentSequenceId="seq"), sequences=[parts])
    assert items_of(programme, "sequence seq") == [("a", 5.0), ("b", 5.0), ("b", 5.0)]
    ids = [item.id for item in programme.layouts[-1].regions[0].playlist.items]
    assert len(ids) == len(set(ids)) == 3


def test_a_part_of_a_sequence_lasts_as_long_as_it_is_to():
    several = playlist("day", item(0, "a", duration=20), item(1, "clip", duration=None))
    parts = sequence({"position": 0, "playlistId": "day", "duration": 60})
    programme = made(on=screen(currentSequenceId="seq"), sequences=[parts], playlists=[several])
    assert items_of(programme, "sequence seq") == [("a", 20), ("clip", 0), ("a", 20), ("clip", 0), ("a", 6)]


@pytest.mark.parametrize("part", [{"position": 0, "sequenceId": "seq"}, {"position": 0, "playlistId": "gone"}, {}, None])
def test_a_sequence_that_names_itself_or_what_is_not_there_loses_that_part(part: Any):
    parts = sequence(part, {"position": 1, "playlistId": "day"})
    programme = made(on=screen(currentSequenceId="seq"), sequences=[parts])
    assert items_of(programme, "sequence seq") == [("a", 5.0)]
    assert [fault.code for fault in programme.faults] == ["bad_item"]


def test_what_is_endless_is_cut():
    parts = sequence(*[{"position": n, "playlistId": "day", "repeat": 1e9} for n in range(2000)])
    many = playlist("day", *[item(n, "a") for n in range(2000)])  # written out they would be four thousand million
    programme = made(on=screen(currentSequenceId="seq"), sequences=[parts], playlists=[many])
    assert len(items_of(programme, "sequence seq")) == 10_000
    assert [fault.code for fault in programme.faults] == ["shortened"]


# --- items


def test_items_come_in_the_order_of_their_positions_with_their_files():
    mixed = playlist("day", item(2, "clip", duration=None), page(0, "https://menu.example"), item(1, "a", duration=0))
    programme = made(on=screen(currentPlaylistId="day"), playlists=[mixed])
    kept = programme.layouts[0].regions[0].playlist.items
    assert [(one.kind, one.duration_s) for one in kept] == [(Kind.WEB, 5.0), (Kind.IMAGE, 10.0), (Kind.VIDEO, 0.0)]
    assert kept[0].url == "https://menu.example"
    assert {(asset.content_id, asset.size, asset.file_hash) for asset in programme.assets} == {
        ("a", 1000, "2024-01-01T00:00:00Z"), ("clip", 1000, "2024-01-01T00:00:00Z"),
    }  # fmt: skip
    assert {one.server for one in kept} == {"key"}


BAD_ITEMS: list[tuple[Any, str]] = [
    (item(0, "gone"), "bad_item"), (item(0, None), "bad_item"), (item(0, "a", itemType="widget"), "unsupported_type"),
    (page(0, None), "bad_url"), (page(0, "  "), "bad_url"), (page(0, ["x"]), "bad_url"), (item(0, "odd"), "unsupported_type"),
    (item(0, "lost"), "bad_url"), ("text", "unsupported_type"), (None, "unsupported_type"), ({}, "unsupported_type"),
    (item(0, "a", config="[1", itemType="website"), "bad_url"),
]  # fmt: skip


@pytest.mark.parametrize(("entry", "code"), BAD_ITEMS)
def test_an_item_that_makes_no_sense_costs_that_item(entry: Any, code: str):
    files = [media("a"), media("odd", type="hologram"), media("lost", fileUrl=None)]
    programme = made(on=screen(currentPlaylistId="day"), playlists=[playlist("day", entry, item(1, "a"))], media=files)
    assert items_of(programme, "playlist day") == [("a", 5.0)]
    assert [fault.code for fault in programme.faults] == [code]


@pytest.mark.parametrize("seconds", [-1, 1e9, "86401"])
def test_a_duration_that_makes_no_sense_is_told_and_replaced(seconds: Any):
    programme = made(on=screen(currentPlaylistId="day"), playlists=[playlist("day", item(0, "a", duration=seconds))])
    ((_, lasts),) = items_of(programme, "playlist day")
    assert 1 <= lasts <= 86_400
    assert [fault.code for fault in programme.faults] == ["bad_duration"]


# --- words


@pytest.mark.parametrize(
    ("orientation", "rotation", "expected"),
    [
        ("landscape", "0", Orientation.LANDSCAPE), ("portrait", "0", Orientation.PORTRAIT),
        ("landscape", "90", Orientation.PORTRAIT),
        ("portrait", 90, Orientation.PORTRAIT), ("landscape", "180", Orientation.LANDSCAPE_FLIPPED),
        ("portrait", "180", Orientation.PORTRAIT_FLIPPED), ("portrait", "270", Orientation.PORTRAIT_FLIPPED),
        (None, "270", Orientation.PORTRAIT_FLIPPED), ("Portrait", None, Orientation.PORTRAIT), (None, None, None),
        ("sideways", None, None), ("landscape", "45", None),
    ],
)  # fmt: skip
def test_orientation_and_rotation_say_how_the_panel_hangs(orientation: Any, rotation: Any, expected: Orientation | None):
    assert WireScreen.model_validate(screen(orientation=orientation, rotation=rotation)).hangs is expected


def test_pages_are_opened_within_limits():
    assert web_options({"zoom": 150, "scroll": "300", "refreshInterval": 60}).zoom == 1.5
    assert web_options({"zoom": 0.01, "scroll": -5, "refreshInterval": -1}).zoom == 0.25
    assert web_options({"zoom": None}).zoom == 1.0


@pytest.mark.parametrize("name", [None, "", "Mars/Olympus", "../../etc/passwd", "/etc/localtime", "a" * 300])
def test_a_zone_that_is_none_is_none(name: str | None):
    assert zone_of(name) is None
    assert zone_of("Europe/Warsaw") == WARSAW


def test_an_id_is_told_from_a_name():
    assert is_id(SCREEN_ID)
    assert not is_id("Lobby")
