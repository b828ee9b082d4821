"""Which of many rules is on air, and until when: rules prepared once, asked often (pure).

Preparing turns each rule into one row of whole numbers, the best rule first. A question then costs one walk down the rows to the
first rule on air and never one over days: a table says how many days on a rule runs next. Seconds are counted on the wall clock,
from the first day of the calendar. Two facts about the nights on which clocks change make that exact:

- A clock that is set back shows some times twice, and only their first showing counts. So for the hour in question the wall clock
  is taken to stand still at the latest time that it has shown.
- A daypart that lies wholly in the hour left out runs its length from the moment of the change on (`schedule.occurrence`). So for a
  day after a gap those that it swallowed are looked for beside the ordinary ones.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from player.core.schedule import (
    DAY_S,
    EVERY_DAY,
    Condition,
    Facts,
    Rule,
    condition_edges,
    holds,
    instant,
    span,
)

FOREVER = date.max.toordinal()
NEVER = (FOREVER + 1) * DAY_S
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Turn:
    """The rule on air (None: none is), and the instant (UTC) up to which time alone changes nothing (None: for ever)."""

    rule: Rule | None
    until: datetime | None


class _Row(NamedTuple):
    """`first`, `last`: ordinals of days; `wait`: days until it runs, by day of the week (0 is Monday); `begins`, `ends`: `span`.

    `conditions` are numbers in the timetable's list.
    """

    rule: Rule
    zone: int
    first: int
    last: int
    wait: tuple[int, ...]
    begins: int
    ends: int
    conditions: tuple[int, ...]
    is_endless: bool

    def start_after(self, wall: _Wall) -> int:
        """When it runs next after what the clock shows, in seconds of the wall clock; `NEVER`."""
        day = wall.today if self.begins > wall.second else wall.today + 1
        if day < self.first:
            day = self.first
        day += self.wait[(day - 1) % 7]
        return day * DAY_S + self.begins if day <= self.last else NEVER

    def end_after(self, wall: _Wall) -> int | None:
        """When the occurrence that is on air ends, in seconds of the wall clock; None when none is on air."""
        if self.begins <= wall.second < self.ends and self.runs_on(wall.today):
            return wall.today * DAY_S + self.ends
        if wall.second + DAY_S < self.ends and self.runs_on(wall.today - 1):
            return (wall.today - 1) * DAY_S + self.ends
        return self._end_of_swallowed(wall) if wall.gap else None

    def runs_on(self, day: int) -> bool:
        return self.first <= day <= self.last and not self.wait[(day - 1) % 7]

    def _end_of_swallowed(self, wall: _Wall) -> int | None:
        low, high = wall.gap
        end = high + self.ends - self.begins
        for day in range(low // DAY_S, high // DAY_S + 1):
            inside = low <= day * DAY_S + self.begins and day * DAY_S + self.ends <= high
            if inside and self.runs_on(day) and wall.now < end:
                return end
        return None


@dataclass(frozen=True, slots=True)
class _Wall:
    """What the clock of one zone shows: the day (its ordinal) and its second. `gap`: what it jumped over within a day, or ().

    Dayparts of days before `long_ago` are over whatever the clocks did.
    """

    now: int
    today: int
    second: int
    long_ago: int
    gap: tuple[int, ...]

    @classmethod
    def showing(cls, now: int, gap: tuple[int, ...] = ()) -> _Wall:
        return cls(now, now // DAY_S, now % DAY_S, now // DAY_S - 2, gap)

    @classmethod
    def of(cls, at: datetime, zone: ZoneInfo) -> _Wall:
        local = at.astimezone(zone)
        now = _count(local)
        if local.fold:  # shown for the second time
            change = _change(at, local.replace(fold=0).astimezone(UTC), zone)
            return cls.showing(_count((change - timedelta(seconds=1)).astimezone(zone)))
        before = at - _DAY
        if _offset(at, zone) > _offset(before, zone):
            change = _change(at, before, zone)
            low = _count((change - timedelta(seconds=1)).astimezone(zone)) + 1
            return cls.showing(now, (low, _count(change.astimezone(zone))))
        return cls.showing(now)


def _count(local: datetime) -> int:
    return local.toordinal() * DAY_S + local.hour * 3600 + local.minute * 60 + local.second


def _offset(at: datetime, zone: ZoneInfo) -> timedelta:
    return at.astimezone(zone).utcoffset() or timedelta()


def _change(late: datetime, early: datetime, zone: ZoneInfo) -> datetime:
    """The instant, a whole second, at which the zone's offset changed to what it is at `late`."""
    early, late = early.replace(microsecond=0), late.replace(microsecond=0)
    after = _offset(late, zone)
    while late - early > timedelta(seconds=1):
        middle = early + timedelta(seconds=(late - early) // timedelta(seconds=2))
        if _offset(middle, zone) == after:
            late = middle
        else:
            early = middle
    return late


class Timetable:
    """Rules, prepared. `zone` is that of rules that name none, or one that this machine does not know."""

    def __init__(self, rules: Iterable[Rule], zone: ZoneInfo) -> None:
        self._zones = [zone]
        self._numbers: dict[str | None, int] = {None: 0}
        self._conditions: dict[str, tuple[int, Condition, int]] = {}
        ranked = sorted((rule for rule in rules if rule.is_active), key=lambda rule: rule.rank, reverse=True)
        self._rows = [self._row(rule) for rule in ranked]

    def _row(self, rule: Rule) -> _Row:
        zone = self._zone(rule.zone)
        begins, ends = span(rule.start_time, rule.end_time)
        first = rule.start_date.toordinal() if rule.start_date else 1
        last = rule.end_date.toordinal() if rule.end_date else FOREVER
        conditions = tuple(self._condition(condition, zone) for condition in rule.conditions)
        is_endless = (first, last, begins, ends, rule.days_of_week) == (1, FOREVER, 0, DAY_S, EVERY_DAY)
        return _Row(rule, zone, first, last, _wait(rule.days_of_week), begins, ends, conditions, is_endless)

    def _zone(self, name: str | None) -> int:
        if name not in self._numbers:
            try:
                self._zones.append(ZoneInfo(str(name)))
            except (ValueError, OSError, LookupError):  # whoever checks rules has said so
                self._numbers[name] = 0
            else:
                self._numbers[name] = len(self._zones) - 1
        return self._numbers[name]

    def _condition(self, condition: Condition, zone: int) -> int:
        """Its number: rules by the thousand share few conditions, and each is judged once."""
        known = self._conditions.setdefault(f"{zone} {condition!r}", (len(self._conditions), condition, zone))
        return known[0]

    def at(self, at: datetime, facts: Facts) -> Turn:
        """The rule on air at `at`, and until when."""
        walls = [_Wall.of(at, zone) for zone in self._zones]
        judge = _Judge(at, self._zones, facts, [(condition, zone) for _, condition, zone in self._conditions.values()])
        soonest = [NEVER] * len(walls)
        found: Rule | None = None
        for row in self._rows:
            wall, known = walls[row.zone], soonest[row.zone]
            if row.last < wall.long_ago or row.first * DAY_S >= known:  # long over, or to begin after something else
                continue
            change = row.end_after(wall)
            if change is None:
                change = row.start_after(wall)
            elif all(map(judge.holds, row.conditions)):
                found = row.rule
            if change < known and not row.is_endless:
                soonest[row.zone] = change
            if found:
                break
        return Turn(found, self._first(at, soonest, judge.edges))

    def _first(self, at: datetime, soonest: Sequence[int], edges: Iterable[datetime]) -> datetime | None:
        changes = [_instant(count, zone) for count, zone in zip(soonest, self._zones, strict=True) if count < NEVER]
        return min((moment for moment in (*changes, *edges) if moment > at), default=None)

    def next_starts(self, at: datetime) -> Iterator[tuple[Rule, datetime]]:
        """Each rule that is still to run, and when next: `at` for one that is on air by its times. Conditions are not asked."""
        walls = [_Wall.of(at, zone) for zone in self._zones]
        for row in self._rows:
            wall = walls[row.zone]
            if row.end_after(wall) is not None:
                yield row.rule, at
            elif (start := row.start_after(wall)) < NEVER:
                yield row.rule, _instant(start, self._zones[row.zone])

    def zone_of(self, rule: Rule) -> ZoneInfo:
        """Whose wall clock the rule goes by."""
        return self._zones[self._zone(rule.zone)]


class _Judge:
    """Judges conditions, each once, and keeps the edges at which time may change the answer."""

    def __init__(self, at: datetime, zones: Sequence[ZoneInfo], facts: Facts, asked: Sequence[tuple[Condition, int]]) -> None:
        self._at, self._zones, self._facts, self._asked = at, zones, facts, asked
        self._known: dict[int, bool] = {}
        self.edges: list[datetime] = []

    def holds(self, number: int) -> bool:
        """Whether the condition of that number is met."""
        if number not in self._known:
            condition, zone = self._asked[number]
            self._known[number] = holds(condition, self._at, self._zones[zone], self._facts)
            self.edges += condition_edges(condition, self._at, self._zones[zone])
        return self._known[number]


def _wait(days: Collection[int]) -> tuple[int, ...]:
    chosen = days or EVERY_DAY
    return tuple(next(ahead for ahead in range(7) if (day + ahead) % 7 + 1 in chosen) for day in range(7))


def _instant(count: int, zone: ZoneInfo) -> datetime:
    day, second = divmod(count, DAY_S)
    return instant(date.fromordinal(day), time(second // 3600, second // 60 % 60, second % 60), zone)
