"""Spot's adapter keeps what every adapter promises."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import pytest

from player import cms
from player.cms.spot.keys import Keys
from player.config import CmsConfig
from player.core.ports.box import Clock
from player.core.ports.server import Connection, Device
from player.demo.spot.push import APP_KEY
from tests.cms.contract import ServerContract
from tests.cms.embedded import EmbeddedContract
from tests.fakes.server import Script
from tests.fakes.spot import KEY, Caller, spot
from tests.fakes.way_out import STRAIGHT

PLAYER = "/api/v1/players/16"
ROW: dict[str, Any] = {"id": 16, "name": "Lobby", "status": "online", "layout_id": None, "playlist_id": None}


class SpotVendor:
    """Spot's words."""

    pairs = False
    ids_in_paths = True
    adds = frozenset({"player_id", "layout_id", "asset_id"})
    content = PLAYER
    plays = f"{PLAYER}/playback"
    screenshots = f"{PLAYER}/screenshot"
    beat = PLAYER

    def connect(self, url: str, device: Device, clock: Clock) -> AbstractAsyncContextManager[Connection]:
        config = CmsConfig(kind="spot", url=url, token="spot-key-0123456789", device="16")
        return cms.connect(config, Keys(), device, clock, STRAIGHT)

    def knows(self, script: Script) -> None:
        script.on(PLAYER, ROW)
        script.on(f"{PLAYER}/heartbeat", {})
        script.on(f"{PLAYER}/commands", {"data": []})
        script.on("/api/v1/assets", {"data": []})
        script.on("/api/v1/assets/upload-url", {"upload_url": f"{script.url}/put/1", "asset_key": "k1"})
        script.on("/put/1", {})

    def waits_for_pairing(self, script: Script, code: str) -> None:
        raise AssertionError(f"nobody enters {code} at {script.url}")

    def forgets(self, script: Script) -> None:
        script.on(PLAYER, 404)

    def orders(self, script: Script, *ids: int | str) -> None:
        self.knows(script)
        rows = [{"command_id": name, "command": "next"} for name in ids]
        script.on(f"{PLAYER}/commands", {"data": rows}, {"data": []})
        self.takes_results(script, *ids)

    def takes_results(self, script: Script, *ids: int | str) -> None:
        for name in ids:
            script.on(f"{PLAYER}/commands/{name}/ack", {})

    def told(self, script: Script) -> list[int | str]:
        acks = [one for one in script.seen if one.path.endswith("/ack") and one.body["status"] != "received"]
        return [one.path.split("/")[-2] for one in acks]

    def wants(self, script: Script, *ids: Any) -> None:
        rows = [
            {"id": name, "asset": None if name is None else {"id": name, "name": "Promo", "type": "image", "url": "/x.jpg"}}
            for name in ids
        ]
        script.on(PLAYER, {"data": {**ROW, "playlist": {"id": 1, "name": "Day", "items": rows}}})


class TestSpot(ServerContract):
    """Spot at a scripted server."""

    @pytest.fixture
    def vendor(self) -> SpotVendor:
        return SpotVendor()


class SpotOperator:
    """Somebody at the embedded server; a player's name is what the device is told to be."""

    ordered = "refresh"
    adds = frozenset({"player_id", "asset_id"})

    def __init__(self, caller: Caller) -> None:
        self._caller, self._server, self._player = caller, caller.server, 0

    def connect(self, device: Device, clock: Clock) -> AbstractAsyncContextManager[Connection]:
        config = CmsConfig(kind="spot", url=self._server.url, token=KEY, device="Lobby", poll_interval=0.2)
        own = Keys(push_url=self._server.push_url, push_key=APP_KEY)
        return cms.connect(config, own, device, clock, STRAIGHT)

    async def pair(self, code: str | None) -> None:
        assert code is None
        self._player = self._server.add_player("Lobby")

    async def forget(self) -> None:
        self._server.remove_player(self._player)

    async def show(self, picture: Path) -> int:
        asset = await self._caller.upload(picture)
        playlist = await self._caller.send("POST", "playlists", {"name": "Day"})
        await self._caller.send("PATCH", f"playlists/{playlist['id']}/items", {"items": [{"asset_id": asset, "duration": 7}]})
        self._server.change_player(self._player, playlist_id=playlist["id"])
        return asset

    async def order(self) -> int:
        told = await self._caller.send("POST", f"players/{self._player}/commands", {"command": "reload_content"})
        return int(told["command_id"])

    async def outcome(self, command: int) -> str:
        rows = self._server.store.all("SELECT status FROM orders WHERE command_id = ?", command)
        return str(rows[0]["status"])

    async def plays(self) -> list[dict[str, Any]]:
        return [json.loads(row["event_json"]) for row in self._server.store.all("SELECT event_json FROM plays")]


class TestSpotAtItsServer(EmbeddedContract):
    """Spot at the embedded server."""

    @pytest.fixture
    async def operator(self, tmp_path: Path) -> AsyncIterator[SpotOperator]:
        async with spot(tmp_path / "server") as caller:
            yield SpotOperator(caller)
