"""Readings over time on disk: how much flash a day of them costs, what a restart finds, and where nothing can wait in memory."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from player.agent.devices.about import AboutFile
from player.agent.devices.readings import Reading
from player.agent.devices.samples_file import LOOK_S, SampleKeeper
from player.agent.devices.telemetry_calls import BY_DEFAULT, INTERVALS, intervals_s
from player.core.samples import KEPT
from player.journal_reader import journal_bytes
from tests.fakes.clock import FakeClock

DAY_S = 86400
PAGE = 16 * 1024  # of flash, which is written whole however little is new on it


def reading(value: Any) -> Reading:
    async def read() -> Any:
        return value

    return read


def keeper(folder: Path, clock: FakeClock, tail: Path | None = None) -> SampleKeeper:
    about = AboutFile(folder / "about.json", 0.0)
    readings = {kind: reading({"width": 1920, "height": 1080, "framerate": 60}) for kind in (*INTERVALS.values(), *BY_DEFAULT)}
    return SampleKeeper(
        folder / "telemetry",
        tail or folder / "run/tail",
        readings,
        clock,
        intervals_s=lambda: intervals_s(about),
        wanted=lambda: True,
    )


async def test_a_day_at_the_default_intervals_is_far_below_five_megabytes_of_flash(tmp_path: Path):
    clock = FakeClock()
    made = keeper(tmp_path, clock)
    syncs, before = 0, 0
    for _ in range(int(DAY_S / LOOK_S)):
        clock.forward(LOOK_S)
        await made.look()
        held = journal_bytes(tmp_path / "telemetry")
        syncs, before = syncs + (held != before), held
    assert len(made.history("VOLUME")) == 72
    assert syncs <= 25
    assert before + syncs * PAGE < 1_000_000
    made.close()
    again = keeper(tmp_path, clock)
    assert [sample.at for sample in again.history("VOLUME")] == [sample.at for sample in made.history("VOLUME")]
    again.close()


async def test_what_is_kept_is_bounded(tmp_path: Path):
    clock = FakeClock()
    made = keeper(tmp_path, clock)
    for _ in range(KEPT + 20):  # the journal is made anew on the way
        clock.forward(1200)
        await made.look()
    made.close()
    again = keeper(tmp_path, clock)
    assert len(again.history("VOLUME")) == KEPT
    again.close()


async def test_where_nothing_can_wait_in_memory_readings_are_kept_all_the_same(tmp_path: Path, caplog: pytest.LogCaptureFixture):
    (tmp_path / "run").write_text("not a folder")
    made = keeper(tmp_path, FakeClock())
    await made.look()
    assert len(made.history("STORAGE")) == 1
    assert "do not wait in memory-backed storage" in caplog.text
    made.close()
