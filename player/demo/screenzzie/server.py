"""The Screenzzie server as one object: its API, its files and its panel; its state in one folder, one `async with` long."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from aiohttp import web

from player.demo.files import Files, media_type, send
from player.demo.samples import Sample, samples
from player.demo.screenzzie.access import FEATURES, KeyCabinet
from player.demo.screenzzie.answers import in_envelopes
from player.demo.screenzzie.api import FILES, Api
from player.demo.screenzzie.panel import Entry, WebPanel
from player.demo.screenzzie.workspace import Workspace
from player.demo.serving import Serving
from player.runtime.clock import SystemClock

log = logging.getLogger(__name__)
DEMO_KEY = "sk_live_demonstration_only"
DAILY = 100_000
_BODY = 1024 * 1024
_PAGE = (
    "sandbox allow-scripts; default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:; "
    "font-src data:"
)


class ScreenzzieServer:
    """`async with ScreenzzieServer(folder) as server: server.url, server.panel, server.access`. `limit`: calls a day."""

    def __init__(self, folder: Path, host: str = "127.0.0.1", port: int = 0, *, limit: int = DAILY) -> None:
        self.folder, self._clock, self._limit = folder, SystemClock(), limit
        self._serving = Serving(host, port)

    def __repr__(self) -> str:
        return f"ScreenzzieServer({self.url})"

    @property
    def url(self) -> str:
        """The base address, without a slash at its end."""
        return self._serving.url

    async def __aenter__(self) -> Self:
        self.folder.mkdir(parents=True, exist_ok=True)
        self._workspace = Workspace(self.folder / "screenzzie.sqlite3", self._clock)
        self._files = Files(self.folder / "files")
        self.access = KeyCabinet(self._workspace, self._clock, limit=self._limit, features=dict(FEATURES))
        app = web.Application(middlewares=[in_envelopes, self.access.checks], client_max_size=_BODY)
        app.add_routes([*Api(self._workspace, self.access).routes(), web.get(FILES + "/{hash:[0-9a-f]{64}}", self._file)])
        try:
            await self._serving.start(app)
        except BaseException:
            await self._stop()
            raise
        self.panel = WebPanel(self._workspace, self._files)
        log.info("the Screenzzie server answers at %s", self.url)
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await self._stop()

    async def _stop(self) -> None:
        await self._serving.stop()
        self._workspace.close()

    async def _file(self, request: web.Request) -> web.StreamResponse:
        """A file of the library, for whoever was told its address."""
        path = self._files.path(request.match_info["hash"])
        if not path.is_file():
            raise web.HTTPNotFound
        with path.open("rb") as file:
            mime = media_type(file.read(2048))
        return await send(request, path, mime, {"Content-Security-Policy": _PAGE if mime == "text/html" else "sandbox"})

    async def seed_samples(self, given: Sequence[Sample] | None = None) -> None:
        """Sample content, made once, on every screen that has no default; `given`: other samples."""
        made = given if given is not None else await asyncio.to_thread(samples, self.folder / "samples")
        playlists = self._workspace.all("playlists")
        playlist = playlists[0] if playlists else self.panel.playlist("Solvane, all day", [await self._entry(one) for one in made])
        for screen in self._workspace.all("screens"):
            if screen["defaultPlaylistId"] is None:
                self._workspace.change("screens", screen["id"], {"defaultPlaylistId": playlist["id"]})

    async def _entry(self, sample: Sample) -> Entry:
        if sample.kind not in ("image", "video"):
            stored = await asyncio.to_thread(self._files.add, sample.path)
            return {"duration": sample.duration_s, "config": {"url": f"{FILES}/{stored.file_hash}"}}
        media = await self.panel.upload(sample.path, sample.kind)
        return {"mediaId": media["id"], "duration": sample.duration_s}
