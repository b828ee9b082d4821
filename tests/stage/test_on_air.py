"""The assembled stage and time: a layout comes at its second, made ready before, and what the clock's trust means for it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from player.brief_file import BriefFile
from player.core.brief import Alert, Severity
from player.core.content import Item, Layout, Manifest, Playlist, full_screen
from player.core.kinds import Kind
from player.core.ports.stage import StageStatus
from player.core.schedule import Rule
from player.device.host import boot_id
from player.dirs import Dirs
from player.errors import BoxError
from player.journal_reader import read_journal
from player.programme_file import ProgrammeFile
from player.stage.backends.null import NullCompositor
from tests.fakes.brief import brief
from tests.fakes.running import eventually, running
from tests.stage.conftest import assembled

YEAR_3000 = datetime(3000, 1, 1, tzinfo=UTC).timestamp()


@pytest.fixture
def dirs(tmp_path: Path, runtime_dir: Path) -> Dirs:
    return Dirs(tmp_path / "state", tmp_path / "cache", runtime_dir, runtime_dir)


def layout(name: str) -> Layout:
    item = Item(name, f"c-{name}", name, Kind.CLOCK, 600.0)
    return replace(full_screen(Playlist(f"p-{name}", name, (item,))), id=name)


def publish(dirs: Dirs, *rules: Rule, **told: object) -> None:
    manifest = Manifest("1", (layout("day"), layout("late")), rules, "day")
    ProgrammeFile(dirs.state).write(manifest)
    BriefFile(dirs.brief).write(brief(**{"paired": True, "time_zone": "UTC", "trusted_boot": boot_id(), **told}))


def shown(status: StageStatus) -> list[str]:
    return [item.name for item in status.items]


async def test_a_layout_comes_at_its_second_and_is_ready_before(dirs: Dirs):
    begins = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=6)
    late = Rule("late", start_time=begins.time(), end_time=(begins + timedelta(hours=1)).time(), layout="late")
    publish(dirs, late)
    made = assembled(dirs)
    async with running(made.run()):
        await eventually(lambda: shown(made.status()) == ["day"])
        await eventually(lambda: made.show.prepared == layout("late"))
        assert shown(made.status()) == ["day"]
        assert datetime.now(UTC) < begins
        await eventually(lambda: shown(made.status()) == ["late"])
        assert made.show.prepared is None
        await eventually(lambda: made.status().state == "playing")
    made.stop()
    first, second = [body for _, body in read_journal(dirs.plays)]
    assert (first["name"], first["playlist_id"], first["reason"]) == ("day", "p-day", "the layout changed")
    assert (second["name"], second["playlist_id"]) == ("late", "p-late")
    assert datetime.fromisoformat(second["started_at"]) >= begins


class Stubborn(NullCompositor):
    """Refuses to show windows together: one of them is gone."""

    async def show_together(self, window_ids: Sequence[int]) -> None:
        raise BoxError("compositor", f"no matching node among {window_ids}")


async def test_a_layout_of_which_a_window_goes_just_then_comes_all_the_same(dirs: Dirs, caplog: pytest.LogCaptureFixture):
    publish(dirs)
    made = assembled(dirs, compositor=Stubborn((1280, 720)))
    async with running(made.run()):
        await eventually(lambda: shown(made.status()) == ["day"])
        ProgrammeFile(dirs.state).write(Manifest("2", (layout("day"), layout("late")), (), "late"))
        await made.reread()
        await eventually(lambda: "not all of the layout late is shown: " in caplog.text)
        await eventually(lambda: shown(made.status()) == ["late"])
    made.stop()


async def test_a_manifest_without_a_layout_whose_time_it_is_shows_nothing(dirs: Dirs):
    publish(dirs)
    ProgrammeFile(dirs.state).write(Manifest("1", (layout("late"),), (Rule("x", end_date=date(2020, 1, 1), layout="late"),)))
    made = assembled(dirs)
    async with running(made.run()):
        await eventually(lambda: made.on_air.on_air)
        assert repr(made.on_air) == "<nothing on air>"
        assert shown(made.status()) == []
    made.stop()


async def test_what_is_bound_to_dates_is_judged_by_the_floor_while_the_clock_is_not_trusted(dirs: Dirs):
    later = Rule("later", start_date=date(2999, 12, 1), layout="late")
    publish(dirs, later, trusted_boot="", floor=YEAR_3000)
    made = assembled(dirs)
    async with running(made.run()):
        await eventually(lambda: shown(made.status()) == ["late"])
        BriefFile(dirs.brief).write(brief(paired=True, time_zone="UTC", trusted_boot=boot_id(), floor=YEAR_3000))
        await made.reread()
        await eventually(lambda: shown(made.status()) == ["day"])
    made.stop()


async def test_an_alert_whose_time_has_not_come_is_shown_while_the_clock_is_not_trusted(dirs: Dirs):
    alert = Alert("1", "Flood", "Go upstairs", Severity.EXTREME, starts_at=YEAR_3000)
    publish(dirs, trusted_boot="", alerts=(alert,))
    made = assembled(dirs)
    async with running(made.run()):
        await eventually(lambda: made.status().state == "alert")
        BriefFile(dirs.brief).write(brief(paired=True, trusted_boot=boot_id(), alerts=(alert,)))
        await made.reread()
        await eventually(lambda: made.status().state == "playing")
    made.stop()
