"""AdCast's adapter keeps what every adapter promises."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import pytest

from player import cms
from player.cms.adcast.keys import Keys
from player.config import CmsConfig
from player.core.ports.box import Clock
from player.core.ports.server import Connection, Device
from player.demo.adcast.client import Operator
from player.demo.adcast.server import DemoServer
from tests.cms.contract import ServerContract
from tests.cms.embedded import EmbeddedContract
from tests.fakes.server import Script
from tests.fakes.way_out import STRAIGHT

REGISTER = "/api/device/register"
QUIET: dict[str, Any] = {"status": "ok", "pending_commands": []}


class AdCastVendor:
    """AdCast's words."""

    pairs = True
    ids_in_paths = False
    adds = frozenset[str]()
    content = "/api/device/playlist"
    plays = "/api/device/playback"
    screenshots = "/api/device/screenshot"
    beat = "/api/device/heartbeat"

    def connect(self, url: str, device: Device, clock: Clock) -> AbstractAsyncContextManager[Connection]:
        return cms.connect(CmsConfig(url=url, poll_interval=0.12), Keys(), device, clock, STRAIGHT)

    def knows(self, script: Script) -> None:
        script.on(REGISTER, {"paired": True, "device_name": "Lobby"})
        script.on(self.beat, QUIET)

    def waits_for_pairing(self, script: Script, code: str) -> None:
        script.on(REGISTER, {"paired": False, "pairing_code": code})

    def forgets(self, script: Script) -> None:
        script.on(REGISTER, {"paired": False, "pairing_code": "ZZ9ZZ9"})
        script.on(self.beat, 404)

    def orders(self, script: Script, *ids: int | str) -> None:
        self.knows(script)
        script.on(self.beat, {**QUIET, "pending_commands": [{"id": name, "type": "next"} for name in ids]}, QUIET)

    def takes_results(self, script: Script, *ids: int | str) -> None:
        for name in ids:
            script.on(f"/api/device/commands/{name}/result", {})

    def told(self, script: Script) -> list[int | str]:
        return [one["id"] for beat in script.asked(self.beat) for one in beat.body.get("command_results", ())]

    def wants(self, script: Script, *ids: Any) -> None:
        rows = [
            {"id": name, "content_id": name, "name": "Promo", "type": "image", "download_url": "/x.jpg", "duration": 5}
            for name in ids
        ]
        script.on(self.content, {"playlist": {"id": 1, "name": "Lobby", "items": rows}})


class TestAdCast(ServerContract):
    """AdCast at a scripted server."""

    @pytest.fixture
    def vendor(self) -> AdCastVendor:
        return AdCastVendor()


class AdCastOperator:
    """Somebody at the demonstration server."""

    ordered = "next"
    adds = frozenset[str]()

    def __init__(self, url: str, signed_in: Operator) -> None:
        self._url, self._signed_in, self._device = url, signed_in, 0

    def connect(self, device: Device, clock: Clock) -> AbstractAsyncContextManager[Connection]:
        return cms.connect(CmsConfig(url=self._url, poll_interval=0.2), Keys(), device, clock, STRAIGHT)

    async def pair(self, code: str) -> None:
        self._device = int((await self._signed_in.pair(code, "Lobby"))["id"])

    async def forget(self) -> None:
        await self._signed_in.delete_device(self._device)

    async def show(self, picture: Path) -> int:
        content = await self._signed_in.upload(picture, "Picture", duration=7)
        await self._signed_in.playlist("Day", [content["id"]], is_default=True)
        return int(content["id"])

    async def order(self) -> int:
        return int((await self._signed_in.command(self._device, "next", {}))["id"])

    async def outcome(self, command: int) -> str:
        return str((await self._signed_in.wait_result(command, 5))["status"])

    async def plays(self) -> list[dict[str, Any]]:
        return list(await self._signed_in.plays(self._device))


class TestAdCastAtItsServer(EmbeddedContract):
    """AdCast at the demonstration server."""

    @pytest.fixture
    async def operator(self, tmp_path: Path) -> AsyncIterator[AdCastOperator]:
        async with DemoServer(tmp_path / "server") as server, Operator(server.url) as signed_in:
            await signed_in.register("Ada", "ada@example.com", "correct horse", "Ada's")
            yield AdCastOperator(server.url, signed_in)
