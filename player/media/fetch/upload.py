"""A file that a server wants at an address that it names: it is put where files may be fetched from, and nowhere else.

The server chooses address and headers, so both are judged: a neighbour of this box gets neither a request nor a picture.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping

import aiohttp

from player.errors import ContentError, ServerBusy, ServerError, ServerNonsense, ServerRefused, ServerUnreachable
from player.media.fetch.egress import Egress, parse_url, shown
from player.runtime.sessions import on_the_way, refused_by, through

UPLOAD_S, CONNECT_S = 60.0, 5.0
HEADERS, LONGEST = 32, 2048
_PASSES = (408, 425, 429)
# What a storage is told of a file and of who may put it there; not who is spoken to, and where a request ends.
_OF_A_FILE = re.compile(
    r"(?i)content-(type|md5|encoding|disposition|language)|cache-control|expires|x-(amz|goog|ms|oss|bz|acl)(-[a-z0-9-]+)?"
)


class Uploader:
    """Puts files by `session`, which is one of `egress`."""

    def __init__(self, session: aiohttp.ClientSession, egress: Egress) -> None:
        self._session, self._egress = session, egress

    async def put(self, url: str, content: bytes, headers: Mapping[str, str]) -> None:
        """All of it, in one request; of `headers` what a storage is told of a file. Raises ServerError."""
        try:
            address = parse_url(url, "upload")
            await self._egress.check(address, "upload")
        except ContentError as error:
            raise ServerNonsense(url.partition("?")[0][:200], f"nothing is put there: {error.reason}") from error
        proxy, where = self._egress.proxy_for(address), shown(address)
        patience = aiohttp.ClientTimeout(total=UPLOAD_S, sock_connect=CONNECT_S)
        sent = through(str(address), proxy, told(headers))
        try:
            async with self._session.put(address, data=content, allow_redirects=False, timeout=patience, **sent) as response:
                status = response.status
        except (aiohttp.ClientError, OSError, ValueError) as error:  # a TimeoutError is an OSError
            raise on_the_way(where, proxy, error) or ServerUnreachable(where, _words(error)) from error
        if broken := refused_by(proxy, status):
            raise broken
        if status >= 300:
            raise _meaning(status)(where, f"an upload is answered by {status}")


def told(headers: Mapping[str, str]) -> dict[str, str]:
    """Those that are sent on."""
    kept = {name: value for name, value in headers.items() if _OF_A_FILE.fullmatch(name) and value.isprintable()}
    return {name: value[:LONGEST] for name, value in list(kept.items())[:HEADERS]}


def _meaning(status: int) -> type[ServerError]:
    if status >= 500 or status in _PASSES:
        return ServerBusy
    return ServerRefused if status >= 400 else ServerNonsense


def _words(error: Exception) -> str:
    return "no answer in time" if isinstance(error, asyncio.TimeoutError) else f"no connection ({type(error).__name__})"
