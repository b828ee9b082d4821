"""What AdCast's schedules put on air while the server is away: rules and layouts that are added to what it answered. Pure.

Each rule has the condition that the server is away (`core.schedule`), so that the stage goes over to them by itself and back, and
the server's own answer rules whenever it is there. A playlist is read as the device's own answer is; its files come from the
device's own downloads. Where no schedule is on air the default playlist is, and where there is none what the server answered last.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from player.cms.adcast.programme import ITEMS, Reader
from player.cms.adcast.words import is_zip, kind_of
from player.cms.wire import Rows, Text, Truth, Wire, number, rows, table, text
from player.core.content import Layout, Programme
from player.core.schedule import Condition, Rule, parse_rule

SCHEDULES = 5000
ANSWERED, DEFAULT = -(2**40), -(2**40) + 1  # how these rank; schedules have the server's own numbers
_ABOUT = ("name", "type", "mime", "file_hash", "file_size", "source_url", "duration")

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Planned:
    """The schedules that reach this device; what they name, by id; the id of the default playlist; content by its id.

    `missing`: how many playlists are named that do not exist, or beyond the limit. `cut`: which lists were not read to their end,
    in words. `problem`: why nothing newer could be read.
    """

    schedules: tuple[Row, ...] = ()
    playlists: Mapping[str, Row] = field(default_factory=dict)
    default: str | None = None
    content: Mapping[str, Row] = field(default_factory=dict)
    missing: int = 0
    cut: tuple[str, ...] = ()
    problem: str = ""


class _Schedule(Wire):
    id: Text = None
    playlist_id: Text = None
    days_of_week: Any = None
    start_time: Text = None
    end_time: Text = None
    start_date: Text = None
    end_date: Text = None
    priority: Any = None
    is_active: Truth = None
    conditions: Rows = None


def reaches(schedule: Row, device: str, own: Row) -> bool:
    """Whether it is for this device. `own`: the device as operators see it, with its group and its location."""
    kind = (text(schedule.get("schedulable_type")) or "nothing").rpartition("\\")[2].lower()
    named = text(schedule.get("schedulable_id"))
    match kind:
        case "all":
            return True
        case "device":
            return named == device
        case "group" | "devicegroup" | "device_group":
            return named is not None and named == (
                text(own.get("device_group_id")) or text(table(own.get("device_group")).get("id"))
            )
        case "location":
            return named is not None and named == (text(own.get("location_id")) or text(table(own.get("location")).get("id")))
        case _:
            return False


def asks_for(playlist: Row) -> bool:
    """Whether it names content without saying what that is."""
    return any("content" not in row and "type" not in row for row in _entries(playlist))


def with_plan(answered: Programme, on_air: str | None, planned: Planned, reader: Reader) -> Programme:
    """What the server answered, and what is on air while it is away. `on_air`: the id of the playlist that it answered.

    `reader` is the one that read the answer.
    """
    plan = _Plan(answered, on_air, planned, reader)
    rules = [*filter(None, map(plan.rule, planned.schedules)), *plan.otherwise()]
    if planned.problem:
        reader.complain("no_plan", f"the schedules for when the server is away cannot be read: {planned.problem}")
    for words in planned.cut:
        reader.complain("list_cut", words)
    if planned.missing:
        words = f"{planned.missing} playlists of schedules do not exist, or are too many to be kept for a server that is away"
        reader.complain("not_there", words)
    if not rules:
        return reader.finished(answered)
    first = tuple(replace(rule, priority=ANSWERED) for rule in answered.rules)
    return reader.finished(replace(answered, layouts=(*answered.layouts, *plan.layouts.values()), rules=(*rules, *first)))


class _Plan:
    """Makes rules, and a layout for each playlist that one needs; the playlist that was answered has its layout already."""

    def __init__(self, answered: Programme, on_air: str | None, planned: Planned, reader: Reader) -> None:
        self._answered, self._on_air, self._planned, self._reader = answered.layouts[0].id, on_air, planned, reader
        self._away = Condition("away", "eq", reader.server)
        self._named = [text(row.get("playlist_id")) for row in planned.schedules]
        self._items = len(answered.items)
        self.layouts: dict[str, Layout] = {}

    def rule(self, row: Row) -> Rule | None:
        wire = _Schedule.model_validate(row)
        layout = self._layout(wire.playlist_id)
        if wire.id is None or layout is None:
            return None
        conditions = [table(one) for one in wire.conditions or ()]
        days = rows(wire.days_of_week) if isinstance(wire.days_of_week, dict) else wire.days_of_week
        read = {"days_of_week": days, "priority": round(number(wire.priority) or 0), "conditions": conditions}
        try:
            made = parse_rule({**wire.model_dump(), **read})
        except (ValueError, TypeError) as error:
            self._reader.complain("bad_rule", f"the schedule {wire.id} is left out while the server is away: {error}")
            return None
        name = text(self._planned.playlists[wire.playlist_id or ""].get("name")) or ""
        return replace(
            made, layout=layout, name=f"schedule {wire.id}: {name}", is_active=wire.is_active is not False,
            conditions=(self._away, *made.conditions),
        )  # fmt: skip

    def otherwise(self) -> tuple[Rule, ...]:
        """The rule of the default playlist."""
        layout = self._layout(self._planned.default)
        if layout is None:
            return ()
        return (Rule("default", priority=DEFAULT, layout=layout, name="the default playlist", conditions=(self._away,)),)

    def _layout(self, playlist: str | None) -> str | None:
        """The id of its layout; None where it does not exist, or is too much."""
        raw = self._planned.playlists.get(playlist or "")
        if playlist is None or raw is None:
            return None
        if playlist == self._on_air:
            return self._answered
        if playlist not in self.layouts and self._items < ITEMS:
            schedules = [row.get("id") for row in self._planned.schedules if text(row.get("playlist_id")) == playlist]
            one = schedules[0] if len(schedules) == 1 else None
            made = replace(self._reader.layout_of(_as_answered(raw, self._planned.content, one)), id=f"playlist {playlist}")
            self._items += sum(len(region.playlist.items) for region in made.regions)
            self.layouts[playlist] = made
        return self.layouts[playlist].id if playlist in self.layouts else None


def _as_answered(playlist: Row, content: Mapping[str, Row], schedule: Any) -> Row:
    """A playlist as operators see it, as the device's answer would have it."""
    layout = table(playlist.get("layout"))
    parts = map(table, rows(layout.get("regions")) or [])
    regions = [{**part, "items": _completed(part.get("items"), content, schedule)} for part in parts]
    items = _completed(playlist.get("items"), content, schedule)
    return {**playlist, "items": items, "layout": {**layout, "regions": regions} if layout else None}


def _completed(items: Any, content: Mapping[str, Row], schedule: Any) -> list[Row]:
    return [_complete(table(row), content, schedule) for row in (rows(items) or [])[: ITEMS + 1]]  # of which the reader tells


def _complete(row: Row, content: Mapping[str, Row], schedule: Any) -> Row:
    about = table(row.get("content")) or content.get(text(row.get("content_id")) or "", {})
    kept = {name: about[name] for name in _ABOUT if about.get(name) is not None}
    kind = kind_of(text(about.get("type")), packed=is_zip(text(about.get("mime")), text(about.get("source_url"))))
    if kind is not None and not kind.has_file and about.get("download_url") is not None:
        kept.setdefault("source_url", about["download_url"])
    own = {name: value for name, value in row.items() if name != "content" and value is not None}
    return {**kept, **own} if schedule is None else {**kept, **own, "schedule_id": schedule}


def _entries(playlist: Row) -> list[Row]:
    regions = map(table, rows(table(playlist.get("layout")).get("regions")) or [])
    lists = [rows(playlist.get("items")) or [], *(rows(region.get("items")) or [] for region in regions)]
    return [table(row) for found in lists for row in found[:ITEMS]]
