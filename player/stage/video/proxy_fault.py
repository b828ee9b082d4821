"""Whether the proxy is at fault where a stream cannot be played: libmpv and yt-dlp say that it cannot, and no more.

So the proxy is asked for the same address once more, up to the first line of its answer. What it says of the server counts not.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import socket
from base64 import b64encode
from urllib.parse import urlsplit

from player.core.egress import WRONG_LOGIN, Proxy, WayOut
from player.errors import ContentError

ASK_S = 3.0
_LOGIN = b"407"
_PORTS = {"http": 80, "https": 443}


async def told_by_cause(error: ContentError, url: str, way_out: WayOut) -> ContentError:
    """`error`, or the fault of the proxy on the way to `url`."""
    proxy = way_out.proxy_for(url)
    wrong = await _wrong_with(proxy, url) if proxy else None
    return ContentError("proxy", error.name, f"the proxy {proxy} {wrong}") if wrong else error


async def _wrong_with(proxy: Proxy, url: str) -> str | None:
    try:
        async with asyncio.timeout(ASK_S):
            reader, writer = await asyncio.open_connection(proxy.host, proxy.port)
            with contextlib.closing(writer):
                writer.write(_request(proxy, url).encode())
                head = await reader.readline()
    except TimeoutError:
        return "brought no answer in time: check network.proxy, and the server behind it"
    except socket.gaierror:
        return "is a name that cannot be resolved: correct network.proxy"
    except (OSError, ValueError) as error:
        return f"cannot be reached ({getattr(error, 'strerror', None) or 'no connection'}): check network.proxy"
    status = re.match(rb"HTTP/1\.[01] (\d{3})\b", head)
    if status is None:
        return f"{'answers something that is not HTTP' if head else 'closed the connection without an answer'}: check network.proxy"
    return WRONG_LOGIN if status[1] == _LOGIN else None


def _request(proxy: Proxy, url: str) -> str:
    parts = urlsplit(url)
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    there = f"{host}:{parts.port or _PORTS.get(parts.scheme, 443)}"
    asked = f"CONNECT {there}" if parts.scheme == "https" else f"HEAD {url}"
    login = b64encode(f"{proxy.user}:{proxy.password}".encode()).decode()
    who = f"Proxy-Authorization: Basic {login}\r\n" if proxy.user else ""
    return f"{asked} HTTP/1.1\r\nHost: {there}\r\n{who}Connection: close\r\n\r\n"
