"""Who may: API keys with scopes, kept as hashes; how many calls a minute each has left, told with each answer; signed addresses."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Collection
from pathlib import Path

from aiohttp import web
from aiohttp.typedefs import Handler

from player.core.ports.box import Clock
from player.demo.rest import ApiError
from player.demo.store import Row, Store

SCOPES = ("read:players", "write:players", "read:content", "write:content", "read:analytics", "webhooks")
PLANS = {"free": 60, "pro": 300, "business": 1000}
MINUTE_S, SIGNED_S = 60.0, 3600.0


class Keyring:
    """The keys, and the middleware that asks for them below /api/v1."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store, self._clock = store, clock
        self._spent: dict[int, tuple[float, int]] = {}  # by key: when its minute began, and calls since

    def create(self, name: str, scopes: Collection[str] = SCOPES, *, per_minute: int = PLANS["business"], secret: str = "") -> str:
        """A key; the secret is told this once."""
        secret = secret or f"spot_{secrets.token_urlsafe(32)}"
        self.revoke(secret)
        self._store.insert("api_keys", name=name, hash=_hashed(secret), scopes=" ".join(scopes), per_minute=per_minute)
        return secret

    def revoke(self, secret: str) -> None:
        """It opens nothing any more."""
        self._store.run("DELETE FROM api_keys WHERE hash = ?", _hashed(secret))

    def check(self, request: web.Request, scope: str) -> None:
        """Raises ApiError 401, and 403 where the key lacks the scope."""
        if scope not in self._key(request)["scopes"].split():
            raise ApiError(403, f"This key lacks the scope {scope}.")

    def _key(self, request: web.Request) -> Row:
        scheme, _, secret = request.headers.get("Authorization", "").partition(" ")
        found = self._store.one("SELECT * FROM api_keys WHERE hash = ?", _hashed(secret.strip()))
        if scheme.lower() != "bearer" or not found:
            raise ApiError(401, "Unauthenticated.")
        return found

    @web.middleware
    async def counted(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Counts the calls of each key, refuses those above its limit, and tells how it stands."""
        if not request.path.startswith("/api/v1/"):
            return await handler(request)
        key, now = self._key(request), self._clock.now().timestamp()
        began, count = self._spent.get(key["id"], (now, 0))
        if now >= began + MINUTE_S:
            began, count = now, 0
        self._spent[key["id"]] = began, count + 1
        told = {
            "X-RateLimit-Limit": str(key["per_minute"]),
            "X-RateLimit-Remaining": str(max(0, key["per_minute"] - count - 1)),
            "X-RateLimit-Reset": str(int(began + MINUTE_S)),
            "X-API-Version": "1.2",
        }
        if count >= key["per_minute"]:
            again = {"Retry-After": str(max(1, int(began + MINUTE_S - now)))}
            return web.json_response({"message": "Too Many Attempts."}, status=429, headers=told | again)
        try:
            answer = await handler(request)
        except ApiError as error:
            answer = error.response()
        if not answer.prepared:
            answer.headers.update(told)
        return answer


def _hashed(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "replace")).hexdigest()


class Signer:
    """Signs addresses that open something for an hour to whoever has them. Its secret is made once, in `file`."""

    def __init__(self, file: Path, clock: Clock) -> None:
        self._clock = clock
        if not file.exists():
            file.write_bytes(secrets.token_bytes(32))
        self._secret = file.read_bytes()

    def signed(self, request: web.Request, path: str) -> str:
        """The whole address of `path`, which has no query."""
        until = int(self._clock.now().timestamp() + SIGNED_S)
        return f"{request.url.origin()}{path}?expires={until}&signature={self.word(f'{path} {until}')}"

    def check(self, request: web.Request) -> None:
        """Raises ApiError 403 for an address that was not signed here, or whose hour is over."""
        until = request.query.get("expires", "")
        good = hmac.compare_digest(request.query.get("signature", ""), self.word(f"{request.path} {until}"))
        if not good or not until.isdecimal() or int(until) < self._clock.now().timestamp():
            raise ApiError(403, "This address is not valid, or not any more.")

    def word(self, text: str) -> str:
        """HMAC-SHA-256 of a text, in hex."""
        return hmac.new(self._secret, text.encode(), hashlib.sha256).hexdigest()
