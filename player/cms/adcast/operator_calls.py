"""What the box reads with an operator's token: the schedules that reach it, and what they put on air.

It is for the time when the server is away, so that it is read now and then, and anew when what is on air changed. Whatever fails
leaves what was read before.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import quote

from player.cms.adcast.planned import SCHEDULES, Planned, asks_for, reaches
from player.cms.http import ServerHttp
from player.cms.listing import PagedRows
from player.cms.wire import Listed, number, rows, table, text, truth
from player.core.ports.box import Clock
from player.errors import ServerError, ServerNonsense

PAGES, PAGE, PLAYLISTS = 50, 100, 50

Row = Mapping[str, Any]


class OperatorCalls:
    """`http` carries the token with each call; `every_s` lies between two readings without a reason."""

    def __init__(self, http: ServerHttp, clock: Clock, every_s: float) -> None:
        self._http, self._clock, self._every_s = http, clock, every_s
        self._planned, self._due_at = Planned(), float("-inf")

    def __repr__(self) -> str:
        return f"OperatorCalls({self._http!r})"

    async def planned(self, device: str, *, anew: bool) -> Planned:
        """What is planned for the device of that id; the same object while nothing else was read. `anew`: there is a reason."""
        if anew or self._planned.problem or self._clock.monotonic() >= self._due_at:
            try:
                found = await self._read(device)
                self._due_at = self._clock.monotonic() + self._every_s
            except ServerError as error:
                is_said = self._planned.problem and error.retry_after_s is not None  # a pause of ours says nothing more
                found = self._planned if is_said else replace(self._planned, problem=str(error))
            self._planned = self._planned if found == self._planned else found
        return self._planned

    async def _read(self, device: str) -> Planned:
        """Raises ServerError."""
        own = await self._one(f"/api/devices/{quote(device, safe='')}", "device")
        schedules, playlists = await self._every("/api/schedules"), await self._every("/api/playlists")
        reaching = [row for row in schedules.rows if reaches(row, device, own)]
        listed = {text(row.get("id")): row for row in playlists.rows}
        default = next((name for name, row in listed.items() if truth(row.get("is_default"))), None)
        named = dict.fromkeys(filter(None, (*(text(row.get("playlist_id")) for row in reaching[:SCHEDULES]), default)))
        there = [name for name in named if name in listed][:PLAYLISTS]
        found = {name: await self._one(f"/api/playlists/{quote(name, safe='')}", "playlist") for name in there}
        content = await self._every("/api/content") if any(map(asks_for, found.values())) else Listed(())
        many = f"{len(reaching)} schedules reach this device; the first {SCHEDULES} are followed"
        cut = (many if len(reaching) > SCHEDULES else "", schedules.cut, playlists.cut, content.cut)
        return Planned(
            tuple(reaching[:SCHEDULES]), found, default, {text(row.get("id")) or "": row for row in content.rows},
            missing=len(named) - len(there), cut=tuple(filter(None, cut)),
        )  # fmt: skip

    async def _one(self, path: str, name: str) -> Row:
        answer = table(await self._http.get(path))
        found = table(answer.get(name)) or table(answer.get("data")) or answer
        if text(found.get("id")) is None:
            raise ServerNonsense(path, f"no {name} is in it")
        return found

    async def _every(self, path: str) -> Listed:
        """All rows of a list, each once, which comes in pages; one that never ends is cut, and says so."""
        kept = PagedRows()
        page, last, before = 1, 1, -1
        while page <= min(last, PAGES) and len(kept) > before and not kept.cut:
            before = len(kept)
            answer = await self._http.get(path, {"page": str(page), "per_page": str(PAGE)})
            found = rows(answer.get("data")) if isinstance(answer, dict) else rows(answer)
            if found is None:
                raise ServerNonsense(path, "no list is in it")
            kept.add(found)
            last = round(number(table(table(answer).get("meta")).get("last_page")) or 1) if isinstance(answer, dict) else 1
            page += 1
        many = f"it has more than {PAGES} pages" if page > PAGES else "a page brings nothing that was not there before"
        return kept.listed(path.rpartition("/")[2], "" if page > last else many)
