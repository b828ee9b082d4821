"""The public holidays of this device's country, told to the stage for conditions of rules."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from player.agent.settings.brief_store import BriefStore
from player.agent.settings.public_holidays import PublicHolidays, dates
from player.brief_file import BriefFile
from player.core.brief import ClockFacts
from player.core.schedule import Condition, Facts, holds, is_known
from player.runtime.fault_page import FaultPage
from tests.fakes.clock import FakeClock
from tests.fakes.faults import fault_page
from tests.fakes.stage import FakeStage

ON_HOLIDAYS = Condition("day_type", "eq", "holiday")
VIENNA = ZoneInfo("Europe/Vienna")
NATIONAL_DAY = datetime(2026, 10, 26, 12, tzinfo=UTC)


@dataclass
class Bench:
    brief: BriefStore
    path: Path
    faults: FaultPage
    clock: FakeClock

    async def look(self, country: str) -> Facts:
        await PublicHolidays(self.brief, self.clock, country, self.faults).look()
        kept = BriefFile(self.path).read()
        assert kept is not None
        return kept.facts


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    path = tmp_path / "orders.json"
    return Bench(BriefStore(path, FakeStage()), path, fault_page(), FakeClock())


async def test_a_holiday_of_the_country_is_one_for_a_rule_on_the_devices_own_day(bench: Bench):
    facts = await bench.look("AT")
    assert holds(ON_HOLIDAYS, NATIONAL_DAY, VIENNA, facts)
    assert not holds(ON_HOLIDAYS, NATIONAL_DAY.replace(day=27), VIENNA, facts)
    evening_before = datetime(2026, 10, 25, 23, 30, tzinfo=UTC)
    assert [holds(ON_HOLIDAYS, evening_before, zone, facts) for zone in (VIENNA, ZoneInfo("UTC"))] == [True, False]
    assert not holds(ON_HOLIDAYS, NATIONAL_DAY, VIENNA, await bench.look("DE")), "another country's replace them"


def test_a_part_of_a_country_has_holidays_of_its_own():
    assert "2026-01-06" in dates("DE-BY", [2026])
    assert "2026-01-06" not in dates("DE", [2026])


async def test_what_else_is_known_of_the_world_stays_and_without_a_country_nothing_is_known_of_holidays(bench: Bench):
    await bench.brief.change_facts({"weather": 21.5, "holidays": "2026-10-26"})
    facts = await bench.look("")
    assert facts == {"weather": 21.5}
    assert not is_known(ON_HOLIDAYS, facts)
    assert bench.faults.faults == ()


async def test_the_years_are_those_around_now_by_the_clock_or_its_floor(bench: Bench):
    await bench.brief.change_clock(ClockFacts(floor=datetime(2031, 5, 1, tzinfo=UTC).timestamp()))
    facts = await bench.look("AT")
    assert sorted({day[:4] for day in str(facts["holidays"]).split(",")}) == ["2030", "2031", "2032", "2033"]


async def test_a_look_in_the_same_year_asks_for_nothing_and_in_the_next_one_renews(bench: Bench):
    await bench.brief.change_clock(ClockFacts(floor=datetime(2031, 5, 1, tzinfo=UTC).timestamp()))
    made = PublicHolidays(bench.brief, bench.clock, "AT", bench.faults)
    await made.look()
    await bench.brief.change_facts({})
    await made.look()
    assert bench.brief.current.facts == {}
    await bench.brief.change_clock(ClockFacts(floor=datetime(2032, 1, 1, tzinfo=UTC).timestamp()))
    await made.look()
    assert "2034-10-26" in str(bench.brief.current.facts["holidays"])


@pytest.mark.parametrize("country", ["XX", "DE-XX"])
async def test_a_country_that_is_not_known_is_a_fault_and_no_holidays_are_made_up(bench: Bench, country: str):
    assert await bench.look(country) == {}
    (fault,) = bench.faults.faults
    assert (fault.code, country in fault.message) == ("no_calendar", True)
    assert "2026-10-26" in str((await bench.look("AT"))["holidays"])
    assert bench.faults.faults == (), "it is over with a country that is known"
