"""What an AdCast server can be asked: the abilities of `core.ports.server` (seeds: its Device Player API; contract §3).

A path that the server does not have is remembered for a day: results then ride in the heartbeat (`riding`). Pages without an
address of their own are looked up once by following AdCast's redirect, and remembered while they stay listed; one that
is the download itself is a package. An answer that is the one before, by its tag or by its bytes, is not read again.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import quote, urlencode

from player.cms.adcast.heartbeat import (
    HeartbeatAnswer,
    Registration,
    heartbeat_body,
    heartbeat_extra,
    read_heartbeat,
    read_registration,
)
from player.cms.adcast.operator_calls import OperatorCalls
from player.cms.adcast.planned import Planned, with_plan
from player.cms.adcast.programme import FAULTS, Reader
from player.cms.http import Meanings, ServerHttp, Tagged
from player.cms.pace import trying_again
from player.cms.telling import accepted_ids, iso, present, result_body
from player.cms.wire import table, text
from player.cms.words import allowed
from player.core.allowance import Allowance
from player.core.content import Item, Programme, WantedAsset
from player.core.faults import Fault
from player.core.kinds import Kind
from player.core.ports.box import Clock
from player.core.ports.server import CommandResult, Telemetry
from player.errors import DeviceForgotten, EventsRefused, NotOffered, ServerError, ServerRefused

log = logging.getLogger(__name__)
REGISTER, HEARTBEAT, PLAYLIST = "/api/device/register", "/api/device/heartbeat", "/api/device/playlist"
PLAYBACK, SCREENSHOT = "/api/device/playback", "/api/device/screenshot"
DAY_S = 86_400.0
LOOK_UPS, LOOK_UP_EVERY_S = 100, 1.0  # of pages' addresses: so many at once, then one a second
NO_PLAN = Planned()
FORGOTTEN: Meanings = {404: DeviceForgotten, 410: DeviceForgotten}


class _CommandForgotten(ServerRefused):
    """It does not know this command, or it has no path for results at all."""


class _FieldsRefused(ServerRefused):
    """It does not take the call as it is."""


FIELDS: Meanings = dict.fromkeys((400, 422), _FieldsRefused)
RESULT: Meanings = {404: _CommandForgotten, 410: DeviceForgotten}
BATCH: Meanings = {410: DeviceForgotten, **dict.fromkeys((400, 413, 422), EventsRefused)}


class AdCast:
    """`key` is whose the items of a programme are (`Device.key`). `operator` reads what is on while the server is away, or is None.

    `model`, `os_version`, `app_version` and `license_key` are what the box registers as.
    """

    def __init__(
        self,
        http: ServerHttp,
        *,
        uuid: str,
        key: str,
        clock: Clock,
        model: str,
        os_version: str,
        app_version: str,
        license_key: str,
        operator: OperatorCalls | None,
    ) -> None:
        self._http, self._uuid, self._key, self._clock, self._operator = http, uuid, key, clock, operator
        about = {"model": model, "os_version": os_version, "app_version": app_version, "license_key": license_key or None}
        self._about = present(about)
        self._strict_until, self._strict_since = 0.0, 0.0
        self.riding: set[str] = set()  # ids of commands whose results go in the heartbeat
        self._numbered: set[str] = set()  # ids of content that this server writes as numbers
        self._no_results_until = 0.0
        self._not_found: set[str] = set()  # one 404 may mean that the server forgot that command; two, that it has no such path
        self._pages: dict[tuple[str, str | None], str] = {}
        self._look_ups = Allowance(LOOK_UPS, LOOK_UP_EVERY_S)
        self._device: str | None = None  # as operators call this one
        self._answer: Tagged | None = None  # what `_made` was made of, without its value
        self._planned, self._made = NO_PLAN, Programme(())

    def __repr__(self) -> str:
        return f"AdCast({self._http!r}, {self._uuid[:8]}…)"

    async def register(self, proof: Mapping[str, Any]) -> Registration:
        """Introduces this box; asked again, it updates what the server knows of it. `proof`: the key of its plays, their end."""
        read = read_registration(REGISTER, await self._tell(REGISTER, {"uuid": self._uuid, **self._about}, proof, {}))
        self._device = read.device_id
        return read

    async def heartbeat(self, telemetry: Telemetry, faults: Sequence[Fault], results: Sequence[CommandResult]) -> HeartbeatAnswer:
        """Tells how the box is, and hears what is wanted. `results` were told where the server `takes_more` still."""
        more = heartbeat_extra(telemetry, faults, results, self._numbered)
        answer = await self._tell(HEARTBEAT, heartbeat_body(self._uuid, telemetry), more, FORGOTTEN)
        read = read_heartbeat(HEARTBEAT, answer, self._now(), self._http.absolute)
        return read if read.server_time is not None else replace(read, server_time=self._http.server_time)

    async def _tell(self, path: str, documented: Mapping[str, Any], more: Mapping[str, Any], means: Meanings) -> Any:
        """The document's fields with `more`; alone, for a day, where the server refuses others. Raises ServerError."""
        if not self.takes_more:
            return await self._http.post(path, documented, means=means)
        try:
            return await self._http.post(path, {**more, **documented}, means={**means, **FIELDS})
        except _FieldsRefused:
            answer = await self._http.post(path, documented, means=means)
            self._strict_until, self._strict_since = self._clock.monotonic() + DAY_S, self._now()
            log.info("the server takes only the fields that its document names; for a day it is told only those")
            return answer

    @property
    def takes_more(self) -> bool:
        """Whether this server is told more than its document names."""
        return self._clock.monotonic() >= self._strict_until

    def strictness(self) -> tuple[Fault, ...]:
        """The fault that a server which takes the document's fields alone is."""
        if self.takes_more:
            return ()
        words = "the server refuses fields beside its document's: faults and the end of the proof of play are not told to it"
        return (Fault("fields_refused", words, self._strict_since),)

    async def programme(self) -> Programme:
        """What is to be on air now, and by which schedules while the server is away; the same object while it is the same."""
        planned = await self._plan(anew=False)
        known = self._answer if planned is self._planned else None
        found = await self._http.get_anew(PLAYLIST, known, {"uuid": self._uuid}, means=FORGOTTEN, by_body=True, in_parts=True)
        if found is known:
            return self._made
        planned = planned if known is None else await self._plan(anew=True)
        name, answer = replace(found, value=None), found.value
        del found  # a long answer is large, and takes seconds to read
        read, self._numbered = await asyncio.to_thread(self._read, answer, planned)
        del answer
        self._made, is_whole = await self._with_pages(read)
        self._planned, self._answer = planned, name if is_whole else None
        return self._made

    async def _plan(self, *, anew: bool) -> Planned:
        if self._operator is None or self._device is None:
            return NO_PLAN
        return await self._operator.planned(self._device, anew=anew)

    def _read(self, answer: Any, planned: Planned) -> tuple[Programme, set[str]]:
        """The programme, and the ids that came as numbers. Raises ServerNonsense."""
        reader = Reader(PLAYLIST, self._now(), self._http.absolute, self._download, self._key)
        answered = reader.answered(answer)
        return with_plan(answered, text(table(answer.get("playlist")).get("id")), planned, reader), reader.numbered

    async def send_result(self, result: CommandResult) -> bool:
        """Delivers a result; False where this server has no path for it, so that it rides in a heartbeat."""
        delivered = await self._deliver(result)
        if not delivered:
            self.riding.add(result.id)
        return delivered

    async def _deliver(self, result: CommandResult) -> bool:
        if self._clock.monotonic() < self._no_results_until or result.id in self._not_found:
            return False
        path = f"/api/device/commands/{quote(result.id, safe='')}/result"
        try:
            await self._http.post(path, {"uuid": self._uuid, **result_body(result)}, endpoint="command result", means=RESULT)
        except (_CommandForgotten, NotOffered) as error:
            self._not_found.add(result.id)
            if isinstance(error, NotOffered) or len(self._not_found) > 1:
                self._no_results_until = self._clock.monotonic() + DAY_S
                self._not_found.clear()
            return False
        self._not_found.clear()
        return True

    async def send_plays(self, events: Sequence[Mapping[str, Any]]) -> Sequence[str]:
        """The ids that were accepted. Raises NotOffered where this server takes no proof of play, EventsRefused, ServerError."""
        answer = await self._http.post(PLAYBACK, {"uuid": self._uuid, "events": list(events)}, means=BATCH)
        return accepted_ids(answer, [str(event["id"]) for event in events])

    async def send_screenshot(self, command_id: str, taken_at: float, size: tuple[int, int], jpeg: bytes) -> None:
        """Sends a picture of the screen, some times over where the way is bad: nobody sends it again later."""
        fields = {
            "uuid": self._uuid,
            "command_id": command_id,
            "taken_at": iso(taken_at),
            "width": str(size[0]),
            "height": str(size[1]),
        }
        async for attempt in trying_again():
            with attempt:
                await self._http.upload(SCREENSHOT, fields, "screenshot.jpg", jpeg, "image/jpeg")

    def _now(self) -> float:
        return self._clock.now().timestamp()

    def _download_path(self, content: str) -> str:
        return f"/api/device/content/{quote(content, safe='')}/download"

    def _download(self, content: str) -> str:
        return self._http.absolute(self._download_path(content)) + "?" + urlencode({"uuid": self._uuid})

    async def _with_pages(self, programme: Programme) -> tuple[Programme, bool]:
        """Replaces our own download address, where a page has no other, by what it redirects to: the UUID is not for browsers.

        With whether each had one.
        """
        faults: list[Fault] = []
        packages: dict[str, WantedAsset] = {}
        kept: dict[tuple[str, str | None], str] = {}
        layouts = []
        for layout in programme.layouts:
            regions = []
            for region in layout.regions:
                items = [await self._page(item, kept, faults) for item in region.playlist.items]
                found = [item for item in items if item is not None]
                packages |= {item.content_id: _package(item) for item in found if item.kind is Kind.PACKAGE and item.url}
                shown = tuple(replace(item, url=None) if item.kind is Kind.PACKAGE else item for item in found)
                regions.append(replace(region, playlist=replace(region.playlist, items=shown)))
            layouts.append(replace(layout, regions=tuple(regions)))
        self._pages = kept
        assets = (*packages.values(), *programme.assets)
        return replace(programme, layouts=tuple(layouts), assets=assets, faults=(*programme.faults, *faults)), not faults

    async def _page(self, item: Item, kept: dict[tuple[str, str | None], str], faults: list[Fault]) -> Item | None:
        if item.url is None or self._uuid not in item.url:
            return item
        key = (item.content_id, item.file_hash)
        found = kept.get(key) or self._pages.get(key) or await self._look_up_in_turn(item, faults)
        if found is None:
            return None
        kept[key] = found
        return replace(item, url=found, kind=Kind.PACKAGE if self._uuid in found else item.kind)

    async def _look_up_in_turn(self, item: Item, faults: list[Fault]) -> str | None:
        """None as well where it is not its turn yet: one of the rounds that follow looks it up."""
        if self._look_ups.spare(self._clock.monotonic()):
            return await self._look_up(item, faults)
        if len(faults) < FAULTS:
            sentence = f"{item.name}: its address is not looked up yet; too many are asked for at once"
            faults.append(Fault("bad_item", sentence, self._now(), item.id, item.content_id))
        return None

    async def _look_up(self, item: Item, faults: list[Fault]) -> str | None:
        try:
            path = self._download_path(item.content_id)
            found = await self._http.location(path, {"uuid": self._uuid}, endpoint=path)
        except ServerError as error:
            faults.append(
                Fault("bad_item", f"{item.name}: its address is not known: {error}", self._now(), item.id, item.content_id)
            )
            return None
        if found is None and item.kind is Kind.WEB:
            return item.url  # the bytes themselves are there
        if found is None or self._uuid in found or not allowed(found, item.kind):
            sentence = f"{item.name} has no address that a page can be opened from; it is left out"
            faults.append(Fault("bad_item", sentence, self._now(), item.id, item.content_id))
            return None
        return found


def _package(item: Item) -> WantedAsset:
    return WantedAsset(item.content_id, item.name, Kind.PACKAGE.value, item.url or "", item.file_hash)
