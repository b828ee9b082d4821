"""What players tell: of commands, of themselves, of what they played, how the screen looks. Some of the paths are extensions."""

from __future__ import annotations

from aiohttp import web

from player.core.ports.box import Clock
from player.demo.moments import moment
from player.demo.rest import ApiError, invalid, missing, read, read_json
from player.demo.spot.keyring import Keyring
from player.demo.spot.players import command_json, player_of
from player.demo.spot.presence import Presence
from player.demo.spot.webhooks import Webhooks
from player.demo.spot.wire import AckBody, PlayedEvents, TakenScreenshot
from player.demo.store import Row, Store, to_json

FINAL = ("succeeded", "failed", "rejected", "interrupted")


class SpotReports:
    """The players' side."""

    def __init__(self, store: Store, keyring: Keyring, presence: Presence, webhooks: Webhooks, clock: Clock) -> None:
        self._store, self._keyring, self._presence = store, keyring, presence
        self._webhooks, self._clock = webhooks, clock

    def routes(self) -> list[web.RouteDef]:
        """The paths of this group."""
        player = r"/api/v1/players/{id:\d{1,15}}"
        return [
            web.get(f"{player}/commands", self.pending),
            web.post(rf"{player}/commands/{{command:\d{{1,15}}}}/ack", self.ack),
            web.post(f"{player}/screenshot", self.screenshot),
            web.post(f"{player}/heartbeat", self.heartbeat),
            web.post(f"{player}/playback", self.playback),
        ]

    async def pending(self, request: web.Request) -> web.Response:
        """The commands of a status; `pending` are those of which the player said nothing yet."""
        player = self._known(request, "read:players")
        rows = self._store.all(
            "SELECT commands.* FROM commands JOIN orders ON command_id = id WHERE player_id = ? AND status = ? "
            "AND coalesce(expires_at, 1e12) > ? ORDER BY id",
            player["id"], request.query.get("status", "pending"), self._clock.now().timestamp(),
        )  # fmt: skip
        return web.json_response({"data": [command_json(row) for row in rows]})

    async def ack(self, request: web.Request) -> web.Response:
        """What became of a command; the last word stays."""
        player, command = self._known(request, "write:players"), int(request.match_info["command"])
        order = self._store.one("SELECT * FROM orders WHERE command_id = ? AND player_id = ?", command, player["id"])
        if not order:
            raise missing("Command")
        body = await read(request, AckBody)
        if order["status"] not in FINAL:
            self._store.run(
                "UPDATE orders SET status = ?, message = ?, started_at = ?, finished_at = ?, result_json = ?, received_at = ? "
                "WHERE command_id = ? AND player_id = ?",
                body.status, body.message, body.started_at, body.finished_at, to_json(body.result), self._clock.now().timestamp(),
                command, player["id"],
            )  # fmt: skip
            what = {"player_id": player["id"], "command_id": command, "status": body.status, "message": body.message}
            self._webhooks.happened("player.command.acknowledged", what)
        return web.json_response({"message": "Acknowledged."})

    async def screenshot(self, request: web.Request) -> web.Response:
        """An uploaded file is a picture of the screen, and no asset."""
        player = self._known(request, "write:players")
        body = await read(request, TakenScreenshot)
        upload = self._store.one("SELECT * FROM uploads WHERE key = ? AND file_hash IS NOT NULL", body.asset_key)
        if not upload:
            raise invalid("asset_key", "Nothing was uploaded under this key.")
        self._store.run("DELETE FROM assets WHERE id = ?", upload["asset_id"])
        taken = {"file_hash": upload["file_hash"], "taken_at": body.taken_at, "received_at": self._clock.now().timestamp()}
        self._store.insert("screenshots", player_id=player["id"], **taken)
        what = {"player_id": player["id"], "command_id": body.command_id, "taken_at": body.taken_at}
        self._webhooks.happened("player.screenshot", what)
        return web.json_response({"message": "Screenshot saved."}, status=201)

    async def heartbeat(self, request: web.Request) -> web.Response:
        """How a player is."""
        player = self._known(request, "write:players")
        self._store.update("players", player["id"], telemetry_json=to_json(await read_json(request)))
        return web.json_response({"status": "ok"})

    async def playback(self, request: web.Request) -> web.Response:
        """What was played; an event that comes twice counts once."""
        player = self._known(request, "write:players")
        accepted = []
        for event in (await read(request, PlayedEvents)).events:
            name = event.get("id")
            if not isinstance(name, str) or not 0 < len(name) <= 64:
                raise ApiError(422, "An event needs an id.")
            self._store.run(
                "INSERT OR IGNORE INTO plays VALUES (?, ?, ?, ?, ?, ?, ?)",
                player["id"], name, self._began(event), _whole(event.get("duration_ms")) or 0, _whole(event.get("layout_id")),
                _whole(event.get("campaign_id")), to_json(event),
            )  # fmt: skip
            accepted.append(name)
        return web.json_response({"accepted": accepted}, status=202)

    def _began(self, event: Row) -> float:
        try:
            found = moment(event.get("started_at"))
        except (ValueError, OverflowError):
            found = None
        return self._clock.now().timestamp() if found is None else found

    def _known(self, request: web.Request, scope: str) -> Row:
        self._keyring.check(request, scope)
        player = player_of(self._store, request)
        self._presence.seen(player["id"])
        return player


def _whole(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**53 else None
