"""Screenzzie's adapter keeps what every adapter promises."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import pytest

from player import cms
from player.cms.screenzzie.keys import Keys
from player.config import CmsConfig
from player.core.ports.box import Clock
from player.core.ports.server import Connection, Device
from player.demo.screenzzie.server import ScreenzzieServer
from tests.cms.contract import ServerContract
from tests.cms.embedded import EmbeddedContract
from tests.fakes.screenzzie import ACCOUNT, SCREEN_ID, item, listed, media, ok, playlist, screen
from tests.fakes.server import Script
from tests.fakes.way_out import STRAIGHT


class ScreenzzieVendor:
    """Screenzzie's words: it only gives, so it has neither plays nor screenshots nor commands."""

    pairs = False
    ids_in_paths = False
    adds = frozenset[str]()
    content = f"/api/v1/screens/{SCREEN_ID}"
    plays = screenshots = ""
    beat = "/api/v1/me"

    def connect(self, url: str, device: Device, clock: Clock) -> AbstractAsyncContextManager[Connection]:
        given = CmsConfig(kind="screenzzie", url=url, token="sk_live_0123456789", device=SCREEN_ID)
        return cms.connect(given, Keys(), device, clock, STRAIGHT)

    def knows(self, script: Script) -> None:
        script.on(self.beat, ok(ACCOUNT))
        script.on(self.content, ok(screen()))
        script.on("/api/v1/schedules", listed())

    def waits_for_pairing(self, script: Script, code: str) -> None:
        raise NotImplementedError

    def forgets(self, script: Script) -> None:
        script.on(self.content, 404)

    def orders(self, script: Script, *ids: int | str) -> None:
        raise NotImplementedError

    def takes_results(self, script: Script, *ids: int | str) -> None:
        raise NotImplementedError

    def told(self, script: Script) -> list[int | str]:
        raise NotImplementedError(script)

    def wants(self, script: Script, *ids: Any) -> None:
        script.on(self.content, ok(screen(currentPlaylistId=1)))
        script.on("/api/v1/playlists/1", ok(playlist(1, *(item(place, name) for place, name in enumerate(ids)))))
        for name in ids:
            script.on(f"/api/v1/media/{name}", ok(media(name)))


class TestScreenzzie(ServerContract):
    """Screenzzie at a scripted server."""

    @pytest.fixture
    def vendor(self) -> ScreenzzieVendor:
        return ScreenzzieVendor()


class ScreenzzieOperator:
    """Somebody at the embedded server's web panel."""

    ordered = "next"
    adds = frozenset[str]()

    def __init__(self, server: ScreenzzieServer) -> None:
        self._server, self._key, self._screen = server, server.access.make("Box"), ""

    def connect(self, device: Device, clock: Clock) -> AbstractAsyncContextManager[Connection]:
        given = CmsConfig(kind="screenzzie", url=self._server.url, token=self._key, device="Lobby")
        return cms.connect(given, Keys(), device, clock, STRAIGHT)

    async def pair(self, code: str | None) -> None:
        assert code is None
        self._screen = self._server.panel.screen("Lobby")

    async def forget(self) -> None:
        self._server.panel.drop_screen(self._screen)

    async def show(self, picture: Path) -> str:
        media = await self._server.panel.upload(picture)
        playlist = self._server.panel.playlist("Day", [media["id"]])
        self._server.panel.show(self._screen, playlist["id"])
        return str(media["id"])

    async def order(self) -> Any:
        raise NotImplementedError

    async def outcome(self, command: Any) -> str:
        raise NotImplementedError

    async def plays(self) -> list[dict[str, Any]]:
        raise NotImplementedError


class TestScreenzzieAtItsServer(EmbeddedContract):
    """Screenzzie at the embedded server."""

    @pytest.fixture
    async def operator(self, tmp_path: Path) -> AsyncIterator[ScreenzzieOperator]:
        async with ScreenzzieServer(tmp_path / "server") as server:
            yield ScreenzzieOperator(server)
