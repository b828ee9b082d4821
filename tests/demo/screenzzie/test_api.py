"""The Screenzzie server: every path of its document, what it refuses and why, and the effects that things have on one another."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from player.demo.samples import Sample
from player.demo.screenzzie.access import SCOPES
from player.demo.screenzzie.server import ScreenzzieServer
from tests.fakes.samples import make_picture

NOBODY = "6b1f2a44-2f0e-4f7c-9d53-0c5f2f1a7e01"


@dataclass
class Caller:
    """Whoever has a key: each call answers (status, what is in the envelope)."""

    server: ScreenzzieServer
    session: aiohttp.ClientSession
    key: str

    async def __call__(self, method: str, path: str, body: Any = None, key: str | None = None) -> tuple[int, Any]:
        headers = {"Authorization": f"Bearer {key or self.key}"}
        async with self.session.request(method, f"{self.server.url}/api/v1/{path}", json=body, headers=headers) as response:
            if response.status == 204:
                return 204, None
            answer = await response.json()
            return response.status, answer["data"] if answer["success"] else answer["error"]

    async def make(self, path: str, **body: Any) -> Any:
        status, made = await self("POST", path, body)
        assert status == 201, made
        return made


@pytest.fixture
async def call(tmp_path: Path) -> AsyncIterator[Caller]:
    async with ScreenzzieServer(tmp_path / "server") as server, aiohttp.ClientSession() as session:
        yield Caller(server, session, server.access.make("Ada"))


# --- keys


async def test_me_says_whose_key_it_is_and_what_it_may(call: Caller):
    status, me = await call("GET", "me")
    assert status == 200
    assert (me["apiKey"]["name"], me["apiKey"]["scopes"]) == ("Ada", list(SCOPES))
    assert "hash" not in me["apiKey"]
    assert me["features"] == {"sequences": True, "schedules": True, "api": True}
    assert me["rateLimits"]["used"] == 0
    status, organizations = await call("GET", "organizations")
    assert (status, organizations["items"][0]["id"]) == (200, me["organization"]["id"])


async def test_without_a_key_nothing_is_answered(call: Caller):
    assert (await call("GET", "me", key="sk_live_wrong"))[0] == 401
    call.server.access.revoke(call.key)
    status, error = await call("GET", "screens")
    assert (status, error["code"]) == (401, "UNAUTHORIZED")


@pytest.mark.parametrize("kind", ["screens", "playlists", "media", "schedules"])
async def test_a_key_does_what_its_scopes_say(call: Caller, kind: str):
    reads = call.server.access.make("Reader", [f"{kind}:read"])
    assert (await call("GET", kind, key=reads))[0] == 200
    status, error = await call("POST", kind, {}, key=reads)
    assert (status, f"{kind}:write" in error["message"]) == (403, True)
    others = call.server.access.make("Other", [scope for scope in SCOPES if not scope.startswith(kind)])
    assert (await call("GET", kind, key=others))[0] == 403


async def test_a_plan_without_schedules_has_none(call: Caller):
    call.server.access.features["schedules"] = False
    assert (await call("GET", "schedules"))[0] == 403


async def test_the_limit_is_told_and_then_kept_to_but_for_me(tmp_path: Path):
    async with ScreenzzieServer(tmp_path / "server", limit=2) as server, aiohttp.ClientSession() as session:
        call = Caller(server, session, server.access.make("Ada"))
        assert [(await call("GET", "screens"))[0] for _ in range(3)] == [200, 200, 429]
        status, me = await call("GET", "me")
        assert (status, me["rateLimits"]["remaining"]) == (200, 0)
        async with session.get(f"{server.url}/api/v1/screens", headers={"Authorization": f"Bearer {call.key}"}) as response:
            assert int(response.headers["Retry-After"]) > 0
            assert response.headers["X-RateLimit-Remaining"] == "0"


# --- things


async def test_a_screen_is_made_changed_and_listed(call: Caller):
    made = await call.make("screens", name="Lobby", timezone="Europe/Warsaw")
    assert (made["orientation"], made["rotation"], made["isActive"], made["currentPlaylistId"]) == ("landscape", "0", True, None)
    playlist = await call.make("playlists", name="Day")
    status, changed = await call("PATCH", f"screens/{made['id']}", {"currentPlaylistId": playlist["id"], "location": "Hall"})
    assert (status, changed["currentPlaylistId"], changed["location"], changed["name"]) == (200, playlist["id"], "Hall", "Lobby")
    assert (await call("PATCH", f"screens/{made['id']}", {"location": None}))[1]["location"] is None
    assert await call("GET", f"screens/{made['id']}") == (200, (await call("GET", "screens"))[1]["items"][0])


async def test_lists_are_read_by_the_page_and_filtered(call: Caller):
    for n in range(25):
        await call.make("screens", name=f"S{n}")
    _, first = await call("GET", "screens")
    assert (len(first["items"]), first["pagination"]) == (
        20, {"page": 1, "limit": 20, "total": 25, "totalPages": 2, "hasMore": True}
    )  # fmt: skip
    _, second = await call("GET", "screens?page=2")
    assert [one["name"] for one in second["items"]] == [f"S{n}" for n in range(20, 25)]
    assert not second["pagination"]["hasMore"]
    assert (await call("GET", "screens?limit=1000"))[1]["pagination"]["limit"] == 100
    assert (await call("GET", "screens?page=zero"))[0] == 400
    call.server.panel.switch(first["items"][0]["id"], active=False)
    assert [one["name"] for one in (await call("GET", "screens?isActive=false"))[1]["items"]] == ["S0"]


async def test_a_playlist_is_told_with_its_items_and_dropped_from_wherever_it_is(call: Caller, tmp_path: Path):
    media = await call.server.panel.upload(make_picture(tmp_path / "a.png"))
    playlist = call.server.panel.playlist("Day", [media["id"], {"duration": 30, "config": {"url": "https://menu.example"}}])
    status, told = await call("GET", f"playlists/{playlist['id']}")
    assert (status, told["itemCount"], told["totalDuration"]) == (200, 2, 40)
    assert [(item["position"], item["itemType"], item["mediaId"]) for item in told["items"]] == [
        (0, "media", media["id"]), (1, "website", None),
    ]  # fmt: skip
    assert "items" not in (await call("GET", "playlists"))[1]["items"][0]
    assert (await call("PATCH", f"playlists/{playlist['id']}", {"description": "x"}))[1]["description"] == "x"
    screen = await call.make("screens", name="Lobby")
    await call("PATCH", f"screens/{screen['id']}", {"defaultPlaylistId": playlist["id"]})
    schedule = await call.make("schedules", playlistId=playlist["id"], targetType="all_screens")
    assert (await call("DELETE", f"media/{media['id']}"))[0] == 204
    assert (await call("GET", f"playlists/{playlist['id']}"))[1]["itemCount"] == 1
    assert (await call("DELETE", f"playlists/{playlist['id']}"))[0] == 204
    assert (await call("GET", f"screens/{screen['id']}"))[1]["defaultPlaylistId"] is None
    assert (await call("GET", f"schedules/{schedule['id']}"))[0] == 404


async def test_a_file_that_was_uploaded_is_there(call: Caller, tmp_path: Path):
    picture = make_picture(tmp_path / "a.png")
    media = await call.server.panel.upload(picture)
    _, told = await call("GET", f"media/{media['id']}")
    async with call.session.get(told["fileUrl"]) as response:
        assert await response.read() == picture.read_bytes()
    registered = await call.make("media", name="Logo", type="image", fileUrl="https://x.example/logo.png", fileSize=9)
    assert (await call("GET", f"media/{registered['id']}"))[1]["fileUrl"] == "https://x.example/logo.png"
    assert len((await call("GET", "media?type=video"))[1]["items"]) == 0


async def test_a_schedule_is_made_changed_and_dropped(call: Caller):
    playlist = await call.make("playlists", name="Day")
    made = await call.make("schedules", playlistId=playlist["id"], targetType="all_screens", dayOfWeek=[0, 6], startTime="09:00")
    assert (made["priority"], made["isActive"], made["dayOfWeek"], made["endTime"]) == (0, True, [0, 6], None)
    status, changed = await call("PATCH", f"schedules/{made['id']}", {"priority": 7, "isActive": False})
    assert (status, changed["priority"], changed["isActive"], changed["startTime"]) == (200, 7, False, "09:00")
    assert (await call("GET", "schedules?isActive=true"))[1]["items"] == []
    assert (await call("PATCH", f"schedules/{made['id']}", {"targetType": "screen"}))[0] == 400
    assert (await call("DELETE", f"schedules/{made['id']}"))[0] == 204
    assert (await call("GET", f"schedules/{made['id']}"))[0] == 404


async def test_a_schedule_for_several_screens_says_for_which(call: Caller):
    playlist, screen = await call.make("playlists", name="Day"), await call.make("screens", name="Lobby")
    made = await call.make("schedules", playlistId=playlist["id"], targetType="multiple_screens")
    assert "screens" not in made
    call.server.panel.choose(made["id"], [screen["id"]])
    assert await call("GET", f"schedules/{made['id']}/screens") == (200, {"items": [{"id": screen["id"]}]})
    for_all = await call.make("schedules", playlistId=playlist["id"], targetType="all_screens")
    assert (await call("GET", f"schedules/{for_all['id']}/screens"))[0] == 404


async def test_a_sequence_is_told(call: Caller):
    playlist = await call.make("playlists", name="Day")
    made = call.server.panel.sequence("All", [{"playlistId": playlist["id"], "repeat": 2}])
    _, told = await call("GET", f"sequences/{made['id']}")
    assert told["items"] == [{"position": 0, "playlistId": playlist["id"], "repeat": 2}]
    assert (await call("POST", "sequences", {}))[0] == 405


REFUSED = [
    ("screens", {}, "name"), ("screens", {"name": "x" * 101}, "name"), ("screens", {"name": "a", "rotation": "45"}, "rotation"),
    ("screens", {"name": "a", "orientation": "round"}, "orientation"), ("screens", {"name": "a", "timezone": "Mars"}, "timezone"),
    ("screens", {"name": "a", "workspaceId": "7"}, "workspaceId"), ("playlists", {"name": ""}, "name"),
    ("playlists", {"name": "a", "description": "x" * 501}, "description"), ("media", {"name": "a", "type": "image"}, "fileUrl"),
    ("media", {"name": "a", "type": "sound", "fileUrl": "https://x.example"}, "type"),
    ("media", {"name": "a", "type": "image", "fileUrl": "ftp://x.example"}, "fileUrl"),
    ("schedules", {"targetType": "all_screens"}, "playlistId"), ("schedules", {"playlistId": NOBODY}, "targetType"),
    ("schedules", {"playlistId": NOBODY, "targetType": "city"}, "targetType"),
    ("schedules", {"playlistId": NOBODY, "targetType": "screen"}, "screenId"),
    ("schedules", {"playlistId": NOBODY, "targetType": "screen_group"}, "screenGroupId"),
    ("schedules", {"playlistId": NOBODY, "targetType": "all_screens"}, "playlistId"),
    ("schedules", {"playlistId": NOBODY, "targetType": "all_screens", "dayOfWeek": [7]}, "dayOfWeek.0"),
    ("schedules", {"playlistId": NOBODY, "targetType": "all_screens", "startTime": "9:00"}, "startTime"),
    ("schedules", {"playlistId": NOBODY, "targetType": "all_screens", "endTime": "24:00"}, "endTime"),
    ("schedules", {"playlistId": NOBODY, "targetType": "all_screens", "startDate": "soon"}, "startDate"),
    ("schedules", {"playlistId": NOBODY, "targetType": "all_screens", "priority": 101}, "priority"),
    ("schedules", {"playlistId": NOBODY, "targetType": "all_screens", "color": "blue"}, "color"),
]  # fmt: skip


@pytest.mark.parametrize(("path", "body", "field"), REFUSED)
async def test_what_makes_no_sense_is_refused_with_its_field(call: Caller, path: str, body: dict[str, Any], field: str):
    status, error = await call("POST", path, body)
    assert (status, error["code"], error["field"]) == (400, "VALIDATION_ERROR", field)
    assert (await call("GET", path))[1]["items"] == []


@pytest.mark.parametrize("field", ["name", "orientation", "rotation", "timezone"])
async def test_what_may_not_be_cleared_is_not(call: Caller, field: str):
    screen = await call.make("screens", name="Lobby")
    status, error = await call("PATCH", f"screens/{screen['id']}", {field: None})
    assert (status, error["field"]) == (400, field)


@pytest.mark.parametrize("path", ["screens", "playlists", "media", "schedules", "sequences"])
async def test_what_is_not_there_is_404(call: Caller, path: str):
    status, error = await call("GET", f"{path}/{NOBODY}")
    assert (status, error["code"]) == (404, "NOT_FOUND")


async def test_a_body_that_is_none_is_refused(call: Caller):
    for body in (b"[]", b"{", b"7"):
        headers = {"Authorization": f"Bearer {call.key}"}
        async with call.session.post(f"{call.server.url}/api/v1/screens", data=body, headers=headers) as response:
            assert response.status == 400


async def test_a_player_that_reads_its_screen_was_seen(call: Caller):
    screen = await call.make("screens", name="Lobby")
    assert not (await call("GET", f"screens/{screen['id']}"))[1]["isOnline"]
    call.session.headers["User-Agent"] = "signage-player/1"
    told = (await call("GET", f"screens/{screen['id']}"))[1]
    assert (told["isOnline"], told["updatedAt"]) == (True, screen["updatedAt"])


async def test_what_was_made_is_there_after_a_restart_and_samples_come_once(tmp_path: Path):
    given = [Sample("Buns", "image", make_picture(tmp_path / "a.png"), 5.0)]
    for _ in range(2):
        async with ScreenzzieServer(tmp_path / "server") as server:
            screen = server.panel.screen("Lobby")
            await server.seed_samples(given)
            async with aiohttp.ClientSession() as session:
                call = Caller(server, session, server.access.make("Ada"))
                (told,) = (await call("GET", "screens"))[1]["items"]
                (playlist,) = (await call("GET", "playlists"))[1]["items"]
            assert (told["id"], told["defaultPlaylistId"], playlist["itemCount"]) == (screen, playlist["id"], 1)
