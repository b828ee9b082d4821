"""What is on air, until when, and why: a manifest, an instant and what is known of the world in, one layout out (pure).

The order: a trigger's items come in the place of one region; below it the best rule that is on air and whose layout has anything to
show; where no rule is, the default layout; else nothing, and the screen shows its card.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import assert_never
from zoneinfo import ZoneInfo

from player.core.content import Layout, Manifest, Playlist, Programme, Region, StandBy, full_screen
from player.core.schedule import Facts, Rule
from player.core.timetable import Timetable


class Source(StrEnum):
    """What put a layout on air."""

    RULE = "rule"
    DEFAULT = "default"
    TRIGGER = "trigger"
    NOTHING = "nothing"


@dataclass(frozen=True, slots=True)
class Because:
    """Why this is on air: the rule, or the name of the trigger over it."""

    source: Source
    rule: Rule | None = None
    trigger: str = ""

    def __str__(self) -> str:
        match self.source:
            case Source.RULE:
                return f"the rule {self.rule} puts it on air"
            case Source.DEFAULT:
                return "no rule is on air, and it is the default"
            case Source.TRIGGER:
                return f'the trigger "{self.trigger}" put it on'
            case Source.NOTHING:
                return "no rule is on air, and there is no default"
            case _:
                assert_never(self.source)


@dataclass(frozen=True, slots=True)
class TriggerShown:
    """A trigger whose items are to be seen up to `until` (UTC)."""

    name: str
    until: datetime


@dataclass(frozen=True, slots=True)
class OnAir:
    """`layout` None: nothing. `until`: up to this instant (UTC) nothing changes while the facts stay; None: for ever."""

    layout: Layout | None
    until: datetime | None
    why: Because


class Listings:
    """A programme or a manifest, prepared once to be asked often. `zone`: the device's wall clock."""

    def __init__(self, source: Manifest | Programme, zone: ZoneInfo) -> None:
        self._layouts = {layout.id: layout for layout in source.layouts}
        self._default = self._layouts.get(source.default or "")
        self._stand_by = {one.trigger: one for one in source.stand_by}
        self.timetable = Timetable((rule for rule in source.rules if self.has_items(rule.layout)), zone)

    def has_items(self, layout_id: str) -> bool:
        """Whether that layout is there, with anything to show."""
        layout = self._layouts.get(layout_id)
        return layout is not None and any(region.playlist.items for region in layout.regions)

    def at(self, at: datetime, facts: Facts, triggers: Sequence[TriggerShown]) -> OnAir:
        """What is on air at `at`. Of several triggers the first one counts."""
        turn = self.timetable.at(at, facts)
        if turn.rule:
            below = OnAir(self._layouts[turn.rule.layout], turn.until, Because(Source.RULE, turn.rule))
        else:
            source = Source.DEFAULT if self._default else Source.NOTHING
            below = OnAir(self._default, turn.until, Because(source))
        for trigger in triggers:
            stand_by = self._stand_by.get(trigger.name)
            if stand_by and trigger.until > at:
                until = min(filter(None, (trigger.until, below.until)))
                return OnAir(_with(below.layout, stand_by), until, Because(Source.TRIGGER, turn.rule, trigger.name))
        return below

    def order(self, at: datetime) -> tuple[str, ...]:
        """The ids of all layouts in the order in which their times come, from `at` on; last those that no rule will put on air."""
        starts = sorted(self.timetable.next_starts(at), key=lambda pair: pair[1])
        default = [self._default.id] if self._default else []
        now, later = [r.layout for r, start in starts if start <= at], [r.layout for r, start in starts if start > at]
        return tuple(dict.fromkeys((*now, *default, *later, *self._layouts)))


def on_air(source: Manifest | Programme, at: datetime, zone: ZoneInfo, facts: Facts, triggers: Sequence[TriggerShown]) -> OnAir:
    """What is on air at `at`, asked once; who asks again and again keeps the `Listings`."""
    return Listings(source, zone).at(at, facts, triggers)


def _with(layout: Layout | None, stand_by: StandBy) -> Layout:
    playlist = Playlist(f"trigger {stand_by.trigger}", stand_by.trigger, stand_by.items)
    if layout is None or not layout.regions:
        return full_screen(playlist)
    place = _place(layout.regions, stand_by.zone)
    return replace(
        layout, regions=tuple(replace(region, playlist=playlist) if region is place else region for region in layout.regions)
    )


def _place(regions: Iterable[Region], zone: str | None) -> Region:
    """The region of that id, else the largest."""
    return max(regions, key=lambda region: (region.id == zone, region.rect.width * region.rect.height))
