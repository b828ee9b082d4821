"""The assembled stage and triggers: kept ready, shown over a region, gone when over; priorities, alerts, layouts that change."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from player.brief_file import BriefFile
from player.core.brief import Alert, Severity
from player.core.content import Item, Layout, Manifest, Playlist, Rect, Region, StandBy, always, full_screen
from player.core.kinds import Kind
from player.device.host import boot_id
from player.dirs import Dirs
from player.errors import BoxError
from player.journal_reader import read_journal
from player.programme_file import ProgrammeFile
from player.stage.app import Stage
from tests.fakes.brief import brief
from tests.fakes.running import eventually, running
from tests.stage.conftest import assembled

WITHIN_S = 20.0
TOLD = {"name": "goal", "broadcast_id": "7"}


@pytest.fixture
def dirs(tmp_path: Path, runtime_dir: Path) -> Dirs:
    return Dirs(tmp_path / "state", tmp_path / "cache", runtime_dir, runtime_dir)


def item(name: str, seconds: float = 600.0) -> Item:
    return Item(name, f"c-{name}", name, Kind.CLOCK, seconds)


def stand_by(name: str, *items: Item, **more: object) -> StandBy:
    return StandBy(name, items or (item(f"{name} 1", 1.0),), playlist="answers", **more)  # type: ignore[arg-type]  # of a test


HALVES = Layout(
    "halves", 10, 10,
    (Region("left", Rect(0, 0, 3, 10), Playlist("p1", "L", (item("l"),))),
     Region("right", Rect(3, 0, 7, 10), Playlist("p2", "R", (item("r"),)))),
)  # fmt: skip
WHOLE = full_screen(Playlist("p", "Whole", (item("w"),)))


def publish(dirs: Dirs, layout: Layout | None, *waits: StandBy, version: str = "1", alerts: tuple[Alert, ...] = ()) -> None:
    layouts = (layout,) if layout else ()
    ProgrammeFile(dirs.state).write(Manifest(version, layouts, always(layout) if layout else (), stand_by=waits))
    BriefFile(dirs.brief).write(brief(paired=True, time_zone="UTC", trusted_boot=boot_id(), alerts=alerts))


def shown(stage: Stage) -> list[tuple[str, str]]:
    return [(playing.zone, playing.name) for playing in stage.status().items]


def plays(dirs: Dirs) -> list[tuple[str, str, str | None]]:
    return [(body["name"], body["result"], body.get("reason")) for _, body in read_journal(dirs.plays)]


async def test_what_stands_by_is_ready_is_shown_and_leaves_what_was_there_where_it_was(dirs: Dirs):
    publish(dirs, HALVES, stand_by("goal"), stand_by("rain", zone="left"))
    made = assembled(dirs)
    async with running(made.run()):
        await eventually(
            lambda: "2 stand by" in repr(made.show.interludes) and "2 are ready" in repr(made.show.interludes), WITHIN_S
        )
        assert made.status().ready == ("goal", "rain")
        assert shown(made) == [("left", "l"), ("right", "r")]
        at = await made.show.interrupt("goal", TOLD)
        assert shown(made) == [("left", "l"), ("right", "goal 1")]
        await made.show.interrupt("rain", {"name": "rain"})
        assert shown(made) == [("left", "rain 1"), ("right", "goal 1")]
        assert made.status().ready == ()
        await eventually(lambda: shown(made) == [("left", "l"), ("right", "r")], WITHIN_S)
        await eventually(lambda: "2 are ready, 0 are on screen" in repr(made.show.interludes), WITHIN_S)
    made.stop()
    found = {body["name"]: body for _, body in read_journal(dirs.plays) if body["name"].endswith(" 1")}
    goal = found["goal 1"]
    assert (goal["result"], goal["zone"], goal["playlist_id"]) == ("complete", "right", "answers")
    assert {name: text for name, text in goal["trigger"].items() if name != "shown_at"} == TOLD
    assert goal["trigger"]["shown_at"] <= goal["ended_at"]
    assert at > 0
    by_r = [one for one in plays(dirs) if one[0] == "r"]
    assert by_r == [("r", "interrupted", 'the trigger "goal"'), ("r", "interrupted", "the stage was stopped")]


async def test_a_higher_priority_takes_the_place_of_a_lower_one_and_no_other_does(dirs: Dirs):
    goal, fire = stand_by("goal", item("beer")), stand_by("fire", item("exit", 1.0), priority=5)
    publish(dirs, WHOLE, goal, stand_by("rain"), fire)
    made = assembled(dirs)
    async with running(made.run()):
        await eventually(lambda: shown(made) == [("main", "w")], WITHIN_S)
        with pytest.raises(BoxError, match='nothing stands by for "snow"'):
            await made.show.interrupt("snow", {})
        await made.show.interrupt("goal", TOLD)
        for name in ("rain", "goal"):
            with pytest.raises(BoxError, match=f'"{name}" is not shown: "goal" is on screen'):
                await made.show.interrupt(name, {})
        await made.show.interrupt("fire", {})
        assert shown(made) == [("main", "exit")]
        await eventually(lambda: shown(made) == [("main", "w")] and "0 are on screen" in repr(made.show.interludes), WITHIN_S)
        await asyncio.sleep(0.05)  # what is below hears of it in its own turn of this loop
    made.stop()
    assert plays(dirs)[1:3] == [("beer", "interrupted", 'the trigger "fire"'), ("exit", "complete", None)]
    assert plays(dirs)[-1] == ("w", "interrupted", "the stage was stopped")


async def test_several_items_come_once_each_within_the_time_that_they_have(dirs: Dirs):
    three = (item("one", 1.0), item("two", 1.0), item("three"))
    publish(dirs, WHOLE, stand_by("goal", *three[:2]), stand_by("long", *three, seconds=3.0))
    made = assembled(dirs)
    async with running(made.run()):
        await eventually(lambda: shown(made) == [("main", "w")], WITHIN_S)
        for name in ("goal", "long"):
            await made.show.interrupt(name, {"name": name})
            await eventually(lambda: shown(made) == [("main", "w")], WITHIN_S)
    made.stop()
    assert [one for one in plays(dirs) if one[0] != "w"] == [
        ("one", "complete", None), ("two", "complete", None),
        ("one", "complete", None), ("two", "complete", None), ("three", "interrupted", "its time was over"),
    ]  # fmt: skip


async def test_an_alert_lies_over_what_a_trigger_shows_and_keeps_new_ones_off(dirs: Dirs):
    publish(dirs, WHOLE, stand_by("goal", item("beer")), stand_by("rain"))
    made = assembled(dirs)
    alert = Alert("1", "Flood", "Go upstairs", Severity.EXTREME)
    async with running(made.run()):
        await eventually(lambda: shown(made) == [("main", "w")], WITHIN_S)
        await made.show.interrupt("goal", TOLD)
        BriefFile(dirs.brief).write(brief(paired=True, trusted_boot=boot_id(), alerts=(alert,)))
        await made.reread()
        await eventually(lambda: made.status().state == "alert", WITHIN_S)
        with pytest.raises(BoxError, match="the screen is covered"):
            await made.show.interrupt("rain", {})
        BriefFile(dirs.brief).write(brief(paired=True, trusted_boot=boot_id()))
        await made.reread()
        await eventually(lambda: made.status().state == "playing", WITHIN_S)
        assert shown(made) == [("main", "beer")]
    made.stop()
    assert plays(dirs) == [
        ("w", "interrupted", 'the trigger "goal"'), ("beer", "interrupted", "alert"),
        ("beer", "interrupted", "the stage was stopped"),
    ]  # fmt: skip


async def test_it_follows_a_layout_that_changes_and_needs_none(dirs: Dirs):
    goal = stand_by("goal", item("beer"))
    publish(dirs, None, goal)
    made = assembled(dirs)
    async with running(made.run()):
        await eventually(lambda: "1 are ready" in repr(made.show.interludes), WITHIN_S)
        await made.show.interrupt("goal", TOLD)
        assert shown(made) == [("main", "beer")]
        publish(dirs, HALVES, goal, version="2")
        await made.reread()
        await eventually(lambda: shown(made) == [("left", "l"), ("right", "beer")], WITHIN_S)
    made.stop()
    assert ("r", "complete", None) not in plays(dirs)
    assert {one[0] for one in plays(dirs)} >= {"l", "beer"}


async def test_what_cannot_be_shown_is_told_and_takes_nothing_off(dirs: Dirs):
    gone = replace(item("gone"), kind=Kind.IMAGE, file="gone.png")
    publish(dirs, WHOLE, stand_by("goal", gone))
    made = assembled(dirs)
    async with running(made.run()):
        await eventually(lambda: shown(made) == [("main", "w")], WITHIN_S)
        with pytest.raises(BoxError, match='what stands by for "goal" cannot be shown'):
            await made.show.interrupt("goal", TOLD)
        assert shown(made) == [("main", "w")]
        assert {fault.code for fault in made.faults.faults} >= {"missing"}
    made.stop()
    assert [one[0] for one in plays(dirs)] == ["w"]
