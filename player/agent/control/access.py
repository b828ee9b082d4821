"""Who may read and who may write through the control API: tokens, the local password, the PIN, and what browsers are trusted with.

Faults L1 (strangers on the network), L2 (another site's page), L3 (a name that was pointed at this box). A token's secret is
shown once and kept as its SHA-256: it holds 256 random bits, so there is nothing to guess; the password is compared in constant
time, and who gives wrong ones waits (`core.guesses`).

Who may do what, a reboot among it: reading is for this box itself and for any right; a command or a setting takes CONTROL (the
PIN, a token) or more; updates and logs take ADMIN (the password, a token, the Unix socket, which its owner alone may open). A
paired server may give every command (`agent/inbox`), the management API takes tokens of its own with the same scopes
(`agent/devices/doorkeeper`), and what it planned is done at its time (`agent/settings/schedule_runner`). How often is decided by
`core/ledger`; whether the system lets the agent reboot, by `systemd/polkit.rules`.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import ipaddress
import secrets
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from urllib.parse import urlsplit

from player.agent.control.wrong_passwords import WrongPasswords
from player.errors import SignageError, WrongPin
from player.store import Snapshot

CONTROL_KIND, DEVICE_KIND = "control", "device"  # what a token is for
_PROXY_HEADERS = ("forwarded", "via", "x-forwarded", "x-real-ip", "x-client-ip", "x-original-forwarded-for", "cf-connecting-ip")


class Scope(IntEnum):
    """What a caller may do; each includes the ones before it."""

    NONE = 0
    READ = 1
    CONTROL = 2
    ADMIN = 3


class Refused(SignageError):
    """The caller may not. `status` is the HTTP status."""

    code = "refused"

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status


@dataclass(frozen=True, slots=True)
class Token:
    """A right to use the control API, or the management API (`kind` "device"), never both.

    Times are seconds since the epoch; `digest` is the secret's SHA-256.
    """

    id: str
    name: str
    scope: str
    digest: str
    created_at: float
    expires_at: float | None = None
    kind: str = CONTROL_KIND

    @property
    def manages(self) -> bool:
        """Whether it is one for the management API."""
        return self.kind == DEVICE_KIND

    def expired(self, now: float) -> bool:
        """Whether its time is over."""
        return self.expires_at is not None and now >= self.expires_at


class TokenStore:
    """The tokens in `path` (0600). Each look reads the file: what the command line does counts at once."""

    def __init__(self, path: Path, now: Callable[[], float] = time.time) -> None:
        self._file, self._now = Snapshot(path, tuple[Token, ...]), now

    def tokens(self) -> tuple[Token, ...]:
        """All of them, oldest first."""
        return self._file.read_or(())

    def create(self, name: str, scope: Scope, expires_at: float | None = None, *, kind: str = CONTROL_KIND) -> tuple[Token, str]:
        """A fresh token, and its secret, which is nowhere else."""
        secret = f"signage_{secrets.token_urlsafe(32)}"
        token = Token(secrets.token_hex(4), name, scope.name.lower(), _digest(secret), self._now(), expires_at, kind)
        self._file.write((*self.tokens(), token))
        return token, secret

    def revoke(self, token_id: str) -> bool:
        """False when there is no such token."""
        kept = tuple(token for token in self.tokens() if token.id != token_id)
        found = len(kept) < len(self.tokens())
        if found:
            self._file.write(kept)
        return found

    def revoke_managing(self) -> int:
        """Ends every token of the management API; answers how many there were."""
        tokens = self.tokens()
        kept = tuple(token for token in tokens if not token.manages)
        if len(kept) < len(tokens):
            self._file.write(kept)
        return len(tokens) - len(kept)

    def scope_of(self, secret: str) -> Scope:
        """What the bearer of `secret` may do through the control API."""
        found = self._holding(secret)
        return Scope.NONE if found is None or found.manages else Scope[found.scope.upper()]

    def managing(self, token_id: str, secret: str) -> Token | None:
        """The token of the management API with that secret, and that id where one is given ("": any); None: there is none."""
        found = self._holding(secret)
        return found if found is not None and found.manages and token_id in ("", found.id) else None

    def _holding(self, secret: str) -> Token | None:
        digest, now = _digest(secret), self._now()
        for token in self.tokens():
            if hmac.compare_digest(token.digest, digest) and not token.expired(now):
                return token
        return None


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode(errors="surrogateescape")).hexdigest()  # a header holds any bytes


class Access:
    """Judges a caller by headers and by where the call came from.

    `check_pin` says whether a PIN from a source is right, and raises WrongPin when none is looked at for now.
    """

    def __init__(
        self,
        tokens: TokenStore,
        password: str,
        check_pin: Callable[[str, str], Awaitable[bool]],
        wrong_passwords: WrongPasswords,
    ) -> None:
        self._tokens, self._password, self._check_pin = tokens, password, check_pin
        self._wrong_passwords = wrong_passwords

    @property
    def has_password(self) -> bool:
        """Whether a local password is set at all."""
        return bool(self._password)

    async def scope_of(self, headers: Mapping[str, str], source: str) -> Scope:
        """What the credentials in `headers` allow: `Authorization: Bearer|Basic`, `X-Signage-Pin`. Raises Refused, WrongPin.

        Digits may be a password or a PIN, and come as both. Whoever is right in either has made no mistake.
        """
        kind, _, value = headers.get("Authorization", "").partition(" ")
        pin = headers.get("X-Signage-Pin")
        if kind.lower() == "bearer":
            return self._scope_of_token(value.strip())
        if kind.lower() == "basic":
            return await self._scope_of_password(value, pin, source)
        return await self.scope_of_pin(pin, source) if pin else Scope.NONE

    def _scope_of_token(self, secret: str) -> Scope:
        scope = self._tokens.scope_of(secret)
        if scope is Scope.NONE:
            raise Refused(401, "there is no such token; it may have expired or been revoked")
        return scope

    async def _scope_of_password(self, value: str, pin: str | None, source: str) -> Scope:
        left = self._wrong_passwords.wait_s(source)
        if left > 0:
            raise Refused(429, f"too many wrong passwords; try again in {max(1.0, left):.0f} s")
        if self._is_password(value):
            self._wrong_passwords.right(source)
            return Scope.ADMIN
        try:
            if pin and is_pin(pin) and await self._check_pin(pin, source):
                self._wrong_passwords.right(source)
                return Scope.CONTROL
        except WrongPin:
            self._wrong_passwords.wrong(source)  # or a PIN beside it would buy guesses at the password
            raise
        self._wrong_passwords.wrong(source)
        missing = "" if self._password else "; no password is set on this box (control.password)"
        raise Refused(401, f"that is {'neither the PIN nor' if pin else 'not'} the local password{missing}")

    async def scope_of_pin(self, pin: str, source: str) -> Scope:
        """CONTROL for the right PIN. Raises WrongPin."""
        if is_pin(pin) and await self._check_pin(pin, source):
            return Scope.CONTROL
        raise WrongPin

    def _is_password(self, value: str) -> bool:
        try:
            _, _, password = base64.b64decode(value.strip(), validate=True).partition(b":")
        except (binascii.Error, ValueError):
            password = b""
        return bool(self._password) and hmac.compare_digest(password, self._password.encode())


def is_pin(text: str) -> bool:
    """Whether it can be a PIN at all: 4 to 12 digits. Nothing else is tried, or counted."""
    return text.isascii() and text.isdigit() and 4 <= len(text) <= 12


def check_host(host: str, own_name: str) -> None:
    """Only names that nobody else can point at this box: an address, localhost, the box's own name, and that in .local.

    Any machine of the network may call itself by another name in .local. Raises Refused.
    """
    name, own = _name_in(host), own_name.lower()
    if name in ("localhost", own, f"{own.partition('.')[0]}.local") or _is_address(name):
        return
    shown = name.encode("ascii", "backslashreplace").decode()
    raise Refused(421, f'this is not reached by the name "{shown}"; use the box\'s address or its own name')


def is_proxied(headers: Mapping[str, str]) -> bool:
    """Whether a proxy says that it asks for somebody else: what it asks for from this box, this box did not ask for."""
    return any(name.lower().startswith(_PROXY_HEADERS) for name in headers)


def _name_in(netloc: str) -> str:
    try:
        return (urlsplit(f"//{netloc}").hostname or "").rstrip(".")
    except ValueError:
        return ""


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def check_origin(headers: Mapping[str, str], *, navigation: bool) -> None:
    """Nothing for another site's page, but that a link may lead here (`navigation`). Raises Refused."""
    origin = headers.get("Origin")
    host = headers.get("Host", "").lower()
    same = origin is None or origin.lower() in (f"http://{host}", f"https://{host}")  # https: behind a proxy that adds TLS
    site = headers.get("Sec-Fetch-Site", "none")
    if same and (site in ("none", "same-origin") or (navigation and headers.get("Sec-Fetch-Mode") == "navigate")):
        return
    raise Refused(403, "another site's page may not use this box")
