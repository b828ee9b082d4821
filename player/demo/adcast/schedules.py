"""/api/schedules and /api/alerts: which playlist is on air where and when, and what breaks in on it."""

from __future__ import annotations

from aiohttp import web

from player.core.ports.box import Clock
from player.demo.adcast import wire
from player.demo.adcast.accounts import Accounts
from player.demo.rest import invalid, iso, missing, page_of, path_id, read
from player.demo.store import Row, Store, from_json, to_json

_RULE = ("days_of_week", "start_time", "end_time", "start_date", "end_date", "priority", "is_active", "conditions")


class Schedules:
    """The operator's side of schedules."""

    def __init__(self, store: Store, accounts: Accounts) -> None:
        self._store, self._accounts = store, accounts

    def routes(self) -> list[web.RouteDef]:
        """The paths of this group."""
        one = r"/api/schedules/{id:\d{1,15}}"
        return [
            web.get("/api/schedules", self.index),
            web.post("/api/schedules", self.create),
            web.get(one, self.show),
            web.put(one, self.update),
            web.delete(one, self.delete),
        ]

    async def index(self, request: web.Request) -> web.Response:
        """Every schedule of the tenant."""
        tenant = self._accounts.tenant(request)
        rows, meta = page_of(request, self._store, "*", "FROM schedules WHERE tenant_id = ?", tenant)
        return web.json_response({"data": [schedule_json(row) for row in rows], "meta": meta})

    async def create(self, request: web.Request) -> web.Response:
        """One schedule."""
        tenant = self._accounts.tenant(request)
        body = await read(request, wire.SaveSchedule)
        for name in ("playlist_id", "schedulable_type"):
            if getattr(body, name) is None:
                raise invalid(name, f"The {name} field is required.")
        self._check(tenant, body.playlist_id, body.schedulable_type, body.schedulable_id)
        where = {"playlist_id": body.playlist_id, "schedulable_type": body.schedulable_type, "schedulable_id": body.schedulable_id}
        rule = to_json(body.model_dump(include=set(_RULE)))
        schedule = self._store.insert("schedules", tenant_id=tenant, rule_json=rule, **where)
        return self._answer(schedule, 201)

    async def show(self, request: web.Request) -> web.Response:
        """One schedule."""
        return self._answer(self._schedule(request)["id"])

    async def update(self, request: web.Request) -> web.Response:
        """Whatever is given."""
        row = self._schedule(request)
        body = await read(request, wire.SaveSchedule)
        given = body.model_dump(exclude_unset=True)
        where = {name: given.get(name, row[name]) for name in ("playlist_id", "schedulable_type", "schedulable_id")}
        self._check(row["tenant_id"], **where)
        rule = {**from_json(row["rule_json"]), **{name: given[name] for name in _RULE if name in given}}
        self._store.update("schedules", row["id"], rule_json=to_json(rule), **where)
        return self._answer(row["id"])

    async def delete(self, request: web.Request) -> web.Response:
        """Removes it."""
        self._store.run("DELETE FROM schedules WHERE id = ?", self._schedule(request)["id"])
        return web.json_response({"message": "Schedule deleted successfully."})

    def _check(self, tenant: int, playlist_id: int | None, schedulable_type: str | None, schedulable_id: int | None) -> None:
        if not self._store.one("SELECT id FROM playlists WHERE id = ? AND tenant_id = ?", playlist_id, tenant):
            raise invalid("playlist_id", "There is no playlist with this id.")
        device = self._store.one("SELECT id FROM devices WHERE id = ? AND tenant_id = ?", schedulable_id, tenant)
        if schedulable_type == "device" and not device:
            raise invalid("schedulable_id", "There is no device with this id.")
        if schedulable_type not in ("all", "device") and schedulable_id is None:
            raise invalid("schedulable_id", f"The schedulable_id field is required for a {schedulable_type}.")

    def _schedule(self, request: web.Request) -> Row:
        row = self._store.one(
            "SELECT * FROM schedules WHERE id = ? AND tenant_id = ?", path_id(request), self._accounts.tenant(request)
        )
        if not row:
            raise missing("Schedule")
        return row

    def _answer(self, schedule: int, status: int = 200) -> web.Response:
        row = self._store.one("SELECT * FROM schedules WHERE id = ?", schedule) or {}
        return web.json_response({"schedule": schedule_json(row)}, status=status)


def schedule_json(row: Row) -> Row:
    """A schedule as operators see it."""
    where = {name: row[name] for name in ("id", "playlist_id", "schedulable_type", "schedulable_id")}
    return {**where, **from_json(row["rule_json"])}


class Alerts:
    """The operator's side of emergency alerts."""

    def __init__(self, store: Store, accounts: Accounts, clock: Clock) -> None:
        self._store, self._accounts, self._clock = store, accounts, clock

    def routes(self) -> list[web.RouteDef]:
        """The paths of this group."""
        return [
            web.get("/api/alerts", self.index),
            web.post("/api/alerts", self.create),
            web.delete(r"/api/alerts/{id:\d{1,15}}", self.delete),
        ]

    async def index(self, request: web.Request) -> web.Response:
        """Every alert of the tenant that has not expired."""
        now = self._clock.now().timestamp()
        rest = "FROM alerts WHERE tenant_id = ? AND (expires_at IS NULL OR expires_at > ?)"
        rows, meta = page_of(request, self._store, "*", rest, self._accounts.tenant(request), now)
        return web.json_response({"data": [alert_json(row) for row in rows], "meta": meta})

    async def create(self, request: web.Request) -> web.Response:
        """Breaks in on every device of the tenant, or on one."""
        tenant = self._accounts.tenant(request)
        body = await read(request, wire.SaveAlert)
        device = self._store.one("SELECT id FROM devices WHERE id = ? AND tenant_id = ?", body.device_id, tenant)
        if body.device_id is not None and not device:
            raise invalid("device_id", "There is no device with this id.")
        alert = self._store.insert("alerts", tenant_id=tenant, **body.model_dump())
        row = self._store.one("SELECT * FROM alerts WHERE id = ?", alert) or {}
        return web.json_response({"alert": alert_json(row)}, status=201)

    async def delete(self, request: web.Request) -> web.Response:
        """All clear."""
        tenant = self._accounts.tenant(request)
        if not self._store.run("DELETE FROM alerts WHERE id = ? AND tenant_id = ?", path_id(request), tenant):
            raise missing("Alert")
        return web.json_response({"message": "Alert deleted successfully."})


def alert_json(row: Row) -> Row:
    """An alert as operators and devices see it."""
    same = {name: row[name] for name in ("id", "device_id", "title", "message", "severity", "image_url", "color")}
    return {**same, "starts_at": iso(row["starts_at"]), "expires_at": iso(row["expires_at"])}
