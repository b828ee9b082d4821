"""/api/playlists: what is played in which order, or in which regions of a layout. A PUT with `items` replaces them all."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from aiohttp import web

from player.demo.adcast import wire
from player.demo.adcast.accounts import Accounts
from player.demo.adcast.library import content_json
from player.demo.rest import invalid, missing, page_of, path_id, read
from player.demo.store import Row, Store, from_json, to_json

_ITEMS_COUNT = "(SELECT count(*) FROM playlist_items WHERE playlist_id = playlists.id) AS items_count"


class Playlists:
    """The operator's side of playlists."""

    def __init__(self, store: Store, accounts: Accounts) -> None:
        self._store, self._accounts = store, accounts

    def routes(self) -> list[web.RouteDef]:
        """The paths of this group."""
        one = r"/api/playlists/{id:\d{1,15}}"
        return [
            web.get("/api/playlists", self.index),
            web.post("/api/playlists", self.create),
            web.get(one, self.show),
            web.put(one, self.update),
            web.delete(one, self.delete),
        ]

    async def index(self, request: web.Request) -> web.Response:
        """Every playlist of the tenant, without its items."""
        tenant = self._accounts.tenant(request)
        rows, meta = page_of(request, self._store, f"*, {_ITEMS_COUNT}", "FROM playlists WHERE tenant_id = ?", tenant)
        return web.json_response({"data": [_playlist(row) for row in rows], "meta": meta})

    async def create(self, request: web.Request) -> web.Response:
        """A playlist, with items or still without."""
        tenant = self._accounts.tenant(request)
        body = await read(request, wire.SavePlaylist)
        if not body.name:
            raise invalid("name", "The name field is required.")
        playlist = self.add(tenant, body)
        return web.json_response(self._json(request, self._row(playlist)), status=201)

    def add(self, tenant: int, body: wire.SavePlaylist) -> int:
        """Adds a playlist; returns its id. Raises ApiError 422 for content that is not the tenant's."""
        self._check_content(tenant, body)
        with self._store.transaction():
            playlist = self._store.insert("playlists", tenant_id=tenant, name=body.name, transition_json="")
            self._save_transition(playlist, body)
            self._save(tenant, playlist, body)
        return playlist

    async def show(self, request: web.Request) -> web.Response:
        """One playlist with its items and their content."""
        return web.json_response(self._json(request, self._playlist(request)))

    async def update(self, request: web.Request) -> web.Response:
        """Whatever is given."""
        row = self._playlist(request)
        body = await read(request, wire.SavePlaylist)
        if "name" in body.model_fields_set and not body.name:
            raise invalid("name", "The name cannot be null.")
        self._check_content(row["tenant_id"], body)
        with self._store.transaction():
            self._save(row["tenant_id"], row["id"], body)
        return web.json_response(self._json(request, self._row(row["id"])))

    async def delete(self, request: web.Request) -> web.Response:
        """Removes it with its schedules."""
        self._store.run("DELETE FROM playlists WHERE id = ?", self._playlist(request)["id"])
        return web.json_response({"message": "Playlist deleted successfully."})

    def _save(self, tenant: int, playlist: int, body: wire.SavePlaylist) -> None:
        given = body.model_fields_set
        self._store.update("playlists", playlist, **body.model_dump(include=given & {"name"}))
        if "transition" in given:
            self._save_transition(playlist, body)
        if "layout" in given:
            layout = body.layout.model_dump(exclude_unset=True) if body.layout else None
            self._store.update("playlists", playlist, layout_json=to_json(layout) if layout else None)
        if "is_default" in given:
            if body.is_default:
                self._store.run("UPDATE playlists SET is_default = 0 WHERE tenant_id = ?", tenant)
            self._store.update("playlists", playlist, is_default=int(body.is_default))
        if body.items is not None:
            self._store.run("DELETE FROM playlist_items WHERE playlist_id = ?", playlist)
            for position, item in enumerate(body.items, 1):
                self._add_item(playlist, position, item)

    def _save_transition(self, playlist: int, body: wire.SavePlaylist) -> None:
        transition = body.model_dump(include={"transition"}, exclude_none=True)["transition"]
        self._store.update("playlists", playlist, transition_json=to_json(transition))

    def _add_item(self, playlist: int, position: int, item: wire.PlaylistItem) -> None:
        extra = item.model_dump(include={"fit", "transition", "volume", "weight", "web"}, exclude_none=True)
        self._store.insert(
            "playlist_items",
            playlist_id=playlist,
            content_id=item.content_id,
            position=position if item.order is None else item.order,
            duration=item.duration,
            extra_json=to_json(extra),
        )

    def _check_content(self, tenant: int, body: wire.SavePlaylist) -> None:
        items: Sequence[wire.PlaylistItem] = body.items or ()
        regions = body.layout.regions if body.layout else ()
        wanted = {item.content_id for item in items} | {item.content_id for region in regions for item in region.items}
        own = {row["id"] for row in self._store.all("SELECT id FROM content WHERE tenant_id = ?", tenant)} if wanted else set()
        if wanted - own:
            raise invalid("items", f"There is no content with the id {min(wanted - own)}.")

    def _playlist(self, request: web.Request) -> Row:
        row = self._store.one(
            "SELECT * FROM playlists WHERE id = ? AND tenant_id = ?", path_id(request), self._accounts.tenant(request)
        )
        if not row:
            raise missing("Playlist")
        return row

    def _row(self, playlist: int) -> Row:
        return self._store.one("SELECT * FROM playlists WHERE id = ?", playlist) or {}

    def _json(self, request: web.Request, row: Row) -> dict[str, Any]:
        items = [
            {
                **{name: item[name] for name in ("id", "content_id", "duration")},
                "order": item["position"],
                **from_json(item["extra_json"]),
                "content": content_json(request, self._content(item["content_id"])),
            }
            for item in items_of(self._store, row["id"])
        ]
        return {"playlist": {**_playlist(row), "items_count": len(items), "items": items}}

    def _content(self, content: int) -> Row:
        return self._store.one("SELECT * FROM content WHERE id = ?", content) or {}


def items_of(store: Store, playlist: int) -> list[Row]:
    """A playlist's rows of items, in order."""
    return store.all("SELECT * FROM playlist_items WHERE playlist_id = ? ORDER BY position, id", playlist)


def _playlist(row: Row) -> Row:
    shown: Row = {name: row[name] for name in ("id", "name", "items_count") if name in row}
    return {
        **shown,
        "transition": from_json(row["transition_json"]),
        "is_default": bool(row["is_default"]),
        "layout": from_json(row["layout_json"]),
    }
