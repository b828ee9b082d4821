"""What a Spot server can be asked: the abilities of `core.ports.server` (seeds: its document; servers.md §2).

A player whose answer carries a tag is asked by it: while that is the same nothing else is asked for, but for the lists every five
minutes, since a server may tag the player's row alone, and signed addresses grow old. At most four calls are one round: the player,
its layouts, playlists and assets, each list once and only when something in it is named.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from player.cms.http import Tagged
from player.cms.pace import trying_again
from player.cms.spot.api import SpotApi
from player.cms.spot.programme import ITEMS, MOST_ITEMS, REGIONS, SpotReader, zones_of
from player.cms.telling import accepted_ids, fault_body, iso, present, result_body, telemetry_body
from player.cms.wire import rows, table, text
from player.core.content import Programme
from player.core.faults import Fault
from player.core.ports.box import Clock
from player.core.ports.server import CommandResult, CommandStatus, Telemetry
from player.errors import DeviceForgotten, NotOffered, ServerDenied

ANEW_S, HOUR_S, DAY_S = 300.0, 3600.0, 86_400.0
NAMED, NAME = 20, 60  # players that a sentence names at most, and characters of each one's name
FINAL = 1000  # commands of which it is known that their last word was said


class Spot:
    """`device`: this device's id or name there. `key` is whose the items of a programme are (`Device.key`)."""

    def __init__(self, api: SpotApi, *, device: str, key: str, clock: Clock) -> None:
        self.api, self._device, self._key, self._clock = api, device, key, clock
        self._player = device if device.isdecimal() else ""
        self._row: Tagged | None = None  # as the rhythm saw it last
        self._shown: Tagged | None = None  # as the programme was made of it
        self._programme: Programme | None = None
        self._lists_at = 0.0
        self._layouts: dict[str, str | int] = {}  # of the regions that were read, by their ids
        self._numbered: set[str] = set()
        self._no_heartbeat_until = 0.0
        self._final: deque[str] = deque(maxlen=FINAL)  # commands whose last word was said: nothing is said of them after it

    def __repr__(self) -> str:
        return f"Spot({self.api!r}, {self._device!r})"

    # --- who am I

    async def player(self) -> str:
        """The player's id, as text. Raises DeviceForgotten with what there is, ServerError."""
        if not self._player:
            self._player = await self._look_up()
        return self._player

    async def meet(self) -> tuple[Mapping[str, Any], bool]:
        """The player's row, and whether it is another than before. Raises DeviceForgotten, ServerError."""
        found = await self.api.player(await self.player(), self._row)
        changed = found is not self._row
        self._row = found
        return found.value, changed

    def forget(self) -> None:
        """It is not there any more: the name may be another player's by now."""
        self._row = self._shown = None
        if not self._device.isdecimal():
            self._player = ""

    async def _look_up(self) -> str:
        listed = await self.api.players()
        found = [id_ for row in listed.rows if row.get("name") == self._device and (id_ := text(row.get("id")))]
        if len(found) == 1:
            return found[0]
        named = [[(text(row.get(key)) or "")[:NAME] for key in ("name", "id")] for row in listed.rows[:NAMED]]
        known = ", ".join(f'"{name}" ({id_})' for name, id_ in named)
        count = "no player has" if not found else f"{len(found)} players have"
        there = f"there are {known}" if known else "it has none"
        cut = f"; {listed.cut}" if listed.cut else ""
        raise DeviceForgotten(self.api.absolute("/"), f'{count} the name "{self._device}" (cms.device): {there}{cut}')

    # --- content

    def ask_anew(self) -> None:
        """What is known of the content may be old, whatever the player's tag says."""
        self._shown = None

    async def programme(self) -> Programme:
        """What is to be on air now."""
        player, due = await self.player(), self._clock.monotonic() >= self._lists_at + ANEW_S
        found = await self.api.player(player, None if due else self._shown)
        if found is self._shown and self._programme is not None:
            return self._programme
        lists = _Lists(self.api, self._now())
        tree = await lists.whole(found.value)
        reader = SpotReader("players", self._now(), self.api.absolute, self._key)
        read = await asyncio.to_thread(reader.programme, tree)  # a long one takes seconds
        self._layouts, self._numbered = reader.layouts, reader.numbered
        self._programme = replace(read, faults=(*lists.faults, *read.faults))
        self._shown, self._lists_at = (found if found.tag else None), self._clock.monotonic()
        return self._programme

    # --- what is told

    async def send_result(self, result: CommandResult) -> bool:
        """The last word of a command; that it is begun where it ends this process, and that follows later."""
        final = result.status is not CommandStatus.INITIATED
        body = result_body(result) if final else {**result_body(result), "status": "received"}
        await self.api.ack(await self.player(), result.id, body)
        if final:
            self._final.append(result.id)
        return True

    async def received(self, command: str) -> None:
        """Says that a command is here, written down. Raises ServerError."""
        if command not in self._final:
            await self.api.ack(await self.player(), command, {"status": "received"})

    async def heartbeat(self, telemetry: Telemetry, faults: Sequence[Fault]) -> bool:
        """How the box is: whether it was told. Not for a day where the server has no such path, nor an hour where the key may not.

        Raises ServerError.
        """
        if self._clock.monotonic() < self._no_heartbeat_until:
            return False
        told = {**present(telemetry.extra), **telemetry_body(telemetry), "faults": [fault_body(f, self._numbered) for f in faults]}
        try:
            await self.api.heartbeat(await self.player(), told)
        except NotOffered:
            self._no_heartbeat_until = self._clock.monotonic() + DAY_S
            return False
        except ServerDenied:
            self._no_heartbeat_until = self._clock.monotonic() + HOUR_S
            raise
        return True

    async def send_plays(self, events: Sequence[Mapping[str, Any]]) -> Sequence[str]:
        """The ids that were accepted. Raises NotOffered where this server takes no proof of play, EventsRefused, ServerError."""
        player = await self.player()
        answer = await self.api.playback(player, [self._play(event) for event in events])
        return accepted_ids(answer, [str(event["id"]) for event in events])

    def _play(self, event: Mapping[str, Any]) -> Mapping[str, Any]:
        """An event with Spot's words for the ids in it. They stand beside what is hashed and signed."""
        player = self._row.value.get("id") if self._row else self._player
        layout = self._layouts.get(str(event.get("zone")))
        return {**event, **present({"player_id": player, "layout_id": layout, "asset_id": event.get("content_id")})}

    async def send_screenshot(self, command_id: str, taken_at: float, size: tuple[int, int], jpeg: bytes) -> None:  # noqa: ARG002 - the picture says its size
        """Uploads a picture of the screen and says so, some times over where the way is bad: nobody sends it again later."""
        player, name = await self.player(), f"screenshot-{iso(taken_at)}.jpg".replace(":", "")
        asset_key = ""
        async for attempt in trying_again():
            with attempt:
                asset_key = asset_key or await self.api.upload(name, "image/jpeg", jpeg)
                body = {"asset_key": asset_key, "taken_at": iso(taken_at), "command_id": command_id}
                await self.api.screenshot(player, body)

    def _now(self) -> float:
        return self._clock.now().timestamp()


class _Lists:
    """The server's lists of one round, each asked for when something in it is first named."""

    def __init__(self, api: SpotApi, now: float) -> None:
        self._api, self._now = api, now
        self._held: dict[str, dict[str, dict[str, Any]]] = {}
        self._left = MOST_ITEMS
        self.faults: list[Fault] = []

    async def whole(self, player: Mapping[str, Any]) -> dict[str, Any]:
        """The player's row with everything in place that it names. Raises ServerError."""
        layout = table(player.get("layout"))
        if zones_of(layout) is None:
            layout = await self._find("layouts", text(player.get("layout_id")) or text(layout.get("id")), "the player's layout")
        if layout:
            zones = zones_of(layout) or []
            shown = [await self._with_playlist(zone, "a region's playlist") for zone in map(table, zones[:REGIONS])]
            return {**player, "layout": {**layout, "regions": [*shown, *zones[REGIONS:]]}}
        return {**await self._with_playlist(player, "the player's playlist"), "layout": None}

    async def _with_playlist(self, owner: Mapping[str, Any], what: str) -> dict[str, Any]:
        playlist = table(owner.get("playlist"))
        if rows(playlist.get("items")) is None:
            playlist = await self._find("playlists", text(owner.get("playlist_id")) or text(playlist.get("id")), what)
        items = rows(playlist.get("items")) or []
        room = min(ITEMS, self._left)
        self._left -= min(room, len(items))
        shown = [await self._with_asset(item) for item in map(table, items[:room])]
        await asyncio.sleep(0)  # a long list takes its time
        return {**owner, "playlist": {**playlist, "items": [*shown, *items[room:]]}}

    async def _with_asset(self, item: Mapping[str, Any]) -> Mapping[str, Any]:
        asset = table(item.get("asset"))
        if not asset.get("url") and not asset.get("download_url"):
            asset = await self._find("assets", text(item.get("asset_id")) or text(asset.get("id")), "") or asset
        return {**item, "asset": asset}

    async def _find(self, name: str, wanted: str | None, what: str) -> dict[str, Any]:
        """One row; an empty one where nothing is named, or it is not there. `what` names it in a fault, unless it is ""."""
        if wanted is None:
            return {}
        if name not in self._held:
            listed = await self._api.content(name)
            self._held[name] = {str(text(row.get("id"))): row for row in listed.rows}
            if listed.cut:
                self.faults.append(Fault("list_cut", listed.cut, self._now))
        found = self._held[name].get(wanted)
        if found is None and what:
            self.faults.append(Fault("not_there", f"{what} is {wanted}, and the server has no such {name[:-1]}", self._now))
        return found or {}
