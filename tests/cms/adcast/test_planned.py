"""AdCast's schedules while the server is away: which reach this device, when they are on, what they show, and how they give way."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urljoin
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from player import cms
from player.cms.adcast.keys import Keys
from player.cms.adcast.planned import Planned, reaches, with_plan
from player.cms.adcast.programme import Reader
from player.config import CmsConfig
from player.core.content import Layout, Programme
from player.core.kinds import Kind
from player.core.onair import Source, on_air
from player.core.ports.box import Absent
from player.core.ports.server import Device, Paired, Telemetry, Unpaired
from player.core.schedule import parse_rule
from player.core.timetable import Timetable
from player.demo.adcast.client import Operator
from player.demo.adcast.server import DemoServer
from player.errors import ServerUnreachable
from player.runtime.clock import SystemClock
from tests.fakes.inbox import FakeInbox
from tests.fakes.running import eventually, running
from tests.fakes.samples import make_picture
from tests.fakes.server import Script, Seen, scripted_server
from tests.fakes.uploads import put_there
from tests.fakes.way_out import STRAIGHT

VIENNA = ZoneInfo("Europe/Vienna")
NOON = datetime(2026, 3, 25, 11, tzinfo=UTC)  # a Wednesday, in Vienna
AWAY = {"away": "k"}
ALL = {"schedulable_type": "all"}


def rows(*names: str) -> list[dict[str, Any]]:
    return [{"id": n, "content_id": n, "content": {"id": n, "name": name, "type": "image"}} for n, name in enumerate(names, 1)]


def planned(*schedules: Mapping[str, Any], default: str | None = None, **playlists: list[dict[str, Any]]) -> Planned:
    """Schedules that reach the device, and playlists by their names (which are their ids)."""
    held = {name: {"id": name, "name": name.title(), "items": items} for name, items in playlists.items()}
    return Planned(tuple({**ALL, **row} for row in schedules), held, default)


def read(plan: Planned, answer: Mapping[str, Any] | None = None) -> Programme:
    def absolute(url: str) -> str:
        return urljoin("http://cms.example/", url)

    reader = Reader("/p", 1.0, absolute, lambda content: f"http://cms.example/{content}", "k")
    told = answer if answer is not None else {"playlist": {"id": "now", "items": [{"id": 90, "name": "Now", "type": "image"}]}}
    on = str(told["playlist"]["id"]) if told.get("playlist") else None
    return with_plan(reader.answered(told), on, plan, reader)


def shown(programme: Programme, at: datetime = NOON, **facts: Any) -> list[str]:
    layout = on_air(programme, at, VIENNA, facts).layout
    return names(layout)


def names(layout: Layout | None) -> list[str]:
    return [item.name for region in layout.regions for item in region.playlist.items] if layout else []


def test_the_servers_answer_rules_while_it_is_there_and_the_schedules_while_it_is_away():
    programme = read(planned({"id": 5, "playlist_id": "day", "priority": -9}, day=rows("A", "B")))
    assert shown(programme) == ["Now"]
    assert shown(programme, away="another") == ["Now"]
    assert shown(programme, **AWAY) == ["A", "B"]
    assert programme.faults == ()
    why = on_air(programme, NOON, VIENNA, AWAY).why
    assert (why.source, str(why)) == (Source.RULE, 'the rule "schedule 5: Day" puts it on air')
    assert [item.schedule_id for item in programme.items] == [None, "5", "5"]
    assert {item.server for item in programme.items} == {"k"}
    assert [asset.url for asset in programme.assets] == [f"http://cms.example/{n}" for n in (90, 1, 2)]


def test_where_no_schedule_is_on_the_default_playlist_is_else_what_was_answered_last():
    later = {"id": 5, "playlist_id": "day", "start_time": "13:00", "end_time": "14:00"}
    assert shown(read(planned(later, day=rows("A"))), **AWAY) == ["Now"]
    programme = read(planned(later, default="usual", day=rows("A"), usual=rows("U")))
    assert shown(programme, **AWAY) == ["U"]
    assert shown(programme, NOON + timedelta(minutes=59, seconds=59), **AWAY) == ["U"]
    assert shown(programme, NOON + timedelta(hours=1), **AWAY) == ["A"]
    assert shown(programme, NOON + timedelta(hours=2), **AWAY) == ["U"]


def test_the_playlist_that_is_on_air_stays_the_same_when_the_server_goes():
    answer = {"playlist": {"id": 7, "items": [{"id": 90, "name": "Now", "type": "image"}]}}
    programme = read(Planned(({**ALL, "id": 5, "playlist_id": 7},), {"7": {"id": 7, "items": rows("A")}}, "7"), answer)
    assert [layout.id for layout in programme.layouts] == ["playlist 7"]
    assert shown(programme, **AWAY) == shown(programme) == ["Now"]


def test_what_a_condition_asks_for_is_asked_here_and_the_weather_is_not_known():
    friday, holiday = {"type": "day_type", "operator": "eq", "value": "holiday"}, {"holidays": "2026-03-25"}
    programme = read(
        planned(
            {"id": 1, "playlist_id": "ice", "priority": 9, "conditions": [{"type": "weather", "operator": "gt", "value": "30"}]},
            {"id": 2, "playlist_id": "feast", "priority": 5, "conditions": [friday]},
            {
                "id": 3, "playlist_id": "lunch",
                "conditions": [{"type": "time_range", "operator": "between", "value": "12:00-13:00"}],
            },
            ice=rows("Ice"), feast=rows("Feast"), lunch=rows("Lunch"),
        )
    )  # fmt: skip
    assert shown(programme, **AWAY) == ["Lunch"]
    assert shown(programme, **AWAY, **holiday) == ["Feast"]
    assert shown(programme, NOON + timedelta(hours=1), **AWAY) == ["Now"]


@pytest.mark.parametrize(
    ("target", "own", "expected"),
    [
        ({"schedulable_type": "all"}, {}, True),
        ({"schedulable_type": "device", "schedulable_id": 4}, {}, True),
        ({"schedulable_type": "App\\Models\\Device", "schedulable_id": "4"}, {}, True),
        ({"schedulable_type": "device", "schedulable_id": 5}, {}, False),
        ({"schedulable_type": "group", "schedulable_id": 2}, {"device_group_id": "2"}, True),
        ({"schedulable_type": "App\\Models\\DeviceGroup", "schedulable_id": 2}, {"device_group": {"id": 2}}, True),
        ({"schedulable_type": "group", "schedulable_id": 2}, {"device_group_id": 3}, False),
        ({"schedulable_type": "group"}, {}, False),
        ({"schedulable_type": "location", "schedulable_id": 2}, {"location_id": 2}, True),
        ({"schedulable_type": "location", "schedulable_id": None}, {"location_id": None}, False),
        ({"schedulable_type": "galaxy", "schedulable_id": 4}, {}, False),
        ({"schedulable_type": None}, {}, False),
        ({"schedulable_type": ["all"]}, {}, False),
    ],
)
def test_a_schedule_reaches_its_target(target: dict[str, Any], own: dict[str, Any], expected: bool):
    assert reaches(target, "4", own) is expected


@pytest.mark.parametrize(
    "wrong",
    [
        {"days_of_week": [9]}, {"days_of_week": "1,2"}, {"days_of_week": 5}, {"start_time": "9 o'clock"}, {"end_date": "tomorrow"},
    ],
)  # fmt: skip
def test_a_schedule_that_makes_no_sense_costs_that_schedule(wrong: dict[str, Any]):
    plan = planned({"id": 1, "playlist_id": "a", "priority": 9, **wrong}, {"id": 2, "playlist_id": "b"}, a=rows("A"), b=rows("B"))
    programme = read(plan)
    assert shown(programme, **AWAY) == ["B"]
    assert [fault.code for fault in programme.faults] == ["bad_rule"]


@pytest.mark.parametrize(
    "odd", [{"playlist_id": None}, {"playlist_id": "gone"}, {"id": None}, {"is_active": False}, {"conditions": [None]}]
)
def test_a_schedule_without_what_it_needs_is_never_on(odd: dict[str, Any]):
    assert shown(read(planned({"id": 1, "playlist_id": "a", **odd}, a=rows("A"))), **AWAY) == ["Now"]


def test_a_playlist_says_its_items_in_any_of_the_ways_in_which_operators_see_them():
    items: list[dict[str, Any]] = [
        {"id": 1, "content_id": 11, "order": 2, "duration": None, "content": {"name": "Clip", "type": "video", "duration": 30}},
        {"id": 2, "content_id": 12, "order": 1, "content": {"name": "Page", "type": "web", "download_url": "https://x.example/"}},
        {"id": 3, "content_id": 13, "order": 3, "content": {"name": "Told", "type": "galaxy"}},
    ]
    region = {"id": "r", "x": 0, "y": 0, "width": 9, "height": 9, "items": [{"content_id": 14}]}
    plan = Planned(
        tuple({**ALL, "id": n, "playlist_id": name} for n, name in enumerate(("list", "halves"))),
        {
            "list": {"id": "list", "items": items},
            "halves": {"id": "halves", "layout": {"width": 9, "height": 9, "regions": [region]}},
        },
        content={"14": {"id": 14, "name": "Corner", "type": "image", "file_hash": "ab" * 32}},
    )
    programme = read(plan)
    by_id = {layout.id: layout for layout in programme.layouts}
    (page, clip) = by_id["playlist list"].regions[0].playlist.items
    assert (page.name, page.url, page.kind) == ("Page", "https://x.example/", Kind.WEB)
    assert (clip.name, clip.duration_s, clip.content_id) == ("Clip", 30.0, "11")
    assert names(by_id["playlist halves"]) == ["Corner"]
    assert {asset.content_id: asset.file_hash for asset in programme.assets}["14"] == "ab" * 32
    assert [fault.code for fault in programme.faults] == ["unsupported_type"]


def test_a_plan_that_cannot_be_read_any_more_holds_and_is_told():
    plan = Planned(({**ALL, "id": 5, "playlist_id": "day"},), {"day": {"id": "day", "items": rows("A")}}, missing=3, problem="no")
    programme = read(plan)
    assert shown(programme, **AWAY) == ["A"]
    assert [fault.code for fault in programme.faults] == ["no_plan", "not_there"]


def test_without_a_plan_the_answer_is_as_ever():
    programme = read(Planned())
    assert [(rule.id, rule.priority) for rule in programme.rules] == [("always", 0)]


def test_a_plan_is_bounded():
    plan = planned(*({"id": n, "playlist_id": f"p{n}"} for n in range(4)), **{f"p{n}": rows(*["x"] * 6000) for n in range(4)})
    assert [len(layout.regions[0].playlist.items) for layout in read(plan).layouts] == [1, 6000, 6000]


TIMES = st.sampled_from([None, "00:00", "09:00", "12:00", "12:30", "22:00", "23:59"])
SCHEDULES = st.fixed_dictionaries({
    "playlist_id": st.sampled_from("abc"),
    "days_of_week": st.none() | st.lists(st.integers(0, 7), max_size=4),
    "start_time": TIMES, "end_time": TIMES,
    "start_date": st.sampled_from([None, "2026-03-25", "2026-03-26"]),
    "end_date": st.sampled_from([None, "2026-03-25", "2026-03-29"]),
    "priority": st.integers(-2, 2), "is_active": st.booleans(),
    "conditions": st.none() | st.just([{"type": "day_type", "operator": "eq", "value": "weekend"}]),
})  # fmt: skip


@given(st.lists(SCHEDULES, max_size=6), st.integers(0, 7 * 24 * 4))
def test_what_is_on_here_is_what_the_server_would_have_said(schedules: list[dict[str, Any]], quarters: int):
    numbered = [{"id": n, **row} for n, row in enumerate(schedules, 1)]
    at = NOON + timedelta(minutes=15 * quarters)
    rule = Timetable([parse_rule(row) for row in numbered], VIENNA).at(at, {}).rule
    said = next((row["playlist_id"] for row in numbered if rule and str(row["id"]) == rule.id), "d")
    programme = read(planned(*numbered, default="d", **{name: rows(name) for name in "abcd"}))
    assert shown(programme, at, **AWAY) == [said]


# --- read at a server


def device() -> Device:
    async def telemetry() -> Telemetry:
        return Telemetry(None, None, 100, 40, 60, True, None, 5, None)

    return Device(
        uuid="2b1d0b4e-9999-4aaa-8bbb-ccccddddeeee", key="k", model="Box", os_version="12", version="1.0", paired=None,
        telemetry=telemetry, faults=tuple, results=tuple, heartbeat_interval=lambda: 0.05, upload=put_there,
    )  # fmt: skip


async def test_what_an_operator_planned_is_read_and_goes_on_without_the_server(tmp_path: Path):
    inbox = FakeInbox()
    async with DemoServer(tmp_path / "server") as server, Operator(server.url) as operator:
        await operator.register("Ada", "ada@example.com", "correct horse", "Ada's")
        config = CmsConfig(url=server.url, poll_interval=0.2, token=operator.token)
        async with cms.connect(config, Keys(), device(), SystemClock(), STRAIGHT) as connection:
            assert not isinstance(connection.rhythm, Absent)
            assert not isinstance(connection.content, Absent)
            async with running(connection.rhythm.run(inbox)):
                await operator.pair((await eventually(lambda: inbox.of(Unpaired), 20))[0].code or "", "Lobby")
                await eventually(lambda: inbox.of(Paired), 20)
            (number,) = [one["id"] for one in await operator.devices()]
            await operator.update_device(number, device_group_id=3)
            contents = [(await operator.upload(make_picture(tmp_path / f"{name}.png"), name))["id"] for name in "ab"]
            await operator.playlist("Usual", [contents[0]], is_default=True)
            halves = {"width": 10, "height": 10, "regions": [{"id": "r", "x": 0, "y": 0, "width": 10, "height": 10,
                                                               "items": [{"content_id": contents[1]}]}]}  # fmt: skip
            night = await operator.playlist("Night", layout=halves)
            every_day = {"start_time": "00:00", "end_time": "24:00", "days_of_week": [1, 2, 3, 4, 5, 6, 7]}
            await operator.schedule(night["id"], schedulable_type="group", schedulable_id=3, is_active=False, **every_day)
            await operator.schedule(night["id"], schedulable_type="group", schedulable_id=4, **every_day)
            programme = await connection.content.programme()
            assert await connection.content.programme() is programme, "nothing changed"
            assert (shown(programme), shown(programme, **AWAY), programme.faults) == (["a"], ["a"], ())
            (first, _) = (await operator.request("GET", "/api/schedules"))["data"]
            await operator.update_schedule(first["id"], is_active=True)
            programme = await connection.content.programme()
            assert (shown(programme), shown(programme, **AWAY)) == (["b"], ["b"])
            await operator.update_schedule(first["id"], start_date="2030-01-01")
            programme = await connection.content.programme()
            in_2030 = datetime(2030, 1, 1, 12, tzinfo=UTC)
            assert (shown(programme, in_2030), shown(programme, in_2030, **AWAY)) == (["a"], ["b"])
            assert all(asset.file_hash for asset in programme.assets)
            await server.__aexit__(None, None, None)
            with pytest.raises(ServerUnreachable):
                await connection.content.programme()
            await server.__aenter__()


@pytest.fixture
async def script():
    async with scripted_server() as made:
        made.on("/api/device/register", {"paired": True, "device_id": 4})
        made.on("/api/device/heartbeat", {"status": "ok"})
        made.on("/api/device/playlist", {"playlist": {"id": 1, "items": [{"id": 9, "name": "Now", "type": "image"}]}})
        made.on("/api/devices/4", {"device": {"id": 4}})
        made.on("/api/schedules", {"data": [{"id": 1, "playlist_id": 2, **ALL}]})
        made.on("/api/playlists", {"data": [{"id": 2, "is_default": True}]})
        made.on("/api/playlists/2", {"playlist": {"id": 2, "items": rows("A")}})
        yield made


async def programmes(script: Script, *before_each: Mapping[str, Any]) -> list[Programme]:
    """A programme for each step, before which paths are given other answers."""
    inbox, found = FakeInbox(), []
    config = CmsConfig(url=script.url, token="t0ken-of-ada")
    async with cms.connect(config, Keys(), device(), SystemClock(), STRAIGHT) as connection:
        assert not isinstance(connection.rhythm, Absent)
        assert not isinstance(connection.content, Absent)
        async with running(connection.rhythm.run(inbox)):
            await eventually(lambda: inbox.of(Paired), 20)
        for answers in before_each:
            for path, answer in answers.items():
                script.on(path, answer)
            found.append(await connection.content.programme())
    return found


async def test_the_token_goes_with_an_operators_calls_alone(script: Script):
    (programme,) = await programmes(script, {})
    assert shown(programme, **AWAY) == ["A"]
    signed = {one.path for one in script.seen if one.headers.get("Authorization") == "Bearer t0ken-of-ada"}
    assert signed == {"/api/devices/4", "/api/schedules", "/api/playlists", "/api/playlists/2"}


@pytest.mark.parametrize(
    ("path", "answer"),
    [
        ("/api/schedules", 401), ("/api/schedules", 403), ("/api/schedules", 500), ("/api/schedules", {"data": 5}),
        ("/api/schedules", {"message": "?"}), ("/api/playlists/2", 404), ("/api/playlists/2", []), ("/api/devices/4", {"data": 1}),
    ],
)  # fmt: skip
async def test_what_cannot_be_read_is_told_and_what_was_read_holds(script: Script, path: str, answer: Any):
    changed = {"playlist": {"id": 1, "items": [{"id": 9, "name": "Then", "type": "image"}]}}
    good, bad, again = await programmes(script, {}, {path: answer, "/api/device/playlist": changed}, {})
    assert (shown(good, **AWAY), good.faults) == (["A"], ())
    assert (shown(bad), shown(bad, **AWAY)) == (["Then"], ["A"])
    assert [fault.code for fault in bad.faults] == ["no_plan"]
    assert "t0ken-of-ada" not in bad.faults[0].message
    assert again is bad, "it is said once"


@pytest.mark.parametrize(("leads_to_itself", "calls"), [(True, 2), (False, 50)])
async def test_pages_without_an_end_end_and_say_so(script: Script, *, leads_to_itself: bool, calls: int):
    def endless(seen: Seen) -> dict[str, Any]:
        name = 1 if leads_to_itself else seen.query["page"]
        return {"data": [{"id": name, "playlist_id": 2, **ALL}], "meta": {"current_page": 1, "last_page": 100_000}}

    (programme,) = await programmes(script, {"/api/schedules": endless})
    assert shown(programme, **AWAY) == ["A"]
    assert len(script.asked("/api/schedules")) == calls
    assert [(fault.code, "schedules" in fault.message) for fault in programme.faults] == [("list_cut", True)]


async def test_of_more_schedules_than_are_followed_the_first_are_and_it_is_told(script: Script):
    many = [{"id": number, "playlist_id": 2, **ALL} for number in range(5001)]
    (programme,) = await programmes(script, {"/api/schedules": {"data": many}})
    assert len([rule for rule in programme.rules if rule.name.startswith("schedule ")]) == 5000
    assert [(fault.code, "5001 schedules" in fault.message) for fault in programme.faults] == [("list_cut", True)]


def test_an_hour_of_a_night_belongs_to_the_day_on_which_it_began():
    night = {"id": 1, "playlist_id": "n", "days_of_week": [5], "start_time": "22:00", "end_time": "02:00"}
    programme = read(planned(night, n=rows("N")))
    friday = datetime(2026, 3, 27, 22, tzinfo=UTC)  # 23:00 in Vienna
    on = [shown(programme, friday + timedelta(hours=ahead), **AWAY) for ahead in (-24, 0, 2, 3)]
    assert on == [["Now"], ["N"], ["N"], ["Now"]]
