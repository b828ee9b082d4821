"""A Spot server with a key that may do everything, and somebody who calls it by HTTP."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp

from player.demo.spot.server import SpotServer

KEY = "spot_key_of_the_tests"
MIMES = {".png": "image/png", ".jpg": "image/jpeg", ".mp4": "video/mp4", ".mp3": "audio/mpeg"}


@dataclass
class Caller:
    """Calls below /api/v1 with `key`: (status, headers, what is answered)."""

    session: aiohttp.ClientSession
    server: SpotServer
    key: str = KEY

    async def call(self, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, Any, Any]:
        url = path if path.startswith("http") else f"{self.server.url}/api/v1/{path}"
        sent = {"Authorization": f"Bearer {self.key}", **{name.replace("_", "-"): value for name, value in headers.items()}}
        async with self.session.request(method, url, json=body, headers=sent) as answer:
            text = await answer.text()
            return answer.status, answer.headers, await answer.json() if answer.content_type == "application/json" else text

    async def get(self, path: str) -> Any:
        status, _, answer = await self.call("GET", path)
        assert status == 200, answer
        return answer["data"]

    async def send(self, method: str, path: str, body: Any = None) -> Any:
        status, _, answer = await self.call(method, path, body)
        assert status < 300, answer
        return answer["data"] if isinstance(answer, dict) and "data" in answer else answer

    async def upload(self, path: Path) -> int:
        """A file as an asset, by the API; its id."""
        mime = MIMES[path.suffix]
        told = await self.send("POST", "assets/upload-url", {"filename": path.name, "mime_type": mime})
        content = await asyncio.to_thread(path.read_bytes)
        async with self.session.put(told["upload_url"], data=content, headers=told["headers"]) as answer:
            assert answer.status == 200, await answer.text()
        return int((await self.get("assets"))[-1]["id"])


@contextlib.asynccontextmanager
async def spot(folder: Path, **options: Any) -> AsyncIterator[Caller]:
    """The server in `folder`, and whoever calls it."""
    async with SpotServer(folder, **options) as server, aiohttp.ClientSession() as session:
        server.keyring.create("Tests", secret=KEY)
        yield Caller(session, server)
