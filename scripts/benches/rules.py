"""Five thousand rules: how long it takes to say what is on air, and when that changes, beside a look at each rule on each day."""

from __future__ import annotations

import random
import time
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from datetime import time as wall
from zoneinfo import ZoneInfo

from player.core.schedule import Condition, Rule, occurrence
from player.core.timetable import Timetable, Turn
from scripts.benches.figures import Figure, Required, middle

RULES, ASKED = 5_000, 100
ZONE = ZoneInfo("Europe/Berlin")
BEGINS = datetime(2026, 3, 28, 12, tzinfo=UTC)  # the clocks are set forward in the night that follows


def rules(runs: int) -> list[Figure]:
    """None of the rules is on air, for want of the weather: the longest walk that there is. Under 5 ms."""
    made = _made(random.Random(7))  # noqa: S311 - the same rules each time
    table = Timetable(made, ZONE)
    ours, at = [], BEGINS
    for _ in range(ASKED * runs):
        began = time.perf_counter()
        turn = table.at(at, {})
        ours.append((time.perf_counter() - began) * 1000)
        at = turn.until or at
    scan = []
    for _ in range(runs):
        began = time.perf_counter()
        slow = _scan(made, BEGINS)
        scan.append((time.perf_counter() - began) * 1000)
    if slow.until != table.at(BEGINS, {}).until:
        raise AssertionError(f"the scan says {slow.until}")
    required = Required(5)
    return [Figure("rules", f"next change of {RULES} rules", middle(ours), "ms", middle(scan), "days × rules", required, ours)]


def _made(dice: random.Random) -> list[Rule]:
    weather = (Condition("weather", "gt", 30),)
    return [
        Rule(
            str(number), frozenset(dice.sample(range(1, 8), dice.randrange(1, 8))), _clock(dice), _clock(dice),
            start_date=date(2026, 1, 1) + timedelta(days=dice.randrange(120)), priority=dice.randrange(100), conditions=weather,
        )
        for number in range(RULES)
    ]  # fmt: skip


def _clock(dice: random.Random) -> wall:
    minute = dice.randrange(24 * 60)
    return wall(minute // 60, minute % 60)


def _scan(made: Sequence[Rule], at: datetime) -> Turn:
    """Every occurrence of every rule around that day: its edges, and the nearest."""
    today = at.astimezone(ZONE).date()
    edges: list[datetime] = []
    for rule in made:
        for ahead in range(-2, 9):
            day = today + timedelta(days=ahead)
            if (rule.start_date or date.min) <= day and day.isoweekday() in rule.days_of_week:
                edges += occurrence(day, rule.start_time, rule.end_time, ZONE)
    return Turn(None, min(edge for edge in edges if edge > at))
