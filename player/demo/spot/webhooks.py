"""Webhooks: who is told of what, signed with a secret that is told once, and tried again for a day."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import secrets
from collections.abc import Mapping
from typing import Any

import aiohttp
from aiohttp import web

from player.core.ports.box import Clock
from player.demo.rest import iso, missing, path_id, read
from player.demo.spot.keyring import Keyring
from player.demo.spot.lists import listed, one
from player.demo.spot.wire import NewWebhook
from player.demo.store import Row, Store, from_json, to_json

DAY_S, FIRST_S, LONGEST_S, CALL_S = 86_400.0, 1.0, 3600.0, 10.0


class Webhooks:
    """/api/v1/webhooks, and the deliveries. `quick` divides every pause."""

    def __init__(self, store: Store, keyring: Keyring, clock: Clock, *, quick: float) -> None:
        self._store, self._keyring, self._clock, self._quick = store, keyring, clock, quick
        self._due = asyncio.Event()

    def routes(self) -> list[web.RouteDef]:
        """The paths of this group."""
        return [
            web.get("/api/v1/webhooks", self.index),
            web.post("/api/v1/webhooks", self.create),
            web.delete(r"/api/v1/webhooks/{id:\d{1,15}}", self.delete),
        ]

    async def index(self, request: web.Request) -> web.Response:
        """All of them, without their secrets."""
        self._keyring.check(request, "webhooks")
        return listed(request, self._store, "FROM webhooks", shown=_shown)

    async def create(self, request: web.Request) -> web.Response:
        """Another one; its secret is told this once."""
        self._keyring.check(request, "webhooks")
        body, secret = await read(request, NewWebhook), f"whsec_{secrets.token_urlsafe(24)}"
        columns = {"url": body.url, "events_json": to_json(body.events), "secret": secret}
        made = self._store.insert("webhooks", **columns, created_at=self._clock.now().timestamp())
        row = self._store.one("SELECT * FROM webhooks WHERE id = ?", made) or {}
        return one({**_shown(row), "secret": secret}, 201)

    async def delete(self, request: web.Request) -> web.Response:
        """It is told nothing any more."""
        self._keyring.check(request, "webhooks")
        if not self._store.run("DELETE FROM webhooks WHERE id = ?", path_id(request)):
            raise missing("Webhook")
        return web.Response(status=204)

    def happened(self, event: str, what: Mapping[str, Any]) -> None:
        """Tells those who asked for it."""
        now = self._clock.now().timestamp()
        body = json.dumps({"id": secrets.token_hex(12), "event": event, "created_at": iso(now), "data": dict(what)})
        for row in self._store.all("SELECT * FROM webhooks"):
            if event in from_json(row["events_json"]):
                self._store.insert("deliveries", webhook_id=row["id"], body=body, made_at=now, due_at=now)
        self._due.set()

    async def deliver(self) -> None:
        """Delivers what is due, for ever."""
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=CALL_S)) as session:
            while True:
                self._due.clear()
                now = self._clock.now().timestamp()
                for row in self._store.all("SELECT * FROM deliveries WHERE due_at <= ? ORDER BY due_at LIMIT 20", now):
                    await self._try(session, row)
                following = self._store.one("SELECT min(due_at) AS due_at FROM deliveries") or {}
                wait_s = None if following["due_at"] is None else max(0.0, following["due_at"] - self._clock.now().timestamp())
                try:
                    async with asyncio.timeout(wait_s):
                        await self._due.wait()
                except TimeoutError:
                    continue

    async def _try(self, session: aiohttp.ClientSession, row: Row) -> None:
        webhook, now = self._store.one("SELECT * FROM webhooks WHERE id = ?", row["webhook_id"]), self._clock.now().timestamp()
        taken = webhook is not None and await _taken(session, webhook, row["body"].encode())
        if taken or now - row["made_at"] > DAY_S / self._quick:
            self._store.run("DELETE FROM deliveries WHERE id = ?", row["id"])
        else:
            pause = min(LONGEST_S, FIRST_S * 2 ** row["attempts"]) / self._quick
            self._store.update("deliveries", row["id"], attempts=row["attempts"] + 1, due_at=now + pause)


async def _taken(session: aiohttp.ClientSession, webhook: Row, body: bytes) -> bool:
    signature = hmac.new(webhook["secret"].encode(), body, hashlib.sha256).hexdigest()
    headers = {"Content-Type": "application/json", "X-Spot-Signature": f"sha256={signature}"}
    try:
        async with session.post(webhook["url"], data=body, headers=headers, allow_redirects=False) as answer:
            return 200 <= answer.status < 300
    except (aiohttp.ClientError, TimeoutError, OSError):
        return False


def _shown(row: Row) -> Row:
    return {"id": row["id"], "url": row["url"], "events": from_json(row["events_json"]), "created_at": iso(row["created_at"])}
