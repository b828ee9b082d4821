"""AdCast's adapter keeps what every adapter promises."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from typing import Any

import pytest

from player import cms
from player.cms.adcast.keys import Keys
from player.config import CmsConfig
from player.core.ports.box import Clock
from player.core.ports.server import Connection, Device
from tests.cms.contract import ServerContract
from tests.fakes.server import Script

REGISTER = "/api/device/register"
QUIET: dict[str, Any] = {"status": "ok", "pending_commands": []}


class AdCastVendor:
    """AdCast's words."""

    content = "/api/device/playlist"
    plays = "/api/device/playback"
    screenshots = "/api/device/screenshot"
    beat = "/api/device/heartbeat"

    def connect(self, url: str, device: Device, clock: Clock) -> AbstractAsyncContextManager[Connection]:
        return cms.connect(CmsConfig(url=url, poll_interval=0.12), Keys(), device, clock)

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
