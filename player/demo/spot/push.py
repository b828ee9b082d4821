"""The push: a WebSocket that speaks Pusher's protocol 7, as its clients of any language expect it.

Source: pusher.com's description of its channels protocol. Nothing is kept for those who are not there.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import re
import secrets
from collections.abc import Mapping
from typing import Any

from aiohttp import WSCloseCode, WSMsgType, web

from player.demo.rest import ApiError
from player.demo.spot.keyring import Keyring
from player.demo.spot.presence import Presence

APP_KEY = "demo-app-key"
PROTOCOLS = ("5", "6", "7")
MESSAGE_BYTES = 10_000
CHANNELS = 100
_CHANNEL = re.compile(r"[A-Za-z0-9_\-=@,.;]{1,164}")
_PLAYER = re.compile(r"private-player\.(\d{1,15})")
_SOCKET = re.compile(r"\d+\.\d+")


class PushServer:
    """The lines and their channels. `activity_s`: after such a silence a client asks whether the line lives, and so does this."""

    def __init__(self, keyring: Keyring, presence: Presence, secret: bytes, *, activity_s: float) -> None:
        self._keyring, self._presence, self._secret, self._activity_s = keyring, presence, secret, activity_s
        self._lines: dict[str, web.WebSocketResponse] = {}
        self._channels: dict[str, set[str]] = {}  # by its name: the lines that are subscribed

    def routes(self) -> list[web.RouteDef]:
        """The paths of this group."""
        return [web.get("/app/{key}", self.line), web.post("/broadcasting/auth", self.auth)]

    async def auth(self, request: web.Request) -> web.Response:
        """Opens a private channel for one line to whoever has a key that may read players."""
        self._keyring.check(request, "read:players")
        form = await request.json() if request.content_type == "application/json" else await request.post()
        line, channel = str(form.get("socket_id", "")), str(form.get("channel_name", ""))
        if not _SOCKET.fullmatch(line) or not _CHANNEL.fullmatch(channel):
            raise ApiError(422, "A socket_id and a channel_name are expected.")
        return web.json_response({"auth": f"{APP_KEY}:{self._word(line, channel)}"})

    async def publish(self, channel: str, event: str, content: Mapping[str, Any]) -> int:
        """Sends an event to everybody who is subscribed; how many there are. One that is too long comes as an error instead."""
        text = json.dumps({"event": event, "channel": channel, "data": json.dumps(content)})
        if len(text) > MESSAGE_BYTES:
            text = _error(4301, "The event is longer than 10 kB: fetch it.")
        lines = [self._lines[name] for name in self._channels.get(channel, ()) if name in self._lines]
        for line in lines:
            await _send(line, text)
        return len(lines)

    def listening(self, channel: str) -> set[int]:
        """The players whose lines are subscribed to a channel."""
        lines = self._channels.get(channel, set())
        found = (_PLAYER.fullmatch(name) for name, others in self._channels.items() if others & lines)
        return {int(player[1]) for player in found if player}

    async def close_all(self, code: int, reason: str) -> None:
        """Ends every line with this code, as a server does that goes down or refuses to serve any longer."""
        for line in list(self._lines.values()):
            await line.close(code=code, message=reason.encode())

    async def line(self, request: web.Request) -> web.WebSocketResponse:
        """One line, as long as it lasts."""
        line = web.WebSocketResponse(max_msg_size=MESSAGE_BYTES, compress=False)
        await line.prepare(request)
        if refused := _refusal(request):
            await _send(line, _error(*refused))
            await line.close(code=refused[0], message=refused[1].encode())
            return line
        name = f"{secrets.randbelow(10**9)}.{secrets.randbelow(10**9)}"
        self._lines[name] = line
        try:
            about = {"socket_id": name, "activity_timeout": int(self._activity_s)}
            await _send(line, _event("pusher:connection_established", about))
            await self._talk(name, line)
        finally:
            del self._lines[name]
            for channel in list(self._channels):
                self._leave(name, channel)
        return line

    async def _talk(self, name: str, line: web.WebSocketResponse) -> None:
        asked = False
        while True:
            try:
                message = await line.receive(timeout=self._activity_s * (0.25 if asked else 1.5))
            except TimeoutError:
                if asked:
                    await line.close(code=4201, message=b"Pong reply not received in time")
                    return
                await _send(line, _event("pusher:ping", {}))
                asked = True
                continue
            if message.type is not WSMsgType.TEXT:
                return
            asked = False
            await self._hear(name, line, _read(message.data))

    async def _hear(self, name: str, line: web.WebSocketResponse, message: Mapping[str, Any]) -> None:
        content = message.get("data") if isinstance(message.get("data"), dict) else {}
        assert isinstance(content, dict)  # noqa: S101 - for the types
        channel = str(content.get("channel", ""))
        match message.get("event"):
            case "pusher:ping":
                await _send(line, _event("pusher:pong", {}))
            case "pusher:subscribe":
                await self._subscribe(name, line, channel, str(content.get("auth", "")))
            case "pusher:unsubscribe":
                self._leave(name, channel)
            case str(event) if event.startswith("client-"):
                await _send(line, _error(4301, "Client events are not taken here."))

    async def _subscribe(self, name: str, line: web.WebSocketResponse, channel: str, auth: str) -> None:
        private = channel.startswith(("private-", "presence-"))
        held = sum(name in lines for lines in self._channels.values())
        good = not private or hmac.compare_digest(auth.encode(), f"{APP_KEY}:{self._word(name, channel)}".encode())
        if not _CHANNEL.fullmatch(channel) or not good or held >= CHANNELS:
            why = {"type": "AuthError", "error": "The channel does not open with this word.", "status": 401}
            await _send(line, json.dumps({"event": "pusher:subscription_error", "channel": channel, "data": why}))
            return
        lines = self._channels.setdefault(channel, set())
        if name not in lines:
            lines.add(name)
            if player := _PLAYER.fullmatch(channel):
                self._presence.line_opened(int(player[1]))
        await _send(line, json.dumps({"event": "pusher_internal:subscription_succeeded", "channel": channel, "data": "{}"}))

    def _leave(self, name: str, channel: str) -> None:
        lines = self._channels.get(channel, set())
        if name in lines:
            lines.remove(name)
            if player := _PLAYER.fullmatch(channel):
                self._presence.line_closed(int(player[1]))
        if not lines:
            self._channels.pop(channel, None)

    def _word(self, line: str, channel: str) -> str:
        return hmac.new(self._secret, f"{line}:{channel}".encode(), hashlib.sha256).hexdigest()


def _refusal(request: web.Request) -> tuple[int, str] | None:
    if request.match_info["key"] != APP_KEY:
        return 4001, "Application does not exist"
    protocol = request.query.get("protocol", "")
    if not protocol:
        return 4008, "No protocol version supplied"
    return None if protocol in PROTOCOLS else (4007, "Unsupported protocol version")


async def _send(line: web.WebSocketResponse, text: str) -> None:
    """A line that is closing hears nothing any more."""
    try:
        async with asyncio.timeout(5.0):
            await line.send_str(text)
    except (ConnectionError, TimeoutError):
        await line.close(code=WSCloseCode.GOING_AWAY)


def _event(name: str, content: Mapping[str, Any]) -> str:
    return json.dumps({"event": name, "data": json.dumps(content)})


def _error(code: int, message: str) -> str:
    return json.dumps({"event": "pusher:error", "data": {"code": code, "message": message}})


def _read(text: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}
