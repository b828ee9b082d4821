"""What is told of a disk that takes nothing, or will soon take nothing: one fault each, gone when it is over."""

from __future__ import annotations

from pathlib import Path

import pytest

from player.agent.reports.disk_watch import DiskWatch
from player.core.faults import FaultBook
from player.core.ports.box import StorageWear
from player.runtime.fault_page import FaultPage
from tests.fakes.clock import FakeClock
from tests.fakes.device import FakeSensors
from tests.fakes.running import eventually, running


@pytest.fixture
def state(tmp_path: Path) -> Path:
    (tmp_path / "state").mkdir()
    return tmp_path / "state"


async def test_a_disk_that_is_full_of_years_or_of_errors_is_told_until_it_is_over(state: Path):
    book, sensors = FaultBook(), FakeSensors()
    watch = DiskWatch(state, sensors, FaultPage(book, FakeClock(), "disk"), look_s=0.01)

    def codes() -> set[str]:
        return {fault.code for fault in book.faults}

    async with running(watch.run()):
        sensors.values |= {"storage_wear": (StorageWear("mmcblk0", 100, True),), "file_system_errors": 2}
        await eventually(lambda: codes() == {"disk_worn", "disk_errors"}, 20)
        sensors.values |= {"storage_wear": ()}
        await eventually(lambda: codes() == {"disk_errors"}, 20)
        state.rmdir()  # noqa: ASYNC240 - nothing waits for it
        await eventually(lambda: codes() == {"storage", "disk_errors"}, 20)
