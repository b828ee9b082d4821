"""`demo --server spot`: the server with sample content, and a player by name for each screen."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from player.demo.demonstration import Codes, Demonstration
from player.demo.spot.keyring import SCOPES
from player.demo.spot.push import APP_KEY
from player.demo.spot.server import SpotServer

DEMO_KEY = "spot_demonstration_only"


class SpotDemonstration(Demonstration):
    """A Spot server, with a key that may do everything."""

    def __init__(self, folder: Path, port: int) -> None:
        self._server = SpotServer(folder, "127.0.0.1", port)

    @property
    def url(self) -> str:
        return self._server.url

    @property
    def welcome(self) -> str:
        return f"its API at /api/v1, with the bearer {DEMO_KEY}"

    async def __aenter__(self) -> Self:
        await self._server.__aenter__()
        self._server.keyring.create("Demonstration", SCOPES, secret=DEMO_KEY)
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await self._server.__aexit__(kind, error, trace)

    def environment(self, screen: str) -> Mapping[str, str]:
        self._server.ensure_player(screen)
        return {
            "SIGNAGE__CMS__TOKEN": DEMO_KEY,
            "SIGNAGE__CMS__DEVICE": screen,
            "SIGNAGE__SPOT__PUSH_URL": self._server.push_url,
            "SIGNAGE__SPOT__PUSH_KEY": APP_KEY,
        }

    async def begin(self, codes: Codes) -> None:
        await self._server.seed_samples(tuple(codes))
