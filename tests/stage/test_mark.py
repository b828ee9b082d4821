"""Whom a death of the stage is blamed on, and for how long."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from player.core.blame import DEATHS, FIRST_S
from player.core.content import Item
from player.core.kinds import Kind
from player.stage.mark import Mark

NOW = 1_790_000_000.0


def item(name: str) -> Item:
    return Item(name, f"c-{name}", name, Kind.IMAGE, 10.0)


class Life:
    """One stage after another: what each finds and leaves."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.at, self.crashes = folder, NOW, True

    def begin(self) -> Mark:
        return Mark(self.folder / "on_screen.json", self.folder / "deaths.json", lambda: self.at, crashed=self.crashes)

    def die_with(self, *shown: Item) -> None:
        mark = self.begin()
        for number, each in enumerate(shown):
            mark.shown(f"region {number}", each)


def test_p1_three_crashes_with_an_item_on_screen_keep_it_off_for_minutes(tmp_path: Path):
    life = Life(tmp_path)
    for _ in range(DEATHS):
        assert "bad" not in life.begin().kept_off
        life.die_with(item("bad"))
    mark = life.begin()
    assert "bad" in mark.kept_off
    assert "other" not in mark.kept_off
    life.at += FIRST_S - 1
    assert "bad" in life.begin().kept_off, "it holds over further starts"
    life.at += 2
    assert "bad" not in life.begin().kept_off


def test_that_an_item_may_come_back_is_said_once(tmp_path: Path):
    life = Life(tmp_path)
    for _ in range(DEATHS):
        life.die_with(item("bad"))
    mark = life.begin()
    assert not mark.is_another()
    life.at += FIRST_S
    assert [mark.is_another() for _ in range(2)] == [True, False]


def test_a_stage_that_was_killed_blames_nothing(tmp_path: Path):
    life = Life(tmp_path)
    life.crashes = False
    for _ in range(DEATHS):
        life.die_with(item("shown"))
    mark = life.begin()
    assert "shown" not in mark.kept_off
    assert mark.found == ("shown",)


def test_the_last_item_of_a_region_is_shown_all_the_same_and_explains_no_crash(tmp_path: Path):
    life = Life(tmp_path)
    for _ in range(DEATHS):
        life.die_with(item("bad"))
    mark = life.begin()
    assert mark.barred([item("bad"), item("other")]) == {"bad"}
    assert mark.barred([item("bad")]) == set()
    assert mark.explaining == {"bad"}
    life.die_with(item("bad"))
    assert life.begin().explaining == set()


def test_p1_an_item_that_was_shown_well_in_between_is_not_to_blame(tmp_path: Path):
    life = Life(tmp_path)
    life.die_with(item("good"))
    life.die_with(item("good"))
    life.begin().went_well(item("good"))
    life.die_with(item("good"))
    life.die_with(item("good"))
    assert "good" not in life.begin().kept_off


def test_a_clean_end_blames_nobody(tmp_path: Path):
    life = Life(tmp_path)
    for _ in range(DEATHS + 1):
        mark = life.begin()
        mark.shown("main", item("red"))
        mark.clear()
    assert "red" not in life.begin().kept_off


def test_an_item_in_two_regions_is_blamed_once_a_death(tmp_path: Path):
    life = Life(tmp_path)
    life.die_with(item("twice"), item("twice"))
    life.die_with(item("twice"), item("twice"))
    assert "twice" not in life.begin().kept_off


def test_clearing_gives_every_item_another_chance(tmp_path: Path):
    life = Life(tmp_path)
    for _ in range(DEATHS):
        life.die_with(item("bad"))
    mark = life.begin()
    mark.release_all()
    assert "bad" not in mark.kept_off
    assert "bad" not in life.begin().kept_off


@pytest.mark.parametrize("content", [b"", b"\0\0", b"[]", b'{"main": 5}', b'{"main"', b'{"main": "\xff"}'])
def test_s7_a_torn_mark_blames_nobody(tmp_path: Path, content: bytes):
    (tmp_path / "on_screen.json").write_bytes(content)
    assert "red" not in Life(tmp_path).begin().kept_off


def test_u5_deaths_written_by_a_newer_player_neither_stop_this_one_nor_are_lost(tmp_path: Path):
    newer = msgspec.json.encode({"format": 99, "body": {}})
    (tmp_path / "deaths.json").write_bytes(newer)
    life = Life(tmp_path)
    life.die_with(item("red"))
    assert "red" not in life.begin().kept_off
    assert (tmp_path / "deaths.json.unread").read_bytes() == newer


def test_s3_a_mark_that_cannot_be_written_stops_nothing(tmp_path: Path):
    mark = Life(tmp_path).begin()
    tmp_path.chmod(0o500)
    try:
        mark.shown("main", item("red"))
        mark.release_all()
    finally:
        tmp_path.chmod(0o700)
