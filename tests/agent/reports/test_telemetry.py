"""What a heartbeat says of the box: every field of the document, and what is left when parts of the box fail."""

from __future__ import annotations

import asyncio
import logging
import os
import threading
from pathlib import Path

import pytest

from player import __version__
from player.agent.reports.telemetry import DEADLINE_S, TelemetryReader, on_screen, storage_mb
from player.core.cover import StageState
from player.core.ports.box import Absent, Audio, Host, Sensors
from player.core.ports.stage import NowPlaying, StageStatus
from player.device.sensors import SystemSensors
from tests.fakes.clock import FakeClock
from tests.fakes.device import FakeAudio, FakeHost, FakeSensors, FakeStage


def reader(
    folder: Path, stage: FakeStage | None = None, *, sensors: Sensors | None = None, audio: Audio | Absent | None = None,
    host: Host | None = None, pending: dict[str, int] | None = None, deadline_s: float = DEADLINE_S,
) -> TelemetryReader:  # fmt: skip
    """Of a box with every part, but for what is given instead."""
    return TelemetryReader(
        sensors or FakeSensors(), audio or FakeAudio(), folder, stage or FakeStage(), FakeClock(), host=host or FakeHost(),
        more=lambda: pending or {}, proof=dict, deadline_s=deadline_s,
    )  # fmt: skip


def showing(*names: str) -> StageStatus:
    items = tuple(NowPlaying(f"zone{n}", str(n), str(n), name, "video", 1.0, 30.0) for n, name in enumerate(names))
    return StageStatus(
        state=StageState.PLAYING, backend="sway", size="1920x1080", orientation="portrait", items=items, frames_dropped=3,
        renderer="pixman", renderer_why="no render node",
    )  # fmt: skip


def warnings_in(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]


async def test_every_field_of_the_document_is_read(tmp_path: Path):
    audio, stage = FakeAudio(level=80), FakeStage(showing("Summer Promo", "Ticker", "Ticker"))
    telemetry = await reader(tmp_path, stage, audio=audio).read()
    assert (telemetry.ip_address, telemetry.wifi_signal, telemetry.uptime_seconds) == ("192.168.1.100", -45, 86400)
    assert (telemetry.screen_on, telemetry.volume, telemetry.current_content) == (True, 80, "Summer Promo, Ticker")
    disk = os.statvfs(tmp_path)
    assert telemetry.storage_total_mb == disk.f_blocks * disk.f_frsize // 1024**2
    assert 0 < telemetry.storage_free_mb <= telemetry.storage_total_mb - telemetry.storage_used_mb + 1


async def test_beyond_the_document_the_box_and_its_parts_say_how_they_are(tmp_path: Path):
    stage, host = FakeStage(showing("A")), FakeHost(synced=False)
    pending = {"proof_pending": 7}
    reads = reader(tmp_path, stage, host=host, pending=pending)
    assert (await reads.read()).extra == {
        "player_version": __version__,
        "device_time": "2026-03-25T12:00:00.000+00:00",
        "clock_synced": False,
        "network": "Wi-Fi wlan0, -45 dBm",
        "temperature_c": 48.7,
        "throttled": "no",
        "storage_wear_percent": None,
        "disk_errors": 0,
        "cpu_percent": 12.5,
        "memory_total_mb": 1849,
        "memory_used_mb": 512,
        "stage_state": "playing",
        "stage_backend": "sway",
        "renderer": "pixman",
        "renderer_why": "no render node",
        "screen_size": "1920x1080",
        "orientation": "portrait",
        "frames_dropped": 3,
        "manifest_version": "",
        "proof_pending": 7,
    }
    pending["proof_pending"] = 0
    assert (await reads.read()).extra["proof_pending"] == 0


async def test_p1_while_the_stage_is_away_nothing_is_claimed_to_be_on_screen(tmp_path: Path):
    telemetry = await reader(tmp_path).read()
    assert (telemetry.screen_on, telemetry.current_content) == (False, None)
    assert telemetry.extra["stage_state"] == "away"


async def test_d2_a_box_without_sound_has_no_volume(tmp_path: Path):
    telemetry = await reader(tmp_path, audio=Absent("audio", "none")).read()
    assert telemetry.volume is None


async def test_a_failing_reading_is_none_and_logged_once_until_it_works_again(tmp_path: Path, caplog: pytest.LogCaptureFixture):
    caplog.set_level(logging.INFO)
    sensors, audio = FakeSensors(broken={"temperature_c", "memory_mb", "uptime_s"}), FakeAudio(level=55, broken=True)
    reads = reader(tmp_path, sensors=sensors, audio=audio)
    for _ in range(3):
        telemetry = await reads.read()
        assert (telemetry.volume, telemetry.uptime_seconds, telemetry.ip_address) == (None, 0, "192.168.1.100")
        assert [telemetry.extra[name] for name in ("temperature_c", "memory_total_mb", "cpu_percent")] == [None, None, 12.5]
    assert len(warnings_in(caplog)) == 4
    assert "heartbeats lack a reading (volume): audio: the fake was told to break" in warnings_in(caplog)
    sensors.broken, audio.broken = set(), False
    telemetry = await reads.read()
    assert (telemetry.volume, telemetry.uptime_seconds, telemetry.extra["temperature_c"]) == (55, 86400, 48.7)
    assert len(warnings_in(caplog)) == 4
    assert caplog.messages.count("heartbeats carry a reading again (volume)") == 1


async def test_p7_a_reading_that_hangs_holds_neither_the_loop_nor_a_second_thread(tmp_path: Path, caplog: pytest.LogCaptureFixture):
    release, entered = threading.Event(), []

    def hold() -> None:
        entered.append(1)
        release.wait(10)

    sensors = FakeSensors(values={"address": "10.0.0.1"})
    reads = reader(tmp_path, sensors=sensors, deadline_s=0.05)

    async def address(wanted: str) -> None:
        async with asyncio.timeout(20):
            while (await reads.read()).ip_address != wanted:
                pass

    await address("10.0.0.1")
    caplog.clear()
    sensors.hold, sensors.values["address"] = hold, "10.0.0.2"
    answers = [(await reads.read()).ip_address for _ in range(3)]
    assert answers == ["10.0.0.1"] * 3, "the last reading is told again, and nobody waits until this one is let go"
    assert len(entered) == 1
    assert not release.is_set()
    assert len(warnings_in(caplog)) == 1
    release.set()
    await address("10.0.0.2")


async def test_sound_that_hangs_costs_its_deadline_alone(tmp_path: Path):
    class Hung(FakeAudio):
        async def volume(self) -> int:
            await asyncio.sleep(60)
            return 0

    assert (await reader(tmp_path, audio=Hung(), deadline_s=0.05).read()).volume is None


async def test_s12_a_media_folder_that_is_not_there_yet_counts_as_its_file_system(tmp_path: Path):
    assert storage_mb(tmp_path / "cache/media")[0] == storage_mb(tmp_path)[0]


async def test_this_very_box_is_read(tmp_path: Path):
    telemetry = await reader(tmp_path, sensors=SystemSensors(()), audio=Absent("audio", "none")).read()
    assert telemetry.uptime_seconds > 0
    assert telemetry.storage_total_mb > 0
    assert telemetry.extra["memory_total_mb"] > telemetry.extra["memory_used_mb"] > 0


def test_nothing_on_screen_is_none():
    assert on_screen(None) is None
    assert on_screen(StageStatus()) is None


async def test_two_who_ask_at_once_wait_for_one_reading(tmp_path: Path):
    reads = reader(tmp_path)
    first, second = await asyncio.gather(reads.read(), reads.read())
    assert first.uptime_seconds == second.uptime_seconds == 86400
