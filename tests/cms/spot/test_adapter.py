"""What a Spot server is asked, and how often: whole or in parts, in pages, with a key that lacks a right; and what it answers."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from player.cms.http import ServerHttp
from player.cms.pace import Budget
from player.cms.spot.adapter import ANEW_S, Spot, _Lists
from player.cms.spot.api import PAGES, SpotApi, command_of
from player.cms.spot.programme import ITEMS, MOST_ITEMS, REGIONS
from player.core.ports.box import Clock
from player.core.ports.server import Command, Telemetry
from player.errors import DeviceForgotten, ServerBusy, ServerDenied, ServerError, ServerNonsense, ServerRefused
from player.runtime.clock import SystemClock
from tests.fakes.clock import FakeClock
from tests.fakes.server import Script, Seen, scripted_server
from tests.fakes.uploads import put_there
from tests.fakes.way_out import STRAIGHT

API = "/api/v1"
PLAYER = f"{API}/players/16"
ASSET = {"id": 3, "name": "Promo", "type": "image", "url": "/f/3", "checksum": "ab" * 32}
JPEG = b"\xff\xd8\xff\xe0picture"


@contextlib.asynccontextmanager
async def connected(script: Script, clock: Clock, device: str = "16") -> AsyncIterator[Spot]:
    async with aiohttp.ClientSession() as session:
        http = ServerHttp(
            session, script.url, STRAIGHT, clock=clock, secrets=("spot-key-0123",), budget=Budget(clock),
            headers={"Authorization": "Bearer spot-key-0123"},
        )  # fmt: skip
        yield Spot(SpotApi(http, put_there), device=device, key="spot-1", clock=clock)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
async def script() -> AsyncIterator[Script]:
    async with scripted_server() as made:
        yield made


@pytest.fixture
async def spot(script: Script, clock: FakeClock) -> AsyncIterator[Spot]:
    async with connected(script, clock) as made:
        yield made


def regions(script: Script, *playlists: int) -> None:
    """The player has a layout with a region for each playlist, each of which has one item of the one asset; all by their ids."""
    script.on(PLAYER, {"data": {"id": 16, "name": "Lobby", "layout_id": 5}})
    zones = [{"id": n, "x": 0, "y": 0, "width": 100, "height": 100, "playlist_id": one} for n, one in enumerate(playlists)]
    script.on(f"{API}/layouts", {"data": [{"id": 4}, {"id": 5, "width": 100, "height": 100, "regions": zones}]})
    rows = [{"id": one, "items": [{"id": one * 10, "asset_id": 3, "duration": 5}]} for one in {*playlists}]
    script.on(f"{API}/playlists", {"data": rows})
    script.on(f"{API}/assets", {"data": [ASSET]})


async def test_a_layout_of_four_playlists_takes_four_requests(spot: Spot, script: Script):
    regions(script, 1, 2, 3, 4)
    programme = await spot.programme()
    assert [item.id for item in programme.items] == ["10", "20", "30", "40"]
    assert programme.faults == ()
    assert [one.path for one in script.seen] == [PLAYER, f"{API}/layouts", f"{API}/playlists", f"{API}/assets"]
    assert {one.headers["Authorization"] for one in script.seen} == {"Bearer spot-key-0123"}


async def test_of_a_thousand_regions_with_long_playlists_those_that_are_shown_are_put_together(spot: Spot, script: Script):
    regions(script, *[1] * 1000)
    script.on(f"{API}/playlists", {"data": [{"id": 1, "items": [{"id": n, "asset_id": 3} for n in range(ITEMS + 50)]}]})
    tree = await _Lists(spot.api, 0.0).whole((await spot.meet())[0])
    shown = [zone for zone in tree["layout"]["regions"] if "playlist" in zone]
    assert (len(tree["layout"]["regions"]), len(shown)) == (1000, REGIONS)
    assert sum("asset" in item for zone in shown for item in zone["playlist"]["items"]) == MOST_ITEMS
    made = await spot.programme()
    assert len(made.items) == MOST_ITEMS
    codes = {fault.code: fault.message for fault in made.faults[:2]}
    assert "1000 regions" in codes["too_many_regions"]
    assert f"{ITEMS + 50} items" in codes["shortened"]


async def test_one_request_is_enough_while_the_tag_is_the_same(spot: Spot, script: Script, clock: FakeClock):
    regions(script, 1)
    row = script.answers[PLAYER][0]
    tagged = web.json_response(row, headers={"ETag": 'W/"1"'})
    script.on(PLAYER, tagged, web.Response(status=304), tagged)
    first = await spot.programme()
    script.seen.clear()
    assert await spot.programme() is first
    assert [(one.path, one.headers.get("If-None-Match")) for one in script.seen] == [(PLAYER, 'W/"1"')]
    clock.forward(ANEW_S)
    script.seen.clear()
    await spot.programme()
    assert [one.path for one in script.seen][1:] == [f"{API}/layouts", f"{API}/playlists", f"{API}/assets"]
    assert "If-None-Match" not in script.seen[0].headers


async def test_a_command_to_reload_asks_for_everything(spot: Spot, script: Script):
    regions(script, 1)
    script.on(PLAYER, web.json_response(script.answers[PLAYER][0], headers={"ETag": '"1"'}))
    await spot.programme()
    script.seen.clear()
    spot.ask_anew()
    await spot.programme()
    assert len(script.seen) == 4


async def test_what_stands_in_the_players_row_is_not_asked_for(spot: Spot, script: Script):
    item = {"id": 1, "asset": ASSET}
    script.on(PLAYER, {"id": 16, "layout": {"id": 5, "zones": [{"width": 9, "height": 9, "playlist": {"id": 1, "items": [item]}}]}})
    assert len((await spot.programme()).items) == 1
    assert len(script.seen) == 1


async def test_what_is_assigned_and_not_there_is_a_fault_and_the_rest_plays(spot: Spot, script: Script):
    regions(script, 1, 77)
    script.answers[f"{API}/playlists"][0]["data"].pop()  # type: ignore[index, call-overload]  # a scripted object
    programme = await spot.programme()
    assert len(programme.layouts[0].regions) == 2
    assert [fault.code for fault in programme.faults] == ["not_there"]
    script.on(PLAYER, {"id": 16, "layout_id": 99, "playlist_id": 1})
    programme = await spot.programme()
    assert [(fault.code, "99" in fault.message) for fault in programme.faults][:1] == [("not_there", True)]


# --- who am I


async def test_a_name_is_looked_up_over_all_pages(script: Script, clock: FakeClock):
    def page(seen: Seen) -> dict[str, Any]:
        number = int(seen.query.get("page", 1))
        return {"data": [{"id": number, "name": f"Screen {number}"}], "meta": {"current_page": number, "last_page": 3}}

    script.on(f"{API}/players", page)
    script.on(f"{API}/players/3", {"id": 3, "name": "Screen 3"})
    async with connected(script, clock, "Screen 3") as spot:
        row, changed = await spot.meet()
        assert (row["id"], changed, await spot.player()) == (3, True, "3")
        assert [one.query.get("page") for one in script.asked(f"{API}/players")] == [None, "2", "3"]
        script.on(f"{API}/players", {"data": [{"id": 1, "name": "Screen 1"}, {"id": 2, "name": "Screen 2"}]})
        spot.forget()
        with pytest.raises(DeviceForgotten, match=r'no player has the name "Screen 3" .*there are "Screen 1" .1., "Screen 2" .2.'):
            await spot.meet()


@pytest.mark.parametrize(
    ("rows", "sentence"),
    [
        ([{"id": 1, "name": "Lobby"}, {"id": 2, "name": "Lobby"}], '2 players have the name "Lobby"'),
        ([], "it has none"),
        ([{"id": None, "name": "Lobby"}, 3], "no player has the name"),
    ],
)
async def test_a_name_that_leads_to_no_one_player_says_what_is_there(
    script: Script, clock: FakeClock, rows: list[Any], sentence: str
):
    script.on(f"{API}/players", {"data": rows})
    async with connected(script, clock, "Lobby") as spot:
        with pytest.raises(DeviceForgotten, match=sentence):
            await spot.programme()


# --- rights and limits


@pytest.mark.parametrize(
    ("path", "scope"), [(PLAYER, "read:players"), (f"{API}/layouts", "read:content"), (f"{API}/assets", "read:content")]
)
async def test_a_key_that_lacks_a_scope_is_told_which(spot: Spot, script: Script, path: str, scope: str):
    regions(script, 1)
    script.on(path, 403)
    with pytest.raises(ServerDenied, match=f"the key needs the scope {scope}"):
        await spot.programme()
    script.on(path, 401)
    with pytest.raises(ServerDenied, match=r"the key \(cms.token\) is not valid here"):
        await spot.programme()


async def test_a_limit_is_spent_to_four_fifths_over_all_paths(spot: Spot, script: Script, clock: FakeClock):
    regions(script, 1)
    told = {"X-RateLimit-Limit": "60", "X-RateLimit-Remaining": "12", "X-RateLimit-Reset": "40"}
    script.on(f"{API}/assets", web.json_response({"data": [ASSET]}, headers=told))
    await spot.programme()
    with pytest.raises(ServerBusy, match="our share of its rate limit is spent") as caught:
        await spot.meet()
    assert caught.value.retry_after_s == 40
    clock.forward(41)
    await spot.meet()


# --- lists


async def test_a_next_page_is_known_by_its_number_alone(spot: Spot, script: Script):
    regions(script, 1)

    def page(seen: Seen) -> dict[str, Any]:
        following = {"links": {"next": f"{script.url}{API}/assets?cursor=x2&token=stolen"}} if not seen.query.get("cursor") else {}
        return {"data": [ASSET if following else ASSET | {"id": 4}], **following}

    script.on(f"{API}/assets", page)
    assert (await spot.programme()).faults == ()
    assert [one.query for one in script.asked(f"{API}/assets")] == [{"per_page": "100"}, {"per_page": "100", "cursor": "x2"}]


@pytest.mark.parametrize(
    ("link", "calls"),
    [
        ("https://evil.example/api/v1/assets?page=2", 1),
        ("/somewhere/else?page=2", 1),
        ("//[", 1),
        ("?page=1", 2),
        ("?", 1),
    ],
)
async def test_a_list_leads_nowhere_else_and_not_round_and_round(spot: Spot, script: Script, link: str, calls: int):
    regions(script, 1)
    script.on(f"{API}/assets", {"data": [ASSET], "links": {"next": link}})
    programme = await spot.programme()
    assert len(programme.items) == 1
    assert len(script.asked(f"{API}/assets")) == calls
    assert [fault.code for fault in programme.faults] == (["list_cut"] if link != "?" else [])


async def test_a_hundred_thousand_pages_are_cut(spot: Spot, script: Script):
    regions(script, 1)

    def page(seen: Seen) -> dict[str, Any]:
        return {"data": [ASSET], "meta": {"current_page": int(seen.query.get("page", 1)), "last_page": 100_000}}

    script.on(f"{API}/assets", page)
    programme = await spot.programme()
    assert len(script.asked(f"{API}/assets")) == PAGES
    assert [(fault.code, "assets" in fault.message) for fault in programme.faults] == [("list_cut", True)]
    assert len(programme.items) == 1


@pytest.mark.parametrize("name", ["layouts", "playlists", "assets"])
@pytest.mark.parametrize(
    "answer",
    [
        web.Response(text="<html>log in</html>", content_type="text/html"),
        web.Response(body=b'{"data": [', content_type="application/json"),
        {"message": "ok"},
        {"data": "none"},
    ],
)
async def test_what_is_no_list_is_nonsense(spot: Spot, script: Script, name: str, answer: Any):
    regions(script, 1)
    script.on(f"{API}/{name}", answer)
    with pytest.raises(ServerNonsense):
        await spot.programme()


@pytest.mark.parametrize("answer", [[], {"data": [None, 3, "x", [], {}]}, {"data": {"a": {"id": 9}}}])
@pytest.mark.parametrize("name", ["layouts", "playlists", "assets"])
async def test_rows_that_make_no_sense_cost_themselves(spot: Spot, script: Script, name: str, answer: Any):
    regions(script, 1)
    script.on(f"{API}/{name}", answer)
    programme = await spot.programme()
    assert (programme.items, len(programme.faults)) == ((), 1)


# --- what is told


async def test_a_heartbeat_is_told_until_the_server_has_no_place_for_it(spot: Spot, script: Script, clock: FakeClock):
    script.on(f"{PLAYER}/heartbeat", {}, 404, {})
    telemetry = Telemetry("10.0.0.5", None, 100, 40, 60, True, 80, 5, "Summer", {"temperature_c": 50})
    for _ in range(3):
        await spot.heartbeat(telemetry, ())
    (first, _) = script.asked(f"{PLAYER}/heartbeat")
    assert (first.body["volume"], first.body["temperature_c"], first.body["faults"]) == (80, 50, [])
    assert "wifi_signal" not in first.body
    clock.forward(86_401)
    await spot.heartbeat(telemetry, ())
    assert len(script.asked(f"{PLAYER}/heartbeat")) == 3


async def test_plays_say_whose_they_are(spot: Spot, script: Script):
    regions(script, 1)
    await spot.programme()
    await spot.meet()
    script.on(f"{PLAYER}/playback", web.json_response({"accepted": ["a"]}, status=202))
    event = {"id": "a", "content_id": 3, "zone": "0", "campaign_id": 9}
    assert list(await spot.send_plays([event])) == ["a"]
    (sent,) = script.asked(f"{PLAYER}/playback")
    assert sent.body["events"] == [{**event, "player_id": 16, "layout_id": 5, "asset_id": 3}]


async def test_a_picture_goes_up_without_the_key_and_is_named_with_it(script: Script):
    async with scripted_server() as storage, connected(script, SystemClock()) as spot:
        storage.on("/put", 503, {})
        told = {
            "data": {
                "upload_url": f"{storage.url}/put?signature=s",
                "asset_key": "k9",
                "headers": {"X-Amz-A": "b", "X-Amz-Bad": 3, "Host": "other", "X-Signage-Pin": "1"},
            }
        }
        script.on(f"{API}/assets/upload-url", told)
        script.on(f"{PLAYER}/screenshot", {})
        await spot.send_screenshot("7", 1_700_000_000.0, (1920, 1080), JPEG)
    assert [
        (one.headers["X-Amz-A"], {"Authorization", "X-Amz-Bad", "X-Signage-Pin"} & set(one.headers)) for one in storage.seen
    ] == [("b", set())] * 2
    (said,) = script.asked(f"{PLAYER}/screenshot")
    assert said.body == {"asset_key": "k9", "taken_at": "2023-11-14T22:13:20.000Z", "command_id": "7"}


@pytest.mark.parametrize(
    "answer",
    [
        {}, {"upload_url": "file:///etc/passwd", "asset_key": "k"}, {"upload_url": "//[", "asset_key": "k"}, {"upload_url": "/put"},
        {"asset_key": "k"}, [],
    ],
)  # fmt: skip
async def test_an_upload_needs_an_address_and_a_key(spot: Spot, script: Script, answer: Any):
    script.on(f"{API}/assets/upload-url", answer)
    with pytest.raises(ServerError):
        await spot.api.upload("a.jpg", "image/jpeg", JPEG)
    assert len(script.seen) == 1


async def test_a_storage_that_redirects_has_nothing(spot: Spot, script: Script):
    script.on(f"{API}/assets/upload-url", {"upload_url": "/put", "asset_key": "k"})
    script.on("/put", web.Response(status=302, headers={"Location": "/elsewhere"}))
    with pytest.raises(ServerNonsense):
        await spot.api.upload("a.jpg", "image/jpeg", JPEG)


async def test_a_command_that_the_server_forgot_refuses_its_result(spot: Spot, script: Script):
    script.on(f"{PLAYER}/commands/7/ack", 404)
    with pytest.raises(ServerRefused):
        await spot.received("7")


@pytest.mark.parametrize(
    ("row", "command"),
    [
        ({"command_id": 7, "command": "reload_content"}, Command("7", "refresh", numbered=True)),
        ({"command_id": "7", "command": "take_screenshot", "payload": []}, Command("7", "screenshot")),
        ({"id": 7, "type": "next", "created_at": "1970-01-01T00:00:05Z"}, Command("7", "next", created_at=5.0, numbered=True)),
        ({"command_id": 7, "command": ["x"], "payload": '{"a": 1}'}, Command("7", "", {"a": 1}, numbered=True)),
        ({"command": "reboot"}, None),
        ({"command_id": "x" * 201}, None),
        (None, None),
        ([], None),
    ],
)
def test_a_command_is_read_as_it_comes(row: Any, command: Command | None):
    assert command_of(row) == command
