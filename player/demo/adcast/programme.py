"""What a device plays now, as its answer to `GET /api/device/playlist`: items made complete, what to fetch, what to drop.

The schedules that reach the device are weighed by `core.timetable`; where none is on air, the tenant's default playlist is.
"""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

from aiohttp import web

from player.core.ports.box import Clock
from player.core.schedule import Facts, parse_rule
from player.core.timetable import Timetable, Turn
from player.demo.adcast.library import has_file, source_url
from player.demo.adcast.playlists import items_of
from player.demo.adcast.schedules import schedule_json
from player.demo.store import Row, Store, from_json

_REACHES = """tenant_id = ? AND (schedulable_type = 'all' OR (schedulable_type = 'device' AND schedulable_id = ?)
  OR (schedulable_type = 'group' AND schedulable_id = ?) OR (schedulable_type = 'location' AND schedulable_id = ?))"""


class Programmes:
    """Answers for devices. `zone` is the wall clock of the schedules; `facts` what conditions ask for, such as the weather."""

    def __init__(self, store: Store, clock: Clock, zone: ZoneInfo, facts: Facts) -> None:
        self._store, self._clock, self._zone, self._facts = store, clock, zone, facts

    def answer(self, request: web.Request, device: Row) -> dict[str, Any]:
        """The whole answer; `playlist` is null where nothing is to be on air."""
        schedules, rule = self._reaching(device), self.turn(device).rule
        schedule = next((row for row in schedules if rule and str(row["id"]) == rule.id), None)
        playlist = self._on_air(device, schedule)
        reachable = self._reachable(device, [playlist, *schedules])
        self._note_delivery(device, reachable)
        files = [row for row in reachable if has_file(row)]
        return {
            "playlist": self._playlist(request, device, playlist, schedule) if playlist else None,
            "content_to_download": [self._asset(request, device, row) for row in files],
            "content_to_delete": self._gone(device),
            "show_watermark": bool(device["show_watermark"]),
        }

    def turn(self, device: Row) -> Turn:
        """Which schedule is on air for it now, and until when."""
        rules = [parse_rule(schedule_json(row)) for row in self._reaching(device)]
        return Timetable(rules, self._zone).at(self._clock.now(), self._facts)

    def _reaching(self, device: Row) -> list[Row]:
        where = (device["tenant_id"], device["id"], device["device_group_id"], device["location_id"])
        return self._store.all(f"SELECT * FROM schedules WHERE {_REACHES}", *where)  # noqa: S608 - a literal of this module

    def _on_air(self, device: Row, schedule: Row | None) -> Row | None:
        if schedule:
            return self._store.one("SELECT * FROM playlists WHERE id = ?", schedule["playlist_id"])
        return self._store.one("SELECT * FROM playlists WHERE tenant_id = ? AND is_default", device["tenant_id"])

    def _reachable(self, device: Row, sources: list[Row | None]) -> list[Row]:
        """The content of the playlist on air first, then of those that are scheduled for later and of the default one."""
        default = self._store.one("SELECT id FROM playlists WHERE tenant_id = ? AND is_default", device["tenant_id"])
        playlists = [int(row.get("playlist_id") or row["id"]) for row in (*sources, default) if row]
        found: dict[int, Row] = {}
        for playlist in dict.fromkeys(playlists):
            for content in self._contents(playlist):
                found.setdefault(content["id"], content)
        return list(found.values())

    def _contents(self, playlist: int) -> list[Row]:
        row = self._store.one("SELECT layout_json FROM playlists WHERE id = ?", playlist) or {}
        layout = from_json(row.get("layout_json")) or {"regions": []}
        ids = [item["content_id"] for item in items_of(self._store, playlist)]
        ids += [item["content_id"] for region in layout["regions"] for item in region.get("items", ())]
        return [content for content in map(self._content, ids) if content]

    def _content(self, content: int) -> Row | None:
        return self._store.one("SELECT * FROM content WHERE id = ? AND status = 'active'", content)

    def _note_delivery(self, device: Row, contents: list[Row]) -> None:
        for content in contents:
            self._store.run("INSERT OR IGNORE INTO deliveries VALUES (?, ?)", device["id"], content["id"])

    def _gone(self, device: Row) -> list[int]:
        """What the device was given once and no playlist of the tenant holds any more."""
        given = {
            row["content_id"] for row in self._store.all("SELECT content_id FROM deliveries WHERE device_id = ?", device["id"])
        }
        playlists = self._store.all("SELECT id FROM playlists WHERE tenant_id = ?", device["tenant_id"])
        used = {content["id"] for playlist in playlists for content in self._contents(playlist["id"])}
        return sorted(given - used)

    def _playlist(self, request: web.Request, device: Row, playlist: Row, schedule: Row | None) -> Row:
        rows = [
            {**from_json(row["extra_json"]), "id": row["id"], "content_id": row["content_id"], "order": row["position"],
             "duration": row["duration"]}
            for row in items_of(self._store, playlist["id"])
        ]  # fmt: skip
        answer = {
            "id": playlist["id"],
            "name": playlist["name"],
            "transition": from_json(playlist["transition_json"]),
            "schedule_id": schedule["id"] if schedule else None,
            "items": self._items(request, device, rows, schedule),
        }
        layout = from_json(playlist["layout_json"])
        if layout:
            regions = [self._region(request, device, playlist, region, schedule) for region in layout["regions"]]
            answer["layout"] = {**layout, "regions": regions}
        return answer

    def _region(self, request: web.Request, device: Row, playlist: Row, region: Row, schedule: Row | None) -> Row:
        rows = [
            {"order": order, **item, "id": f"{playlist['id']}-{region['id']}-{order}"}
            for order, item in enumerate(region.get("items", ()), 1)
        ]
        return {**region, "items": self._items(request, device, rows, schedule)}

    def _items(self, request: web.Request, device: Row, rows: list[Row], schedule: Row | None) -> list[Row]:
        items = []
        for row in rows:
            content = self._content(row["content_id"])
            if content:
                duration = content["duration"] if row.get("duration") is None else row["duration"]
                asset = self._asset(request, device, content)
                items.append({**asset, **row, "duration": duration, "schedule_id": schedule["id"] if schedule else None})
        return items

    def _asset(self, request: web.Request, device: Row, content: Row) -> Row:
        base = request.url.origin()
        return {
            "id": content["id"],
            "content_id": content["id"],
            "name": content["name"],
            "type": content["type"],
            "mime": content["mime"],
            "download_url": f"{base}/api/device/content/{content['id']}/download?uuid={device['uuid']}",
            "source_url": None if has_file(content) else source_url(request, content),
            "file_hash": content["file_hash"],
            "file_size": content["file_size"],
            "duration": content["duration"],
        }
