"""Screenzzie's calls: the envelope opened, lists read to their end, and a refusal that names the scope which the call needs.

A list that never ends is cut, and says so: at `PAGES`, or at a page that brings nothing which was not there before. What stands
twice in a list because it moved while it was read counts once.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from player.cms.http import Meanings, ServerHttp
from player.cms.listing import PagedRows
from player.cms.wire import Listed, number, rows, table, text, truth
from player.errors import DeviceForgotten, NotOffered, ServerDenied, ServerNonsense, ServerRefused

BASE = "/api/v1"
ME, SCREENS, SCHEDULES = f"{BASE}/me", f"{BASE}/screens", f"{BASE}/schedules"
PLAYLISTS, SEQUENCES, MEDIA = f"{BASE}/playlists", f"{BASE}/sequences", f"{BASE}/media"
PAGE, PAGES = 100, 200


class NotThere(ServerRefused):
    """What was asked for does not exist there."""


class ScopeMissing(ServerDenied):
    """The key is right, and may not do this."""


ONE: Meanings = {404: NotThere, 403: ScopeMissing}
ALL: Meanings = {404: NotOffered, 403: ScopeMissing}
SCREEN: Meanings = {404: DeviceForgotten, 403: ScopeMissing}


def path_of(parent: str, name: str) -> str:
    """The address of one thing below a list's."""
    return f"{parent}/{quote(name, safe='')}"


class Calls:
    """The calls that read, on the connection `http`."""

    def __init__(self, http: ServerHttp) -> None:
        self._http = http

    def __repr__(self) -> str:
        return f"Calls({self._http!r})"

    @property
    def server_time(self) -> float | None:
        """What the server's clock said with its last answer."""
        return self._http.server_time

    def absolute(self, url: str) -> str:
        """A relative address made absolute. Raises ValueError."""
        return self._http.absolute(url)

    async def one(self, path: str, means: Meanings = ONE) -> dict[str, Any]:
        """One object. Raises NotThere, ScopeMissing, ServerError."""
        found = await self._data(path, None, means)
        if not isinstance(found, dict):
            raise ServerNonsense(path, "an object is missing")
        return found

    async def every(self, path: str, **query: str) -> Listed:
        """The whole of a list, each id once. Raises ScopeMissing, ServerError."""
        name, found = path.rpartition("/")[2], PagedRows()
        for page in range(1, PAGES + 1):
            data = table(await self._data(path, {"page": str(page), "limit": str(PAGE), **query}, ALL))
            items = rows(data.get("items"))
            if items is None:
                raise ServerNonsense(path, "a list is missing")
            before = len(found)
            found.add(items, page=str(page))
            if found.cut or not _has_more(table(data.get("pagination")), page):
                return found.listed(name)
            if len(found) == before:
                return found.listed(name, "a page brings nothing that was not there before")
        return found.listed(name, f"it has more than {PAGES} pages")

    async def _data(self, path: str, query: Mapping[str, str] | None, means: Meanings) -> Any:
        try:
            answer = await self._http.get(path, query, means=means)
        except ScopeMissing as error:
            scope = path.removeprefix(f"{BASE}/").partition("/")[0]
            reason = f"{error.reason}; the key needs the scope {scope}:read, or the plan does not have it"
            raise ScopeMissing(error.url, reason) from error
        if not isinstance(answer, dict):
            raise ServerNonsense(path, "no object is in it")
        if answer.get("success") is False:
            said = text(table(answer.get("error")).get("message")) or text(answer.get("message")) or "it does not say why"
            raise ServerRefused(path, said[:200])
        if "data" not in answer:
            raise ServerNonsense(path, "no data is in it")
        return answer["data"]


def _has_more(pagination: Mapping[str, Any], page: int) -> bool:
    said = truth(pagination.get("hasMore"))
    return said if said is not None else page < (number(pagination.get("totalPages")) or 0)
