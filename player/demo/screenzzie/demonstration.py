"""`demo --server screenzzie`: the server with sample content, and a screen of its list for each player."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from player.demo.demonstration import Codes, Demonstration
from player.demo.screenzzie.server import DEMO_KEY, ScreenzzieServer


class ScreenzzieDemonstration(Demonstration):
    """A Screenzzie server, with a key that may do everything."""

    def __init__(self, folder: Path, port: int) -> None:
        self._server = ScreenzzieServer(folder, "127.0.0.1", port)

    @property
    def url(self) -> str:
        return self._server.url

    @property
    def welcome(self) -> str:
        return f"its API at /api/v1, with the bearer {DEMO_KEY}"

    async def __aenter__(self) -> Self:
        await self._server.__aenter__()
        if not self._server.access.has(DEMO_KEY):
            self._server.access.make("Demonstration", secret=DEMO_KEY)
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await self._server.__aexit__(kind, error, trace)

    def environment(self, screen: str) -> Mapping[str, str]:
        self._server.panel.screen(screen)
        return {"SIGNAGE__CMS__TOKEN": DEMO_KEY, "SIGNAGE__CMS__DEVICE": screen}

    async def begin(self, codes: Codes) -> None:  # noqa: ARG002 - a screen is made when its player starts
        await self._server.seed_samples()
