"""What a stage without a picture says when something is wrong: asked of processes, and of the assembled whole."""

from __future__ import annotations

import asyncio
import signal
from pathlib import Path

import pytest
from PIL import Image

from player.brief_file import BriefFile
from player.config import Config, StageConfig
from player.core.applets import AppletPlan, AppletRun, AppletTiming
from player.core.blame import DEATHS
from player.core.brief import StageBrief
from player.core.content import Item, Playlist, full_screen
from player.core.crashes import LIMIT
from player.core.faults import FaultBook
from player.core.kinds import Kind
from player.core.ports.stage import RestartStage, TellOutlook
from player.core.problem import Outlook, Problem
from player.dirs import Dirs
from player.programme_file import ProgrammeFile
from player.runtime.tasks import Latest
from player.stage.app import Stage
from player.stage.backends.null import NullCompositor, NullScreen
from player.stage.crashes import Crashes
from tests.fakes.brief import brief
from tests.fakes.clock import FakeClock
from tests.fakes.faults import fault_page
from tests.fakes.programmes import manifest_of
from tests.fakes.running import eventually, running
from tests.fakes.wall import quiet_wall
from tests.fakes.way_out import STRAIGHT
from tests.stage.conftest import StageBox


@pytest.fixture
def dirs(tmp_path: Path, runtime_dir: Path) -> Dirs:
    return Dirs(tmp_path / "state", tmp_path / "cache", runtime_dir, runtime_dir)


def assembled(dirs: Dirs, **config: float) -> Stage:
    compositor = NullCompositor((1280, 720))
    stage = StageConfig(backend="none", **config)  # type: ignore[arg-type]  # numbers alone
    return Stage(
        Config(stage=stage), dirs, compositor, NullScreen(compositor), FaultBook(), Latest(STRAIGHT), quiet_wall(),
        kernel_synced=lambda: False, unreadable=None, started=lambda: None,
    )  # fmt: skip


def publish(dirs: Dirs, *items: Item, paired: bool = True) -> None:
    ProgrammeFile(dirs.state).write(manifest_of(full_screen(Playlist("p", "Lobby", items)), "1"))
    BriefFile(dirs.brief).write(brief(paired=paired))


def clock_item(name: str) -> Item:
    return Item(name, f"c-{name}", name, Kind.CLOCK, 600.0)


def crashed(dirs: Dirs, times: int) -> None:
    """As many starts of a stage that dies of itself."""
    for _ in range(times):
        (dirs.stage_runtime / "last_words").write_text("Fatal Python error: Segmentation fault")
        assembled(dirs).stop()


# --- what it is told


async def test_what_the_agent_tells_is_what_the_screen_says(dark_box: StageBox):
    dark_box.order(paired=True)
    dark_box.start()
    await dark_box.until(lambda status: status.cover == "idle")
    for problem in (Problem("portal", "it redirects to login.example"), Problem("no_content")):
        await dark_box.ask(TellOutlook(Outlook(problem)))
        await dark_box.until(lambda status, code=problem.code: (status.cover, status.problem) == ("problem", code))
    await dark_box.ask(TellOutlook(Outlook(None, 1, 3)))
    await dark_box.until(lambda status: (status.cover, status.problem) == ("progress", ""))
    dark_box.order(paired=False, pairing_code=None)
    await dark_box.reread()
    await dark_box.until(lambda status: (status.cover, status.state) == ("pairing", "pairing"))


async def test_beside_content_a_lasting_problem_is_told_in_the_corner_and_goes_with_its_cause(dirs: Dirs):
    publish(dirs, clock_item("a"))
    stage = assembled(dirs, problem_card_after=0.05)
    async with running(stage.run()):
        await eventually(lambda: stage.status().items)
        stage.surround.hear(Outlook(Problem("server_refused", "403")))
        await eventually(lambda: stage.surround.seen.corner_problem == Problem("server_refused", "403"))
        assert (stage.status().cover, stage.status().state, stage.status().problem) == ("", "playing", "server_refused")
        stage.surround.hear(Outlook())
        await eventually(lambda: stage.status().problem == "")
    stage.stop()


async def test_zero_never_tells_it_beside_content(dirs: Dirs):
    publish(dirs, clock_item("a"))
    stage = assembled(dirs, problem_card_after=0.0)
    async with running(stage.run()):
        await eventually(lambda: stage.status().items)
        stage.surround.hear(Outlook(Problem("server_refused", "403")))
        await asyncio.sleep(0.2)
        stage.surround.changed()
        await asyncio.sleep(0.2)
        assert stage.status().problem == ""
    stage.stop()


async def test_the_only_item_is_shown_though_the_stage_crashed_with_it(dirs: Dirs):
    publish(dirs, clock_item("deadly"))
    dirs.stage.mkdir(parents=True)
    for _ in range(DEATHS):
        (dirs.stage_runtime / "on_screen.json").write_text('{"main": "deadly"}')
        (dirs.stage_runtime / "last_words").write_text("Segmentation fault")
        assembled(dirs).stop()
    stage = assembled(dirs)
    async with running(stage.run()):
        stage.surround.hear(Outlook())
        await eventually(lambda: stage.status().items)
        assert stage.status().problem == ""
    stage.stop()


# --- a configuration that cannot be read


async def test_a_configuration_that_cannot_be_read_is_on_the_screen_until_it_is_mended(dark_box: StageBox):
    file = dark_box.dirs.runtime / "config.toml"
    file.write_text("[stage]\nproblem_card_afer = 3\n")
    dark_box.environment["SIGNAGE_CONFIG"] = str(file)
    dark_box.order(paired=True)
    dark_box.start()
    status = await dark_box.until(lambda status: status.cover == "problem")
    assert status.problem == "config"
    (fault,) = [fault for fault in status.faults if fault.code == "config"]
    assert str(file) in fault.message
    assert "stage.problem_card_afer" in fault.message
    assert "did you mean stage.problem_card_after?" in fault.message
    file.write_text("[stage]\nproblem_card_after = 3\n")
    assert await asyncio.to_thread(dark_box.processes["stage"].wait, 15) == 0, dark_box.log()
    dark_box.start()
    assert (await dark_box.until(lambda status: status.cover == "idle")).faults == ()


async def test_content_plays_on_whatever_the_configuration_says(dark_box: StageBox):
    file = dark_box.dirs.runtime / "config.toml"
    file.write_text("cms = no TOML at all")
    dark_box.environment["SIGNAGE_CONFIG"] = str(file)
    dark_box.publish(clock_item("a"))
    dark_box.order(paired=True)
    dark_box.start()
    status = await dark_box.until_shown("a")
    assert (status.cover, [fault.code for fault in status.faults]) == ("", ["config"])


# --- safe mode


async def test_a_crash_leaves_words_and_being_killed_or_ended_leaves_none(dark_box: StageBox):
    ours = signal.signal(signal.SIGQUIT, signal.SIG_IGN)  # as whoever is started in a shell's background has it
    dark_box.order(paired=True)
    words = dark_box.dirs.stage_runtime / "last_words"
    before = 0.0
    for number in (signal.SIGSEGV, signal.SIGKILL, signal.SIGABRT, signal.SIGTERM, signal.SIGBUS, signal.SIGQUIT):
        dark_box.start()
        status = await dark_box.until(lambda status, before=before: status.started_at > before and status.cover == "idle")
        before = status.started_at
        dark_box.end("stage", number)
        is_crash = number in (signal.SIGSEGV, signal.SIGABRT, signal.SIGBUS)
        assert ("Fatal Python error" in words.read_text()) is is_crash, number
    signal.signal(signal.SIGQUIT, ours)
    assert "these were its last words" in dark_box.log()


async def test_after_five_crashes_a_still_is_shown_and_a_command_ends_that(dirs: Dirs):
    for folder in (dirs.stage, dirs.cache):
        folder.mkdir(parents=True)
    Image.new("RGB", (64, 36), "red").save(dirs.cache / "poster.png")
    poster = Item("poster", "c-poster", "poster", Kind.IMAGE, 10.0, file="poster.png")
    publish(dirs, clock_item("a"), poster)
    page = AppletTiming("t", 1.0, 1.0, AppletRun("menu", "1", files="f00d"), 1.0, 1.0)
    BriefFile(dirs.brief).write(StageBrief(applets=AppletPlan((page,))))  # where there is no programme it would be on
    crashed(dirs, LIMIT - 1)
    stage = assembled(dirs)
    assert stage.crashes.safe_since is None
    crashed(dirs, 1)
    stage = assembled(dirs)
    async with running(stage.run()):
        await eventually(lambda: stage.status().state == "safe_mode")
        status = stage.status()
        assert (status.cover, status.items, [fault.code for fault in status.faults]) == ("safe_mode", (), ["safe_mode"])
        assert stage.show.layout is None
        assert stage.surround.seen.stills == (str(dirs.cache / "poster.png"),)
        stage.crashes.forget()
        await stage.reread()
        await eventually(lambda: stage.status().items)
        assert (stage.status().state, stage.status().faults) == ("playing", ())
    stage.stop()
    assert assembled(dirs).crashes.safe_since is None


async def test_a_command_to_restart_forgets_the_crashes(dark_box: StageBox):
    dark_box.publish(clock_item("a"))
    dark_box.order(paired=True)
    dark_box.dirs.stage.mkdir(parents=True)
    crashed(dark_box.dirs, LIMIT)
    dark_box.start()
    await dark_box.until(lambda status: status.state == "safe_mode")
    await dark_box.ask(RestartStage())
    await asyncio.to_thread(dark_box.processes["stage"].wait, 8)
    dark_box.start()
    await dark_box.until_shown("a")


def test_crashes_that_an_item_explains_do_not_count(dirs: Dirs):
    for _ in range(DEATHS):
        dirs.stage_runtime.mkdir(exist_ok=True, parents=True)
        (dirs.stage_runtime / "on_screen.json").write_text('{"main": "deadly"}')
        (dirs.stage_runtime / "last_words").write_text("Segmentation fault")
        crashed(dirs, 1)
    crashed(dirs, LIMIT - 1)
    assert assembled(dirs).crashes.safe_since is None
    crashed(dirs, 1)
    assert assembled(dirs).crashes.safe_since is not None


async def test_a_good_hour_ends_it(tmp_path: Path):
    clock, book = FakeClock(), fault_page()
    for _ in range(LIMIT):
        (tmp_path / "last_words").write_text("Aborted")
        crashes = Crashes(tmp_path, on_screen=(), kept_off=(), clock=clock, faults=book)
    assert crashes.safe_since is not None
    clock.forward(3599.999)
    async with asyncio.timeout(20):
        await crashes.until_good()
    clock.forward(1)
    assert Crashes(tmp_path, on_screen=(), kept_off=(), clock=clock, faults=book).safe_since is None


def test_files_that_cannot_be_read_or_written_cost_what_they_know_and_not_the_show(tmp_path: Path):
    (tmp_path / "crashes.json").write_bytes(b"\xff")
    crashes = Crashes(tmp_path / "gone", on_screen=(), kept_off=(), clock=FakeClock(), faults=fault_page())
    crashes.forget()
    crashes.ended_unasked("it fell over")
    assert crashes.safe_since is None
    assert Crashes(tmp_path, on_screen=(), kept_off=(), clock=FakeClock(), faults=fault_page()).safe_since is None
