"""A stage goes on where the one before it was: the assembled stage, without a picture."""

from __future__ import annotations

import contextlib
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from player.config import Config, StageConfig
from player.core.content import Item, Playlist, full_screen
from player.core.cues import Skipped
from player.core.faults import FaultBook
from player.core.kinds import Kind
from player.dirs import Dirs
from player.journal_reader import read_journal, records_in
from player.programme_file import ProgrammeFile
from player.runtime.tasks import Latest
from player.stage.app import Stage
from player.stage.backends.null import NullCompositor, NullScreen
from player.stage.crashes import LAST_WORDS
from player.stage.places import VERSION
from tests.fakes.programmes import manifest_of
from tests.fakes.running import eventually, running
from tests.fakes.wall import quiet_wall
from tests.fakes.way_out import STRAIGHT

SEGV, ABRT = "Fatal Python error: Segmentation fault", "Fatal Python error: Aborted"


@pytest.fixture
def dirs(tmp_path: Path, runtime_dir: Path) -> Dirs:
    made = Dirs(tmp_path / "state", tmp_path / "cache", runtime_dir, runtime_dir)
    items = tuple(Item(name, f"c-{name}", name, Kind.CLOCK, 600.0) for name in "abc")
    ProgrammeFile(made.state).write(manifest_of(full_screen(Playlist("p", "Lobby", items)), "1", assets=3))
    return made


def assembled(dirs: Dirs) -> Stage:
    compositor = NullCompositor((1280, 720))
    screen, config = NullScreen(compositor), Config(stage=StageConfig(backend="none"))
    return Stage(
        config, dirs, compositor, screen, FaultBook(), Latest(STRAIGHT), quiet_wall(),
        kernel_synced=lambda: False, unreadable=None, started=lambda: None,
    )  # fmt: skip


@contextlib.asynccontextmanager
async def on_air(dirs: Dirs) -> AsyncIterator[Stage]:
    """A stage with something on screen; it goes as a killed one does."""
    stage = assembled(dirs)
    async with running(stage.run()):
        await eventually(stage.show.now_playing, 20)
        yield stage
    stage.plays.close()


def shown(stage: Stage) -> str:
    return ", ".join(item.name for item in stage.show.now_playing())


def left(dirs: Dirs, item: str, words: str = "", **more: object) -> None:
    """What a stage left that ended with `item` on screen, five seconds after it came, and with these words."""
    place = {"item": item, "position_s": 5.0, "planned_s": 600.0, "heard": False, **more}
    (dirs.stage_runtime / "places.json").write_text(json.dumps({"regions": {"main": place}, "version": VERSION}))
    (dirs.stage_runtime / "on_screen.json").write_text(json.dumps({"main": item}))
    (dirs.stage_runtime / LAST_WORDS).write_text(words)


async def test_after_a_kill_the_same_item_goes_on_where_it_was(dirs: Dirs):
    async with on_air(dirs) as stage:
        stage.show.send(Skipped(1))
        await eventually(lambda: shown(stage) == "b", 20)
    async with on_air(dirs) as stage:
        assert shown(stage) == "b"
        stage.break_off()  # the compositor went
    left(dirs, "b", position_s=300.0)
    async with on_air(dirs) as stage:
        assert stage.show.now_playing()[0].position_s >= 300
        showing = stage.show.drivers[0].machine.on_screen
        assert showing is not None
        assert showing.covered_by == "a restart"


async def test_an_end_that_nobody_wanted_waits_for_no_disk_and_one_in_order_does(dirs: Dirs):
    async with on_air(dirs) as stage:
        stage.break_off()
        assert [play["result"] for _, play in records_in(dirs.stage_runtime / "plays.log")] == ["interrupted"]
    async with on_air(dirs) as stage:
        stage.stop()
        assert list(records_in(dirs.stage_runtime / "plays.log")) == []
        assert len(list(read_journal(dirs.plays))) == 2


async def test_an_end_in_order_begins_anew(dirs: Dirs):
    left(dirs, "b")
    async with on_air(dirs) as stage:
        assert shown(stage) == "b"
        stage.stop()
    async with on_air(dirs) as stage:
        assert shown(stage) == "a"


@pytest.mark.parametrize("content", ["", "nonsense", "[]", '{"regions": 7}', json.dumps({"regions": {}, "version": VERSION + 1})])
async def test_a_damaged_file_costs_itself(dirs: Dirs, content: str):
    (dirs.stage_runtime / "places.json").write_text(content)
    async with on_air(dirs) as stage:
        assert shown(stage) == "a"


async def test_after_a_crash_the_next_item_comes_and_the_one_that_was_on_screen_is_counted(dirs: Dirs):
    left(dirs, "b", SEGV)
    async with on_air(dirs) as stage:
        assert shown(stage) == "c"
        assert stage.mark._deaths.counts == {"b": 1}


async def test_an_assertion_while_something_was_heard_blames_nothing_and_is_told(dirs: Dirs):
    left(dirs, "b", ABRT, heard=True)
    async with on_air(dirs) as stage:
        assert shown(stage) == "b"
        assert stage.mark._deaths.counts == {}
        assert "sound_crashed" in [fault.code for fault in stage.status().faults]
        driver = stage.show.drivers[0]
        showing = driver.machine.on_screen
        assert showing is not None
        assert not driver.is_heard(showing.token, Item("v", "v", "v", Kind.VIDEO, 0)), "another assertion is not its sound's"
