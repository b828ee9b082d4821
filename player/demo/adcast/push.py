"""The push: a WebSocket on which a device hears that something changed for it. What did, it asks for as ever.

A device says with its first frame who it is. Nothing is kept for those who are not there: they look when they open the line. What
operators change is told at once, and so is the second at which another schedule's time comes.
"""

from __future__ import annotations

import asyncio
import json
import re
from typing import Any

from aiohttp import WSCloseCode, WSMsgType, web

from player.core.ports.box import Clock
from player.demo.adcast.accounts import Accounts
from player.demo.adcast.programme import Programmes
from player.demo.rest import Handler
from player.demo.store import Row, Store

FIRST_FRAME_S, PING_S, LOOK_S, SEND_S = 10.0, 20.0, 1.0, 5.0
MESSAGE_BYTES = 4096
NOT_KNOWN = 4404
_ORDERS = re.compile(r"/api/devices/\d+(/command|/lock|/unlock)?")  # and a device that is deleted hears of it with its next call
_CHANGES = {"alerts": "alerts", "playlists": "playlist", "schedules": "playlist", "content": "playlist", "devices": "playlist"}


class Push:
    """The lines of all devices."""

    def __init__(self, store: Store, accounts: Accounts, programmes: Programmes, clock: Clock) -> None:
        self._store, self._accounts, self._programmes, self._clock = store, accounts, programmes, clock
        self._lines: dict[web.WebSocketResponse, int] = {}  # and whose they are

    def routes(self) -> list[web.RouteDef]:
        """The paths of this group."""
        return [web.get("/api/device/ws", self.line)]

    @property
    def listening(self) -> list[int]:
        """The ids of the devices with an open line."""
        return list(self._lines.values())

    @web.middleware
    async def tell_changes(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """After whatever an operator changed, those of the tenant's devices hear of it that listen."""
        response = await handler(request)
        kind = request.path.split("/")[2:3]
        if request.method in ("POST", "PUT", "DELETE") and response.status < 300 and kind and kind[0] in _CHANGES:
            word = "commands" if _ORDERS.fullmatch(request.path) and request.method != "PUT" else _CHANGES[kind[0]]
            await self._tell(self._accounts.tenant(request), word)
        return response

    async def close_all(self, code: int = WSCloseCode.GOING_AWAY) -> None:
        """Ends every line."""
        for line in list(self._lines):
            await line.close(code=code)

    async def line(self, request: web.Request) -> web.WebSocketResponse:
        """One line, as long as it lasts."""
        line = web.WebSocketResponse(heartbeat=PING_S, max_msg_size=MESSAGE_BYTES, compress=False)
        await line.prepare(request)
        device = await self._first_frame(line)
        if device is None:
            await line.close(code=NOT_KNOWN, message=b"The first frame names no device that is paired")
            return line
        self._lines[line] = device["id"]
        try:
            await self._talk(line, device)
        finally:
            del self._lines[line]
        return line

    async def _first_frame(self, line: web.WebSocketResponse) -> Row | None:
        try:
            message = await line.receive(timeout=FIRST_FRAME_S)
            said: Any = json.loads(message.data) if message.type is WSMsgType.TEXT else None
        except (TimeoutError, ValueError, RecursionError):
            return None
        uuid = said.get("uuid") if isinstance(said, dict) else None
        return self._paired("uuid", uuid) if isinstance(uuid, str) else None

    def _paired(self, column: str, value: str | int) -> Row | None:
        return self._store.one(f"SELECT * FROM devices WHERE {column} = ? AND tenant_id IS NOT NULL", value)  # noqa: S608 - a literal

    async def _talk(self, line: web.WebSocketResponse, device: Row) -> None:
        """Until the other side goes. What it says is not asked for; meanwhile a schedule's time may come."""
        rule, known = self._programmes.turn(device).rule, self._paired("id", device["id"])
        while known is not None:
            turn, before = self._programmes.turn(known), rule
            rule = turn.rule
            if rule != before:
                await self._send(line, "playlist")
            left_s = (turn.until - self._clock.now()).total_seconds() if turn.until else LOOK_S
            try:
                message = await line.receive(timeout=min(max(left_s, 0.01), LOOK_S))
            except TimeoutError:
                known = self._paired("id", device["id"])
                continue
            if message.type is not WSMsgType.TEXT:
                return
        await line.close(code=NOT_KNOWN, message=b"The device is not known any more")

    async def _tell(self, tenant: int, word: str) -> None:
        for line, number in list(self._lines.items()):
            device = self._paired("id", number)
            if device is not None and device["tenant_id"] == tenant:
                await self._send(line, word)

    async def _send(self, line: web.WebSocketResponse, word: str) -> None:
        """A line that is closing hears nothing any more."""
        try:
            async with asyncio.timeout(SEND_S):
                await line.send_str(json.dumps({"changed": [word]}))
        except (ConnectionError, TimeoutError):
            await line.close(code=WSCloseCode.GOING_AWAY)
