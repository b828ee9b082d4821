"""HTTP sessions of the agent: each trusts, names itself and goes through the proxy as the way out says.

What goes wrong between here and the server is told apart from what the server does: a broken proxy is an error of its own.
"""

from __future__ import annotations

import functools
import ssl
from collections.abc import Mapping
from typing import Any

import aiohttp

from player.core.egress import WRONG_LOGIN, Proxy, WayOut
from player.errors import ConfigError, ProxyBroken, ServerError, ServerUnreachable

_LOGIN = 407
_AWAY = (502, 503, 504)


def tls_context(way_out: WayOut) -> ssl.SSLContext:
    """The system's authorities, and those of `ca_file`. Raises ConfigError."""
    return _trusting(way_out.ca_file)


@functools.lru_cache(maxsize=2)
def _trusting(ca_file: str) -> ssl.SSLContext:
    """One for all sessions: a megabyte of authorities each."""
    context = ssl.create_default_context()
    if ca_file:
        try:
            context.load_verify_locations(cafile=ca_file)
        except (OSError, ssl.SSLError) as error:
            raise ConfigError(ca_file, "cms.ca_file", f"no certificates can be read from it: {error}") from error
    return context


def open_session(way_out: WayOut, *, connector: dict[str, Any] | None = None, **options: Any) -> aiohttp.ClientSession:
    """A session without cookies; `connector`: more options of its connections, `options` those of aiohttp. Raises ConfigError."""
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(ssl=tls_context(way_out), **(connector or {})),
        cookie_jar=aiohttp.DummyCookieJar(),
        headers={"User-Agent": way_out.user_agent},
        **options,
    )


def through(url: str, proxy: Proxy | None, headers: Mapping[str, str]) -> dict[str, Any]:
    """The options of one request to `url` with `headers`: a proxy is told who we are with the request, or before its tunnel."""
    if proxy is None:
        return {"headers": headers}
    login = {"Proxy-Authorization": aiohttp.encode_basic_auth(proxy.user, proxy.password)} if proxy.user else {}
    if url.startswith("https:"):
        return {"headers": headers, "proxy": proxy.server, "proxy_headers": login}
    return {"headers": {**headers, **login}, "proxy": proxy.server}


def refused_by(proxy: Proxy | None, status: int) -> ServerError | None:
    """What an answer's status says of the proxy; None where it is the server's own word."""
    return None if proxy is None or status != _LOGIN else ProxyBroken(str(proxy), WRONG_LOGIN)


def on_the_way(url: str, proxy: Proxy | None, error: Exception) -> ServerError | None:
    """What an error of aiohttp says of the proxy; None where it says nothing of it. The only connection made is the one to it."""
    if proxy is None or isinstance(error, aiohttp.ClientConnectorCertificateError | aiohttp.ClientConnectorSSLError):
        return None
    match error:
        case aiohttp.ClientHttpProxyError(status=status):
            return _refused_to_connect(url, proxy, status)
        case aiohttp.ClientConnectorDNSError():
            return ProxyBroken(str(proxy), "is a name that cannot be resolved: correct network.proxy")
        case aiohttp.ClientConnectorError():
            why = error.os_error.strerror or "no connection"
            return ProxyBroken(str(proxy), f"cannot be reached ({why}): check network.proxy")
        case aiohttp.ClientResponseError() if error.request_info.method == "CONNECT" or url.startswith("http:"):
            return ProxyBroken(str(proxy), "answers something that is not HTTP: check network.proxy")
        case TimeoutError():
            return ProxyBroken(str(proxy), "brought no answer in time: check network.proxy, and the server behind it")
        case aiohttp.ClientConnectionError():
            return ProxyBroken(str(proxy), "closed the connection without an answer: check network.proxy")
    return None


def _refused_to_connect(url: str, proxy: Proxy, status: int) -> ServerError:
    if status == _LOGIN:
        return ProxyBroken(str(proxy), WRONG_LOGIN)
    if status in _AWAY:
        return ServerUnreachable(url, f"the proxy {proxy} cannot reach it ({status})")
    return ProxyBroken(str(proxy), f"does not let us through to the server ({status}): allow it there")
