"""Sources of content read off a real screen: a folder that changes and goes, schedules at their second, also without a server."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from PIL import Image

from player.demo.adcast.client import Operator
from player.demo.adcast.server import DemoServer
from player.demo.screenzzie.server import ScreenzzieServer
from tests.e2e.player_box import COLOURS, PlayerBox, until


@pytest.fixture
def short() -> Iterator[Path]:
    """A folder whose name is short enough for sockets."""
    with tempfile.TemporaryDirectory(prefix="sp-", dir="/tmp", ignore_cleanup_errors=True) as made:
        yield Path(made)


def picture(path: Path, colour: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (320, 180), COLOURS[colour]).save(path)
    return path


async def test_a_folder_is_shown_follows_its_files_and_goes(short: Path):
    shop = short / "shop"
    picture(shop / "1.png", "red")
    box = PlayerBox(short, "", SIGNAGE__CMS__KIND="folder", SIGNAGE__FOLDER__PATH=str(shop))
    await box.start()
    try:
        await box.until_seen("red")
        picture(shop / "1.png", "lime")
        await box.until_seen("lime")
        (shop / "playlist.toml").write_text('[[region]]\n[[region.item]]\nfile = "evening/2.png"\n')
        picture(shop / "evening" / "2.png", "blue")
        await box.until_seen("blue")
        status = await box.status() or {}
        assert (status["server"]["kind"], status["server"]["url"], status["server"]["online"]) == ("folder", str(shop), True)
        await asyncio.to_thread(shop.rename, short / "away")
        gone = await box.until(lambda told: any(fault["code"] == "no_folder" for fault in told["faults"]))
        assert not gone["server"]["online"]
        await box.until(lambda told: told["state"] != "playing")
    finally:
        await box.stop()


@pytest.mark.nightly
@pytest.mark.timeout(300)  # its minute begins up to 75 s later, and has to end
async def test_a_schedule_made_at_the_server_is_seen_at_its_minute_and_ends_at_its_own(short: Path):
    async with ScreenzzieServer(short / "server") as server, aiohttp.ClientSession() as session:
        lists = {}
        for colour in ("red", "lime"):
            media = await server.panel.upload(picture(short / f"{colour}.png", colour))
            lists[colour] = server.panel.playlist(colour, [{"mediaId": media["id"], "duration": 3600}])["id"]
        screen = server.panel.screen("Lobby", timezone="America/New_York", defaultPlaylistId=lists["red"])
        key = server.access.make("Ada")
        box = PlayerBox(short, server.url, SIGNAGE__CMS__KIND="screenzzie", SIGNAGE__CMS__TOKEN=key, SIGNAGE__CMS__DEVICE="Lobby")
        await box.start()
        try:
            await box.until_seen("red")
            begins = _next_minute()
            times = {"startTime": _wall(begins), "endTime": _wall(begins + timedelta(minutes=1))}
            body = {"playlistId": lists["lime"], "targetType": "screen", "screenId": screen, **times}
            headers = {"Authorization": f"Bearer {key}"}
            async with session.post(f"{server.url}/api/v1/schedules", json=body, headers=headers) as response:
                assert response.status == 201, await response.text()
            await box.until_seen("lime", limit_s=120)
            _, said, _ = await box.say("why")
            assert "lime" in said
            await box.until_seen("red", limit_s=120)
            plays = await until("a play of lime", lambda: _plays(box, "lime.png"))
        finally:
            await box.stop()
    assert _instant(plays[0]["started_at"]) >= begins
    assert _instant(plays[0]["ended_at"]) >= begins + timedelta(minutes=1)


@pytest.mark.nightly
async def test_adcast_schedules_are_seen_at_their_second_pushed_by_the_server_and_by_the_box_alone(short: Path):
    async with DemoServer(short / "server") as server, Operator(server.url) as operator:
        await operator.register("Ada", "ada@example.com", "correct horse", "Ada's")
        lists = {}
        for colour in ("red", "lime", "blue"):
            content = await operator.upload(picture(short / f"{colour}.png", colour), colour, duration=3600)
            lists[colour] = (await operator.playlist(colour, [content["id"]], is_default=colour == "red"))["id"]
        box = PlayerBox(
            short, server.url, SIGNAGE__CMS__TOKEN=operator.token, SIGNAGE__CMS__OFFLINE_AFTER="1", SIGNAGE__TIME__ZONE="UTC",
            SIGNAGE__CMS__POLL_INTERVAL="20",
        )  # fmt: skip
        await box.start()
        try:
            device = (await operator.pair((await box.until(lambda told: told["pairing_code"]))["pairing_code"]))["id"]
            await box.until_seen("red")
            pushed = await _scheduled(operator, lists["lime"], device, 4)
            await box.until_seen("lime")
            _, said, _ = await box.say("why")
            assert 'the rule "schedule 1 at the server" puts it on air' in said
            alone = await _scheduled(operator, lists["blue"], device, 12, priority=9)
            await box.until(lambda told: told["manifest"]["assets_ready"] == 3, "all of it is here")
            await server.__aexit__(None, None, None)
            await box.until_seen("blue", limit_s=60)
            _, said, _ = await box.say("why")
            assert 'the rule "schedule 2: blue" puts it on air' in said
            await server.__aenter__()
            await operator.delete_schedule(2)
            await box.until_seen("lime")
            await until("a play of blue", lambda: _plays(box, "blue"))
        finally:
            await box.stop()
    shown = {name: next(play for play in box.plays() if play["name"] == name) for name in ("lime", "blue")}
    assert {play["reason"] for play in shown.values()} == {"the layout changed"}, "nothing waited for its end"
    assert _instant(shown["lime"]["started_at"]) >= pushed
    assert _instant(shown["blue"]["started_at"]) >= alone
    assert (shown["lime"]["schedule_id"], shown["blue"]["schedule_id"]) == (1, 2)


async def _scheduled(operator: Operator, playlist: int, device: int, ahead_s: int, **rule: Any) -> datetime:
    """Schedules it for a device for an hour, from so many seconds on; when that is."""
    begins = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=ahead_s)
    times = {"start_time": f"{begins:%H:%M:%S}", "end_time": f"{begins + timedelta(hours=1):%H:%M:%S}"}
    await operator.schedule(playlist, device, **times, **rule)
    return begins


async def _plays(box: PlayerBox, name: str) -> list[dict[str, Any]]:
    return [play for play in box.plays() if play["name"] == name]


def _next_minute() -> datetime:
    """One that leaves the box time for a poll."""
    return (datetime.now(UTC) + timedelta(seconds=75)).replace(second=0, microsecond=0)


def _wall(at: datetime) -> str:
    from zoneinfo import ZoneInfo

    return f"{at.astimezone(ZoneInfo('America/New_York')):%H:%M}"


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text)


async def test_a_folder_is_shown_while_the_server_has_nothing_and_gives_way_when_it_has(short: Path):
    picture(short / "shop" / "1.png", "red")
    async with ScreenzzieServer(short / "server") as server:
        media = await server.panel.upload(picture(short / "lime.png", "lime"))
        screen, key = server.panel.screen("Lobby"), server.access.make("Ada")
        box = PlayerBox(
            short, server.url, SIGNAGE__CMS__KIND="screenzzie", SIGNAGE__CMS__TOKEN=key, SIGNAGE__CMS__DEVICE="Lobby",
            SIGNAGE__FALLBACK__KIND="folder", SIGNAGE__FALLBACK__AFTER="1", SIGNAGE__FOLDER__PATH=str(short / "shop"),
            SIGNAGE__STAGE__BACKEND="none",
        )  # fmt: skip
        await box.start()
        try:
            told = await box.until(lambda status: _shows(status, "1.png"))
            assert [fault["code"] for fault in told["faults"] if fault["code"] == "fallback"] == ["fallback"]
            server.panel.show(screen, server.panel.playlist("Day", [media["id"]])["id"])
            told = await box.until(lambda status: _shows(status, "lime.png"))
            assert [fault["code"] for fault in told["faults"] if fault["code"] == "fallback"] == []
        finally:
            await box.stop()


def _shows(status: dict[str, Any], name: str) -> bool:
    return [item["name"] for item in status["now"]["items"]] == [name]
