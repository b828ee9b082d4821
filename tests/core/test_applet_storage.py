"""Where an applet's own files are: no name leads out of its folder, none is lost on the way, and there are only so many."""

from __future__ import annotations

from pathlib import PurePosixPath

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from player.core.applet_files import LARGEST_FILE, MOST_FILES
from player.core.applet_storage import (
    LARGEST_OWN,
    LARGEST_TEXT,
    LONGEST_NAME,
    SERVED,
    OwnRoom,
    address_of,
    check_room,
    file_of,
    name_of,
    own_folder,
    place_of,
    text_of,
    uid_of,
)

UNIT = {"type": "internal", "removable": False}


@given(st.text(max_size=80))
def test_every_applet_has_a_folder_of_one_name(applet: str):
    assert PurePosixPath(own_folder(applet)).parts == (own_folder(applet),)


@given(st.text(alphabet=st.characters(exclude_categories=("Cs",)), min_size=1, max_size=60))
@example(".")
@example("..")
def test_a_uid_is_one_name_and_comes_back(uid: str):
    try:
        name = name_of(uid)
    except ValueError:
        assert len(uid.encode()) * 3 > LONGEST_NAME
        return
    assert PurePosixPath(name).parts == (name,)
    assert name not in (".", "..")
    assert uid_of(name) == uid


@pytest.mark.parametrize("uid", [None, "", 7, "x" * (LONGEST_NAME + 1), "é" * LONGEST_NAME])
def test_what_is_no_uid_is_refused(uid: object):
    with pytest.raises(ValueError, match="uid"):
        name_of(uid)


def test_a_place_is_in_the_one_storage_unit():
    assert place_of({"storageUnit": UNIT, "filePath": "a/./b.txt"}) == "a/b.txt"
    assert [place_of({"storageUnit": UNIT, "filePath": root}) for root in ("", ".", "/")] == ["", "", ""]


@pytest.mark.parametrize(
    "given",
    [None, "a", {}, {"storageUnit": UNIT}, {"filePath": "a"}, {"storageUnit": {"type": "usb"}, "filePath": "a"},
     *({"storageUnit": UNIT, "filePath": path} for path in ("../a", "/etc/passwd", "a/../../b", "a\0", 7))],
)  # fmt: skip
def test_what_is_no_place_is_refused(given: object):
    with pytest.raises(ValueError, match=r"."):
        place_of(given)


def test_an_address_is_of_the_pages_own_origin_and_written_out():
    assert address_of(OwnRoom.FILES, "a/b ü.png") == "/.signage-own/files/a/b%20%C3%BC.png"
    assert address_of(OwnRoom.CACHE, name_of("a%b.png")) == "/.signage-own/cache/a%2525b.png"


def test_a_cached_file_whose_uid_is_a_path_has_its_neighbours_beside_it():
    assert address_of(OwnRoom.CACHE, name_of("menu/ü/index.html")) == "/.signage-own/cache/menu/%C3%BC/index.html"
    assert address_of(OwnRoom.CACHE, name_of("menu/index.html")) == "/.signage-own/cache/menu/index.html"
    for uid in ("a/../b", "/a", "//a", "a//b", "a/./b", "./a", "a/"):
        assert address_of(OwnRoom.CACHE, name_of(uid)).count("/") == 3, "a browser would make another path of it"
    with pytest.raises(ValueError, match="at most"):
        file_of(f"cache/a/{'x' * LONGEST_NAME}")


@given(st.text(alphabet="ab./%é ", min_size=1, max_size=20), st.sampled_from(OwnRoom))
def test_an_address_leads_to_its_file(uid: str, room: OwnRoom):
    name = name_of(uid)
    assert file_of(address_of(room, name).removeprefix(SERVED)) == f"{room}/{name}"


def test_a_text_is_a_text_and_not_too_long():
    assert text_of({"contents": "a"}, "contents") == "a"
    for found in (None, 7, "x" * (LARGEST_TEXT + 1)):
        with pytest.raises(ValueError, match="contents"):
            text_of({"contents": found}, "contents")


def test_there_is_room_for_so_much_and_no_more():
    check_room([LARGEST_FILE] * 3, LARGEST_FILE, None)
    check_room([1] * MOST_FILES, 1, 1)
    check_room([LARGEST_OWN], 1, 1)
    for held, size, replaced in (([], LARGEST_FILE + 1, None), ([0] * MOST_FILES, 0, None), ([LARGEST_OWN], 2, 1)):
        with pytest.raises(ValueError, match="at most"):
            check_room(held, size, replaced)
