"""Which profile is whose, which go, and when: the books, without a browser."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from player.stage.web.rooms import SHARED, Rooms, furnish, measure, remove, room_for_all


@pytest.fixture
def rooms() -> Rooms:
    return Rooms(room_limit=100, all_limit=250)


def test_a_room_is_its_items_alone_and_stays_the_same(rooms: Rooms) -> None:
    first, second = rooms.folder("a"), rooms.folder("b")
    assert first != second
    assert rooms.folder("a") == first
    assert rooms.folder("") == SHARED


def test_no_name_is_given_twice(rooms: Rooms) -> None:
    first = rooms.folder("a")
    rooms.keep_only(())
    assert not rooms.has(first)
    assert rooms.folder("a") != first


def test_what_left_the_programme_goes_when_its_windows_are_closed(rooms: Rooms) -> None:
    stays, leaves = rooms.folder("stays"), rooms.folder("leaves")
    rooms.keep_only({"stays"})
    sizes = {stays: 10, leaves: 10}
    assert rooms.judge(sizes, {stays, leaves}).remove == set()
    judged = rooms.judge(sizes, {stays})
    assert (judged.close, judged.remove) == (set(), {leaves})


def test_a_room_that_is_too_large_is_closed_and_then_removed(rooms: Rooms) -> None:
    large, small = rooms.folder("large"), rooms.folder("small")
    judged = rooms.judge({large: 101, small: 100}, {large, small})
    assert (judged.close, judged.remove) == ({large}, set())
    assert rooms.judge({large: 101, small: 100}, {small}).remove == {large}
    assert rooms.folder("large") not in (large, small)


def test_of_all_together_the_longest_unused_go_first_and_none_that_is_seen(rooms: Rooms) -> None:
    seen, old, used = rooms.folder("seen"), rooms.folder("old"), rooms.folder("used")
    rooms.folder("old")
    judged = rooms.judge({seen: 90, old: 90, used: 90}, {seen})
    assert (judged.close, judged.remove) == (set(), {used})
    assert rooms.folder("old") == old


def test_what_is_measured_is_what_lies_on_the_disk_and_what_is_removed_is_gone(rooms: Rooms, tmp_path: Path) -> None:
    name = rooms.folder("a")
    furnish(tmp_path / name)
    assert json.loads((tmp_path / name / "Preferences").read_text())["signin"]["allowed"] is False
    (tmp_path / name / "deep").mkdir()
    (tmp_path / name / "deep" / "file").write_bytes(b"x" * 100_000)
    assert measure(tmp_path)[name] >= 100_000
    remove(tmp_path, {name})
    assert measure(tmp_path) == {}


def test_all_rooms_together_leave_most_of_a_small_disk(tmp_path: Path) -> None:
    assert 0 < room_for_all(tmp_path) <= 256 * 1024 * 1024
