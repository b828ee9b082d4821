"""/api/devices: an operator's devices, their commands, and what they reported (plays, faults, screenshots).

An operator's command waits here until the device brought its result; a lock is a state, told in every heartbeat.
"""

from __future__ import annotations

from aiohttp import web

from player.core.ports.box import Clock
from player.demo.adcast import wire
from player.demo.adcast.accounts import Accounts
from player.demo.files import Files, send
from player.demo.rest import invalid, iso, missing, page_of, path_id, read
from player.demo.store import Row, Store, from_json, to_json

ONLINE_S = 90.0  # three heartbeats


class Devices:
    """The operator's side of devices."""

    def __init__(self, store: Store, accounts: Accounts, screenshots: Files, clock: Clock) -> None:
        self._store, self._accounts, self._screenshots, self._clock = store, accounts, screenshots, clock

    def routes(self) -> list[web.RouteDef]:
        """The paths of this group."""
        one = r"/api/devices/{id:\d{1,15}}"
        return [
            web.get("/api/devices", self.index),
            web.post("/api/devices/pair", self.pair),
            web.get(one, self.show),
            web.put(one, self.update),
            web.delete(one, self.delete),
            web.post(f"{one}/command", self.command),
            web.post(f"{one}/lock", self.lock),
            web.post(f"{one}/unlock", self.unlock),
            web.get(f"{one}/commands", self.commands),
            web.get(f"{one}/playback", self.playback),
            web.get(f"{one}/faults", self.faults),
            web.get(f"{one}/screenshots/latest", self.screenshot),
            web.get(r"/api/commands/{id:\d{1,15}}", self.show_command),
        ]

    async def index(self, request: web.Request) -> web.Response:
        """Every device of the tenant."""
        tenant = self._accounts.tenant(request)
        rows, meta = page_of(request, self._store, "*", "FROM devices WHERE tenant_id = ?", tenant)
        return web.json_response({"data": [self._json(row) for row in rows], "meta": meta})

    async def pair(self, request: web.Request) -> web.Response:
        """Takes the device that shows this code."""
        tenant = self._accounts.tenant(request)
        body = await read(request, wire.Pair)
        code = body.pairing_code.upper().replace(" ", "").replace("-", "")
        device = self._store.one("SELECT * FROM devices WHERE pairing_code = ? AND tenant_id IS NULL", code)
        if not device:
            raise invalid("pairing_code", "No device shows this pairing code: look at the screen again, a code is used once.")
        self._store.update("devices", device["id"], tenant_id=tenant, name=body.name, pairing_code=None)
        return self._answer(device["id"])

    async def show(self, request: web.Request) -> web.Response:
        """One device."""
        return self._answer(self._device(request)["id"])

    async def update(self, request: web.Request) -> web.Response:
        """Name, group, location, watermark."""
        device = self._device(request)
        body = await read(request, wire.UpdateDevice)
        given = body.model_dump(exclude_unset=True)
        if any(given.get(name, "") is None for name in ("name", "show_watermark")):
            raise invalid("name", "The name and the watermark cannot be null.")
        self._store.update("devices", device["id"], **given)
        return self._answer(device["id"])

    async def delete(self, request: web.Request) -> web.Response:
        """Forgets the device; it shows a fresh code when it registers again."""
        device = self._device(request)
        shots = self._store.all("SELECT file_hash FROM screenshots WHERE device_id = ?", device["id"])
        self._store.run("DELETE FROM devices WHERE id = ?", device["id"])
        for shot in shots:
            if not self._store.one("SELECT id FROM screenshots WHERE file_hash = ?", shot["file_hash"]):
                self._screenshots.remove(shot["file_hash"])
        return web.json_response({"message": "Device deleted successfully."})

    async def command(self, request: web.Request) -> web.Response:
        """Queues one command."""
        device, now = self._device(request), self._clock.now().timestamp()
        body = await read(request, wire.SendCommand)
        command = self._store.insert(
            "commands",
            device_id=device["id"],
            type=body.type,
            payload_json=to_json(body.payload or {}),
            created_at=now,
            expires_at=now + body.expires_in if body.expires_in else body.expires_at,
        )
        row = self._store.one("SELECT * FROM commands WHERE id = ?", command) or {}
        return web.json_response({"message": "Command queued.", "command": command_json(row)}, status=201)

    async def lock(self, request: web.Request) -> web.Response:
        """Locks the local controls by a PIN."""
        device = self._device(request)
        body = await read(request, wire.LockBody)
        self._store.update("devices", device["id"], is_locked=1, lock_pin=body.pin)
        return web.json_response({"message": "Device locked."})

    async def unlock(self, request: web.Request) -> web.Response:
        """Unlocks them."""
        self._store.update("devices", self._device(request)["id"], is_locked=0, lock_pin=None)
        return web.json_response({"message": "Device unlocked."})

    async def commands(self, request: web.Request) -> web.Response:
        """What was ordered and what came of it, the latest first."""
        rest = "FROM commands WHERE device_id = ? ORDER BY id DESC"
        rows, meta = page_of(request, self._store, "*", rest, self._device(request)["id"])
        return web.json_response({"data": [command_json(row) for row in rows], "meta": meta})

    async def show_command(self, request: web.Request) -> web.Response:
        """One command."""
        tenant = self._accounts.tenant(request)
        row = self._store.one(
            "SELECT commands.* FROM commands JOIN devices ON devices.id = device_id WHERE commands.id = ? AND tenant_id = ?",
            path_id(request),
            tenant,
        )
        if not row:
            raise missing("Command")
        return web.json_response({"command": command_json(row)})

    async def playback(self, request: web.Request) -> web.Response:
        """The proof of play that arrived, in the order of its arrival."""
        rest = "FROM plays WHERE device_id = ? ORDER BY received_at, rowid"
        rows, meta = page_of(request, self._store, "event_json", rest, self._device(request)["id"], size=100)
        return web.json_response({"data": [from_json(row["event_json"]) for row in rows], "meta": meta})

    async def faults(self, request: web.Request) -> web.Response:
        """Faults as last reported; `is_active` tells whether the last heartbeat still had them."""
        rest = "FROM faults WHERE device_id = ? ORDER BY is_active DESC, last_seen_at DESC"
        rows, meta = page_of(request, self._store, "*", rest, self._device(request)["id"])
        return web.json_response({"data": [_fault(row) for row in rows], "meta": meta})

    async def screenshot(self, request: web.Request) -> web.StreamResponse:
        """The latest picture of the screen, a JPEG; `X-Taken-At` tells when, `X-Command-Id` why."""
        device = self._device(request)
        row = self._store.one("SELECT * FROM screenshots WHERE device_id = ? ORDER BY id DESC", device["id"])
        if not row:
            raise missing("Screenshot")
        about = {"X-Taken-At": iso(row["taken_at"] or row["received_at"]) or "", "X-Command-Id": row["command_id"] or ""}
        return await send(request, self._screenshots.path(row["file_hash"]), "image/jpeg", about)

    def _device(self, request: web.Request) -> Row:
        tenant = self._accounts.tenant(request)
        row = self._store.one("SELECT * FROM devices WHERE id = ? AND tenant_id = ?", path_id(request), tenant)
        if not row:
            raise missing("Device")
        return row

    def _answer(self, device: int) -> web.Response:
        row = self._store.one("SELECT * FROM devices WHERE id = ?", device) or {}
        return web.json_response({"device": self._json(row)})

    def _json(self, row: Row) -> Row:
        known = ("id", "name", "uuid", "model", "os_version", "app_version", "lock_pin", "device_group_id", "location_id")
        age = self._clock.now().timestamp() - (row["last_seen_at"] or 0)
        return {
            **(from_json(row["telemetry_json"]) or {}),
            **{name: row[name] for name in known},
            "status": "online" if age < ONLINE_S else "offline",
            "is_locked": bool(row["is_locked"]),
            "show_watermark": bool(row["show_watermark"]),
            "last_seen_at": iso(row["last_seen_at"]),
            "created_at": iso(row["created_at"]),
        }


def command_json(row: Row) -> Row:
    """A command as operators see it."""
    times = ("created_at", "expires_at", "delivered_at", "started_at", "finished_at")
    return {
        **{name: row[name] for name in ("id", "device_id", "type", "status", "message")},
        "payload": from_json(row["payload_json"]),
        "result": from_json(row["result_json"]),
        **{name: iso(row[name]) for name in times},
    }


def _fault(row: Row) -> Row:
    times = {name: iso(row[name]) for name in ("first_seen_at", "last_seen_at")}
    return {**from_json(row["fault_json"]), **times, "is_active": bool(row["is_active"])}
