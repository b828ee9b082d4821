"""The assembled stage without a picture: what the README promises, asked of the whole."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from player.agent.stage_client import StageClient
from player.brief_file import BriefFile
from player.core.blame import DEATHS
from player.core.brief import Alert, Severity
from player.core.content import Item, Layout, Playlist, Rect, Region, full_screen
from player.core.cover import StageState
from player.core.kinds import Kind
from player.core.ports.stage import CutUnlisted, NextItem, ReleaseItems, Reread
from player.device.host import boot_id, kernel_clock_synced
from player.dirs import Dirs
from player.programme_file import ProgrammeFile
from player.stage.app import Stage
from tests.fakes.brief import brief
from tests.fakes.faults import fault_page
from tests.fakes.programmes import manifest_of
from tests.fakes.running import eventually, running
from tests.stage.conftest import assembled


@pytest.fixture
def dirs(tmp_path: Path, runtime_dir: Path) -> Dirs:
    return Dirs(tmp_path / "state", tmp_path / "cache", runtime_dir, runtime_dir)


def clock_item(name: str, seconds: float = 600.0) -> Item:
    return Item(name, f"c-{name}", name, Kind.CLOCK, seconds)


def publish(dirs: Dirs, *names: str, shuffle: bool = False, version: str = "1") -> None:
    items = tuple(clock_item(name) for name in names)
    layout = full_screen(Playlist("p", "Lobby", items, shuffle=shuffle))
    ProgrammeFile(dirs.state).write(manifest_of(layout, version, assets=len(items)))
    BriefFile(dirs.brief).write(brief(paired=True))


@contextlib.asynccontextmanager
async def on_air(dirs: Dirs) -> AsyncIterator[tuple[Stage, StageClient]]:
    """A stage that plays, and an agent's side of it that is connected."""
    stage = assembled(dirs)
    client = StageClient(dirs.stage_socket, lambda _: asyncio.sleep(0), fault_page())
    async with running(stage.run(), client.run()):
        await eventually(lambda: client.status)
        yield stage, client
    stage.stop()


def shown(stage: Stage) -> str:
    return ", ".join(item.name for item in stage.status().items)


async def order(dirs: Dirs, count: int) -> list[str]:
    """The first `count` items that a stage shows after its start."""
    seen: list[str] = []
    async with on_air(dirs) as (stage, client):
        while len(seen) < count:
            seen.append(await eventually(lambda: now if (now := shown(stage)) not in ("", *seen[-1:]) else ""))
            await client.ask(NextItem())
    return seen


async def test_a_shuffled_playlist_has_another_order_after_every_start(dirs: Dirs):
    publish(dirs, *"abcdefghijklmnop", shuffle=True)
    first, second = await order(dirs, 8), await order(dirs, 8)
    assert len(set(first)) == len(set(second)) == 8
    assert first != second


async def test_a_playlist_that_is_not_shuffled_begins_as_it_was_written(dirs: Dirs):
    publish(dirs, *"abcd")
    assert await order(dirs, 4) == ["a", "b", "c", "d"]


async def test_s3_an_alert_that_no_disk_takes_is_shown_when_the_agent_says_so(dirs: Dirs):
    publish(dirs, "a")
    fire = Alert("1", "Fire", "Leave the building", Severity.EXTREME)
    async with on_air(dirs) as (_, client):
        await client.ask(Reread(brief(paired=True, alerts=(fire,))))
        await eventually(lambda: client.status and client.status.state is StageState.ALERT, 20)
        await client.ask(Reread())
        await eventually(lambda: client.status and client.status.state is StageState.PLAYING, 20)


async def test_what_was_kept_off_after_deaths_of_the_stage_plays_again_when_an_operator_asks(dirs: Dirs):
    publish(dirs, "deadly", "harmless")
    dirs.stage.mkdir(parents=True)
    for _ in range(DEATHS):
        (dirs.stage_runtime / "on_screen.json").write_text('{"main": "deadly"}')
        (dirs.stage_runtime / "last_words").write_text("Segmentation fault")
        assembled(dirs).stop()
    async with on_air(dirs) as (stage, client):
        await eventually(lambda: shown(stage) == "harmless")
        assert [fault.code for fault in stage.status().faults] == ["quarantined"]
        await client.ask(ReleaseItems())
        assert stage.status().faults == ()
        await eventually(lambda: stage.show.has_content)
        await client.ask(NextItem())
        await eventually(lambda: shown(stage) == "deadly")
    async with on_air(dirs) as (stage, _):
        await eventually(lambda: shown(stage) == "deadly")


async def test_items_that_follow_each_other_are_not_told_in_the_log(dirs: Dirs, caplog: pytest.LogCaptureFixture):
    caplog.set_level(logging.INFO)
    publish(dirs, *"abcd")
    async with on_air(dirs) as (stage, client):
        await eventually(lambda: shown(stage))
        caplog.clear()
        for _ in range(4):
            before = shown(stage)
            await client.ask(NextItem())
            await eventually(lambda before=before: shown(stage) not in ("", before))
        assert caplog.messages == []


async def test_a_fault_of_a_region_outlives_a_layout_that_has_the_region_too(dirs: Dirs, caplog: pytest.LogCaptureFixture):
    def far_off(name: str, width: int) -> Layout:
        main = Region("main", Rect(0, 0, 100, 100), Playlist("p", "p", (clock_item("a"),)))
        far = Region("far", Rect(0, 0, width, 50), Playlist("q", "q", (clock_item("b"),)), output=1)
        return Layout(name, 100, 100, (main, far))

    caplog.set_level(logging.INFO)
    publish(dirs, "a")
    ProgrammeFile(dirs.state).write(manifest_of(far_off("one", 40), "one"))
    async with on_air(dirs) as (stage, client):
        await eventually(lambda: client.status and client.status.faults)
        for name, width in (("two", 60), ("three", 80)):
            ProgrammeFile(dirs.state).write(manifest_of(far_off(name, width), name))
            await client.ask(Reread())
            await eventually(lambda name=name: f"the layout {name} is on screen" in caplog.messages)
            assert [fault.code for fault in stage.status().faults] == ["panel_missing"]
        publish(dirs, "a")
        await client.ask(Reread())
        await eventually(lambda: client.status.faults == ())
    assert [record.levelname for record in caplog.records if record.name == "player.faults"] == ["WARNING", "INFO"]


async def test_an_items_fault_ends_when_a_region_of_another_layout_shows_it(dirs: Dirs):
    def layout(name: str, first: Item, second: Item) -> Layout:
        return Layout(name, 100, 100, (Region("main", Rect(0, 0, 100, 100), Playlist("p", "p", (first, second))),))

    picture = Item("p", "c-p", "p", Kind.IMAGE, 600.0, file="media/p.png")
    publish(dirs, "a")
    ProgrammeFile(dirs.state).write(manifest_of(layout("one", clock_item("a"), picture), "one"))
    async with on_air(dirs) as (stage, client):
        await eventually(lambda: [fault.code for fault in client.status.faults] == ["missing"], 20)
        (dirs.cache / "media").mkdir(parents=True)
        (dirs.cache / "media/p.png").write_bytes(b"a picture")
        ProgrammeFile(dirs.state).write(manifest_of(layout("two", picture, clock_item("a")), "two"))
        await client.ask(Reread())
        await eventually(lambda: shown(stage) == "p", 20)
        assert stage.status().faults == ()


async def test_what_is_listed_no_more_leaves_the_screen_when_the_agent_says_so_and_not_at_its_edge(dirs: Dirs):
    publish(dirs, "a", "b")
    async with on_air(dirs) as (stage, client):
        await eventually(lambda: shown(stage) == "a", 20)
        publish(dirs, "c", version="2")
        await client.ask(Reread())
        await eventually(lambda: client.status.manifest_version == "2", 20)
        assert shown(stage) == "a"
        await client.ask(CutUnlisted())
        await eventually(lambda: shown(stage) == "c", 12)


@pytest.mark.parametrize("trusted", [True, False])
async def test_t1_an_alert_that_begins_later_is_withheld_only_where_the_clock_can_say_so(dirs: Dirs, *, trusted: bool):
    publish(dirs, "a")
    alert = Alert("1", "Fire", "Leave the building", Severity.EXTREME, starts_at=time.time() + 3600)
    BriefFile(dirs.brief).write(brief(paired=True, alerts=(alert,), trusted_boot=boot_id() if trusted else "another boot"))
    can_say = trusted or bool(kernel_clock_synced())
    async with on_air(dirs) as (stage, _):
        await eventually(lambda: stage.status().state == ("playing" if can_say else "alert"))


async def test_a_stage_that_is_ended_as_its_first_item_comes_on_screen_ends(dirs: Dirs):
    publish(dirs, "a", "b")
    stage = assembled(dirs)
    async with running(stage.run()):
        await stage.show.first_shown.wait()
    stage.stop()
