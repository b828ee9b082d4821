"""Dayparts on ordinary days and on both nights of the clocks, priorities, conditions; and their laws over every time zone."""

from __future__ import annotations

import zoneinfo
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from player.core.schedule import (
    Condition,
    Rule,
    condition_edges,
    holds,
    instant,
    is_known,
    occurrence,
    parse_days,
    parse_rule,
    parse_time,
)

BERLIN = ZoneInfo("Europe/Berlin")
SPRING, AUTUMN = date(2026, 3, 29), date(2026, 10, 25)
MINUTE = timedelta(minutes=1)


def at(text: str, zone: ZoneInfo = BERLIN, fold: int = 0) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=zone, fold=fold).astimezone(UTC)


# --- the nights of the clocks ----------------------------------------------------------------------------------------------------


def span(day: date, start: str, end: str, zone: ZoneInfo = BERLIN) -> tuple[datetime, datetime]:
    return occurrence(day, parse_time(start), parse_time(end), zone)


def test_t3_in_spring_a_daypart_that_begins_in_the_missing_hour_begins_at_the_change():
    assert span(SPRING, "02:30", "03:15") == (at("2026-03-29T03:00"), at("2026-03-29T03:15"))
    assert span(SPRING, "01:30", "02:30") == (at("2026-03-29T01:30"), at("2026-03-29T03:00"))


def test_t3_in_spring_a_daypart_within_the_missing_hour_is_not_skipped():
    assert span(SPRING, "02:15", "02:45") == (at("2026-03-29T03:00"), at("2026-03-29T03:30"))


def test_t3_in_autumn_a_daypart_within_the_doubled_hour_runs_once():
    begins, ends = span(AUTUMN, "02:15", "02:45")
    assert ends - begins == timedelta(minutes=30)


def test_t3_in_autumn_a_daypart_over_the_change_lasts_an_hour_longer():
    begins, ends = span(AUTUMN, "01:00", "04:00")
    assert ends - begins == timedelta(hours=4)


def test_t3_a_midnight_that_does_not_exist_is_the_moment_of_the_change():
    havana = ZoneInfo("America/Havana")  # 00:00 becomes 01:00 on 8 March 2026
    assert instant(date(2026, 3, 8), time(0, 0), havana) == datetime(2026, 3, 8, 5, tzinfo=UTC)


# --- conditions ------------------------------------------------------------------------------------------------------------------

NOON = at("2026-04-01T12:00")  # a Wednesday
SATURDAY = at("2026-04-04T12:00")


@pytest.mark.parametrize(
    ("operator", "value", "unit", "expected"),
    [
        ("gt", "30", "celsius", True),
        ("gt", 31, "celsius", False),
        ("gte", "31", "", True),
        ("lt", "31", "", False),
        ("lte", "31", "", True),
        ("eq", 31, "", True),
        ("ne", 31, "", False),
        ("in", [30, 31], "", True),
        ("in", "29,30", "", False),
        ("between", "-5-31", "", True),
        ("between", [32, 40], "", False),
        ("between", "20 to 30", "", False),
        ("gt", "87", "fahrenheit", True),  # 31 degrees Celsius are 87.8 Fahrenheit
        ("gt", "88", "F", False),
        ("near", "31", "", False),
        ("gt", "warm", "", False),
        ("between", "31", "", False),
        ("gt", None, "", False),
        ("gt", -(10**400), "", False),
    ],
)
def test_weather_compares_degrees(operator: str, value: object, unit: str, *, expected: bool):
    assert holds(Condition("weather", operator, value, unit), NOON, BERLIN, {"weather": 31}) is expected


@pytest.mark.parametrize(
    ("operator", "value", "expected"), [("eq", "Rain", True), ("ne", "rain", False), ("in", "snow, rain", True)]
)
def test_weather_compares_words(operator: str, value: str, *, expected: bool):
    assert holds(Condition("weather", operator, value), NOON, BERLIN, {"weather": "rain"}) is expected


@pytest.mark.parametrize(
    ("operator", "value", "moment", "expected"),
    [
        ("eq", "weekday", NOON, True),
        ("eq", "weekday", SATURDAY, False),
        ("eq", "weekend", SATURDAY, True),
        ("ne", "weekend", NOON, True),
        ("in", ["weekday", "weekend"], SATURDAY, True),
        ("gt", "weekday", NOON, False),
    ],
)
def test_day_type_is_that_of_the_local_day(operator: str, value: object, moment: datetime, *, expected: bool):
    assert holds(Condition("day_type", operator, value), moment, BERLIN, {}) is expected


@pytest.mark.parametrize(
    ("operator", "value", "expected"),
    [
        ("between", "09:00-17:00", True),
        ("between", ["12:00", "12:01"], True),
        ("between", "22:00-12:01", True),
        ("between", "22:00-12:00", False),
        ("eq", "09:00-17:00", False),
        ("between", "morning", False),
        ("between", ["09:00"], False),
    ],
)
def test_time_range_is_local_and_may_cross_midnight(operator: str, value: object, *, expected: bool):
    assert holds(Condition("time_range", operator, value), NOON, BERLIN, {}) is expected


@pytest.mark.parametrize(
    ("value", "facts", "expected"),
    [
        ("holiday", {"holidays": "2026-03-31,2026-04-01"}, (True, True)),
        ("holiday", {"holidays": "2026-12-25"}, (True, False)),
        ("weekday,holiday", {"holidays": "2026-04-01"}, (True, True)),
        ("holiday", {}, (False, False)),
        ("weekday", {}, (True, True)),
    ],
)
def test_a_holiday_is_one_where_the_days_are_known(value: str, facts: dict, expected: tuple[bool, bool]):
    asked = Condition("day_type", "in", value)
    assert (is_known(asked, facts), holds(asked, NOON, BERLIN, facts)) == expected


def test_what_cannot_be_judged_is_known_as_such():
    known = [is_known(Condition(kind, "eq", "x"), {"weather": 1}) for kind in ("weather", "time_range", "moon_phase")]
    assert known == [True, True, False]
    assert not is_known(Condition("weather", "gt", 1), {})


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ([NOON.timestamp(), None], True),
        ([NOON.timestamp() + 0.5, None], False),
        ([None, NOON.timestamp()], False),
        ([None, NOON.timestamp() + 0.5], True),
        ([None, None], True),
        ([0, "1e400"], False),
        ([0], False),
        (None, False),
        ("ab", False),
    ],
)
def test_between_two_instants_the_first_counts_and_the_last_does_not(value: object, *, expected: bool):
    assert holds(Condition("instants", "between", value), NOON, BERLIN, {}) is expected


@pytest.mark.parametrize(
    ("condition", "words"),
    [
        (Condition("weather", "gt", 30, "F"), "weather gt 30F"),
        (Condition("instants", "between", [0, None]), "from 1970-01-01 00:00:00 UTC"),
        (Condition("instants", "between", [None, 60]), "until 1970-01-01 00:01:00 UTC"),
        (Condition("instants", "between", [0, 60]), "from 1970-01-01 00:00:00 UTC until 1970-01-01 00:01:00 UTC"),
        (Condition("instants", "between", [None, None]), "at all times"),
        (Condition("instants", "between", 3), "instants 3"),
        (Condition("away", "eq", "k"), "the server is away"),
    ],
)
def test_a_condition_in_words(condition: Condition, words: str):
    assert str(condition) == words


def test_time_changes_nothing_but_at_the_instants_themselves():
    ends = [NOON.timestamp() - 90, NOON.timestamp() + 0.25]
    edges = set(condition_edges(Condition("instants", "between", ends), NOON, BERLIN))
    assert edges == {NOON - timedelta(seconds=90), NOON + timedelta(milliseconds=250)}
    assert set(condition_edges(Condition("instants", "between", [None, 3]), NOON, BERLIN)) == {datetime.fromtimestamp(3, UTC)}
    assert set(condition_edges(Condition("instants", "between", 3), NOON, BERLIN)) == set()


def test_an_unknown_condition_or_a_missing_fact_does_not_hold():
    assert not holds(Condition("moon_phase", "eq", "full"), NOON, BERLIN, {"moon_phase": "full"})
    assert not holds(Condition("weather", "gt", "30"), NOON, BERLIN, {})


# --- the edge --------------------------------------------------------------------------------------------------------------------


def test_a_rule_is_read_as_the_server_writes_it():
    wire = {
        "id": 4,
        "days_of_week": ["0", 1],
        "start_time": "09:00:00",
        "end_time": "24:00",
        "start_date": "2026-04-01",
        "end_date": "2026-06-30T00:00:00Z",
        "priority": "10",
        "is_active": 1,
        "conditions": [{"type": "weather", "operator": "gt", "value": "30", "unit": "celsius"}],
    }
    assert parse_rule(wire) == Rule(
        "4",
        frozenset({1, 7}),
        time(9),
        time(0),
        date(2026, 4, 1),
        date(2026, 6, 30),
        10,
        is_active=True,
        conditions=(Condition("weather", "gt", "30", "celsius"),),
    )
    assert parse_rule({"id": 5, "days_of_week": None}) == Rule("5")
    assert not parse_rule({"id": 5, "is_active": False}).is_active


@pytest.mark.parametrize("days", [[8], [-1], ["Monday"]])
def test_days_that_do_not_exist_are_refused(days: list[object]):
    with pytest.raises(ValueError, match=r"days of the week|invalid literal"):
        parse_days(days)


@pytest.mark.parametrize("text", ["9", "25:00", "24:01", "09:60", "nine", ""])
def test_times_that_do_not_exist_are_refused(text: str):
    with pytest.raises(ValueError, match=r"such as|must be in"):
        parse_time(text)


# --- laws ------------------------------------------------------------------------------------------------------------------------

zones = st.sampled_from(sorted(zoneinfo.available_timezones() - {"localtime", "Factory"})).map(ZoneInfo)
days = st.dates(date(2000, 1, 1), date(2100, 1, 1))
clocks = st.integers(0, 24 * 60 - 1).map(lambda minute: time(minute // 60, minute % 60))
dates = st.one_of(st.none(), days)


@st.composite
def changes_of_clocks(draw: st.DrawFn) -> tuple[ZoneInfo, date]:
    """A zone, and a day on which its clocks change (or an ordinary day, where they never do)."""
    zone, day = draw(zones), draw(days)
    noon = datetime.combine(day, time(12), zone)
    for ahead in range(200):
        if (noon + timedelta(days=ahead)).utcoffset() != (noon + timedelta(days=ahead + 1)).utcoffset():
            return zone, day + timedelta(days=ahead + 1)
    return zone, day


@settings(max_examples=150, deadline=None)
@given(changes_of_clocks(), clocks, clocks)
def test_t3_every_occurrence_lasts_and_starts_when_its_clock_first_shows_the_time(
    where: tuple[ZoneInfo, date], start: time, end: time
):
    zone, day = where
    begins, ends = occurrence(day, start, end, zone)
    assert begins < ends
    shown = begins.astimezone(zone).replace(tzinfo=None, fold=0)
    assert shown >= datetime.combine(day, start)
    assert (begins - timedelta(seconds=1)).astimezone(zone).replace(tzinfo=None, fold=0) < datetime.combine(day, start)


@settings(max_examples=100, deadline=None)
@given(changes_of_clocks(), st.lists(clocks, min_size=3, max_size=3, unique=True))
def test_t3_a_daypart_cut_in_two_is_on_air_as_long_as_in_one_piece(where: tuple[ZoneInfo, date], times: list[time]):
    zone, day = where
    start, cut, end = sorted(times)
    assume(cut != time(23, 59) != end)  # which is taken for midnight
    begins, ends = occurrence(day, start, end, zone)
    first, second = occurrence(day, start, cut, zone), occurrence(day, cut, end, zone)
    swallowed = instant(day, cut, zone) in (begins, ends)
    assert swallowed or (first[0], second[1]) == (begins, ends)
    assert swallowed or first[1] == second[0]


@pytest.mark.parametrize(
    ("facts", "expected"), [({}, False), ({"away": "k"}, True), ({"away": "other"}, False), ({"away": 3}, False)]
)
def test_a_server_is_away_when_the_facts_name_it(facts: dict[str, float | str], expected: bool):
    condition = Condition("away", "eq", "k")
    assert is_known(condition, facts)
    assert holds(condition, NOON, BERLIN, facts) is expected
    assert list(condition_edges(condition, NOON, BERLIN)) == []
