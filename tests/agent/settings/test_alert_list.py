"""Emergency alerts and their pictures: which are asked for, and when again."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from player.agent.settings.alert_list import RETRY_LIMIT_S, WRITE_EVERY_S, WRITES, AlertList
from player.agent.settings.brief_store import BriefStore
from player.core.brief import Alert, Severity
from player.core.ports.stage import Reread
from player.errors import ContentError, StorageError
from tests.fakes.clock import FakeClock
from tests.fakes.disk import read_only
from tests.fakes.faults import fault_page
from tests.fakes.running import eventually, running
from tests.fakes.stage import FakeStage

FIRE = Alert("a1", "Fire", "", Severity.EXTREME)
PICTURES = {"a1": "https://cms.example.com/fire.png"}


async def test_a_picture_that_cannot_be_had_is_tried_again_after_its_pause_and_not_before(tmp_path: Path):
    brief, clock, faults = BriefStore(tmp_path / "brief.json", FakeStage()), FakeClock(), fault_page()
    asked: list[str] = []
    is_away = True

    async def fetch(url: str) -> str:
        asked.append(url)
        if is_away:
            raise ContentError("missing", "the picture of an alert", "404")
        return "fire.png"

    async def trusted() -> bool:
        return True

    made = AlertList(brief, clock, faults, clock_trusted=trusted, fetch=fetch)
    async with running(made.run()):
        await made.listed([FIRE], PICTURES)
        await eventually(lambda: faults.faults)
        is_away = False
        await made.listed([FIRE], PICTURES)
        for _ in range(20):
            await asyncio.sleep(0)
        assert len(asked) == 1
        clock.forward(RETRY_LIMIT_S)
        await made.listed([FIRE], PICTURES)
        await eventually(lambda: brief.current.alerts[0].image)
        await made.listed([FIRE], PICTURES)
    assert (len(asked), brief.current.alerts[0].image, faults.faults) == (2, "fire.png", ())


def without_pictures(brief: BriefStore, clock: FakeClock) -> AlertList:
    async def trusted() -> bool:
        return True

    async def fetch(_: str) -> None:
        return None

    return AlertList(brief, clock, fault_page(), clock_trusted=trusted, fetch=fetch)


async def test_alerts_that_change_at_every_heartbeat_are_shown_at_once_and_written_now_and_then(tmp_path: Path):
    path, stage, clock = tmp_path / "brief.json", FakeStage(), FakeClock()
    brief = BriefStore(path, stage)
    made = without_pictures(brief, clock)
    written = set[bytes]()
    for number in range(50):
        await made.listed([Alert(f"a{number}", "Fire", "", Severity.EXTREME)], {})
        await brief.change_clock(brief.current.clock)  # what others tell every few seconds
        written.add(path.read_bytes())
        assert [alert.id for alert in brief.current.alerts] == [f"a{number}"]
    assert len(written) == WRITES
    assert len(stage.asked) == 50
    assert stage.asked[-1] == Reread(brief.current)
    clock.forward(WRITE_EVERY_S)
    await made.forget_expired()
    assert [alert.id for alert in BriefStore(path, stage).current.alerts] == ["a49"]


async def test_that_no_alert_is_left_is_written_too_when_it_may_be(tmp_path: Path):
    path, clock = tmp_path / "brief.json", FakeClock()
    brief = BriefStore(path, FakeStage())
    made = without_pictures(brief, clock)
    for _ in range(WRITES):
        await made.listed([], {})
        await made.listed([FIRE], {})
    await made.listed([], {})
    assert BriefStore(path, FakeStage()).current.alerts == (FIRE,)
    clock.forward(WRITE_EVERY_S)
    await made.forget_expired()
    assert BriefStore(path, FakeStage()).current.alerts == ()


async def test_s3_what_a_disk_refuses_is_written_as_soon_as_it_takes_it_however_often_it_refused(tmp_path: Path):
    brief = BriefStore(tmp_path / "state/brief.json", FakeStage())
    (tmp_path / "state").mkdir()
    made = without_pictures(brief, FakeClock())
    with read_only(tmp_path / "state"):
        for _ in range(2 * WRITES):
            with pytest.raises(StorageError):
                await made.listed([FIRE], {})
    await made.listed([FIRE], {})
    assert BriefStore(tmp_path / "state/brief.json", FakeStage()).current.alerts == (FIRE,)
