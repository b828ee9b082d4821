"""What the stage is told of the clock."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import pytest

from player.agent.settings.brief_store import BriefStore
from player.agent.settings.clock_floor import CHANGES, LOOK_S, ClockFloor
from player.brief_file import BriefFile
from player.core.clock_floor import STEP_S
from tests.fakes.clock import FakeClock
from tests.fakes.device import FakeHost
from tests.fakes.stage import FakeStage

NOW = FakeClock().now().timestamp()


@dataclass
class Bench:
    clock: FakeClock
    brief: BriefStore
    path: Path
    built_at: float = 0.0
    trusted: bool = False
    synced: bool = False
    offset_s: float | None = None

    def floor(self) -> ClockFloor:
        async def trusted() -> bool:
            return self.trusted

        async def synced() -> bool:
            return self.synced

        return ClockFloor(
            self.brief, FakeHost(), self.clock, trusted=trusted, synced=synced, offset_s=lambda: self.offset_s,
            built_at=self.built_at,
        )  # fmt: skip

    async def look(self) -> tuple[str, float]:
        await self.floor().look()
        kept = BriefFile(self.path).read()
        assert kept is not None
        return kept.clock.trusted_boot, kept.clock.floor


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    path = tmp_path / "orders.json"
    return Bench(FakeClock(), BriefStore(path, FakeStage()), path)


async def test_a_clock_that_is_right_is_so_for_this_boot_and_the_last_time_seen_is_kept(bench: Bench):
    bench.trusted = True
    assert await bench.look() == (FakeHost().boot_id(), NOW)
    bench.trusted = False
    bench.clock.forward(100_000)
    assert await bench.look() == ("", NOW), "what an untrusted clock shows is no floor"


async def test_the_floor_is_the_latest_of_what_is_known(bench: Bench):
    bench.built_at = NOW - 500
    assert await bench.look() == ("", NOW - 500)
    bench.offset_s = 86400.0
    assert await bench.look() == ("", NOW + 86400)
    bench.trusted = bench.synced = True
    assert (await bench.look())[1] == NOW, "the system knows better than the server"


async def test_a_server_that_says_something_else_each_time_wears_no_flash(bench: Bench):
    floor, kept = bench.floor(), []
    for step in range(60):
        bench.offset_s = step % 2 * 86400.0
        bench.clock.forward(LOOK_S)
        await floor.look()
        kept.append(bench.brief.current.clock.floor)
    assert len({before != after for before, after in pairwise(kept)}) == 2
    assert sum(before != after for before, after in pairwise(kept)) <= CHANGES


async def test_time_that_passes_is_written_down_once_an_hour(bench: Bench):
    bench.trusted = True
    await bench.look()
    bench.clock.forward(STEP_S - 1)
    assert (await bench.look())[1] == NOW
    bench.clock.forward(1)
    assert (await bench.look())[1] == NOW + STEP_S
