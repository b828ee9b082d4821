"""The Spot server as one object: its API, its push, its files and its webhooks; its state in one folder, one `async with` long."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from aiohttp import web

from player.core.ports.box import Clock
from player.demo.files import Files
from player.demo.rest import BODY_LIMIT, speak_json
from player.demo.samples import Sample, with_music
from player.demo.serving import Serving
from player.demo.spot.analytics import Analytics
from player.demo.spot.content import SpotContent
from player.demo.spot.keyring import Keyring, Signer
from player.demo.spot.players import SpotPlayers
from player.demo.spot.presence import Presence
from player.demo.spot.push import PushServer
from player.demo.spot.reports import SpotReports
from player.demo.spot.schema import SCHEMA
from player.demo.spot.webhooks import Webhooks
from player.demo.spot.wire import ListedItem
from player.demo.store import Row, Store
from player.runtime.clock import SystemClock

log = logging.getLogger(__name__)
UPLOAD, LOOK_S, ACTIVITY_S = 2**30, 1.0, 120.0


class SpotServer:
    """`async with SpotServer(folder) as server: server.url, server.keyring, server.content, server.push`.

    `activity_s`: after such a silence the push asks whether a line lives; `quick` divides the pauses of webhooks.
    """

    def __init__(
        self,
        folder: Path,
        host: str = "127.0.0.1",
        port: int = 0,
        *,
        clock: Clock | None = None,
        activity_s: float = ACTIVITY_S,
        quick: float = 1.0,
    ) -> None:
        self.folder, self._serving, self._clock = folder, Serving(host, port), clock or SystemClock()
        self._activity_s, self._quick = activity_s, quick

    def __repr__(self) -> str:
        return f"SpotServer({self.url})"

    @property
    def url(self) -> str:
        """The base address, without a slash at its end."""
        return self._serving.url

    @property
    def push_url(self) -> str:
        """Where lines of the push are opened."""
        return self.url.replace("http:", "ws:", 1)

    async def __aenter__(self) -> Self:
        self.folder.mkdir(parents=True, exist_ok=True)
        self.store = Store(self.folder / "spot.sqlite3", SCHEMA)
        app = self._app()
        try:
            await self._serving.start(app)
        except BaseException:
            await self._stop()
            raise
        log.info("the Spot server answers at %s", self.url)
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await self._stop()

    async def _stop(self) -> None:
        await self._serving.stop()
        self.store.close()

    def _app(self) -> web.Application:
        store, clock = self.store, self._clock
        self._files = Files(self.folder / "files")
        kept = ("assets", "uploads", "screenshots")
        self._files.sweep({row["file_hash"] for table in kept for row in store.all(f"SELECT file_hash FROM {table}")})  # noqa: S608 - names of this line
        self.keyring, signer = Keyring(store, clock), Signer(self.folder / "secret", clock)
        self._webhooks = Webhooks(store, self.keyring, clock, quick=self._quick)
        self._presence = Presence(store, self._webhooks, clock)
        secret = signer.word("push").encode()
        self.push = PushServer(self.keyring, self._presence, secret, activity_s=self._activity_s)
        self.content = SpotContent(store, self.keyring, signer, self._files, clock, limit=UPLOAD)
        groups = (
            SpotPlayers(store, self.keyring, signer, self.push, clock),
            self.content,
            SpotReports(store, self.keyring, self._presence, self._webhooks, clock),
            Analytics(store, self.keyring, signer, self._presence, clock),
            self._webhooks,
            self.push,
        )
        app = web.Application(middlewares=[speak_json, self.keyring.counted], client_max_size=BODY_LIMIT)
        for group in groups:
            app.add_routes(group.routes())
        app.cleanup_ctx.append(self._works)
        app.on_shutdown.append(self._say_goodbye)
        return app

    async def _works(self, _: web.Application) -> AsyncIterator[None]:
        async with asyncio.TaskGroup() as group:
            works = [
                group.create_task(self._webhooks.deliver(), name="webhooks"),
                group.create_task(self._look(), name="who is there"),
            ]
            yield
            for work in works:
                work.cancel()

    async def _look(self) -> None:
        while True:
            self._presence.look()
            await asyncio.sleep(LOOK_S)

    async def _say_goodbye(self, _: web.Application) -> None:
        await self.push.close_all(4200, "The server restarts")

    # --- what the API has no path for: whoever runs the server does it

    def add_player(self, name: str, **columns: object) -> int:
        """A player; `group_id`, `layout_id`, `playlist_id`, `orientation`, `timezone`, `audience`. Its id."""
        return self.store.insert("players", name=name, updated_at=self._clock.now().timestamp(), **columns)

    def ensure_player(self, name: str) -> Row:
        """The player of that name; another one where there is none."""
        found = self.store.one("SELECT * FROM players WHERE name = ?", name)
        return found or self.store.one("SELECT * FROM players WHERE id = ?", self.add_player(name)) or {}

    def change_player(self, player: int, **columns: object) -> None:
        """Other values for what `add_player` takes."""
        self.store.update("players", player, updated_at=self._clock.now().timestamp(), **columns)

    def remove_player(self, player: int) -> None:
        """It is not there any more."""
        self.store.run("DELETE FROM players WHERE id = ?", player)

    def add_file(self, path: Path, kind: str, mime: str, name: str) -> int:
        """A local file as an asset (blocking); its id."""
        return self.content.add_asset(name, kind, mime, self._files.add(path))

    async def seed_samples(self, players: Sequence[str], given: Sequence[Sample] | None = None) -> None:
        """Sample content in a layout for every player, made once; `given` instead of the generated samples."""
        made = given if given is not None else await asyncio.to_thread(with_music, self.folder / "samples")
        layout = self.store.one("SELECT id FROM layouts")
        number = layout["id"] if layout else await self._shelve(made)
        for name in players:
            player = self.ensure_player(name)
            if player["layout_id"] is None:
                self.change_player(player["id"], layout_id=number)

    async def _shelve(self, made: Sequence[Sample]) -> int:
        ids: dict[str, int] = {}
        for sample in made:
            if sample.kind in _MIME:
                stored = await asyncio.to_thread(self._files.add, sample.path)
                ids[sample.name] = self.content.add_asset(sample.name, sample.kind, _MIME[sample.kind], stored, sample.duration_s)
        pictures, heard = ([ids[s.name] for s in made if s.kind == kind] for kind in ("image", "audio"))
        main, side = self.content.add_playlist("Solvane, all day")["id"], self.content.add_playlist("Solvane, beside")["id"]
        self.content.set_items(main, [ListedItem(asset_id=number) for number in ids.values() if number not in heard])
        self.content.set_items(side, [ListedItem(asset_id=number, duration=6) for number in reversed(pictures)])
        blend = {"transition": "crossfade", "transition_duration": 0.8}
        regions: list[Row] = [
            {"name": "Main", "x": 0, "y": 0, "width": "100%", "height": "100%", "playlist_id": main, **blend},
            {"name": "Inset", "x": "72%", "y": "68%", "width": "25%", "height": "25%", "z_index": 1, "playlist_id": side, **blend},
        ]
        if heard:
            music = self.content.add_playlist("Solvane, to be heard")["id"]
            self.content.set_items(music, [ListedItem(asset_id=number) for number in heard])
            regions.append({"name": "Music", "width": 0, "height": 0, "volume": 60, "playlist_id": music, **blend})
        return self.content.add_layout("Solvane", (1920, 1080), regions, background="#0e2a33")


_MIME = {"image": "image/png", "video": "video/mp4", "audio": "audio/mpeg"}
