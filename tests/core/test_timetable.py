"""Which rule is on air and until when; and the laws: nothing changes before its time, and a slow clock agrees."""

from __future__ import annotations

import zoneinfo
from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from player.core.schedule import EVERY_DAY, Condition, Facts, Rule, holds, instant, parse_time, span
from player.core.timetable import Timetable

BERLIN, TOKYO = ZoneInfo("Europe/Berlin"), ZoneInfo("Asia/Tokyo")
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)


def at(text: str, zone: ZoneInfo = BERLIN, fold: int = 0) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=zone, fold=fold).astimezone(UTC)


NOON = at("2026-04-01T12:00")  # a Wednesday


def rule(rule_id: str = "1", start: str = "09:00", end: str = "17:00", **more) -> Rule:
    return Rule(rule_id, start_time=parse_time(start), end_time=parse_time(end), **more)


def winner(*rules: Rule, when: str, fold: int = 0, **facts) -> str | None:
    found = Timetable(rules, BERLIN).at(at(when, fold=fold), facts).rule
    return found.id if found else None


# --- ordinary days


@pytest.mark.parametrize(
    ("when", "expected"),
    [("2026-04-01T08:59:59", None), ("2026-04-01T09:00", "1"), ("2026-04-01T16:59:59", "1"), ("2026-04-01T17:00", None)],
)
def test_a_daypart_holds_from_its_start_up_to_its_end(when: str, expected: str | None):
    assert winner(rule(), when=when) == expected


@pytest.mark.parametrize(
    ("when", "expected"),
    [
        ("2026-04-03T21:59", None),  # a Friday
        ("2026-04-03T22:00", "1"),
        ("2026-04-04T01:59", "1"),
        ("2026-04-04T02:00", None),
        ("2026-04-04T22:30", None),
        ("2026-04-03T01:00", None),
    ],
)
def test_a_daypart_over_midnight_belongs_to_the_day_it_starts_on(when: str, expected: str | None):
    friday_night = rule(start="22:00", end="02:00", days_of_week=frozenset({5}), end_date=date(2026, 4, 3))
    assert winner(friday_night, when=when) == expected


def test_dates_are_inclusive_and_equal_times_mean_the_whole_day():
    spring_sale = rule(start="00:00", end="00:00", start_date=date(2026, 4, 1), end_date=date(2026, 4, 2))
    seen = [winner(spring_sale, when=f"2026-{day}") for day in ("03-31T23:59", "04-01T00:00", "04-02T23:59", "04-03T00:00")]
    assert seen == [None, "1", "1", None]


@pytest.mark.parametrize("end", ["23:59", "23:59:59", "24:00", "00:00"])
def test_whoever_writes_the_last_minute_means_the_end_of_the_day(end: str):
    assert winner(rule(start="00:00", end=end), when="2026-04-01T23:59:59") == "1"
    assert winner(rule(start="20:00", end=end), when="2026-04-01T23:59:59") == "1"
    assert winner(rule(start="20:00", end=end), when="2026-04-02T00:00") is None


def test_a_daypart_that_begins_and_ends_in_the_last_minute_lasts_all_day():
    assert winner(rule(start="23:59", end="23:59"), when="2026-04-01T12:00") == "1"


def test_the_better_ranked_rule_wins():
    rules = (rule("9", priority=5), rule("10", priority=5), rule("11", priority=1), rule("12", priority=9, is_active=False))
    assert winner(*rules, when="2026-04-01T12:00") == "10"
    assert winner(rule("a"), rule("b"), when="2026-04-01T12:00") == "b"
    assert winner(rule("a", updated_at=5.0), rule("b"), when="2026-04-01T12:00") == "a"
    assert winner(rule("a", updated_at=5.0), rule("b", specificity=1), when="2026-04-01T12:00") == "b"
    assert winner(when="2026-04-01T12:00") is None


def test_each_rule_goes_by_the_clock_of_its_zone():
    rules = (rule("here", "04:00", "05:00"), rule("there", "11:00", "12:00", zone="Asia/Tokyo", priority=1))
    table = Timetable(rules, BERLIN)
    turn = table.at(at("2026-01-07T03:30"), {})  # 11:30 in Tokyo
    assert (turn.rule, turn.until) == (rules[1], at("2026-01-07T12:00", TOKYO))
    assert table.at(at("2026-01-07T04:30"), {}).rule == rules[0]
    assert [table.zone_of(one) for one in rules] == [BERLIN, TOKYO]


def test_a_zone_that_nobody_knows_is_the_devices_own():
    lost = rule(zone="Middle/Earth")
    assert Timetable([lost, rule("2", zone="Middle/Earth")], BERLIN).at(NOON, {}).rule == rule("2", zone="Middle/Earth")


# --- the nights of the clocks


def test_t3_in_autumn_a_daypart_within_the_doubled_hour_runs_once():
    breakfast = rule(start="02:15", end="02:45")
    assert winner(breakfast, when="2026-10-25T02:30", fold=0) == "1"
    assert winner(breakfast, when="2026-10-25T02:30", fold=1) is None


def test_t3_in_spring_a_daypart_within_the_missing_hour_runs_its_length_after_it():
    swallowed = rule(start="02:15", end="02:45")
    seen = [winner(swallowed, when=f"2026-03-29T{when}") for when in ("01:59:59", "03:00", "03:29:59", "03:30", "12:00")]
    assert seen == [None, "1", "1", None, None]
    not_that_day = rule(start="02:15", end="02:45", days_of_week=frozenset({1}))
    assert winner(not_that_day, when="2026-03-29T03:10") is None


def test_t3_a_clock_that_falls_back_over_midnight_keeps_the_day_that_had_begun():
    newfoundland = ZoneInfo("America/St_Johns")  # 00:01 fell back to 23:01 of the day before
    sunday = Rule("1", days_of_week=frozenset({7}), start_date=date(1995, 10, 29), end_date=date(1995, 10, 29))
    begins = instant(date(1995, 10, 29), time(0), newfoundland)
    for seconds in (0, 59, 90, 3700):
        assert Timetable([sunday], newfoundland).at(begins + timedelta(seconds=seconds), {}).rule == sunday


# --- conditions


def test_a_rule_is_on_air_only_while_all_its_conditions_hold():
    ice_cream = rule(conditions=(Condition("weather", "gt", "25"), Condition("day_type", "eq", "weekend")))
    assert winner(ice_cream, when="2026-04-04T12:00", weather=26) == "1"
    assert winner(ice_cream, when="2026-04-04T12:00", weather=25) is None
    assert winner(ice_cream, when="2026-04-01T12:00", weather=26) is None


# --- the next change


@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        ([rule()], "2026-04-01T17:00"),
        ([rule(start="14:00")], "2026-04-01T14:00"),
        ([rule(), rule("2", "12:30", "13:00")], "2026-04-01T12:30"),
        ([rule(), rule("0", "12:30", "13:00")], "2026-04-01T17:00"),  # never the winner
        ([rule(days_of_week=frozenset({2}))], "2026-04-07T09:00"),
        ([rule(start_date=date(2027, 1, 1))], "2027-01-01T09:00"),
        ([rule(conditions=(Condition("time_range", "between", "09:00-13:30"),))], "2026-04-01T13:30"),
        ([rule(end="09:00", conditions=(Condition("day_type", "eq", "weekday"),))], "2026-04-02T00:00"),
        ([rule(conditions=(Condition("time_range", "between", "noon"),))], "2026-04-01T17:00"),
        ([rule(conditions=(Condition("weather", "gt", 30), Condition("time_range", "between", "noon")))], "2026-04-01T17:00"),
        ([rule(end_date=date(2026, 3, 1), conditions=(Condition("day_type", "eq", "weekend"),))], None),
        (
            [Rule("1", conditions=(Condition("instants", "between", [1.0, at("2026-04-01T12:07").timestamp()]),))],
            "2026-04-01T12:07",
        ),
        ([rule(is_active=False)], None),
        ([Rule("always")], None),
        ([], None),
    ],
)
def test_the_next_change_is_the_next_edge_that_matters(rules: list[Rule], expected: str | None):
    assert Timetable(rules, BERLIN).at(NOON, {}).until == (at(expected) if expected else None)


def test_next_starts_are_those_of_all_rules_that_are_still_to_run():
    rules = [rule("on"), rule("tomorrow", "08:00", "09:00"), rule("over", end_date=date(2026, 3, 1)), Rule("always")]
    found = {one.id: start for one, start in Timetable(rules, BERLIN).next_starts(NOON)}
    assert found == {"on": NOON, "tomorrow": at("2026-04-02T08:00"), "always": NOON}


# --- laws


class SlowClock:
    """An oracle that walks: it looks at the wall clock of each minute from three days before on, and at nothing else."""

    def __init__(self, zone: ZoneInfo, first: datetime, minutes: int) -> None:
        self.first, self.zone = first.replace(second=0, microsecond=0) - 3 * DAY, zone
        self.walls: list[datetime] = []  # the latest that the clock has shown by then
        latest = datetime(1, 1, 1)  # noqa: DTZ001 - what a wall clock shows has no zone
        for number in range(minutes + 3 * 24 * 60 + 1):
            shown = (self.first + number * MINUTE).astimezone(zone).replace(tzinfo=None, fold=0)
            latest = max(latest, shown)
            self.walls.append(latest)

    def first_minute(self, wall: datetime) -> int:
        return next((number for number, shown in enumerate(self.walls) if shown >= wall), len(self.walls))

    def on_air(self, one: Rule, now: datetime, facts: Facts) -> bool:
        minute = (now - self.first) // MINUTE
        begins_s, ends_s = span(one.start_time, one.end_time)
        for day in {wall.date() for wall in self.walls} | {self.walls[0].date() - DAY}:
            midnight = datetime.combine(day, time(0))
            begins = self.first_minute(midnight + timedelta(seconds=begins_s))
            ends = self.first_minute(midnight + timedelta(seconds=ends_s))
            ends = begins + (ends_s - begins_s) // 60 if begins == ends else ends
            dated = (one.start_date or date.min) <= day <= (one.end_date or date.max) and day.isoweekday() in one.days_of_week
            if dated and 0 < begins <= minute < ends:
                return all(holds(condition, now, self.zone, facts) for condition in one.conditions)
        return False

    def winner(self, rules: Sequence[Rule], now: datetime, facts: Facts) -> Rule | None:
        running = [one for one in rules if one.is_active and self.on_air(one, now, facts)]
        return max(running, key=lambda one: one.rank, default=None)


zones = st.sampled_from(sorted(zoneinfo.available_timezones() - {"localtime", "Factory"})).map(ZoneInfo)
days = st.dates(date(2020, 1, 1), date(2029, 12, 31))
clocks = st.integers(0, 24 * 60 - 1).map(lambda minute: time(minute // 60, minute % 60)) | st.sampled_from(
    [time(1), time(1, 30), time(2), time(2, 15), time(2, 45), time(3), time(23, 59), time(0)]
)
CONDITIONS = [
    Condition("day_type", "eq", "weekend"),
    Condition("time_range", "between", "01:30-02:45"),
    Condition("weather", "gt", 30),
]


def rules_near(day: date) -> st.SearchStrategy[list[Rule]]:
    near = st.one_of(st.none(), st.integers(-4, 4).map(lambda n: day + n * DAY))
    one = st.builds(
        Rule,
        st.integers(1, 9).map(str),
        days_of_week=st.frozensets(st.integers(1, 7)).map(lambda chosen: chosen or EVERY_DAY),
        start_time=clocks,
        end_time=clocks,
        start_date=near,
        end_date=near,
        priority=st.integers(0, 2),
        specificity=st.integers(0, 1),
        is_active=st.sampled_from([True, True, True, False]),
        conditions=st.lists(st.sampled_from(CONDITIONS), max_size=1).map(tuple),
    )
    return st.lists(one, max_size=5)


@st.composite
def weeks(draw: st.DrawFn) -> tuple[ZoneInfo, list[Rule], datetime, Facts]:
    """Rules in a zone, and a moment near a day on which its clocks change, or any other where they never do."""
    zone, day = draw(zones), draw(days)
    noon = datetime.combine(day, time(12), zone)
    for ahead in range(200):
        if (noon + ahead * DAY).utcoffset() != (noon + (ahead + 1) * DAY).utcoffset():
            day += (ahead + 1) * DAY
            break
    now = instant(day - DAY, time(0), zone) + draw(st.integers(0, 3 * 24 * 60)) * MINUTE
    return zone, draw(rules_near(day)), now, draw(st.sampled_from([{}, {"weather": 31.0}]))


@settings(max_examples=150, deadline=None)
@given(weeks())
def test_t5_a_slow_clock_agrees_and_nothing_changes_before_the_next_change(week: tuple[ZoneInfo, list[Rule], datetime, Facts]):
    zone, rules, now, facts = week
    slow, table = SlowClock(zone, now, 24 * 60), Timetable(rules, zone)
    for step in range(0, 24 * 60, 97):
        moment = now + step * MINUTE
        assert table.at(moment, facts).rule == slow.winner(rules, moment, facts), moment
    turn = table.at(now, facts)
    until = turn.until or now + 30 * DAY
    assert until > now
    for part in range(1, 40):
        assert table.at(now + (until - now) * part / 40, facts).rule == turn.rule
    assert table.at(until - timedelta(microseconds=1), facts).rule == turn.rule


@settings(max_examples=60, deadline=None)
@given(weeks())
def test_t5_the_walk_from_change_to_change_misses_none(week: tuple[ZoneInfo, list[Rule], datetime, Facts]):
    zone, rules, now, facts = week
    table, end = Timetable(rules, zone), now + 2 * DAY
    while now < end:
        turn = table.at(now, facts)
        until = min(turn.until or end, end)
        for minutes in range(0, int((until - now) / MINUTE), 13):
            assert table.at(now + minutes * MINUTE, facts).rule == turn.rule
        now = until
