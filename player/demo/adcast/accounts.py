"""Who may: accounts, scrypt passwords, bearer tokens kept as hashes. Tenants never see each other.

Every other group of handlers asks `Accounts.tenant` first; a device proves itself by its uuid instead (`device_api`).
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import secrets

from aiohttp import web

from player.core.ports.box import Clock
from player.demo.adcast import wire
from player.demo.rest import ApiError, invalid, read
from player.demo.store import Row, Store


def hash_password(password: str, salt: bytes | None = None) -> str:
    """ "salt$hash" in hexadecimal, by scrypt (16 MiB, about 50 ms)."""
    salt = salt or secrets.token_bytes(16)
    return f"{salt.hex()}${hashlib.scrypt(password.encode(), salt=salt, n=2**14, r=8, p=1).hex()}"


def password_matches(password: str, stored: str) -> bool:
    """Whether `password` is the one that was stored."""
    salt = bytes.fromhex(stored.partition("$")[0])
    return hmac.compare_digest(hash_password(password, salt), stored)


_NOBODY = hash_password("nobody", b"no such account!")


class Accounts:
    """/api/auth, and the check of the bearer token for everybody else."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store, self._clock = store, clock

    def routes(self) -> list[web.RouteDef]:
        """The paths of this group."""
        return [
            web.post("/api/auth/register", self.register),
            web.post("/api/auth/login", self.login),
            web.post("/api/auth/logout", self.logout),
            web.get("/api/auth/user", self.user),
        ]

    async def register(self, request: web.Request) -> web.Response:
        """A new tenant with its first user."""
        body = await read(request, wire.RegisterUser)
        if self._store.one("SELECT id FROM users WHERE email = ?", body.email):
            raise invalid("email", "The email has already been taken.")
        password = await asyncio.to_thread(hash_password, body.password)
        user = self.create(body.name, body.email, password, body.company_name)
        return web.json_response(self._session(user), status=201)

    def create(self, name: str, email: str, password: str, company: str) -> Row:
        """Adds a tenant and its user, the password already hashed; returns the user's row."""
        with self._store.transaction():
            tenant = self._store.insert("tenants", name=company)
            user = self._store.insert("users", tenant_id=tenant, name=name, email=email, password=password)
        return self._store.one("SELECT * FROM users WHERE id = ?", user) or {}

    async def login(self, request: web.Request) -> web.Response:
        """A token for an e-mail address and its password."""
        body = await read(request, wire.Login)
        user = self._store.one("SELECT * FROM users WHERE email = ?", body.email)
        matches = await asyncio.to_thread(password_matches, body.password, user["password"] if user else _NOBODY)
        if not user or not matches:
            raise ApiError(401, "These credentials do not match our records.")
        return web.json_response(self._session(user))

    async def logout(self, request: web.Request) -> web.Response:
        """The token ends."""
        self._store.run("DELETE FROM tokens WHERE id = ?", self._token(request)["id"])
        return web.json_response({"message": "Logged out successfully."})

    async def user(self, request: web.Request) -> web.Response:
        """Who the token stands for."""
        token = self._token(request)
        user = self._store.one("SELECT * FROM users WHERE id = ?", token["user_id"]) or {}
        return web.json_response({"user": {**_user(user), "tenant": self._tenant(user["tenant_id"])}})

    def tenant(self, request: web.Request) -> int:
        """The tenant that the request's bearer token stands for. Raises ApiError 401."""
        return int(self._token(request)["tenant_id"])

    def _token(self, request: web.Request) -> Row:
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        number, _, secret = token.strip().partition("|")
        found = None
        if scheme.lower() == "bearer" and number.isdecimal() and len(number) < 19:
            found = self._store.one(
                "SELECT tokens.*, users.tenant_id FROM tokens JOIN users ON users.id = user_id WHERE tokens.id = ?", int(number)
            )
        if not found or not hmac.compare_digest(found["hash"], _token_hash(secret)):
            raise ApiError(401, "Unauthenticated.")
        return found

    def _session(self, user: Row) -> Row:
        secret = secrets.token_urlsafe(32)
        token = self._store.insert("tokens", user_id=user["id"], hash=_token_hash(secret), created_at=self._clock.now().timestamp())
        return {"token": f"{token}|{secret}", "user": _user(user), "tenant": self._tenant(user["tenant_id"])}

    def _tenant(self, tenant: int) -> Row | None:
        return self._store.one("SELECT id, name, plan FROM tenants WHERE id = ?", tenant)


def _token_hash(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "replace")).hexdigest()


def _user(row: Row) -> Row:
    return {name: row[name] for name in ("id", "name", "email", "role")}
