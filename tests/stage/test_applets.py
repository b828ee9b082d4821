"""Applets on the assembled stage: where the programme leaves room, by turns, and what their pages tell."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from player.brief_file import BriefFile
from player.core.applet_host import PageDeed, RecordPlay
from player.core.applets import AppletPlace, AppletPlan, AppletRun, AppletTiming, Finish, FinishKind
from player.core.brief import StageBrief
from player.core.content import Item, Layout, Manifest, Playlist, full_screen
from player.core.kinds import Kind
from player.core.ports.applets import AppletAsks, AppletPlayed, AppletTapped
from player.dirs import Dirs
from player.errors import BoxError
from player.journal_reader import read_journal
from player.programme_file import ProgrammeFile
from player.stage.app import AWAY, Stage
from player.stage.applets import FULL, WAITING, AppletBoard
from tests.fakes.running import eventually, running
from tests.stage.conftest import assembled


@pytest.fixture
def dirs(tmp_path: Path, runtime_dir: Path) -> Dirs:
    found = Dirs(tmp_path / "state", tmp_path / "cache", runtime_dir, runtime_dir)
    page = found.cache / "applets/built/f00d/index.html"
    page.parent.mkdir(parents=True)
    page.write_text("<h1>Menu</h1>", encoding="utf-8")
    found.state.mkdir(parents=True)
    return found


def timing(uid: str, position: int = 1) -> AppletTiming:
    run = AppletRun(uid, "1.0.0", {}, files="f00d")
    return AppletTiming(uid, 1.0, 1.0, run, 1.0, 1.0, position, Finish(FinishKind.SCREEN_TAP))


def shown(made: Stage) -> list[str]:
    return [item.content_id for item in made.status().items]


def tell(dirs: Dirs, plan: AppletPlan) -> None:
    BriefFile(dirs.brief).write(StageBrief(applets=plan))


@contextlib.asynccontextmanager
async def playing_a_clock(dirs: Dirs) -> AsyncIterator[tuple[Stage, Layout]]:
    """A stage with a programme of that alone on screen, and no applets yet."""
    layout = full_screen(Playlist("p", "p", (Item("clock", "clock", "Clock", Kind.CLOCK, 600.0),)))
    ProgrammeFile(dirs.state).write(Manifest("1", (layout,), default=layout.id))
    tell(dirs, AppletPlan())
    made = assembled(dirs)
    async with running(made.run()):
        await eventually(lambda: shown(made) == ["clock"], 20)
        yield made, layout
    made.stop()


async def test_an_applet_is_shown_where_there_is_no_programme_and_gives_way_to_one(dirs: Dirs):
    tell(dirs, AppletPlan((timing("menu"),)))
    made = assembled(dirs)
    async with running(made.run()):
        await eventually(lambda: shown(made) == ["menu"], 20)
        item = Item("clock", "clock", "Clock", Kind.CLOCK, 600.0)
        layout = full_screen(Playlist("p", "p", (item,)))
        ProgrammeFile(dirs.state).write(Manifest("1", (layout,), default=layout.id))
        await made.reread()
        await eventually(lambda: shown(made) == ["clock"], 20)
        tell(dirs, AppletPlan((timing("menu"),), place=AppletPlace.ABOVE))
        await made.reread()
        await eventually(lambda: shown(made) == ["menu"], 20)
        tell(dirs, AppletPlan((timing("menu"),), place=AppletPlace.ABOVE, enabled=False))
        await made.reread()
        await eventually(lambda: shown(made) == ["clock"], 20)
    made.stop()


async def test_one_above_that_cannot_be_shown_leaves_the_programme_on_air_and_is_tried_again(dirs: Dirs):
    page = dirs.cache / "applets/built/f00d/index.html"
    above = AppletPlan((timing("menu"),), place=AppletPlace.ABOVE)
    async with playing_a_clock(dirs) as (made, layout):
        (clock,) = made.show.drivers
        page.unlink()
        tell(dirs, above)
        await made.reread()
        await eventually(lambda: [fault.content_id for fault in made.status().faults] == ["menu"], 20)
        await eventually(lambda: made.show.layout == layout, 20)
        (paused,) = made.status().paused
        assert paused.item_id.startswith("applet/menu/")
        assert made.show.drivers == [clock], "it plays on, and does not begin anew"
        assert "default" in str(made.on_air.on_air and made.on_air.on_air.why)
        tell(dirs, replace(above, timings=(*above.timings, replace(timing("bar"), starts_at=4e9, ends_at=5e9))))
        await made.reread()
        assert made.status().paused == (paused,), "another plan with the same page"
        page.write_text("<h1>Menu</h1>", encoding="utf-8")
        await eventually(lambda: shown(made) == ["menu"], 30)
        assert made.status().faults == ()
        assert made.status().paused == ()
        page.unlink()
        tell(dirs, replace(above, round=1))  # it is to begin anew, and cannot
        await made.reread()
        await eventually(lambda: shown(made) == ["clock"], 20)


async def test_one_that_is_taken_back_before_it_was_ready_costs_the_programme_nothing(dirs: Dirs):
    async with playing_a_clock(dirs) as (made, _):
        for plan in (AppletPlan((timing("menu"),), place=AppletPlace.ABOVE), AppletPlan()):
            tell(dirs, plan)
            await made.reread()
        await asyncio.sleep(0.3)  # where the programme began anew it would have done so
        assert shown(made) == ["clock"]
        assert [body for _, body in read_journal(dirs.plays)] == []


async def test_alone_it_waits_with_its_fault_where_nothing_else_is_to_be_shown(dirs: Dirs):
    (dirs.cache / "applets/built/f00d/index.html").unlink()
    tell(dirs, AppletPlan((timing("menu"),), place=AppletPlace.ABOVE))
    made = assembled(dirs)
    async with running(made.run()):
        await eventually(lambda: [fault.content_id for fault in made.status().faults] == ["menu"], 20)
        assert made.show.layout is not None
        assert made.show.layout.id.startswith("applet/menu/")
    made.stop()


async def test_a_tap_ends_a_turn_and_what_a_page_showed_is_in_the_proof_of_play(dirs: Dirs):
    tell(dirs, AppletPlan((timing("menu"), timing("bar", 2))))
    made = assembled(dirs)
    async with running(made.run()):
        await eventually(lambda: shown(made) == ["menu"], 20)
        board = made.applets
        (item,) = made.show.layout.regions[0].playlist.items if made.show.layout else ()
        board.tell(AppletPlayed(item, RecordPlay("Dish", "7", "video", (), "dish.mp4", success=False, error="torn")))
        board.tell(AppletTapped())
        await eventually(lambda: shown(made) == ["bar"], 20)
    made.stop()
    dish = next(body for _, body in read_journal(dirs.plays) if body["name"] == "Dish")
    assert (dish["content_id"], dish["type"], dish["result"], dish["reason"]) == ("7", "video", "failed", "torn")
    assert (dish["playlist_id"], dish["server"]) == (item.id, "applets")


class FakePage:
    """A page that is open."""

    def __init__(self, applet: str, version: str = "1.0.0") -> None:
        self.applet, self.version, self.scope = applet, version, 2
        self.commands: list[Any] = []
        self.told: list[Any] = []

    def command(self, command: Any) -> None:
        self.commands.append(command)

    async def examine(self, script: str) -> str:
        return f"{self.version} does not know {script}"

    def answered(self, invocation: str, value: object) -> None:
        self.told.append((invocation, value))

    def refused(self, invocation: str, reason: str) -> None:
        self.told.append((invocation, reason))


def test_a_command_goes_to_every_open_page_of_its_applet():
    board, pages = AppletBoard(Path()), [FakePage("menu"), FakePage("menu"), FakePage("bar")]
    for page in (*pages, pages[0]):
        board.here(page)
    board.command("menu", {"type": "go"})
    assert [page.commands for page in pages] == [[{"type": "go"}], [{"type": "go"}], []]
    for page in (*pages, pages[0]):
        board.gone(page)
    with pytest.raises(BoxError, match="not open"):
        board.command("menu", {"type": "go"})


async def test_a_script_is_run_in_the_page_of_its_version_and_nowhere_else():
    board = AppletBoard(Path())
    for page in (FakePage("bar", "2.0.0"), FakePage("menu", "1.0.0"), FakePage("menu", "2.0.0")):
        board.here(page)
    assert await board.examine("menu", "2.0.0", "go()") == "2.0.0 does not know go()"
    with pytest.raises(BoxError, match=r"menu 3\.0\.0 is not open on this screen; put it on by a timing"):
        await board.examine("menu", "3.0.0", "go()")


def test_what_pages_tell_is_bounded():
    board = AppletBoard(Path())
    for _ in range(WAITING + 1):
        board.tell(AppletTapped())
    assert board.events.qsize() == WAITING
    page = FakePage("menu")
    board.ask(page, PageDeed("u1", "file_system.exists", {}))
    assert page.told == [("u1", FULL)]


async def test_what_a_page_asks_for_is_answered_once_and_nobody_else_is():
    board, page, left = AppletBoard(Path()), FakePage("menu"), FakePage("menu")
    for asker in (page, left, page):
        board.here(asker)
        board.ask(asker, PageDeed("u1", "file_system.exists", {"filePath": "a"}))
    first, of_left, second = [board.events.get_nowait() for _ in range(3)]
    assert isinstance(first, AppletAsks)
    assert isinstance(second, AppletAsks)
    assert isinstance(of_left, AppletAsks)
    assert (first.applet, first.scope, first.what, first.asked) == ("menu", 2, "file_system.exists", {"filePath": "a"})
    board.gone(left)
    for number in (first.number, first.number, of_left.number, 7):
        board.settle(number, True)
    board.settle(second.number, refusal="no")
    assert (page.told, left.told) == ([("u1", True), ("u1", "no")], [])


async def test_where_no_agent_listens_a_page_is_told_so_at_once(dirs: Dirs):
    made = assembled(dirs)
    async with running(made.run()):
        page = FakePage("menu")
        made.applets.ask(page, PageDeed("u1", "file_system.exists", {}))
        await eventually(lambda: page.told == [("u1", AWAY)], 20)
    made.stop()


def test_a_plan_is_kept_in_the_brief_whole(dirs: Dirs):
    run = AppletRun("menu", "1.0.0", {"a": [1, {"b": None}]}, files="f00d", scope=2, told={"device_name": "Lobby"})
    plan = AppletPlan((replace(timing("t"), run=run),), place=AppletPlace.ABOVE, round=3)
    tell(dirs, plan)
    assert BriefFile(dirs.brief).kept().applets == plan
