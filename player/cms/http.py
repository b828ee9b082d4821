"""The way to a server: HTTP with JSON, on the aiohttp session that the composition root made (house rules 11 and 19).

Every call has a deadline; what is answered is read by `player.cms.answers`. aiohttp's errors and HTTP's numbers end here and leave
as `ServerError`, by their meaning. TLS is never weakened and redirects of an API are not followed: both are how a captive portal
looks, and only a redirect for good says that the server has moved. The device's UUID is a secret that appears in no sentence.
Pauses are `player.cms.pace`.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import logging
import os
import socket
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urljoin, urlsplit

import aiohttp
import msgspec

from player.cms.answers import body_of, decoded, digest_of, reason_of, words_of
from player.cms.pace import Budget, Paces, http_instant
from player.core.egress import WayOut
from player.core.ports.box import Clock
from player.errors import (
    CaptivePortal,
    ClockUntrusted,
    NameUnknown,
    NotOffered,
    NoWayOut,
    ServerBusy,
    ServerDenied,
    ServerError,
    ServerMoved,
    ServerNonsense,
    ServerRefused,
    ServerUnreachable,
    ServerUntrusted,
)
from player.runtime.sessions import on_the_way, refused_by, through

log = logging.getLogger(__name__)
CONNECT_S, TOTAL_S, UPLOAD_S = 5.0, 15.0, 60.0
LONG_ANSWER = 1024 * 1024  # bytes
Meanings = Mapping[int, type[ServerError]]  # what a status means where it is answered
_MEANINGS: Meanings = {
    **dict.fromkeys((401, 402, 403), ServerDenied),
    **dict.fromkeys((404, 405, 410, 501), NotOffered),
    **dict.fromkeys((408, 425, 429), ServerBusy),
    511: CaptivePortal,  # RFC 6585
}
_FOR_GOOD = (301, 308)
_CERTIFICATE = {10: "has expired", 62: "is for another host", 64: "is for another address"}


@dataclass(frozen=True, slots=True)
class Tagged:
    """An answer, and the server's name for just this one ("": it has none).

    Of its bytes a digest (b"": none was asked for), and how many there were.
    """

    value: Any
    tag: str = ""
    digest: bytes = b""
    size: int = 0


class ServerHttp:
    """One server, on a session of `runtime.sessions`.

    `secrets` (the UUID, a token) are cut to their first eight characters wherever text leaves this object. `headers` go with every
    request to the server itself; `budget`: where its limit is one for all paths.
    """

    def __init__(
        self,
        session: aiohttp.ClientSession,
        base_url: str,
        way_out: WayOut,
        *,
        clock: Clock,
        secrets: tuple[str, ...],
        budget: Budget | None,
        headers: Mapping[str, str] | None = None,
        total_s: float = TOTAL_S,
    ) -> None:
        self._session, self._base, self._clock = session, base_url.rstrip("/") + "/", clock
        self._secrets, self._headers, self._way_out = tuple(s for s in secrets if s), dict(headers or {}), way_out
        self._total_s, self._budget = total_s, budget
        self._paces = Paces(clock)
        self._steady: dict[str, Tagged] = {}  # by path, what came more than once, without its value and by its last name
        self.server_time: float | None = None  # what the server's clock said with its last answer, to the second

    def __repr__(self) -> str:
        return f"ServerHttp({self._base})"

    async def get(self, path: str, params: Mapping[str, str] | None = None, *, means: Meanings = _MEANINGS) -> Any:
        """The JSON at `path`. `means`: what a status stands for at this path, where it is not the usual. Raises ServerError."""
        return await self._json("GET", path, path, means, params=params)

    async def get_anew(
        self,
        path: str,
        known: Tagged | None,
        params: Mapping[str, str] | None = None,
        *,
        means: Meanings = _MEANINGS,
        by_body: bool,
        in_parts: bool,
    ) -> Tagged:
        """The JSON at `path`, or `known` itself where it is that still: by `ETag`, and `by_body` where its bytes are the same.

        A long one that was the same before and is as long again is not kept while it comes; where it is another after all, it is
        asked for twice.
        `in_parts`: of a long one as `wire.unfolded` has it.
        Raises ServerError.
        """
        tag = self._tag_of(path, known)
        sent = {"params": params, "headers": {"If-None-Match": tag} if tag else {}}
        async with self._asked("GET", path, path, means, self._total_s, sent) as response:
            if response.status == 304 and known is not None:
                return known
            if known is None or not by_body or not self._expects(path, known, response):
                return await self._read_anew(path, known, response, by_body=by_body, in_parts=in_parts)
            if await digest_of(self._plain(path), response) == known.digest:
                self._came_again(path, known, response)
                return known
            del self._steady[path]
        return await self.get_anew(path, known, params, means=means, by_body=by_body, in_parts=in_parts)

    def _expects(self, path: str, known: Tagged, response: aiohttp.ClientResponse) -> bool:
        """Whether a long answer is most likely the one before."""
        is_as_long = response.status == 200 and response.content_length == known.size >= LONG_ANSWER
        steady = self._steady.get(path)
        return is_as_long and steady is not None and steady.digest == known.digest

    def _came_again(self, path: str, known: Tagged, response: aiohttp.ClientResponse) -> None:
        self._steady[path] = Tagged(None, _tag(response) or self._tag_of(path, known), known.digest)

    def _tag_of(self, path: str, known: Tagged | None) -> str:
        """What the server calls `known`: it may have begun to, or chosen another name, when it sent the same again."""
        steady = self._steady.get(path)
        if known is None or steady is None or steady.digest != known.digest:
            return known.tag if known else ""
        return steady.tag

    async def _read_anew(
        self, path: str, known: Tagged | None, response: aiohttp.ClientResponse, *, by_body: bool, in_parts: bool
    ) -> Tagged:
        body = await self._whole(path, response)
        digest = hashlib.sha256(body).digest() if by_body else b""
        if known is not None and digest and digest == known.digest:
            self._came_again(path, known, response)
            return known
        value = await decoded(self._plain(path), response, body, may_be_empty=False, in_parts=in_parts)
        return Tagged(value, _tag(response), digest, len(body))

    async def post(self, path: str, body: Any, *, endpoint: str | None = None, means: Meanings = _MEANINGS) -> Any:
        """Sends JSON; the JSON answered, None for an empty answer. `endpoint` names what pauses together, by default the path.

        Raises ServerError.
        """
        content = msgspec.json.encode(body)
        headers = {"Content-Type": "application/json"}
        return await self._json("POST", path, endpoint or path, means, data=content, headers=headers)

    async def tell(self, path: str, body: Any, *, means: Meanings = _MEANINGS) -> str:
        """Sends JSON to what answers in words; the words, in one line. Raises ServerError."""
        sent = {"data": msgspec.json.encode(body), "headers": {"Content-Type": "application/json"}}
        async with self._asked("POST", path, path, means, self._total_s, sent) as response:
            if response.status >= 300:
                raise _led_away(self._plain(path), self.hide(response.headers.get("Location", "")), path, response.status)
            return self.hide(await words_of(response))

    async def upload(self, path: str, fields: Mapping[str, str], name: str, content: bytes, kind: str) -> Any:
        """Sends a form with one file, `kind` being its media type. Raises ServerError."""
        form = aiohttp.FormData(dict(fields))
        form.add_field("file", content, filename=name, content_type=kind)
        return await self._json("POST", path, path, _MEANINGS, UPLOAD_S, data=form)

    async def location(self, path: str, params: Mapping[str, str], *, endpoint: str) -> str | None:
        """Where `path` redirects to (absolute), or None when it does not. Raises ServerError."""
        async with self._asked("GET", path, endpoint, _MEANINGS, self._total_s, {"params": params}) as response:
            where = response.headers.get("Location")
            return urljoin(str(response.url), where) if where and 300 <= response.status < 400 else None

    def absolute(self, url: str) -> str:
        """A relative address made absolute."""
        return urljoin(self._base, url)

    async def _json(
        self, method: str, path: str, endpoint: str, means: Meanings, total_s: float | None = None, **options: Any
    ) -> Any:
        async with self._asked(method, path, endpoint, means, total_s or self._total_s, options) as response:
            return await self._read(path, response, may_be_empty=method != "GET")

    async def _read(self, path: str, response: aiohttp.ClientResponse, *, may_be_empty: bool) -> Any:
        body = await self._whole(path, response)
        return await decoded(self._plain(path), response, body, may_be_empty=may_be_empty, in_parts=False)

    async def _whole(self, path: str, response: aiohttp.ClientResponse) -> bytearray:
        """The bytes of an answer that leads nowhere else."""
        url = self._plain(path)
        if 300 <= response.status < 400:
            raise _led_away(url, self.hide(response.headers.get("Location", "")), path, response.status)
        return await body_of(url, response)

    @contextlib.asynccontextmanager
    async def _asked(
        self, method: str, path: str, endpoint: str, means: Meanings, total_s: float, options: dict[str, Any]
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """One request: pause, ask, translate, and remember how it went, also for what fails while the body is read."""
        url, pace, exact = self._plain(path), self._paces.of(endpoint), urljoin(self._base, path.lstrip("/"))
        pace.check(url)
        budget = self._budget if exact.startswith(self._base) else None
        if budget:
            await budget.turn(url)
        proxy = self._way_out.proxy_for(exact)
        try:
            async with self._session.request(method, exact, **self._options(exact, total_s, options)) as got:
                if broken := refused_by(proxy, got.status):
                    raise broken
                if budget:
                    budget.heard(got.headers)
                if got.status >= 400:
                    said = self.hide(await reason_of(url, got))
                    reason = f"{got.status}: {said}" if said else str(got.status)
                    raise _meaning(got.status, means)(url, reason, pace.asked_pause(got.headers))
                self.server_time = http_instant(got.headers.get("Date", ""))
                yield got
        except _OUTSIDE as error:
            translated = on_the_way(url, proxy, error) or _translate(url, error)
            pace.failed(translated)
            if translated is error:
                raise
            raise translated from error
        pace.worked(got.headers)

    def _options(self, exact: str, total_s: float, options: dict[str, Any]) -> dict[str, Any]:
        ours = {"Accept": "application/json", **self._headers} if exact.startswith(self._base) else {}
        headers = {**ours, **options.get("headers", {})}
        return {
            **options,
            **through(exact, self._way_out.proxy_for(exact), headers),
            "allow_redirects": False,
            "timeout": aiohttp.ClientTimeout(total=total_s, connect=CONNECT_S, sock_connect=CONNECT_S),
        }

    def _plain(self, path: str) -> str:
        """For people: without secrets, and a signed address is one."""
        return self.hide(urljoin(self._base, path.lstrip("/")).partition("?")[0])

    def hide(self, text: str) -> str:
        """`text` without the secrets."""
        for secret in self._secrets:
            text = text.replace(secret, f"{secret[:8]}…")
        return text


def _tag(response: aiohttp.ClientResponse) -> str:
    return response.headers.get("ETag", "")[:200]


_OUTSIDE = (ServerError, aiohttp.ClientError, TimeoutError, OSError, ValueError)


def _meaning(status: int, means: Meanings) -> type[ServerError]:
    """What a status means: as this path has it, as most have it, or else by its class."""
    return means.get(status) or _MEANINGS.get(status) or (ServerBusy if status >= 500 else ServerRefused)


def _translate(url: str, error: Exception) -> ServerError:
    match error:
        case ServerError():
            return error
        case aiohttp.ClientConnectorCertificateError():
            return _untrusted(url, error.certificate_error)
        case TimeoutError():
            return ServerUnreachable(url, "no answer in time; check the network and the server")
        case aiohttp.ClientPayloadError():
            return ServerNonsense(url, "the answer broke off or could not be unpacked")
        case aiohttp.ClientSSLError():
            return ServerUntrusted(url, "no TLS connection could be made")
        case aiohttp.ClientConnectorError():
            return _not_connected(url, error)
        case aiohttp.ClientResponseError() | ValueError():
            return ServerNonsense(url, f"not HTTP as it should be ({type(error).__name__})")
        case _:
            return ServerUnreachable(url, f"the connection broke ({type(error).__name__})")


def _not_connected(url: str, error: aiohttp.ClientConnectorError) -> ServerUnreachable:
    """By where the way ends: at the name, at the network's own edge, or at the server."""
    number = error.os_error.errno or 0
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        if number == socket.EAI_AGAIN:
            return NoWayOut(url, "no name service answers; check this network's way out")
        return NameUnknown(url, "its name cannot be resolved; check the name in cms.url, or the network's name service")
    if number == errno.ENETUNREACH:
        return NoWayOut(url, "there is no route to it; check this network's way out")
    return ServerUnreachable(url, f"{os.strerror(number) if number > 0 else 'no connection'}; check the network")


def _led_away(url: str, target: str, path: str, status: int) -> ServerError:
    """What a redirect of an API's `path` means: the same path elsewhere, or one for good, is the server; all else a log-in page."""
    where, asked = urljoin(url, target).partition("?")[0], "/" + path.lstrip("/")
    if target and where != url and (status in _FOR_GOOD or where.endswith(asked)):
        return ServerMoved(url, f"the server moved to {where.removesuffix(asked).rstrip('/')}: set cms.url")
    host = urlsplit(target).netloc or "another page"
    return CaptivePortal(url, f"it redirects to {host}; log this box in to its network, or check cms.url")


def _untrusted(url: str, error: Exception) -> ServerUnreachable:
    code = getattr(error, "verify_code", 0)
    if code == 9:
        return ClockUntrusted(url, "its certificate is not valid yet; check this box's date and time")
    problem = _CERTIFICATE.get(code, "is signed by nobody whom this box trusts (name your authority's file as cms.ca_file)")
    return ServerUntrusted(url, f"its certificate {problem}")
