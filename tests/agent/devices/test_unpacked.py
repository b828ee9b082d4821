"""What a child unpacked: looked through without leaving its folder, with the rights of an applet's files, and put in its place."""

from __future__ import annotations

from pathlib import Path

import pytest

from player.agent.devices.unpacked import bytes_below, found_in, put_into
from player.core.applet_archives import ArchiveRoom

ROOM = ArchiveRoom(9, 100)


@pytest.fixture
def made(tmp_path: Path) -> Path:
    folder = tmp_path / "made"
    (folder / "a").mkdir(parents=True)
    (folder / "a" / "b").write_text("12345")
    return folder


def test_a_link_is_not_followed(made: Path, tmp_path: Path):
    (tmp_path / "large").mkdir()
    (tmp_path / "large" / "film").write_bytes(bytes(1000))
    (made / "out").symlink_to(tmp_path / "large")
    (made / "film").symlink_to(tmp_path / "large" / "film")
    assert bytes_below(made) == 5


def test_what_is_taken_is_for_its_page_and_the_agent_alone_and_can_be_removed(made: Path):
    (made / "a" / "b").chmod(0o6777)
    (made / "c").mkdir(0o777)
    (made / "a").chmod(0)
    assert bytes_below(made) == 5
    found = found_in(made, ROOM)
    assert (found.folders, found.files, found.size) == (["a", "c"], ["a/b"], 5)
    assert {path.stat().st_mode & 0o7777 for path in (made / "a", made / "c")} == {0o750}
    assert (made / "a" / "b").stat().st_mode & 0o7777 == 0o640


def test_into_an_empty_folder_all_comes_at_once(made: Path, tmp_path: Path):
    (tmp_path / "out").mkdir()
    was = made.stat().st_ino
    put_into(found_in(made, ROOM), tmp_path / "out")
    assert (tmp_path / "out").stat().st_ino == was, "the folder itself was renamed"
    assert (tmp_path / "out" / "a" / "b").read_text() == "12345"
    assert not made.exists()
