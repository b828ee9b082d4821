"""What is on air, until when, and why: a manifest, an instant and what is known of the world in, one layout out (pure).

The order: the best rule that is on air and whose layout has anything to show; where no rule is, the default layout; else nothing,
and the screen shows its card. What triggers show lies over that (`core.standby`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import assert_never
from zoneinfo import ZoneInfo

from player.core.content import Layout, Manifest, Programme
from player.core.schedule import Facts, Rule
from player.core.timetable import Timetable


class Source(StrEnum):
    """What put a layout on air."""

    RULE = "rule"
    DEFAULT = "default"
    NOTHING = "nothing"
    APPLET = "applet"


@dataclass(frozen=True, slots=True)
class Because:
    """Why this is on air: the rule, where there is one; of an applet what put it on."""

    source: Source
    rule: Rule | None = None
    applet: str = ""

    def __str__(self) -> str:
        match self.source:
            case Source.RULE:
                return f"the rule {self.rule} puts it on air"
            case Source.DEFAULT:
                return "no rule is on air, and it is the default"
            case Source.NOTHING:
                return "no rule is on air, and there is no default"
            case Source.APPLET:
                return self.applet
            case _:
                assert_never(self.source)


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
        self.timetable = Timetable((rule for rule in source.rules if self.has_items(rule.layout)), zone)

    def has_items(self, layout_id: str) -> bool:
        """Whether that layout is there, with anything to show."""
        layout = self._layouts.get(layout_id)
        return layout is not None and any(region.playlist.items for region in layout.regions)

    def at(self, at: datetime, facts: Facts) -> OnAir:
        """What is on air at `at`."""
        turn = self.timetable.at(at, facts)
        if turn.rule:
            return OnAir(self._layouts[turn.rule.layout], turn.until, Because(Source.RULE, turn.rule))
        source = Source.DEFAULT if self._default else Source.NOTHING
        return OnAir(self._default, turn.until, Because(source))

    def order(self, at: datetime) -> tuple[str, ...]:
        """The ids of all layouts in the order in which their times come, from `at` on; last those that no rule will put on air."""
        starts = sorted(self.timetable.next_starts(at), key=lambda pair: pair[1])
        default = [self._default.id] if self._default else []
        now, later = [r.layout for r, start in starts if start <= at], [r.layout for r, start in starts if start > at]
        return tuple(dict.fromkeys((*now, *default, *later, *self._layouts)))


def on_air(source: Manifest | Programme, at: datetime, zone: ZoneInfo, facts: Facts) -> OnAir:
    """What is on air at `at`, asked once; who asks again and again keeps the `Listings`."""
    return Listings(source, zone).at(at, facts)
