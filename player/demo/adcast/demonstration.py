"""`demo --server adcast`: the server with sample content, and an operator who enters the code of each screen."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from player.demo.adcast.client import Operator
from player.demo.adcast.seed import EMAIL, PASSWORD
from player.demo.adcast.server import DemoServer
from player.demo.demonstration import Codes, Demonstration
from player.runtime.clock import local_zone

OFFLINE_AFTER_S = 10.0  # whoever stops the server to see what becomes of its schedules waits no minute


class AdCastDemonstration(Demonstration):
    """An AdCast server, with an account to sign in to; its screens may read the schedules, by this machine's wall clock."""

    def __init__(self, folder: Path, port: int) -> None:
        self._server = DemoServer(folder, "127.0.0.1", port, zone=local_zone(None), heartbeat_interval_s=5.0)
        self._token = ""

    @property
    def url(self) -> str:
        return self._server.url

    @property
    def welcome(self) -> str:
        return f"sign in as {EMAIL} with the password {PASSWORD}; its API takes the token {self._token}"

    async def __aenter__(self) -> Self:
        await self._server.__aenter__()
        await self._server.open_account()
        async with Operator(self.url) as operator:
            await operator.login(EMAIL, PASSWORD)
            self._token = operator.token
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await self._server.__aexit__(kind, error, trace)

    def environment(self, screen: str) -> Mapping[str, str]:  # noqa: ARG002 - a screen gets its name when it is paired
        return {
            "SIGNAGE__CMS__PAIR_URL": f"{self.url}/pair", "SIGNAGE__CMS__TOKEN": self._token,
            "SIGNAGE__CMS__OFFLINE_AFTER": f"{OFFLINE_AFTER_S:g}",
        }  # fmt: skip

    async def begin(self, codes: Codes) -> None:
        await self._server.seed_samples()
        async with Operator(self.url) as operator:
            await operator.login(EMAIL, PASSWORD)
            for screen, shown in codes.items():
                if code := await shown():
                    await operator.pair(code, screen)
