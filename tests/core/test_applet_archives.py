"""What an applet's archive may hold: nothing that leads out, is no file, or is more than there is room for."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from player.core.applet_archives import FREE_OF_RATIO, RATIO, ArchiveEntry, ArchiveRoom, Contents, check_method, contents
from player.core.applet_files import LARGEST_FILE, clean_path

ROOM = ArchiveRoom(10, 4 * LARGEST_FILE)
PACKED = 4 * LARGEST_FILE


def file(name: str, size: int = 1) -> ArchiveEntry:
    return ArchiveEntry(name, size)


def folder(name: str) -> ArchiveEntry:
    return ArchiveEntry(name, 0, is_folder=True)


def test_files_and_folders_are_made_each_behind_what_it_lies_in():
    made = contents([file("b/c/d.txt"), folder("b/"), folder("e/f/"), file("./a.txt")], PACKED, ROOM)
    assert made == Contents(["b", "b/c", "e", "e/f"], {"b/c/d.txt": 0, "a.txt": 3})
    assert contents([], 22, ArchiveRoom(0, 0)) == Contents([], {})


@pytest.mark.parametrize("name", ["../a", "/etc/passwd", "a/../../b", "C:/a", "..\\a", "a\0b", "a\nb", "a\x1b[2J", "a\u202eb", ""])
def test_no_name_leads_out_or_holds_what_no_name_may(name: str):
    for entry in (file(name), folder(f"{name}/")):
        with pytest.raises(ValueError, match="cannot be kept"):
            contents([file("a"), entry], PACKED, ROOM)


@pytest.mark.parametrize(
    ("entry", "reason"),
    [(replace(file("a"), is_plain=False), "link or a device"), (replace(file("a"), is_locked=True), "password"),
     (replace(file("a"), is_deflated=False), "neither deflated")],
)  # fmt: skip
def test_what_is_no_plain_file_is_refused(entry: ArchiveEntry, reason: str):
    with pytest.raises(ValueError, match=reason):
        contents([entry], PACKED, ROOM)


@pytest.mark.parametrize("names", [("a", "a"), ("a", "./a"), ("a", "a/b"), ("a/b", "a")])
def test_nothing_is_there_twice(names: tuple[str, str]):
    with pytest.raises(ValueError, match=r"called|a file and a folder"):
        contents([file(name) for name in names], PACKED, ROOM)


def test_there_are_no_more_than_there_is_room_for_with_the_folders_that_they_need():
    assert len(contents([file(f"a/{n}") for n in range(9)], PACKED, ROOM).files) == 9
    for entries in ([file(f"a/{n}") for n in range(10)], [file(str(n)) for n in range(11)]):
        with pytest.raises(ValueError, match=r"holds 11 files and folders, and there is room for 10"):
            contents(entries, PACKED, ROOM)
    with pytest.raises(ValueError, match="room for 0"):
        contents([file("a")], PACKED, ArchiveRoom(-3, 1))


def test_they_are_not_larger_than_there_is_room_for():
    whole = [file(str(n), LARGEST_FILE) for n in range(4)]
    assert len(contents(whole, PACKED, ROOM).files) == 4
    with pytest.raises(ValueError, match="room for 131072"):
        contents([*whole, file("more")], PACKED, ROOM)
    with pytest.raises(ValueError, match="32 MiB at most"):
        contents([file("a", LARGEST_FILE + 1)], PACKED, ROOM)


def test_an_archive_does_not_grow_beyond_its_ratio():
    contents([file("a", FREE_OF_RATIO)], 1, ROOM)
    contents([file("a", FREE_OF_RATIO * 2)], FREE_OF_RATIO * 2 // RATIO + 1, ROOM)
    for size, packed in ((FREE_OF_RATIO + 1, 1), (FREE_OF_RATIO * 2, FREE_OF_RATIO * 2 // RATIO - 1)):
        with pytest.raises(ValueError, match="100 times"):
            contents([file("a", size)], packed, ROOM)


@pytest.mark.parametrize("method", ["rar", "ZIP", None, 7])
def test_one_method_is_known(method: object):
    check_method("zip")
    with pytest.raises(ValueError, match="'zip'"):
        check_method(method)


@given(st.lists(st.builds(ArchiveEntry, st.text(max_size=12), st.integers(0, 9), st.booleans()), max_size=8))
def test_whatever_is_in_it_what_is_made_lies_within_and_each_folder_comes_first(entries: list[ArchiveEntry]):
    try:
        made = contents(entries, 1000, ROOM)
    except ValueError:
        return
    there = {"."}
    for path in [*made.folders, *made.files]:
        assert clean_path(path) == path
        assert str(path.rpartition("/")[0] or ".") in there
        assert path not in there
        there.add(path)
