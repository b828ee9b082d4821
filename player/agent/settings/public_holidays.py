"""The public holidays where this device stands, by the `holidays` package: a fact for the conditions of rules (`core.schedule`).

Told as dates of the year before, this one and the two after, so that the stage goes on by them for as long as it is alone. They
are computed in a child, since the package takes some 20 MB of memory, and is asked once a start or a year.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterable
from datetime import UTC, datetime

from player.agent.settings.brief_store import BriefStore
from player.core.ports.box import Clock
from player.runtime.fault_page import FaultPage
from player.runtime.programs import run_program
from player.runtime.systemd import child_environment

LOOK_S = 3600.0
WITHIN_S = 60.0  # of a slow box that is busy with its start
FACT = "holidays"


class PublicHolidays:
    """`country` is two letters, and those of a part after a hyphen where its holidays differ ("AT", "DE-BY"); "" for none."""

    def __init__(self, brief: BriefStore, clock: Clock, country: str, faults: FaultPage) -> None:
        self._brief, self._clock, self._country, self._faults = brief, clock, country, faults
        self._told: int | None = None

    async def run(self) -> None:
        """Keeps the fact true, for ever."""
        while True:
            await self.look()
            await asyncio.sleep(LOOK_S)

    async def look(self) -> None:
        """Looks once. Raises StorageError, BoxError."""
        now = max(self._clock.now().timestamp(), self._brief.current.clock.floor)
        year = datetime.fromtimestamp(now, UTC).year
        if year == self._told:
            return
        found = await self._found(range(year - 1, year + 3)) if self._country else {}
        others = {name: fact for name, fact in self._brief.current.facts.items() if name != FACT}
        await self._brief.change_facts({**others, **found})
        self._told = year

    async def _found(self, years: Iterable[int]) -> dict[str, str]:
        command = (sys.executable, "-I", "-m", __name__, self._country, *map(str, years))
        child = await run_program("calendar", command, child_environment(None), package="python3", within_s=WITHIN_S)
        if child.code:
            self._faults.report("", "no_calendar", f"the public holidays of {self._country!r} are not known here (time.country)")
            return {}
        self._faults.clear()
        return {FACT: child.said.strip()}


def dates(country: str, years: Iterable[int]) -> str:
    """ISO dates with commas between them. Raises NotImplementedError where the country, or its part, is not known."""
    import holidays

    name, _, part = country.partition("-")
    return ",".join(sorted(day.isoformat() for day in holidays.country_holidays(name, subdiv=part or None, years=years)))


if __name__ == "__main__":
    print(dates(sys.argv[1], map(int, sys.argv[2:])))
