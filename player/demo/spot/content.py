"""/api/v1/assets, layouts and playlists, and the files behind them: uploads to signed addresses, downloads from such."""

from __future__ import annotations

import secrets
from typing import Any

from aiohttp import web

from player.core.ports.box import Clock
from player.demo.files import Files, Received, send
from player.demo.rest import ApiError, invalid, iso, missing, path_id, read
from player.demo.spot import wire
from player.demo.spot.keyring import Keyring, Signer
from player.demo.spot.lists import listed, one
from player.demo.store import Row, Store, from_json, to_json

KINDS = ("image", "video", "audio")
_SANDBOX = {"Content-Security-Policy": "sandbox"}


class SpotContent:
    """What is shown. `limit`: bytes of an upload."""

    def __init__(self, store: Store, keyring: Keyring, signer: Signer, files: Files, clock: Clock, *, limit: int) -> None:
        self._store, self._keyring, self._signer = store, keyring, signer
        self._files, self._clock, self._limit = files, clock, limit

    def routes(self) -> list[web.RouteDef]:
        """The paths of this group."""
        digits, digest = r"{id:\d{1,15}}", "{hash:[0-9a-f]{64}}"
        return [
            web.get("/api/v1/assets", self.assets),
            web.post("/api/v1/assets/upload-url", self.upload_url),
            web.delete(f"/api/v1/assets/{digits}", self.delete_asset),
            web.get("/api/v1/layouts", self.layouts),
            web.patch(f"/api/v1/layouts/{digits}/assign", self.assign),
            web.get("/api/v1/playlists", self.playlists),
            web.post("/api/v1/playlists", self.create_playlist),
            web.patch(f"/api/v1/playlists/{digits}/items", self.items),
            web.put("/uploads/{key:[0-9a-f]{32}}", self.put),
            web.get(f"/files/{digest}", self.file),
            web.get(f"/screenshots/{digest}", self.file),
        ]

    async def assets(self, request: web.Request) -> web.Response:
        """All assets, or those of a type, or in a folder."""
        self._keyring.check(request, "read:content")
        where, values = ["1"], list[Any]()
        for name in ("type", "folder_id"):
            if name in request.query:
                where.append(f"{name} = ?")
                values.append(request.query[name])
        return listed(
            request, self._store, f"FROM assets WHERE {' AND '.join(where)}", *values, shown=lambda r: self._asset(request, r)
        )

    async def upload_url(self, request: web.Request) -> web.Response:
        """Where a file may be put, for an hour."""
        self._keyring.check(request, "write:content")
        body, key = await read(request, wire.NewUpload), secrets.token_hex(16)
        self._store.insert("uploads", key=key, filename=body.filename, mime=body.mime_type)
        headers = {"Content-Type": body.mime_type}
        return one({"upload_url": self._signer.signed(request, f"/uploads/{key}"), "asset_key": key, "headers": headers}, 201)

    async def put(self, request: web.Request) -> web.Response:
        """Takes the file; a picture, a clip or a sound is an asset from then on."""
        self._signer.check(request)
        upload = self._store.one("SELECT * FROM uploads WHERE key = ?", request.match_info["key"])
        if not upload or upload["file_hash"]:
            raise ApiError(403, "This address was used already.")
        if request.content_type != upload["mime"]:
            raise invalid("mime_type", f"The file is to be sent as {upload['mime']}.")
        stored = await self._files.receive_body(request, self._limit)
        kind = upload["mime"].partition("/")[0]
        asset = self.add_asset(upload["filename"], kind, upload["mime"], stored) if kind in KINDS else None
        self._store.run(
            "UPDATE uploads SET file_hash = ?, asset_id = ? WHERE key = ?", stored.file_hash, asset, request.match_info["key"]
        )
        return web.Response(status=200)

    def add_asset(self, name: str, kind: str, mime: str, stored: Received, duration: float | None = None) -> int:
        """Another asset; its id."""
        now, size, digest = self._clock.now().timestamp(), stored.size, stored.file_hash
        return self._store.insert(
            "assets", name=name, type=kind, mime=mime, size=size, file_hash=digest, duration=duration, updated_at=now
        )

    async def delete_asset(self, request: web.Request) -> web.Response:
        """Removes it everywhere."""
        self._keyring.check(request, "write:content")
        row = self._store.one("SELECT * FROM assets WHERE id = ?", path_id(request))
        if not row:
            raise missing("Asset")
        self._store.run("DELETE FROM assets WHERE id = ?", row["id"])
        if not self._store.one("SELECT id FROM assets WHERE file_hash = ?", row["file_hash"]):
            self._files.remove(row["file_hash"])
        return web.Response(status=204)

    async def layouts(self, request: web.Request) -> web.Response:
        """All layouts with their regions."""
        self._keyring.check(request, "read:content")
        return listed(request, self._store, "FROM layouts", shown=_layout)

    async def assign(self, request: web.Request) -> web.Response:
        """Gives a layout to players, and to every player of groups."""
        self._keyring.check(request, "write:content")
        body, layout = await read(request, wire.Assignment), self._store.one("SELECT * FROM layouts WHERE id = ?", path_id(request))
        if not layout:
            raise missing("Layout")
        for name, wanted, table in (("player_ids", body.player_ids, "players"), ("group_ids", body.group_ids, "player_groups")):
            there = {row["id"] for row in self._store.all(f"SELECT id FROM {table}")}  # noqa: S608 - names of this page
            if unknown := set(wanted) - there:
                raise invalid(name, f"The selected {name} are not there: {', '.join(map(str, sorted(unknown)))}.")
        now, count = self._clock.now().timestamp(), 0
        for player in self._store.all("SELECT id, group_id FROM players"):
            if player["id"] in body.player_ids or player["group_id"] in body.group_ids:
                self._store.update("players", player["id"], layout_id=layout["id"], updated_at=now)
                count += 1
        return one({**_layout(layout), "assigned_players": count})

    async def playlists(self, request: web.Request) -> web.Response:
        """All playlists with their items."""
        self._keyring.check(request, "read:content")
        return listed(request, self._store, "FROM playlists", shown=self._playlist)

    async def create_playlist(self, request: web.Request) -> web.Response:
        """An empty one."""
        self._keyring.check(request, "write:content")
        body = await read(request, wire.NewPlaylist)
        return one(self._playlist(self.add_playlist(body.name, body.description)), 201)

    def add_playlist(self, name: str, description: str | None = None, *, shuffle: bool = False) -> Row:
        """An empty one; its row."""
        now = self._clock.now().timestamp()
        made = self._store.insert("playlists", name=name, description=description, shuffle=shuffle, updated_at=now)
        return self._store.one("SELECT * FROM playlists WHERE id = ?", made) or {}

    async def items(self, request: web.Request) -> web.Response:
        """Other items, in this order, in the place of those that were."""
        self._keyring.check(request, "write:content")
        body, row = await read(request, wire.NewItems), self._store.one("SELECT * FROM playlists WHERE id = ?", path_id(request))
        if not row:
            raise missing("Playlist")
        there = {asset["id"] for asset in self._store.all("SELECT id FROM assets")}
        for place, item in enumerate(body.items):
            if item.asset_id not in there:
                raise invalid(f"items.{place}.asset_id", "The selected asset is not there.")
        self.set_items(row["id"], body.items)
        return one(self._playlist(self._store.one("SELECT * FROM playlists WHERE id = ?", row["id"]) or {}))

    def set_items(self, playlist: int, items: list[wire.ListedItem]) -> None:
        """Other items in the place of those that were."""
        with self._store.transaction():
            self._store.run("DELETE FROM playlist_items WHERE playlist_id = ?", playlist)
            for place, item in enumerate(items):
                self._store.insert("playlist_items", playlist_id=playlist, position=place, **item.model_dump())
            self._store.update("playlists", playlist, updated_at=self._clock.now().timestamp())

    def add_layout(self, name: str, size: tuple[int, int], regions: list[Row], background: str = "#000000") -> int:
        """A layout of regions as the API writes them; its id."""
        numbered = [{"id": place + 1, **region} for place, region in enumerate(regions)]
        width, height = size
        return self._store.insert(
            "layouts", name=name, width=width, height=height, background=background, regions_json=to_json(numbered),
            updated_at=self._clock.now().timestamp(),
        )  # fmt: skip

    async def file(self, request: web.Request) -> web.StreamResponse:
        """The bytes, for whoever has a signed address."""
        self._signer.check(request)
        file_hash = request.match_info["hash"]
        row = self._store.one("SELECT mime FROM assets WHERE file_hash = ?", file_hash) or {"mime": "image/jpeg"}
        return await send(request, self._files.path(file_hash), row["mime"], _SANDBOX)

    def _asset(self, request: web.Request, row: Row) -> Row:
        same = ("id", "folder_id", "name", "type", "size", "duration")
        url = self._signer.signed(request, f"/files/{row['file_hash']}")
        told = {"mime_type": row["mime"], "checksum": row["file_hash"], "url": url, "updated_at": iso(row["updated_at"])}
        return {**{name: row[name] for name in same}, **told}

    def _playlist(self, row: Row) -> Row:
        items = self._store.all("SELECT * FROM playlist_items WHERE playlist_id = ? ORDER BY position", row["id"])
        return {
            **{name: row[name] for name in ("id", "name", "description")},
            "shuffle": bool(row["shuffle"]),
            "items": [_item(item) for item in items],
            "updated_at": iso(row["updated_at"]),
        }


def _item(row: Row) -> Row:
    dates = {name: iso(row[name]) for name in ("starts_at", "ends_at")}
    return {name: row[name] for name in ("id", "asset_id", "duration", "position", "campaign_id", "weight")} | dates


def _layout(row: Row) -> Row:
    same = {name: row[name] for name in ("id", "name", "width", "height", "background")}
    return {**same, "regions": from_json(row["regions_json"]), "updated_at": iso(row["updated_at"])}
