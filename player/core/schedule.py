"""What is on air when: dayparts, priority and conditions (house rules 1 and 12: pure; local wall time through ZoneInfo).

A rule makes at most one *occurrence* a day: the stretch from its start to its end on that day's wall clock, as two instants. Days
of the week and dates belong to the day an occurrence starts on, so a Friday night from 22:00 to 02:00 ends on Saturday. Start and
end alike, or left out, mean the whole day; an end at 23:59 or 23:59:59 is what people write who mean midnight.

The two nights on which clocks change: a wall time that comes twice means the first one, so no daypart runs twice; a wall time that
is left out means the moment of the change, so a daypart that begins there begins late; one that lies wholly in the hour that is
left out runs its length right after it, so none is skipped.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

EVERY_DAY = frozenset(range(1, 8))
MIDNIGHT = time(0, 0)
DAY_S = 24 * 3600
_DAY = timedelta(days=1)
_LAST_MINUTE = (time(23, 59), time(23, 59, 59))
_RANGE = re.compile(r"\s*(-?[\d.:]+)\s*(?:-|,|to|\.\.)\s*(-?[\d.:]+)\s*")

Facts = Mapping[str, float | str]


@dataclass(frozen=True, slots=True)
class Condition:
    """One more demand on a rule. `type`: weather | day_type | time_range | instants | away.

    `operator`: eq, ne, gt, gte, lt, lte, in, between. The value of `instants` is two ends in seconds since the epoch, the latter
    not included; None leaves an end open. That of `away` is a server (`ports.server.Device.key`) which does not answer.
    """

    type: str
    operator: str
    value: Any
    unit: str = ""

    def __str__(self) -> str:
        if self.type == "away":
            return "the server is away"
        if self.type != "instants":
            return f"{self.type} {self.operator} {self.value}{self.unit}"
        try:
            begins, ends = _instants(self)
        except ValueError:
            return f"instants {self.value!r}"
        said = (f"{word} {at:%Y-%m-%d %H:%M:%S} UTC" for word, at in (("from", begins), ("until", ends)) if at is not None)
        return " ".join(said) or "at all times"


@dataclass(frozen=True, slots=True)
class Rule:
    """When a layout is on air. `days_of_week` are ISO (1 is Monday), dates inclusive; `zone`: whose wall clock, None the device's.

    Among rules on air at once the higher `priority` wins, then the higher `specificity` (how narrowly it was aimed at this screen),
    then the later `updated_at` (seconds since the epoch), then the later id.
    """

    id: str
    days_of_week: frozenset[int] = EVERY_DAY
    start_time: time = MIDNIGHT
    end_time: time = MIDNIGHT
    start_date: date | None = None
    end_date: date | None = None
    priority: int = 0
    is_active: bool = True
    conditions: tuple[Condition, ...] = ()
    layout: str = ""
    name: str = ""
    zone: str | None = None
    specificity: int = 0
    updated_at: float = 0.0

    def __str__(self) -> str:
        return f'"{self.name}"' if self.name else self.id

    @property
    def rank(self) -> tuple[int, int, float, int, str]:
        """The greater one wins."""
        return self.priority, self.specificity, self.updated_at, *_age(self.id)


def parse_rule(wire: Mapping[str, Any]) -> Rule:
    """A rule as servers write it: "HH:MM", "HH:MM:SS", "24:00", ISO dates, 0 or 7 as Sunday, null. Raises ValueError."""
    return Rule(
        id=str(wire["id"]),
        days_of_week=parse_days(wire.get("days_of_week")),
        start_time=parse_time(wire.get("start_time") or "00:00"),
        end_time=parse_time(wire.get("end_time") or "00:00"),
        start_date=_parse_date(wire.get("start_date")),
        end_date=_parse_date(wire.get("end_date")),
        priority=int(wire.get("priority") or 0),
        is_active=wire.get("is_active") in (None, True, 1, "1", "true"),
        conditions=tuple(
            Condition(str(c.get("type", "")), str(c.get("operator", "")), c.get("value"), str(c.get("unit") or ""))
            for c in wire.get("conditions") or ()
        ),
    )


def parse_days(days: Iterable[Any] | None) -> frozenset[int]:
    """ISO days of the week; 0 is Sunday too, none given is every day. Raises ValueError."""
    found = frozenset(int(day) or 7 for day in days or ())
    if not found <= EVERY_DAY:
        raise ValueError(f"days of the week are 1 (Monday) to 7 (Sunday), found {sorted(found - EVERY_DAY)}")
    return found or EVERY_DAY


def parse_time(text: str) -> time:
    """A wall time of "HH:MM" or "HH:MM:SS"; "24:00" is midnight. Raises ValueError."""
    match = re.fullmatch(r"(\d{1,2}):(\d{2})(?::(\d{2}))?", str(text).strip())
    if not match:
        raise ValueError(f'expected a time such as "09:30", found "{text}"')
    hour, minute, second = (int(part or 0) for part in match.groups())
    return MIDNIGHT if (hour, minute, second) == (24, 0, 0) else time(hour, minute, second)


def _parse_date(text: str | None) -> date | None:
    return date.fromisoformat(str(text)[:10]) if text else None


# --- wall time and instants ------------------------------------------------------------------------------------------------------


def instant(day: date, wall: time, zone: ZoneInfo) -> datetime:
    """The first instant (UTC) at which the clock in `zone` shows `wall` on `day` or, where it never does, jumps over it."""
    local = datetime.combine(day, wall)
    late = local.replace(tzinfo=zone, fold=0).astimezone(UTC)
    if late.astimezone(zone).replace(tzinfo=None, fold=0) == local:
        return late
    early = local.replace(tzinfo=zone, fold=1).astimezone(UTC)
    before = early.astimezone(zone).utcoffset()
    while late - early > timedelta(seconds=1):
        middle = early + timedelta(seconds=(late - early) // timedelta(seconds=2))
        if middle.astimezone(zone).utcoffset() == before:
            early = middle
        else:
            late = middle
    return late


def occurrence(day: date, start: time, end: time, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """The daypart that starts on `day`, as two instants (UTC), the end not included."""
    begins_s, ends_s = span(start, end)
    last = datetime.combine(day, MIDNIGHT) + timedelta(seconds=ends_s)
    begins, ends = instant(day, start, zone), instant(last.date(), last.time(), zone)
    if begins == ends:  # swallowed whole by the change of clocks
        ends += timedelta(seconds=ends_s - begins_s)
    return begins, ends


def span(start: time, end: time) -> tuple[int, int]:
    """A daypart on the wall clock: seconds from the midnight of the day it starts on; the end may lie on the next day."""
    begins_s, ends_s = _seconds(start), _seconds(end)
    if end in _LAST_MINUTE and end != start:
        ends_s = DAY_S
    return begins_s, ends_s if ends_s > begins_s else ends_s + DAY_S


def _seconds(wall: time) -> int:
    return wall.hour * 3600 + wall.minute * 60 + wall.second


def _around(at: datetime, zone: ZoneInfo) -> Iterator[date]:
    """The days whose occurrences may cover `at`; tomorrow's too, since clocks may fall back over midnight."""
    today = at.astimezone(zone).date()
    return (today + timedelta(days=n) for n in (-2, -1, 0, 1))


def _covered(at: datetime, start: time, end: time, zone: ZoneInfo, days: Iterable[date]) -> bool:
    return any(begins <= at < ends for begins, ends in (occurrence(day, start, end, zone) for day in days))


# --- conditions ------------------------------------------------------------------------------------------------------------------


def holds(condition: Condition, at: datetime, zone: ZoneInfo, facts: Facts) -> bool:
    """Whether `condition` is met. An unknown type, a missing fact or a value that makes no sense does not hold.

    `facts`: {"weather": degrees Celsius or a word, "holidays": ISO dates with commas between them, "away": a server's key}.
    """
    try:
        match condition.type:
            case "weather":
                return is_known(condition, facts) and _weather(condition, facts["weather"])
            case "day_type":
                return _compare_words(condition, *_day_types(at.astimezone(zone).date(), facts))
            case "time_range":
                start, end = (parse_time(part) for part in _pair(condition.value))
                return condition.operator == "between" and _covered(at, start, end, zone, _around(at, zone))
            case "instants":
                begins, ends = _instants(condition)
                return (begins is None or begins <= at) and (ends is None or at < ends)
            case "away":
                return _compare_words(condition, str(facts.get("away", "")))
            case _:
                return False
    except (ValueError, TypeError, OverflowError):
        return False


def is_known(condition: Condition, facts: Facts) -> bool:
    """Whether it can be judged: its type is understood, and the facts that it asks for are there."""
    if condition.type == "weather":
        return "weather" in facts
    if condition.type == "day_type" and "holiday" in {str(value).strip().lower() for value in _several(condition.value)}:
        return "holidays" in facts
    return condition.type in ("day_type", "time_range", "instants", "away")


def _day_types(day: date, facts: Facts) -> Iterator[str]:
    yield "weekend" if day.isoweekday() > 5 else "weekday"
    if day.isoformat() in str(facts.get("holidays", "")):
        yield "holiday"


def _weather(condition: Condition, fact: float | str) -> bool:
    """A number is degrees Celsius; words such as "rain" are compared as words."""
    if isinstance(fact, str):
        return _compare_words(condition, fact)
    degrees = fact * 9 / 5 + 32 if condition.unit.lower().startswith("f") else fact
    return _compare_numbers(condition, degrees)


def _compare_words(condition: Condition, *facts: str) -> bool:
    wanted = {str(value).strip().lower() for value in _several(condition.value)}
    found = any(fact.lower() in wanted for fact in facts)
    return {"eq": found, "in": found, "ne": not found}.get(condition.operator, False)


def _compare_numbers(condition: Condition, fact: float) -> bool:
    match condition.operator:
        case "between":
            low, high = (float(part) for part in _pair(condition.value))
            return low <= fact <= high
        case "in":
            return fact in [float(value) for value in _several(condition.value)]
    wanted = float(condition.value)
    answers = {"eq": fact == wanted, "ne": fact != wanted, "gt": fact > wanted, "gte": fact >= wanted}
    return (answers | {"lt": fact < wanted, "lte": fact <= wanted}).get(condition.operator, False)


def _several(value: Any) -> Sequence[Any]:
    return value if isinstance(value, (list, tuple)) else str(value).split(",")


def _pair(value: Any) -> tuple[str, str]:
    """Two ends of "09:00-17:00", "-5 to 10" or [low, high]. Raises ValueError."""
    if isinstance(value, (list, tuple)):
        low, high = value
        return str(low), str(high)
    match = _RANGE.fullmatch(str(value))
    if not match:
        raise ValueError(f'expected two ends such as "09:00-17:00", found "{value}"')
    return match[1], match[2]


def _instants(condition: Condition) -> tuple[datetime | None, datetime | None]:
    """Both ends. Raises ValueError where they are none."""
    try:
        begins, ends = (None if end is None else datetime.fromtimestamp(float(end), UTC) for end in condition.value)
    except (TypeError, OverflowError) as error:
        raise ValueError(f"expected two instants, found {condition.value!r}") from error
    return begins, ends


def condition_edges(condition: Condition, at: datetime, zone: ZoneInfo) -> Iterator[datetime]:
    """The instants (UTC) around `at` at which time alone may change whether `condition` holds, in no order."""
    try:
        match condition.type:
            case "instants":
                yield from filter(None, _instants(condition))
                return
            case "time_range":
                low, high = _pair(condition.value)
                ends = parse_time(low), parse_time(high)
            case "day_type":
                ends = MIDNIGHT, MIDNIGHT
            case _:
                return
    except ValueError:  # it never holds
        return
    for day in _around(at, zone):
        yield from occurrence(day, *ends, zone)


def _age(rule_id: str) -> tuple[int, str]:
    """Orders ids by when they were given: numbers by value, anything else by its letters."""
    return (int(rule_id), "") if rule_id.isdecimal() else (0, rule_id)
