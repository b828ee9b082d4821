"""The demonstration server as one object: the whole AdCast API, its state in one folder, one `async with` long.

The composition root of this room: what the groups of handlers share is made here and handed to them (house rule 4).
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from types import TracebackType
from typing import Self
from zoneinfo import ZoneInfo

from aiohttp import web

from player.core.schedule import Facts
from player.demo.adcast.accounts import Accounts
from player.demo.adcast.device_api import DeviceApi
from player.demo.adcast.devices import Devices
from player.demo.adcast.library import Library
from player.demo.adcast.playlists import Playlists
from player.demo.adcast.programme import Programmes
from player.demo.adcast.push import Push
from player.demo.adcast.reports import Reports
from player.demo.adcast.schedules import Alerts, Schedules
from player.demo.adcast.schema import SCHEMA
from player.demo.adcast.seed import open_account, seed
from player.demo.files import Files
from player.demo.rest import BODY_LIMIT, speak_json
from player.demo.samples import Sample, samples
from player.demo.serving import Serving
from player.demo.store import Store
from player.demo.thumbs import Thumbnails
from player.runtime.clock import SystemClock

log = logging.getLogger(__name__)
UTC_ZONE = ZoneInfo("UTC")
_PAGE_POLICY = (
    "default-src 'none'; script-src 'nonce-{nonce}'; style-src 'nonce-{nonce}'; img-src blob: data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


@dataclass(frozen=True, slots=True)
class Limits:
    """What the server takes at most: bytes of one upload."""

    upload: int = 4 * 2**30


class DemoServer:
    """`async with DemoServer(folder) as server: server.url`. Entered again after its end it goes on, at the same port.

    `port` 0 takes a free one. `zone` is the wall clock of schedules; `facts` what their conditions ask for, such as
    {"weather": 21.5}; `heartbeat_interval_s` is asked of devices.
    """

    def __init__(
        self,
        folder: Path,
        host: str = "127.0.0.1",
        port: int = 0,
        *,
        zone: ZoneInfo = UTC_ZONE,
        facts: Facts | None = None,
        heartbeat_interval_s: float | None = None,
        limits: Limits | None = None,
    ) -> None:
        self.folder, self._serving = folder, Serving(host, port)
        self._zone, self._facts, self._interval_s = zone, facts or {}, heartbeat_interval_s
        self._clock, self._limits = SystemClock(), limits or Limits()

    def __repr__(self) -> str:
        return f"DemoServer({self.url})"

    @property
    def url(self) -> str:
        """The base address, without a slash at its end."""
        return self._serving.url

    @property
    def port(self) -> int:
        """Where it listens, or will listen; 0 until a free one was taken."""
        return self._serving.port

    async def __aenter__(self) -> Self:
        self.folder.mkdir(parents=True, exist_ok=True)
        self._store = Store(self.folder / "adcast.sqlite3", SCHEMA)
        self._files = Files(self.folder / "files")
        try:
            await self._serving.start(self._app())
        except BaseException:
            await self._stop()
            raise
        log.info("the AdCast server answers at %s", self.url)
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await self.push.close_all()
        await self._stop()

    async def _stop(self) -> None:
        await self._serving.stop()
        self._store.close()

    def _app(self) -> web.Application:
        store, clock, files = self._store, self._clock, self._files
        screenshots = Files(self.folder / "screenshots")
        files.sweep({row["file_hash"] for row in store.all("SELECT file_hash FROM content")})
        screenshots.sweep({row["file_hash"] for row in store.all("SELECT file_hash FROM screenshots")})
        self._accounts = Accounts(store, clock)
        thumbnails = Thumbnails(self.folder / "thumbnails", files)
        self._library = Library(store, self._accounts, files, thumbnails, clock, self._limits.upload)
        self._playlists = Playlists(store, self._accounts)
        programmes = Programmes(store, clock, self._zone, self._facts)
        self.push = Push(store, self._accounts, programmes, clock)
        groups = (
            self._accounts,
            Devices(store, self._accounts, screenshots, clock),
            self._library,
            self._playlists,
            Schedules(store, self._accounts),
            Alerts(store, self._accounts, clock),
            DeviceApi(store, files, programmes, clock, self._interval_s),
            Reports(store, screenshots, clock),
            self.push,
        )
        app = web.Application(middlewares=[speak_json, self.push.tell_changes], client_max_size=BODY_LIMIT)
        for group in groups:
            app.add_routes(group.routes())
        app.add_routes([web.get("/", _operator_page), web.get("/pair", _pair_page)])
        return app

    async def open_account(self) -> None:
        """The account that sample content is put into, made once."""
        await open_account(self._store, self._accounts)

    async def seed_samples(self, given: Sequence[Sample] | None = None) -> None:
        """An account with sample content and a default playlist, made once; `given` instead of the generated samples."""
        made = given if given is not None else await asyncio.to_thread(samples, self.folder / "samples")
        await seed(self._store, self._accounts, self._library, self._playlists, self._files, made)


async def _operator_page(_: web.Request) -> web.Response:
    return _page("operator.html")


async def _pair_page(_: web.Request) -> web.Response:
    """Where a pairing card's QR code leads, on a phone: `?code=` is the code on the screen."""
    return _page("pair.html")


def _page(name: str) -> web.Response:
    """One file of this package, which loads nothing else."""
    nonce = secrets.token_urlsafe(16)
    text = (resources.files("player.demo.adcast") / "page" / name).read_text(encoding="utf-8").replace("{{nonce}}", nonce)
    headers = {"Content-Security-Policy": _PAGE_POLICY.format(nonce=nonce), "Cache-Control": "no-store"}
    return web.Response(text=text, content_type="text/html", headers=headers)
