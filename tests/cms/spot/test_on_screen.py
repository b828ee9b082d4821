"""A player of a Spot server as a passer-by sees it: regions, another layout, orders by push, plays, a key that is revoked."""

from __future__ import annotations

import contextlib
import io
import shutil
import tempfile
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from player.demo.spot.push import APP_KEY
from player.demo.spot.wire import ListedItem
from tests.e2e.player_box import COLOURS, PlayerBox, colour_of, until
from tests.fakes.spot import KEY, Caller, spot

pytestmark = pytest.mark.stage
LEFT, RIGHT = (320, 360), (960, 360)
CORNER = (0, 500, 500, 720)  # of a screen of 1280x720: where a card lies beside content
SHADES = 50  # a plain picture has fewer, a text more


@dataclass
class Site:
    """A server with one player, and the box that is it."""

    caller: Caller
    box: PlayerBox
    player: int
    folder: Path

    def playlist(self, *colours: str) -> int:
        """A playlist of plain pictures of a campaign, each for two seconds."""
        return self.listed([ListedItem(asset_id=self.asset(colour), duration=2, campaign_id=7) for colour in colours])

    def changing(self, first: str, then: str, at: str) -> int:
        """A playlist that is one picture, and from the instant `at` (ISO 8601) on another."""
        earlier = ListedItem.model_validate({"asset_id": self.asset(first), "duration": 3600, "ends_at": at})
        return self.listed([earlier, ListedItem.model_validate({"asset_id": self.asset(then), "duration": 3600, "starts_at": at})])

    def asset(self, colour: str) -> int:
        path = self.folder / f"{colour}.png"
        Image.new("RGB", (160, 90), COLOURS[colour]).save(path)
        return self.caller.server.add_file(path, "image", "image/png", colour)

    def listed(self, items: list[ListedItem]) -> int:
        number = int(self.caller.server.content.add_playlist("Day")["id"])
        self.caller.server.content.set_items(number, items)
        return number

    def halves(self, left: int, right: int) -> int:
        """A layout of two halves."""
        half = {"y": 0, "width": "50%", "height": "100%", "fit": "cover"}
        zones = [{"name": "Left", "x": 0, "playlist_id": left, **half}, {"name": "Right", "x": "50%", "playlist_id": right, **half}]
        return self.caller.server.content.add_layout("Halves", (1920, 1080), zones)


@contextlib.asynccontextmanager
async def installed() -> AsyncIterator[Site]:
    folder = Path(tempfile.mkdtemp(prefix="s-"))
    async with contextlib.AsyncExitStack() as stack:
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        caller = await stack.enter_async_context(spot(folder / "server"))
        player = caller.server.add_player("Lobby", audience=10)
        settings = {
            "SIGNAGE__CMS__KIND": "spot", "SIGNAGE__CMS__TOKEN": KEY, "SIGNAGE__CMS__DEVICE": "Lobby",
            "SIGNAGE__SPOT__PUSH_URL": caller.server.push_url, "SIGNAGE__SPOT__PUSH_KEY": APP_KEY,
            "SIGNAGE__STAGE__PROBLEM_CARD_AFTER": "1",
        }  # fmt: skip
        box = PlayerBox(folder, caller.server.url, **settings)
        await box.start()
        stack.push_async_callback(box.stop)
        yield Site(caller, box, player, folder)


async def test_a_layout_is_shown_orders_come_by_push_and_plays_are_counted():
    async with installed() as site:
        caller, box = site.caller, site.box
        await box.until(lambda s: s["paired"], "the player knows who it is")
        caller.server.change_player(site.player, layout_id=site.halves(site.playlist("red"), site.playlist("lime")))
        await box.until_seen("red", at=LEFT)
        await box.until_seen("lime", at=RIGHT)

        told = await caller.send("POST", f"players/{site.player}/commands", {"command": "take_screenshot"})

        async def done() -> dict[str, Any] | None:
            return caller.server.store.one("SELECT * FROM orders WHERE command_id = ? AND status = 'succeeded'", told["command_id"])

        await until("the screenshot's last word", done)
        latest = await caller.get(f"players/{site.player}/screenshot")
        async with caller.session.get(latest["url"]) as answer:
            picture = Image.open(io.BytesIO(await answer.read())).convert("RGB")
        assert [colour_of(picture, at) for at in (LEFT, RIGHT)] == ["red", "lime"]

        other = site.halves(site.playlist("blue"), site.playlist("yellow"))
        await caller.send("PATCH", f"layouts/{other}/assign", {"player_ids": [site.player]})
        await box.until_seen("blue", at=LEFT)
        await box.until_seen("yellow", at=RIGHT)

        async def counted() -> list[dict[str, Any]] | None:
            return list(await caller.get("analytics/impressions?from=2020-01-01&to=2100-01-01")) or None

        (campaign,) = await until("plays are counted", counted)
        assert (campaign["campaign_id"], campaign["impressions"]) == (7, campaign["plays"] * 10)

        async def card() -> bool:
            picture = await box.look()
            return picture is not None and len(picture.crop(CORNER).getcolors(1 << 20) or ()) > SHADES

        assert not await card()
        caller.server.keyring.revoke(KEY)
        status = await box.until(lambda s: s["server"]["standing"] == "refused", "the key is refused")
        assert "cms.token" in " ".join(fault["message"] for fault in status["faults"])
        await until("a card in the corner", card)
        await box.until_seen("blue", at=LEFT)


@pytest.mark.nightly
async def test_an_item_with_a_date_is_seen_at_its_second():
    async with installed() as site:
        caller, box = site.caller, site.box
        await box.until(lambda s: s["paired"], "the player knows who it is")
        begins = (datetime.now(UTC) + timedelta(seconds=8)).replace(microsecond=0)
        changing = site.halves(site.changing("cyan", "magenta", begins.isoformat()), site.playlist("yellow"))
        await caller.send("PATCH", f"layouts/{changing}/assign", {"player_ids": [site.player]})
        await box.until_seen("cyan", at=LEFT)
        await box.until_seen("magenta", at=LEFT)
        _, said, _ = await box.say("why", "magenta")
        assert f"@{begins:%Y-%m-%dT%H:%M:%S} puts it on air" in said
        (play,) = [play for play in box.plays() if play["name"] == "cyan"]
        assert datetime.fromisoformat(play["ended_at"]) >= begins
