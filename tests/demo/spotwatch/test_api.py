"""The embedded Spotwatch server answers as its document says, and its day is the same each time."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest
from aiohttp import ClientSession

from player.demo.spotwatch.day import CHANNELS, DAY_S, advertisements, showings
from player.demo.spotwatch.replay import Replay
from player.demo.spotwatch.server import DEMO_KEY, SpotwatchServer

HEADER = {"Authorization": f"key {DEMO_KEY}"}
AD = advertisements()[0]


class Caller:
    def __init__(self, server: SpotwatchServer, session: ClientSession) -> None:
        self.server, self._session = server, session

    async def __call__(self, at: str, /, **arguments: Any) -> Any:
        """The JSON answered, or the text."""
        status, _, value = await self.raw(at, **arguments)
        assert status == 200, value
        return value

    async def raw(self, at: str, /, *, key: bool = True, **arguments: Any) -> tuple[int, str, Any]:
        async with self._session.post(self.server.url + at, json=arguments, headers=HEADER if key else {}) as answer:
            said = await (answer.json() if answer.content_type.endswith("json") else answer.text())
            return answer.status, answer.content_type, said

    async def get(self, path: str) -> tuple[int, str, bytes]:
        async with self._session.get(self.server.url + path) as answer:
            return answer.status, answer.content_type, await answer.read()


@pytest.fixture
async def call() -> AsyncIterator[Caller]:
    async with SpotwatchServer(speed=1.0) as server, ClientSession() as session:
        yield Caller(server, session)


def test_a_day_is_the_same_each_time_and_full():
    day = showings()
    assert day == showings()
    assert 1500 < len(day) < 5000
    assert [one.begins for one in day] == sorted(one.begins for one in day)
    assert {one.block.channel for one in day} == {one for channels in CHANNELS.values() for one in channels}
    assert max(one.begins for one in day) < DAY_S
    assert len({one.id for one in day}) == len(day)


def test_it_is_replayed_at_its_speed_and_again():
    replay = Replay(1_000_000.0, 86_400.0)
    assert replay.due(999_999.0) == []
    first = replay.due(1_000_000.5)
    assert len(first) == sum(one.begins <= DAY_S / 2 for one in showings())
    both = [*first, *replay.due(1_000_001.5)]
    assert len({seen.showing.id for seen in both}) == len(both)
    assert all(seen.at <= 1_000_001.5 for seen in both)
    assert replay.past[-1] == both[-1]


async def test_errors_are_text(call: Caller):
    status, kind, said = await call.raw("/get-ad", ad_fields=["id"])
    assert (status, kind) == (400, "text/plain")
    assert said == "Argument(s) missing. Expected [key, id], got [ad_fields, key], missing [id]."
    assert (await call.raw("/get-ad", key=False, id=1))[0] == 400
    assert (await call.raw("/get-all-regions", key=False))[0] == 400
    assert (await call.get("/get-all-regions?key=wrong"))[:2] == (403, "text/plain")
    assert (await call.raw("/nothing"))[0] == 404
    assert (await call.raw("/get-ads", time_fmt="roman"))[0] == 400
    assert (await call.raw("/get-broadcasts", time_from="soon"))[0] == 400
    assert (await call.raw("/set-push-broadcast", url="gopher://x"))[::2] == (400, "Invalid endpoint [gopher://x].")
    assert (await call.raw("/set-push-broadcast", url="http://127.0.0.1:9/x"))[0] == 400


async def test_one_advertisement_in_every_form_of_time(call: Caller):
    found = await call("/get-ad", id=AD.id)
    assert (found["brand"], found["duration"], found["categories"]) == (AD.brand, AD.duration, [AD.category])
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", found["lastseen"])
    assert len(found["broadcasts"]) == found["nbroadcasts"] > 3
    assert found["created"] < found["lastseen"]
    unix = await call("/get-ad", id=str(AD.id), time_fmt="unix", ad_fields="id,lastseen,media")
    assert set(unix) == {"id", "lastseen", "media"}
    seen = datetime.fromtimestamp(unix["lastseen"], UTC)
    assert seen == datetime.fromisoformat(found["lastseen"])
    assert await call("/set-timezone-for-api-key", tz="Asia/Tokyo") == "Default timezone set to [Asia/Tokyo]."
    plain = await call("/get-ad", id=AD.id, time_fmt="plain", ad_fields=["lastseen"])
    assert (datetime.fromisoformat(plain["lastseen"]).replace(tzinfo=UTC) - seen).total_seconds() == 9 * 3600
    status, kind, picture = await call.get(found["media"]["image"]["preview_xs"])
    assert (status, kind, picture[:4]) == (200, "image/png", b"\x89PNG")


async def test_lists_are_filtered_and_come_in_pages(call: Caller):
    page = await call("/get-broadcasts", region="at", page_lim=100, broadcast_fields=["id", "channel"])
    assert (page["page"]["index"], page["page"]["prev"], len(page["results"])) == (0, None, 100)
    assert {one["channel"] for one in page["results"]} == set(CHANNELS["at"])
    ids = [one["id"] for one in page["results"]]
    while page["page"]["next"]:
        status, _, _ = await call.get(page["page"]["next"])
        assert status == 200, "a masked path needs no key"
        page = await call(page["page"]["next"])
        ids += [one["id"] for one in page["results"]]
    assert len(ids) == len(set(ids)) == page["page"]["results_total"]
    coffee = await call("/get-ads", category="coffee", ad_fields=["brand"], page_lim=-1)
    assert {one["brand"] for one in coffee["results"]} == {"arabesk", "hochland roester"}
    assert (await call("/get-ads", keyword=["e-bike"], ad_fields=["brand"]))["results"] == [{"brand": "kettenwerk"}]
    short = await call("/get-ads", duration_to=10, self_promo=False, ad_fields=["duration", "self_promo"])
    assert short["results"]
    assert {(one["duration"], one["self_promo"]) for one in short["results"]} == {(10, False)}
    blocks = await call("/get-blocks", channel=["seeblick"], ad_fields=["id", "duration"])
    assert {one["channel"] for one in blocks["results"]} == {"seeblick"}
    assert len({one["id"] for one in blocks["results"]}) == len(blocks["results"])
    assert await call("/get-block", id=blocks["results"][0]["id"], ad_fields=["id", "duration"]) == blocks["results"][0]
    one = await call("/get-broadcast", id=ids[0])
    assert (one["id"], one["region"]) == (ids[0], "at")
    csv = await call("/get-broadcasts-for-ad", ad=AD.id, fmt="csv", csv_delimiter=";")
    assert csv.splitlines()[0].startswith('"id";"time";"region"')


async def test_batches_and_masks(call: Caller):
    found = await call("/batch", requests=[
        {"mapkey": "first", "path": "/get-ad", "args": {"id": AD.id, "ad_fields": ["brand"]}},
        {"mapkey": "second", "path": "/get-block", "args": {"id": 14426}},
    ])  # fmt: skip
    assert found == {
        "first": {"code": 200, "reply": {"brand": AD.brand}},
        "second": {"code": 400, "reply": "Block ID [14426] not found."},
    }
    link = await call("/mask", path="/get-ad", args={"ad_fields": ["id"]}, allow_args=True, ctl=1)
    assert (await call.get(f"{link}?id={AD.id}"))[0] == 200
    assert (await call.get(f"{link}?id={AD.id}"))[0] == 403, "it had one call to live"
    assert (await call.get(await call("/mask", path="/get-ad", args={"id": AD.id}, ttl=-1)))[0] == 403


async def test_the_queue_keeps_the_newest_thousand(call: Caller):
    assert (await call.raw("/get-message-queue"))[0] == 400
    assert await call("/set-push-broadcast", url="/message-queue", time_fmt="unix") == "Push endpoint set to [/message-queue]."
    for number in range(1005):
        await call.server.push({"broadcast": {"id": number}})
    first = (await call("/get-message-queue", num_messages=2))["messages"]
    assert [one["message"]["broadcast"]["id"] for one in first] == [5, 6]
    assert first[0]["push_type"] == "broadcast"
    assert len((await call("/get-message-queue"))["messages"]) >= 998
    assert await call("/delete-push-broadcast") == "Push endpoint deleted."
    assert (await call.raw("/get-message-queue"))[0] == 400


async def test_a_key_is_given_for_the_right_password_and_lists_say_what_there_is(call: Caller):
    assert await call("/get-api-key", email="demo@example.com", pw="demonstration") == DEMO_KEY
    assert (await call.raw("/get-api-key", email="demo@example.com", pw="x"))[0] == 403
    assert await call("/get-all-regions") == ["at", "ch", "de"]
    assert await call("/get-tracked-channels") == {region: list(channels) for region, channels in CHANNELS.items()}
    assert '"at","alpenkanal"' in await call("/get-all-channels", fmt="csv")
    assert "coffee" in await call("/get-all-categories")
    assert "arabesk" in await call("/get-all-brands", region=["at"])
    genres = (await call("/get-all-tv-genres"))["de"]
    assert "sport" in genres
    assert all(len(kinds) == len(set(kinds)) for kinds in genres.values())
