"""Where media may be fetched from, and the way there: redirects followed by hand, one hop checked at a time (faults N11).

A server, or whoever answers in its name, must not make the player fetch from itself or its neighbours: loopback, link-local and
private addresses are refused unless the configured server stands on such an address. Names are resolved before each request,
and `Egress.session` checks once more the very address that is connected to. Where a proxy leads on, names are the proxy's to
resolve, and only addresses that are written out can be checked here.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import ipaddress
import socket
from collections.abc import AsyncIterator, Mapping
from typing import Any

import aiohttp
from yarl import URL

from player.core.egress import Proxy, WayOut
from player.core.urls import written_out
from player.errors import ContentError, ProxyBroken, ServerError, ServerNonsense, ServerUnreachable
from player.runtime.sessions import on_the_way, open_session, refused_by, through

MAX_REDIRECTS = 5
RESOLVE_S = 5.0
READ_BUFFER = 1024 * 1024
_REDIRECTS = (301, 302, 303, 307, 308)


def parse_url(text: str, name: str) -> URL:
    """`text` as a URL of scheme http or https with a host, as a browser would ask for it. Raises ContentError `bad_url`."""
    text = written_out(text)
    try:
        url = URL(text, encoded=text.isascii() and " " not in text)
        good = url.scheme in ("http", "https") and bool(url.host) and text.isprintable()
    except ValueError as error:
        raise ContentError("bad_url", name, f"its address cannot be read ({error}): correct it on the server") from error
    if not good:
        raise ContentError("bad_url", name, f"its address is not http or https ({text[:40]!r}): correct it on the server")
    return url


def shown(url: URL) -> str:
    """`url` for logs and faults: without its query and user, which may be credentials."""
    return str(url.with_query(None).with_fragment(None).with_user(None))


def address_class(address: str) -> str:
    """public, private, link-local, loopback or reserved."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    ip = getattr(ip, "ipv4_mapped", None) or ip
    if ip.is_loopback or ip.is_unspecified:
        return "loopback"
    if ip.is_link_local:
        return "link-local"
    if ip.is_multicast or ip.is_reserved:
        return "reserved"
    return "public" if ip.is_global else "private"


class Egress:
    """The classes of addresses that may be connected to, decided by where the configured server stands."""

    def __init__(self, server_url: str, way_out: WayOut) -> None:
        self.way_out = way_out
        self._proxies: set[tuple[str, int]] = set()  # the addresses behind a proxy's name
        self._server = URL(server_url) if server_url else URL()
        self._allowed: frozenset[str] = frozenset({"public"})
        self._known = not self._server.host

    def is_server(self, url: URL) -> bool:
        """Whether `url` has the configured server's origin: only that one is shown credentials."""
        return bool(self._server.host) and (url.scheme, url.host, url.port) == (
            self._server.scheme,
            self._server.host,
            self._server.port,
        )

    async def check(self, url: URL, name: str) -> None:
        """Raises ContentError `forbidden_address`, or ServerUnreachable when the name cannot be resolved."""
        if not self._known:
            own = {address_class(a) for a in await self._addresses(self._server)} or {"public"}
            self._allowed = frozenset({"public"} | own | ({"private"} if own - {"public"} else set()))
            self._known = True
        for address in await self._addresses(url):
            if address_class(address) not in self._allowed:
                raise ContentError(
                    "forbidden_address",
                    name,
                    f"{url.host} is the {address_class(address)} address {address}, which media is not fetched from: "
                    "put the file on the server or on a public address",
                )

    async def _addresses(self, url: URL) -> set[str]:
        """Where `url` leads as far as it is known here."""
        proxy = self.proxy_for(url)
        if proxy is None:
            return await _resolve(url)
        try:
            self._proxies |= {(address, proxy.port) for address in await _resolve(URL(proxy.server))}
        except ServerUnreachable as error:
            raise ProxyBroken(str(proxy), "is a name that cannot be resolved: correct network.proxy") from error
        return _written_out(url.host or "")

    def proxy_for(self, url: URL) -> Proxy | None:
        """The proxy through which `url` is fetched."""
        return self.way_out.proxy_for(str(url))

    def _socket(self, address: tuple[Any, ...]) -> socket.socket:
        """No answer of a name server leads to a forbidden address between check and connect."""
        family, kind, protocol, _, (host, port, *_) = address
        if address_class(str(host)) not in self._allowed and (str(host), port) not in self._proxies:
            raise PermissionError(errno.EACCES, f"{host} is an address that media is not fetched from")
        return socket.socket(family, kind, protocol)

    def session(self) -> aiohttp.ClientSession:
        """A session for downloads: guarded, without cookies, its bodies left as they come, its buffer wide."""
        guarded = {"limit_per_host": 4, "socket_factory": self._socket}
        return open_session(self.way_out, connector=guarded, auto_decompress=False, read_bufsize=READ_BUFFER)


def _written_out(host: str) -> set[str]:
    """The address that `host` is, if it is one and not a name."""
    if host == "localhost" or host.endswith(".localhost"):
        return {"127.0.0.1"}
    try:
        return {str(ipaddress.ip_address(host.partition("%")[0]))}
    except ValueError:
        return set()


async def _resolve(url: URL) -> set[str]:
    host = url.host or ""
    try:
        async with asyncio.timeout(RESOLVE_S):
            found = await asyncio.get_running_loop().getaddrinfo(host, url.port, type=socket.SOCK_STREAM)
    except TimeoutError as error:
        raise ServerUnreachable(shown(url), f"its name was not resolved within {RESOLVE_S:.0f} s") from error
    except (OSError, UnicodeError) as error:
        raise ServerUnreachable(shown(url), f"its name cannot be resolved ({error})") from error
    return {str(entry[4][0]) for entry in found}


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
        joined = url.join(URL(target, encoded=target.isascii() and " " not in target))
    except ValueError as error:
        raise ServerNonsense(shown(url), f"it redirects to something that is no address ({error})") from error
    following = parse_url(str(joined), name)
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
