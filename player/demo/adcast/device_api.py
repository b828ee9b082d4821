"""/api/device, first half: how a device introduces itself, tells how it is, hears what is wanted, and fetches content.

The uuid is the only credential a device has. A command is told in every heartbeat until its result came; a result that came is
final, but for `initiated`, which its final word follows.
"""

from __future__ import annotations

import re
import secrets
from typing import Any

from aiohttp import web

from player.core.ports.box import Clock
from player.demo.adcast import device_wire as wire
from player.demo.adcast.library import has_file, source_url
from player.demo.adcast.programme import Programmes
from player.demo.adcast.schedules import alert_json
from player.demo.files import Files, send
from player.demo.rest import ApiError, checked, invalid, iso, missing, path_id, read, read_json, tagged
from player.demo.store import Row, Store, from_json, to_json

ALPHABET = "ABCDEFGHJKMNPQRSTUVWXYZ23456789"  # without I, L, O, 0 and 1, which are read for one another
_LICENSE = re.compile(r"ADCAST(-[A-Z0-9]{4}){2}")


class DeviceApi:
    """The device's side. `heartbeat_interval_s` is asked of devices where it is given."""

    def __init__(
        self, store: Store, files: Files, programmes: Programmes, clock: Clock, heartbeat_interval_s: float | None = None
    ) -> None:
        self._store, self._files, self._programmes, self._clock = store, files, programmes, clock
        self._interval_s = heartbeat_interval_s

    def routes(self) -> list[web.RouteDef]:
        """The paths of this group."""
        return [
            web.post("/api/device/register", self.register),
            web.post("/api/device/heartbeat", self.heartbeat),
            web.get("/api/device/playlist", self.playlist),
            web.get(r"/api/device/content/{id:\d{1,15}}/download", self.download),
            web.post(r"/api/device/commands/{id:\d{1,15}}/result", self.result),
        ]

    async def register(self, request: web.Request) -> web.Response:
        """Adds the device or updates it; an unpaired one hears its pairing code."""
        body, now = await read(request, wire.RegisterDevice), self._clock.now().timestamp()
        if not self._store.one("SELECT id FROM devices WHERE uuid = ?", body.uuid):
            self._store.insert("devices", uuid=body.uuid, pairing_code=self._fresh_code(), created_at=now)
        device = device_of(self._store, body.uuid)
        about = body.model_dump(exclude={"uuid"}, exclude_none=True)
        self._store.update("devices", device["id"], last_seen_at=now, **about)
        return web.json_response(
            {
                "device_id": device["id"],
                "pairing_code": device["pairing_code"],
                "paired": device["tenant_id"] is not None,
                "device_name": device["name"],
                "is_locked": bool(device["is_locked"]),
                "lock_pin": device["lock_pin"],
                "license_activated": bool(_LICENSE.fullmatch(body.license_key or device["license_key"] or "")),
            }
        )

    def _fresh_code(self) -> str:
        while True:
            code = "".join(secrets.choice(ALPHABET) for _ in range(6))
            if not self._store.one("SELECT id FROM devices WHERE pairing_code = ?", code):
                return code

    async def heartbeat(self, request: web.Request) -> web.Response:
        """Keeps the readings, faults and results; answers with what is wanted of the device."""
        raw = await read_json(request)
        body, now = checked(wire.HeartbeatBody, raw), self._clock.now().timestamp()
        device = device_of(self._store, body.uuid)
        readings = {name: value for name, value in raw.items() if name not in ("uuid", "faults", "command_results")}
        with self._store.transaction():
            self._store.update("devices", device["id"], telemetry_json=to_json(readings), last_seen_at=now)
            if body.faults is not None:
                self._keep_faults(device, body.faults, now)
            for result in body.command_results or ():
                self._keep_result(device, result.id, result)
        return web.json_response(self._wanted(device, now))

    def _wanted(self, device: Row, now: float) -> dict[str, Any]:
        commands = self._pending(device, now)
        answer = {
            "status": "ok",
            "server_time": iso(now),
            "paired": device["tenant_id"] is not None,
            "has_update": False,
            "is_locked": bool(device["is_locked"]),
            "lock_pin": device["lock_pin"],
            "has_pending_commands": bool(commands),
            "pending_commands": commands,
            "emergency_alerts": self._alerts(device, now),
            "app_update": None,
        }
        return answer | ({"heartbeat_interval": self._interval_s} if self._interval_s else {})

    def _pending(self, device: Row, now: float) -> list[Row]:
        waiting = "device_id = ? AND status = 'pending' AND (expires_at IS NULL OR expires_at > ?)"
        rows = self._store.all(f"SELECT * FROM commands WHERE {waiting} ORDER BY id", device["id"], now)  # noqa: S608 - a literal
        self._store.run("UPDATE commands SET delivered_at = ? WHERE device_id = ? AND delivered_at IS NULL", now, device["id"])
        times = ("created_at", "expires_at")
        return [
            {
                "id": row["id"],
                "type": row["type"],
                "payload": from_json(row["payload_json"]),
                **{name: iso(row[name]) for name in times},
            }
            for row in rows
        ]

    def _alerts(self, device: Row, now: float) -> list[Row]:
        current = "tenant_id = ? AND (device_id IS NULL OR device_id = ?) AND (expires_at IS NULL OR expires_at > ?)"
        values = (device["tenant_id"], device["id"], now)
        return [alert_json(row) for row in self._store.all(f"SELECT * FROM alerts WHERE {current}", *values)]  # noqa: S608 - a literal

    def _keep_faults(self, device: Row, faults: list[wire.FaultBody], now: float) -> None:
        self._store.run("UPDATE faults SET is_active = 0 WHERE device_id = ?", device["id"])
        for fault in faults:
            key = to_json([fault.code, fault.item_id, fault.content_id])
            text = to_json({**fault.model_dump(), "since": iso(fault.since)})
            self._store.run(
                "INSERT INTO faults VALUES (?, ?, ?, ?, 1, ?) ON CONFLICT (device_id, fault_key) DO UPDATE SET"
                " last_seen_at = excluded.last_seen_at, is_active = 1, fault_json = excluded.fault_json",
                *(device["id"], key, now, now, text),
            )

    async def result(self, request: web.Request) -> web.Response:
        """What came of a command."""
        raw = await read_json(request)
        body, device = checked(wire.CommandResultBody, raw), device_of(self._store, raw.get("uuid"))
        if not self._keep_result(device, path_id(request), body):
            raise missing("Command")
        return web.json_response({"message": "Result stored."})

    def _keep_result(self, device: Row, command: int, result: wire.CommandResultBody) -> bool:
        row = self._store.one("SELECT * FROM commands WHERE id = ? AND device_id = ?", command, device["id"])
        if row and row["status"] in ("pending", "initiated"):
            columns = result.model_dump(include={"status", "message", "started_at", "finished_at"})
            self._store.update("commands", command, **columns, result_json=to_json(result.result or {}))
        return row is not None

    async def playlist(self, request: web.Request) -> web.Response:
        """What is on air for this device now."""
        return tagged(request, self._programmes.answer(request, self._paired(request)))

    async def download(self, request: web.Request) -> web.StreamResponse:
        """The bytes (Range, If-Range, ETag, HEAD), or 302 to where the content is."""
        device = self._paired(request)
        row = self._store.one("SELECT * FROM content WHERE id = ? AND tenant_id = ?", path_id(request), device["tenant_id"])
        if not row:
            raise missing("Content")
        if has_file(row):
            return await send(request, self._files.path(row["file_hash"]), row["mime"], {"Content-Security-Policy": "sandbox"})
        return web.Response(status=302, headers={"Location": source_url(request, row) or "/"})

    def _paired(self, request: web.Request) -> Row:
        device = device_of(self._store, request.query.get("uuid"))
        if device["tenant_id"] is None:
            raise ApiError(403, "This device is not paired: enter its pairing code at the server first.")
        return device


def device_of(store: Store, uuid: object) -> Row:
    """The device of this uuid. Raises ApiError 404 where it is not (or no longer) known, 422 without one."""
    if not isinstance(uuid, str) or not uuid:
        raise invalid("uuid", "The uuid field is required.")
    device = store.one("SELECT * FROM devices WHERE uuid = ?", uuid)
    if not device:
        raise missing("Device")
    return device
