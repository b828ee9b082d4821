"""Every path of Spot's document at the embedded server: keys, limits, pages, and what each call brings about."""

from __future__ import annotations

import asyncio
import csv
import io
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from player.demo.samples import Sample
from player.demo.spot.keyring import SCOPES
from player.demo.spot.presence import ONLINE_S
from player.demo.spot.server import SpotServer
from tests.fakes.clock import FakeClock
from tests.fakes.samples import make_picture
from tests.fakes.spot import Caller, spot

PATHS = [
    ("GET", "players", "read:players"),
    ("GET", "players/1", "read:players"),
    ("GET", "players/1/screenshot", "read:players"),
    ("POST", "players/1/commands", "write:players"),
    ("GET", "player-groups", "read:players"),
    ("POST", "player-groups/1/commands", "write:players"),
    ("GET", "layouts", "read:content"),
    ("PATCH", "layouts/1/assign", "write:content"),
    ("GET", "playlists", "read:content"),
    ("POST", "playlists", "write:content"),
    ("PATCH", "playlists/1/items", "write:content"),
    ("GET", "assets", "read:content"),
    ("POST", "assets/upload-url", "write:content"),
    ("DELETE", "assets/1", "write:content"),
    ("GET", "analytics/summary", "read:analytics"),
    ("GET", "analytics/playback", "read:analytics"),
    ("GET", "analytics/playback/export", "read:analytics"),
    ("GET", "analytics/players/uptime", "read:analytics"),
    ("GET", "analytics/impressions", "read:analytics"),
    ("GET", "webhooks", "webhooks"),
    ("POST", "webhooks", "webhooks"),
    ("DELETE", "webhooks/1", "webhooks"),
]
WHOLE = "from=1970-01-01T00:00:00Z&to=2100-01-01T00:00:00Z"


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
async def caller(tmp_path: Path, clock: FakeClock) -> AsyncIterator[Caller]:
    async with spot(tmp_path / "server", clock=clock) as made:
        yield made


@pytest.fixture
def server(caller: Caller) -> SpotServer:
    return caller.server


# --- who may, and how often


@pytest.mark.parametrize(("method", "path", "scope"), PATHS)
async def test_each_call_needs_its_scope(caller: Caller, method: str, path: str, scope: str):
    caller.server.add_player("Lobby")
    whole = caller.key
    caller.key = caller.server.keyring.create("others", [one for one in SCOPES if one != scope])
    assert (await caller.call(method, path))[0] == 403
    caller.key = "nobody's"
    assert (await caller.call(method, path))[0] == 401
    caller.key = whole
    assert (await caller.call(method, path))[0] not in (401, 403, 405, 500)


async def test_a_key_that_is_revoked_opens_nothing(caller: Caller):
    caller.server.keyring.revoke(caller.key)
    status, _, answer = await caller.call("GET", "players")
    assert (status, answer) == (401, {"message": "Unauthenticated."})


async def test_each_answer_tells_the_limit_and_the_call_above_it_waits_for_the_minute(caller: Caller, clock: FakeClock):
    caller.key = caller.server.keyring.create("small", per_minute=3)
    left = [(await caller.call("GET", "players"))[1]["X-RateLimit-Remaining"] for _ in range(3)]
    assert left == ["2", "1", "0"]
    status, headers, _ = await caller.call("GET", "players")
    assert (status, headers["Retry-After"], headers["X-RateLimit-Limit"]) == (429, "60", "3")
    clock.forward(60)
    assert (await caller.call("GET", "players/77"))[1]["X-RateLimit-Remaining"] == "2"  # a refusal counts, and says so


async def test_lists_come_in_pages_that_lead_to_each_other(caller: Caller):
    for number in range(5):
        caller.server.add_player(f"Screen {number}")
    seen, path = list[str](), "players?per_page=2"
    while path:
        _, _, answer = await caller.call("GET", path)
        seen += [row["name"] for row in answer["data"]]
        path = answer["links"]["next"]
    assert seen == [f"Screen {number}" for number in range(5)]
    assert answer["meta"] == {"current_page": 3, "last_page": 3, "per_page": 2, "total": 5}


# --- content


async def test_a_file_goes_up_by_a_signed_address_and_comes_back_by_one(caller: Caller, clock: FakeClock, tmp_path: Path):
    picture = make_picture(tmp_path / "p.png")
    asset = await caller.upload(picture)
    (row,) = await caller.get("assets?type=image")
    assert (row["id"], row["name"], row["mime_type"], row["size"]) == (asset, "p.png", "image/png", picture.stat().st_size)
    async with caller.session.get(row["url"]) as answer:
        assert await answer.read() == picture.read_bytes()
    async with caller.session.get(row["url"].replace("signature=", "signature=0")) as answer:
        assert answer.status == 403
    clock.forward(3601)
    async with caller.session.get(row["url"]) as answer:
        assert answer.status == 403
    assert await caller.get("assets?type=video") == []
    assert (await caller.call("DELETE", f"assets/{asset}"))[0] == 204
    assert await caller.get("assets") == []


async def test_an_upload_is_taken_once_and_as_what_it_was_announced(caller: Caller):
    told = await caller.send("POST", "assets/upload-url", {"filename": "a.jpg", "mime_type": "image/jpeg"})
    for content_type, content, status in (
        ("text/html", b"x", 422),
        ("image/jpeg", b"", 422),
        ("image/jpeg", b"x", 200),
        ("image/jpeg", b"x", 403),
    ):
        async with caller.session.put(told["upload_url"], data=content, headers={"Content-Type": content_type}) as answer:
            assert answer.status == status


async def test_items_are_replaced_in_order_and_the_players_tag_tells_it(caller: Caller, tmp_path: Path):
    playlist = await caller.send("POST", "playlists", {"name": "Summer", "description": "Q3"})
    player = caller.server.add_player("Lobby", playlist_id=playlist["id"])
    first, second = [await caller.upload(make_picture(tmp_path / f"{n}.png", (20 + n, 20))) for n in range(2)]
    _, headers, _ = await caller.call("GET", f"players/{player}")
    tag = headers["ETag"]
    assert (await caller.call("GET", f"players/{player}", If_None_Match=tag))[0] == 304
    wanted = [{"asset_id": second, "duration": 10}, {"asset_id": first, "starts_at": "2026-03-01T00:00:00Z"}]
    answer = await caller.send("PATCH", f"playlists/{playlist['id']}/items", {"items": wanted})
    assert [(one["asset_id"], one["duration"], one["position"]) for one in answer["items"]] == [(second, 10, 0), (first, None, 1)]
    assert answer["items"][1]["starts_at"] == "2026-03-01T00:00:00.000Z"
    status, headers, _ = await caller.call("GET", f"players/{player}", If_None_Match=tag)
    assert (status, headers["ETag"] != tag) == (200, True)


@pytest.mark.parametrize(
    ("method", "path", "body", "field"),
    [
        ("POST", "playlists", {}, "name"),
        ("PATCH", "playlists/1/items", {"items": [{"asset_id": 99}]}, "items.0.asset_id"),
        ("PATCH", "playlists/1/items", {"items": [{"asset_id": 1, "duration": 0}]}, "items.0.duration"),
        ("PATCH", "layouts/1/assign", {"player_ids": [99]}, "player_ids"),
        ("PATCH", "layouts/1/assign", {"group_ids": [99]}, "group_ids"),
        ("POST", "players/1/commands", {"command": "explode"}, "command"),
        ("POST", "webhooks", {"url": "http://example.com/", "events": ["player.online"]}, "url"),
        ("POST", "webhooks", {"url": "https://example.com/", "events": ["player.born"]}, "events.0"),
        ("POST", "assets/upload-url", {"filename": "a", "mime_type": "picture"}, "mime_type"),
        ("GET", "analytics/playback?from=x&to=2026-01-01", None, "from"),
        ("GET", "analytics/playback?from=2026-01-02&to=2026-01-01", None, "to"),
        ("GET", f"analytics/playback?{WHOLE}&granularity=year", None, "granularity"),
        ("POST", "players/1/screenshot", {"asset_key": "nothing"}, "asset_key"),
    ],
)
async def test_what_is_wrong_is_named(caller: Caller, method: str, path: str, body: Any, field: str):
    caller.server.add_player("Lobby")
    caller.server.content.add_playlist("Day")
    caller.server.content.add_layout("Whole", (1920, 1080), [])
    status, _, answer = await caller.call(method, path, body)
    assert (status, list(answer["errors"])) == (422, [field])


async def test_a_layout_is_given_to_players_and_to_groups(caller: Caller, server: SpotServer):
    group = server.store.insert("player_groups", name="Shops")
    players = [server.add_player("One"), server.add_player("Two", group_id=group), server.add_player("Three")]
    layout = server.content.add_layout("Halves", (100, 50), [{"name": "Left", "x": 0, "y": 0, "width": "50%", "height": 50}])
    answer = await caller.send("PATCH", f"layouts/{layout}/assign", {"player_ids": [players[0]], "group_ids": [group]})
    assert answer["assigned_players"] == 2
    assert [row["layout_id"] for row in await caller.get("players")] == [layout, layout, None]
    (shown,) = await caller.get("layouts")
    assert shown["regions"] == [{"id": 1, "name": "Left", "x": 0, "y": 0, "width": "50%", "height": 50}]
    assert await caller.get("player-groups") == [{"id": group, "name": "Shops", "players_count": 1}]


# --- commands and reports


async def test_a_command_waits_until_its_player_spoke_of_it_and_the_last_word_stays(caller: Caller, clock: FakeClock):
    player = caller.server.add_player("Lobby")
    told = await caller.send("POST", f"players/{player}/commands", {"command": "reboot"})
    (waiting,) = await caller.get(f"players/{player}/commands?status=pending")
    assert (waiting["command_id"], waiting["command"]) == (told["command_id"], "reboot")
    ack = f"players/{player}/commands/{told['command_id']}/ack"
    for status in ("received", "succeeded", "failed"):
        await caller.send("POST", ack, {"status": status, "message": status})
    assert caller.server.store.one("SELECT status, message FROM orders") == {"status": "succeeded", "message": "succeeded"}
    assert await caller.get(f"players/{player}/commands?status=pending") == []
    assert (await caller.call("POST", f"players/{player}/commands/99/ack", {"status": "received"}))[0] == 404
    await caller.send("POST", f"players/{player}/commands", {"command": "reboot"})
    clock.forward(3601)
    assert await caller.get(f"players/{player}/commands?status=pending") == []


async def test_a_groups_command_is_one_that_each_of_its_players_answers(caller: Caller, server: SpotServer):
    group = server.store.insert("player_groups", name="Shops")
    players = [server.add_player(name, group_id=group) for name in ("One", "Two")]
    told = await caller.send("POST", f"player-groups/{group}/commands", {"command": "take_screenshot"})
    assert told["players"] == 2
    for player in players:
        assert [row["command_id"] for row in await caller.get(f"players/{player}/commands")] == [told["command_id"]]
    await caller.send("POST", f"players/{players[0]}/commands/{told['command_id']}/ack", {"status": "succeeded"})
    assert [len(await caller.get(f"players/{player}/commands?status=pending")) for player in players] == [0, 1]


async def test_a_screenshot_is_the_players_and_no_asset(caller: Caller, tmp_path: Path):
    player, picture = caller.server.add_player("Lobby"), make_picture(tmp_path / "s.jpg")
    assert (await caller.call("GET", f"players/{player}/screenshot"))[0] == 404
    told = await caller.send("POST", "assets/upload-url", {"filename": "s.jpg", "mime_type": "image/jpeg"})
    async with caller.session.put(told["upload_url"], data=picture.read_bytes(), headers=told["headers"]) as answer:
        assert answer.status == 200
    body = {"asset_key": told["asset_key"], "taken_at": "2026-03-25T12:00:00Z", "command_id": 5}
    await caller.send("POST", f"players/{player}/screenshot", body)
    latest = await caller.get(f"players/{player}/screenshot")
    assert latest["taken_at"] == "2026-03-25T12:00:00Z"
    async with caller.session.get(latest["url"]) as answer:
        assert (answer.content_type, await answer.read()) == ("image/jpeg", picture.read_bytes())
    assert await caller.get("assets") == []


def play(number: int, at: str, **more: Any) -> dict[str, Any]:
    return {"id": f"e{number}", "name": "Promo", "started_at": at, "duration_ms": 10_000, "content_id": 3, **more}


async def test_analytics_count_what_was_played_once(caller: Caller, server: SpotServer, clock: FakeClock):
    player, other = server.add_player("Lobby", audience=25), server.add_player("Bar")
    server.store.insert("campaigns", id=7, name="Summer", per_thousand=12.0)
    day = clock.now().strftime("%Y-%m-%d")
    events = [
        play(1, f"{day}T09:10:00.000Z", campaign_id=7, layout_id=2),
        play(2, f"{day}T09:50:00.000Z", campaign_id=7),
        play(3, f"{day}T10:00:00.000Z"),
    ]
    for _ in range(2):
        status, _, answer = await caller.call("POST", f"players/{player}/playback", {"events": events})
        assert (status, answer) == (202, {"accepted": ["e1", "e2", "e3"]})
    await caller.send("POST", f"players/{other}/playback", {"events": [play(1, "2020-01-01T00:00:00Z", campaign_id=8)]})
    assert (await caller.get("analytics/summary"))["plays_today"] == 3
    hours = await caller.get(f"analytics/playback?from={day}&to={day}T23:59:59Z&granularity=hour")
    assert [(row["period"][11:16], row["plays"], row["duration_seconds"]) for row in hours] == [
        ("09:00", 2, 20.0),
        ("10:00", 1, 10.0),
    ]
    assert [row["plays"] for row in await caller.get(f"analytics/playback?{WHOLE}&player_id={player}")] == [3]
    assert [row["plays"] for row in await caller.get(f"analytics/playback?{WHOLE}&layout_id=2")] == [1]
    weeks = await caller.get(f"analytics/playback?{WHOLE}&granularity=week")
    assert weeks[0]["period"] == "2019-12-30T00:00:00.000Z"
    worth = await caller.get(f"analytics/impressions?{WHOLE}")
    assert worth == [
        {"campaign_id": 7, "plays": 2, "impressions": 50.0, "name": "Summer", "revenue": 0.6},
        {"campaign_id": 8, "plays": 1, "impressions": 1.0, "name": None, "revenue": 0.0},
    ]
    assert [row["campaign_id"] for row in await caller.get(f"analytics/impressions?{WHOLE}&campaign_id=8")] == [8]


async def test_the_csv_is_at_a_signed_address_for_an_hour_and_holds_no_formula(caller: Caller, clock: FakeClock):
    player = caller.server.add_player("Lobby")
    event = play(1, "2026-01-05T09:00:00Z", name="=HYPERLINK(1)", player_id=player)
    await caller.send("POST", f"players/{player}/playback", {"events": [event]})
    told = await caller.get("analytics/playback/export?from=2026-01-01&to=2026-02-01")
    _, headers, text = await caller.call("GET", told["url"])
    head, row = list(csv.reader(io.StringIO(text)))
    found = dict(zip(head, row, strict=True))
    assert headers["Content-Type"].startswith("text/csv")
    assert (found["id"], found["player_id"], found["name"]) == ("e1", str(player), "'=HYPERLINK(1)")
    assert (await caller.call("GET", told["url"].replace("-17", "-18", 1)))[0] == 403
    clock.forward(3601)
    assert (await caller.call("GET", told["url"]))[0] == 403


async def test_uptime_is_how_long_a_player_was_heard_of(caller: Caller, clock: FakeClock):
    player = caller.server.add_player("Lobby")
    begins = clock.now()
    for _ in range(4):
        await caller.send("POST", f"players/{player}/heartbeat", {"volume": 40})
        clock.forward(30)
    clock.forward(ONLINE_S * 2)
    ends = begins + timedelta(seconds=360)
    query = f"from={begins.isoformat()[:19]}Z&to={ends.isoformat()[:19]}Z"
    (row,) = await caller.get(f"analytics/players/uptime?{query}")
    assert (row["online_seconds"], row["online_percentage"]) == (90.0, 30.0)
    (shown,) = await caller.get("players?status=offline")
    assert (shown["name"], shown["status"], shown["telemetry"]) == ("Lobby", "offline", {"volume": 40})


async def test_events_that_make_no_sense_are_refused_or_counted_as_now(caller: Caller, clock: FakeClock):
    player = caller.server.add_player("Lobby")
    assert (await caller.call("POST", f"players/{player}/playback", {"events": [{}]}))[0] == 422
    assert (await caller.call("POST", f"players/{player}/playback", {"events": [{"id": "x"}] * 101}))[0] == 422
    await caller.send("POST", f"players/{player}/playback", {"events": [play(1, "tomorrow", layout_id="2", duration_ms="long")]})
    found = caller.server.store.one("SELECT started_at, duration_ms, layout_id FROM plays")
    assert found == {"started_at": clock.now().timestamp(), "duration_ms": 0, "layout_id": None}


async def test_what_was_there_is_there_after_a_restart(tmp_path: Path):
    async with spot(tmp_path / "server") as caller:
        asset = await caller.upload(make_picture(tmp_path / "p.png"))
    async with spot(tmp_path / "server") as caller:
        (row,) = await caller.get("assets")
        async with caller.session.get(row["url"]) as answer:
            assert (row["id"], answer.status) == (asset, 200)
        await asyncio.sleep(0)


async def test_the_samples_are_one_layout_in_which_what_is_heard_has_a_region_without_a_size(caller: Caller, tmp_path: Path):
    (tmp_path / "chord.mp3").write_bytes(b"ID3")
    made = [Sample("Buns", "image", make_picture(tmp_path / "buns.png"), 4.0), Sample("Chord", "audio", tmp_path / "chord.mp3")]
    for _ in range(2):
        await caller.server.seed_samples(["Lobby"], made)
    (layout,) = await caller.get("layouts")
    lists = {found["id"]: found for found in await caller.get("playlists")}
    kinds = {asset["id"]: (asset["type"], asset["mime_type"]) for asset in await caller.get("assets")}
    found = {
        region["name"]: [kinds[item["asset_id"]] for item in lists[region["playlist_id"]]["items"]] for region in layout["regions"]
    }
    picture, sound = ("image", "image/png"), ("audio", "audio/mpeg")
    assert found == {"Main": [picture], "Inset": [picture], "Music": [sound]}
    assert [layout["regions"][2][side] for side in ("width", "height")] == [0, 0]
