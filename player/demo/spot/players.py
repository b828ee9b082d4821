"""/api/v1/players and /api/v1/player-groups: what an operator sees and orders. A command waits until its player spoke of it.

The tag of a player's row is that of everything that it is to show, so that one call tells whether anything changed.
"""

from __future__ import annotations

import hashlib

from aiohttp import web

from player.core.ports.box import Clock
from player.demo.rest import iso, missing, path_id, read
from player.demo.spot.keyring import Keyring, Signer
from player.demo.spot.lists import listed, one
from player.demo.spot.push import PushServer
from player.demo.spot.wire import CommandBody
from player.demo.store import Row, Store, from_json, to_json

LASTS_S = 3600.0  # a command that nobody fetched by then is of no use any more


class SpotPlayers:
    """Players, their groups, and the commands for both."""

    def __init__(self, store: Store, keyring: Keyring, signer: Signer, push: PushServer, clock: Clock) -> None:
        self._store, self._keyring, self._signer, self._push, self._clock = store, keyring, signer, push, clock

    def routes(self) -> list[web.RouteDef]:
        """The paths of this group."""
        player, group = r"/api/v1/players/{id:\d{1,15}}", r"/api/v1/player-groups/{id:\d{1,15}}"
        return [
            web.get("/api/v1/players", self.index),
            web.get(player, self.show),
            web.get(f"{player}/screenshot", self.screenshot),
            web.post(f"{player}/commands", self.command),
            web.get("/api/v1/player-groups", self.groups),
            web.post(f"{group}/commands", self.group_command),
        ]

    async def index(self, request: web.Request) -> web.Response:
        """All players, or those that are online or offline."""
        self._keyring.check(request, "read:players")
        status = request.query.get("status", "")
        where = {"online": "WHERE is_online", "offline": "WHERE NOT is_online"}.get(status, "")
        return listed(request, self._store, f"FROM players {where}", shown=self._shown)

    async def show(self, request: web.Request) -> web.Response:
        """One player, with what it is to show."""
        self._keyring.check(request, "read:players")
        row = player_of(self._store, request)
        tag = f'W/"{self._version(row)}"'
        if request.headers.get("If-None-Match") == tag:
            return web.Response(status=304, headers={"ETag": tag})
        answer = one(self._shown(row))
        answer.headers["ETag"] = tag
        return answer

    async def screenshot(self, request: web.Request) -> web.Response:
        """Where the latest picture of the screen is."""
        self._keyring.check(request, "read:players")
        row = player_of(self._store, request)
        found = self._store.one("SELECT * FROM screenshots WHERE player_id = ? ORDER BY id DESC", row["id"])
        if not found:
            raise missing("Screenshot")
        url = self._signer.signed(request, f"/screenshots/{found['file_hash']}")
        return one({"url": url, "taken_at": found["taken_at"] or iso(found["received_at"])})

    async def command(self, request: web.Request) -> web.Response:
        """Orders something of one player."""
        self._keyring.check(request, "write:players")
        player = player_of(self._store, request)
        command = self._order((await read(request, CommandBody)).command, [player["id"]])
        return await self._dispatched(command, f"private-player.{player['id']}")

    async def groups(self, request: web.Request) -> web.Response:
        """All groups, and how many players each has."""
        self._keyring.check(request, "read:players")
        return listed(request, self._store, "FROM player_groups", shown=self._group)

    async def group_command(self, request: web.Request) -> web.Response:
        """Orders something of every player of a group: one command, which each of them answers."""
        self._keyring.check(request, "write:players")
        group = self._store.one("SELECT * FROM player_groups WHERE id = ?", path_id(request))
        if not group:
            raise missing("Group")
        players = [row["id"] for row in self._store.all("SELECT id FROM players WHERE group_id = ?", group["id"])]
        command = self._order((await read(request, CommandBody)).command, players)
        return await self._dispatched(command, f"private-player-group.{group['id']}", players=len(players))

    def _order(self, command: str, players: list[int]) -> Row:
        now = self._clock.now().timestamp()
        with self._store.transaction():
            made = self._store.insert("commands", command=command, created_at=now, expires_at=now + LASTS_S)
            for player in players:
                self._store.insert("orders", command_id=made, player_id=player)
        return self._store.one("SELECT * FROM commands WHERE id = ?", made) or {}

    async def _dispatched(self, command: Row, channel: str, **more: int) -> web.Response:
        await self._push.publish(channel, "player.command", command_json(command))
        return one({"command_id": command["id"], "command": command["command"], "status": "dispatched", **more}, 202)

    def _group(self, row: Row) -> Row:
        count = self._store.count("SELECT count(*) FROM players WHERE group_id = ?", row["id"])
        return {"id": row["id"], "name": row["name"], "players_count": count}

    def _shown(self, row: Row) -> Row:
        named = {
            what: self._store.one(f"SELECT id, name FROM {table} WHERE id = ?", row[f"{what}_id"])  # noqa: S608 - names of this page
            for what, table in (("group", "player_groups"), ("layout", "layouts"), ("playlist", "playlists"))
        }
        same = ("id", "name", "group_id", "layout_id", "playlist_id", "orientation", "timezone")
        return {
            **{name: row[name] for name in same},
            **named,
            "status": "online" if row["is_online"] else "offline",
            "telemetry": from_json(row["telemetry_json"]),
            "last_seen_at": iso(row["last_seen_at"]),
            "updated_at": iso(row["updated_at"]),
        }

    def _version(self, row: Row) -> str:
        layout = self._store.one("SELECT * FROM layouts WHERE id = ?", row["layout_id"])
        zones = from_json(layout["regions_json"]) if layout else []
        lists = [number for number in (row["playlist_id"], *(zone.get("playlist_id") for zone in zones)) if number]
        parts = [{name: row[name] for name in row.keys() - {"is_online", "last_seen_at", "telemetry_json"}}, layout]
        for number in lists:
            parts.append(self._store.one("SELECT * FROM playlists WHERE id = ?", number))
            parts += self._store.all(
                "SELECT playlist_items.*, assets.updated_at FROM playlist_items JOIN assets ON assets.id = asset_id "
                "WHERE playlist_id = ? ORDER BY position",
                number,
            )
        return hashlib.sha256(to_json([sorted((part or {}).items()) for part in parts]).encode()).hexdigest()[:20]


def player_of(store: Store, request: web.Request) -> Row:
    """The player of the path. Raises ApiError 404."""
    found = store.one("SELECT * FROM players WHERE id = ?", path_id(request))
    if not found:
        raise missing("Player")
    return found


def command_json(row: Row) -> Row:
    """A command as a player hears it, pushed or fetched."""
    payload = from_json(row["payload_json"])
    told = {"command_id": row["id"], "command": row["command"], "created_at": iso(row["created_at"])}
    return told | {"expires_at": iso(row["expires_at"])} | ({"payload": payload} if payload else {})
