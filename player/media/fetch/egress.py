"""Where media may be fetched from, and the way there: redirects followed by hand, one hop checked at a time (faults N11).

Which addresses are open is decided by `core.address_policy`. Names are resolved before each request, and `Egress.session` checks
once more the very address that is connected to. Where a proxy leads on, names are the proxy's to resolve, and only addresses that
are written out and local names are checked here.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import socket
from collections.abc import AsyncIterator, Mapping
from typing import Any

import aiohttp
from yarl import URL

from player.core.address_policy import AddressPolicy, Call, Sort, sort_of
from player.core.egress import Proxy, WayOut
from player.core.urls import written_out
from player.errors import ContentError, ProxyBroken, ServerError, ServerNonsense, ServerUnreachable
from player.runtime.lookup import Lookup, by_the_system
from player.runtime.sessions import on_the_way, open_session, refused_by, through

MAX_REDIRECTS = 5
READ_BUFFER = 1024 * 1024
_REDIRECTS = (301, 302, 303, 307, 308)


def parse_url(text: str, name: str) -> URL:
    """`text` as a URL of scheme http or https with a host, as a browser would ask for it. Raises ContentError `bad_url`."""
    text = written_out(text)
    try:
        url = URL(text, encoded=text.isascii() and " " not in text)
        good = url.scheme in ("http", "https") and bool(url.host) and url.port != 0 and text.isprintable()  # a port is read here
    except ValueError as error:
        raise ContentError("bad_url", name, f"its address cannot be read ({error}): correct it on the server") from error
    if not good:
        raise ContentError("bad_url", name, f"its address is not http or https ({text[:40]!r}): correct it on the server")
    return url


def shown(url: URL) -> str:
    """`url` for logs and faults: without its query and user, which may be credentials."""
    return str(url.with_query(None).with_fragment(None).with_user(None))


class Egress:
    """Where files come from: what `policy` opens, by `way_out`."""

    def __init__(self, policy: AddressPolicy, way_out: WayOut) -> None:
        self.way_out = way_out
        self._lookup = Lookup(policy, by_the_system())
        self._server = URL(policy.server)
        self._admitted: set[tuple[str, int]] = set()  # what is not public and may be connected to, and proxies: checked before

    def is_server(self, url: URL) -> bool:
        """Whether `url` has the configured server's origin: only that one is shown credentials."""
        return bool(self._server.host) and (url.scheme, url.host, url.port) == (
            self._server.scheme,
            self._server.host,
            self._server.port,
        )

    async def check(self, url: URL, name: str) -> None:
        """Raises ContentError `forbidden_address`, or ServerUnreachable when the name cannot be resolved."""
        call, proxy = Call(url.host or "", url.port or 0, stream=False), self.proxy_for(url)
        try:
            if proxy is None:
                found = await self._lookup.addresses(call)
                self._admitted |= {(address, call.port) for address in found if sort_of(address) is not Sort.PUBLIC}
            else:
                await self._lookup.behind_a_proxy(call)
                self._admitted |= {(address, proxy.port) for address in await self._proxies(proxy)}
        except ContentError as error:
            raise ContentError(error.code, name, error.reason) from error
        except ProxyBroken:
            raise
        except ServerUnreachable as error:
            raise ServerUnreachable(shown(url), error.reason) from error

    async def _proxies(self, proxy: Proxy) -> list[str]:
        try:
            return await self._lookup.find(proxy.host, proxy.port)
        except ServerUnreachable as error:
            raise ProxyBroken(str(proxy), "is a name that cannot be resolved: correct network.proxy") from error

    def proxy_for(self, url: URL) -> Proxy | None:
        """The proxy through which `url` is fetched."""
        return self.way_out.proxy_for(str(url))

    def _socket(self, address: tuple[Any, ...]) -> socket.socket:
        """No answer of a name server leads to a forbidden address between check and connect."""
        family, kind, protocol, _, (host, port, *_) = address
        reason = self._lookup.refusal(Call(str(host), port, stream=False), str(host))
        if reason is not None and (host, port) not in self._admitted:
            raise PermissionError(errno.EACCES, f"{host} is an address that media is not fetched from")
        return socket.socket(family, kind, protocol)

    def session(self) -> aiohttp.ClientSession:
        """A session for downloads: guarded, without cookies, its bodies left as they come, its buffer wide."""
        guarded = {"limit_per_host": 4, "socket_factory": self._socket}
        return open_session(self.way_out, connector=guarded, auto_decompress=False, read_bufsize=READ_BUFFER)


class Way:
    """A session, where it may go, and what it shows the configured server alone (`credentials`, as headers)."""

    def __init__(self, session: aiohttp.ClientSession, egress: Egress, credentials: Mapping[str, str], first_byte_s: float) -> None:
        self._session, self._egress, self._credentials, self._first_byte_s = session, egress, credentials, first_byte_s

    @contextlib.asynccontextmanager
    async def open(self, url: URL, name: str, headers: Mapping[str, str]) -> AsyncIterator[aiohttp.ClientResponse]:
        """The answer to a GET after at most `MAX_REDIRECTS` hops, never from https to http.

        Cookies that are set on the way come back to who set them, and are forgotten at the end.
        Raises ContentError (`bad_url`, `forbidden_address`, `redirects`), ServerUnreachable, ServerNonsense.
        """
        cookies = aiohttp.CookieJar(unsafe=True)  # which is to say: from hosts without a name as well
        for _ in range(MAX_REDIRECTS + 1):
            await self._egress.check(url, name)
            sent = {**headers, **(self._credentials if self._egress.is_server(url) else {}), **_cookie(cookies, url)}
            response = await self._get(url, sent)
            try:
                target = response.headers.get("Location")
                if response.status not in _REDIRECTS or not target:
                    yield response
                    return
                cookies.update_cookies(response.cookies, url)
            finally:
                response.close()
            url = _next_hop(url, target, name)
        raise ContentError(
            "redirects", name, f"its address leads through more than {MAX_REDIRECTS} redirects: correct it on the server"
        )

    async def _get(self, url: URL, headers: Mapping[str, str]) -> aiohttp.ClientResponse:
        limit_s, proxy = self._first_byte_s, self._egress.proxy_for(url)
        patience = aiohttp.ClientTimeout(total=None, connect=limit_s, sock_connect=limit_s)
        try:
            async with asyncio.timeout(limit_s):
                response = await self._session.get(
                    url, allow_redirects=False, timeout=patience, auto_decompress=False, read_bufsize=READ_BUFFER,
                    **through(str(url), proxy, headers),
                )  # fmt: skip
        except (aiohttp.ClientError, OSError) as error:  # a TimeoutError is one
            raise on_the_way(shown(url), proxy, error) or _translated(url, error, limit_s) from error
        if broken := refused_by(proxy, response.status):
            response.close()
            raise broken
        return response


def _cookie(cookies: aiohttp.CookieJar, url: URL) -> dict[str, str]:
    text = "; ".join(f"{name}={morsel.coded_value}" for name, morsel in cookies.filter_cookies(url).items())
    return {"Cookie": text} if text else {}


def _next_hop(url: URL, target: str, name: str) -> URL:
    try:
        joined = str(url.join(URL(target, encoded=target.isascii() and " " not in target)))
    except ValueError as error:
        raise ServerNonsense(shown(url), f"it redirects to something that is not an address ({error})") from error
    following = parse_url(joined, name)
    if url.scheme == "https" and following.scheme != "https":
        raise ContentError(
            "bad_url", name, f"its address leads from https to plain http ({shown(following)}): correct it on the server"
        )
    return following


def _translated(url: URL, error: Exception, first_byte_s: float) -> ServerError:
    match error:
        case TimeoutError():
            return ServerUnreachable(shown(url), f"no answer within {first_byte_s:.0f} s")
        case aiohttp.ClientResponseError():
            return ServerNonsense(shown(url), f"its answer is not HTTP ({error.message[:200]})")
        case _:
            return ServerUnreachable(shown(url), str(error) or type(error).__name__)
