"""Keys: who may do what, and how often. A key is kept as its hash; its secret is told once, when it is made."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from typing import Any

from aiohttp import web

from player.core.ports.box import Clock
from player.demo.screenzzie.answers import Handler, RefusedCall
from player.demo.screenzzie.workspace import Workspace

PREFIX = "sk_live_"
SCOPES = tuple(
    f"{kind}:{deed}" for kind in ("screens", "playlists", "media", "schedules", "sequences") for deed in ("read", "write")
)
FEATURES = {"sequences": True, "schedules": True, "api": True}
DAY_S = 86_400.0
_BESIDE = "/api/v1/"


class KeyCabinet:
    """`limit`: calls of one organisation a day; `features`: what its plan has."""

    def __init__(self, workspace: Workspace, clock: Clock, *, limit: int, features: dict[str, bool]) -> None:
        self._workspace, self._clock, self.limit, self.features = workspace, clock, limit, features
        self._used, self._resets_at = 0, 0.0

    def make(self, name: str, scopes: Sequence[str] = SCOPES, secret: str = "") -> str:
        """A key; its secret."""
        secret = secret or PREFIX + secrets.token_urlsafe(24)
        self._workspace.add("keys", {
            "name": name, "keyPrefix": secret[:14], "scopes": list(scopes), "expiresAt": None, "lastUsedAt": None,
            "hash": _hash(secret),
        })  # fmt: skip
        return secret

    def has(self, secret: str) -> bool:
        """Whether there is such a key."""
        return any(key["hash"] == _hash(secret) for key in self._workspace.all("keys"))

    def revoke(self, secret: str) -> None:
        """Ends a key."""
        for key in self._workspace.all("keys"):
            if key["hash"] == _hash(secret):
                self._workspace.drop("keys", key["id"])

    @web.middleware
    async def checks(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Lets a call through that has a key, the scope for it, and a part of the limit left."""
        if not request.path.startswith(_BESIDE):
            return await handler(request)
        key = self.key_of(request)
        kind = request.path.removeprefix(_BESIDE).partition("/")[0]
        if kind == "me":
            return await handler(request)
        self._count()
        scope = f"{kind}:{'read' if request.method in ('GET', 'HEAD') else 'write'}"
        if scope in SCOPES and scope not in key["scopes"]:
            raise RefusedCall(403, f"The key does not have the scope {scope}.")
        if self.features.get(kind) is False:
            raise RefusedCall(403, f"The plan has no {kind}.")
        response = await handler(request)
        response.headers.update(self._told())
        return response

    def key_of(self, request: web.Request) -> dict[str, Any]:
        """The key that a call carries. Raises RefusedCall 401."""
        scheme, _, secret = request.headers.get("Authorization", "").partition(" ")
        key = next((one for one in self._workspace.all("keys") if one["hash"] == _hash(secret)), None)
        if scheme.lower() != "bearer" or key is None:
            raise RefusedCall(401, "The key is not valid.")
        return self._workspace.change("keys", key["id"], {"lastUsedAt": self._workspace.now()}, is_news=False)

    def _count(self) -> None:
        now = self._clock.now().timestamp()
        if now >= self._resets_at:
            self._used, self._resets_at = 0, now + DAY_S
        if self._used >= self.limit:
            wait = str(round(self._resets_at - now) + 1)
            raise RefusedCall(429, "The limit is used up.", headers={"Retry-After": wait, **self._told()})
        self._used += 1

    def _told(self) -> dict[str, str]:
        figures = self.figures()
        return {
            "X-RateLimit-Limit": str(figures["limit"]), "X-RateLimit-Remaining": str(figures["remaining"]),
            "X-RateLimit-Reset": str(figures["resetAtMs"] // 1000),
        }  # fmt: skip

    def figures(self) -> dict[str, int]:
        """How much of the limit is used."""
        left = max(0, self.limit - self._used)
        return {"limit": self.limit, "used": self._used, "remaining": left, "resetAtMs": round(self._resets_at * 1000)}


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "replace")).hexdigest()
