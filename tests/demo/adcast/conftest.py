"""A running server, a signed-in operator and a device, all by real HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from player.demo.adcast.client import Operator
from player.demo.adcast.server import DemoServer


@dataclass
class Device:
    """A device that speaks raw HTTP: every call answers (status, headers, JSON or bytes)."""

    session: aiohttp.ClientSession
    url: str
    uuid: str = "0f5c2f8e-1111-4222-8333-444455556666"

    async def call(self, method: str, path: str, **options: Any) -> tuple[int, Any, Any]:
        async with self.session.request(method, self.url + path, allow_redirects=False, **options) as response:
            is_json = response.content_type == "application/json" and method != "HEAD"
            return response.status, response.headers, await (response.json() if is_json else response.read())

    async def post(self, path: str, **body: Any) -> Any:
        status, _, answer = await self.call("POST", path, json={"uuid": self.uuid, **body})
        assert status < 300, answer
        return answer

    async def register(self, **about: Any) -> Any:
        return await self.post("/api/device/register", **about)

    async def heartbeat(self, **readings: Any) -> Any:
        return await self.post("/api/device/heartbeat", **readings)

    async def playlist(self) -> Any:
        status, _, answer = await self.call("GET", f"/api/device/playlist?uuid={self.uuid}")
        assert status == 200, answer
        return answer


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[DemoServer]:
    async with DemoServer(tmp_path / "server") as running:
        yield running


@pytest.fixture
async def operator(server: DemoServer) -> AsyncIterator[Operator]:
    async with Operator(server.url) as signed_in:
        await signed_in.register("Ada", "ada@example.com", "correct horse", "Ada's")
        yield signed_in


@pytest.fixture
async def stranger(server: DemoServer) -> AsyncIterator[Operator]:
    """An operator of another tenant."""
    async with Operator(server.url) as signed_in:
        await signed_in.register("Eve", "eve@example.com", "battery staple", "Eve's")
        yield signed_in


@pytest.fixture
async def device(server: DemoServer) -> AsyncIterator[Device]:
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=20)) as session:
        yield Device(session, server.url)


@pytest.fixture
async def paired(device: Device, operator: Operator) -> dict[str, Any]:
    """The operator's view of `device`, which is paired with it."""
    code = (await device.register(model="Test box"))["pairing_code"]
    return await operator.pair(code, "Lobby")
