"""Spotwatch's calls: arguments as JSON, the key in a header, errors as text (seeds: its document; servers.md §4).

What it names by a path is asked at its own host alone; a list of pages is cut where a page leads elsewhere, or to itself.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import islice
from typing import Any

from player.cms.http import Meanings, ServerHttp
from player.cms.listing import PagedRows
from player.cms.triggers.spotwatch.words import AD_FIELDS, WORDS, masked, messages_of
from player.cms.wire import rows, table, text
from player.errors import ServerDenied, ServerNonsense, ServerRefused

QUEUE = "/message-queue"
AT_ONCE = 200  # messages, and pages' rows
PAGES = 20
NAMES = 10_000  # of brands, and of channels
TIMES = "unix"


class SpotwatchKeyRefused(ServerDenied):
    """The key is not one of Spotwatch's, or not any more."""

    sentence = "{url} refuses: {reason}; check the key (spotwatch.key)"


MEANS: Meanings = {401: SpotwatchKeyRefused, 403: SpotwatchKeyRefused}


class SpotwatchApi:
    """On the connection `http`, which sends the key."""

    def __init__(self, http: ServerHttp) -> None:
        self._http = http

    def __repr__(self) -> str:
        return f"SpotwatchApi({self._http!r})"

    @property
    def server_time(self) -> float | None:
        """What the server's clock said with its last answer, to the second."""
        return self._http.server_time

    async def push_to(self, url: str, token: str) -> str:
        """Has broadcasts pushed to `url`, or kept in the queue (`QUEUE`); what the server says to that. Raises ServerError."""
        arguments = {"url": url, "time_fmt": TIMES, "ad_fields": list(AD_FIELDS), **({"token": token} if token else {})}
        return await self._http.tell("/set-push-broadcast", arguments, means=MEANS)

    async def queue(self) -> Sequence[Any]:
        """The oldest messages that wait, which are delivered by that. Raises ServerError."""
        answer = await self._http.post("/get-message-queue", {"num_messages": AT_ONCE}, means=MEANS)
        if not isinstance(answer, dict | list):
            raise ServerNonsense("/get-message-queue", "no messages are in it")
        return messages_of(answer) if isinstance(answer, list) or "messages" in answer else ()

    async def ads(self, ids: Sequence[str]) -> dict[str, Mapping[str, Any]]:
        """What is known of these advertisements; of one that is not there nothing. Raises ServerError."""
        arguments = {one: {"id": int(one) if one.isdecimal() else one, "ad_fields": list(AD_FIELDS)} for one in ids}
        if len(ids) == 1:
            return {ids[0]: table(await self._http.post("/get-ad", arguments[ids[0]], means=MEANS))}
        asked = [{"mapkey": one, "path": "/get-ad", "args": arguments[one]} for one in ids]
        answer = table(await self._http.post("/batch", {"requests": asked, "concurrent": True}, means=MEANS))
        found = {one: table(answer.get(one)) for one in ids}
        return {one: table(said.get("reply")) for one, said in found.items() if text(said.get("code")) == "200"}

    async def broadcasts(self, since: float) -> list[Mapping[str, Any]]:
        """Those since then (seconds since the epoch), as many as a few pages hold. Raises ServerError."""
        fields = ["id", "region", "channel", "program", "genre", "subgenre", "ad", "ad_brand", "ad_categories", "ad_description",
                  "ad_duration", "time"]  # fmt: skip
        arguments = {"time_from": int(since), "broadcast_fields": fields, "time_fmt": TIMES, "page_lim": AT_ONCE * 5}
        answer = table(await self._http.post("/get-broadcasts", arguments, means=MEANS))
        found, read = PagedRows(), set[str]()
        found.add(rows(answer.get("results")) or (), page="first")
        while (path := masked(table(answer.get("page")).get("next"))) and path not in read and len(read) < PAGES and not found.cut:
            read.add(path)
            answer = table(await self._http.get(path, means=MEANS))
            found.add(rows(answer.get("results")) or (), page=path)
        return list(found.listed("broadcasts").rows)

    async def brands(self) -> tuple[str, ...]:
        """All that it has ever told of; () where it lists none. Raises ServerError."""
        return _texts(await self._listed("/get-all-brands"))

    async def channels(self) -> tuple[str, ...]:
        """Those of all regions; () where it lists none. Raises ServerError."""
        answer = table(await self._listed("/get-all-channels"))
        return tuple(islice((name for of_region in answer.values() for name in _texts(of_region)), NAMES))

    async def _listed(self, path: str) -> Any:
        """None where it does not list them to us."""
        try:
            return await self._http.post(path, {}, means=MEANS)
        except ServerRefused:
            return None


def _texts(value: Any) -> tuple[str, ...]:
    return tuple(name[:WORDS] for name in map(text, (rows(value) or ())[:NAMES]) if name)
