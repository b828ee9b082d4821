"""A folder looked at again and again: what has come to rest, what is read of it, and what never is."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from player.cms.folder.files import NAMES, FolderFile, FolderFiles


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "stick"
    (made / "evening").mkdir(parents=True)
    (made / "1.jpg").write_bytes(b"one")
    (made / "evening" / "2.jpg").write_bytes(b"two")
    return made


def test_what_is_there_is_settled_at_the_second_look_and_is_news_once(folder: Path):
    files = FolderFiles()
    assert [files.look(folder) for _ in range(3)] == [False, True, False]
    assert sorted(files.settled) == ["1.jpg", "evening/2.jpg"]
    assert files.settled["1.jpg"] == FolderFile("1.jpg", 3, (folder / "1.jpg").stat().st_mtime_ns)


def test_what_grows_waits_and_what_was_there_before_stays_meanwhile(folder: Path):
    files = FolderFiles()
    files.look(folder), files.look(folder)
    before = files.settled["1.jpg"]
    for size in (10, 20):
        (folder / "1.jpg").write_bytes(b"x" * size)
        (folder / "new.mp4").write_bytes(b"x" * size)
        assert not files.look(folder)
        assert files.settled["1.jpg"] == before
        assert "new.mp4" not in files.settled
    assert files.look(folder)
    assert files.settled["1.jpg"].size == files.settled["new.mp4"].size == 20


def test_what_is_gone_is_gone_at_once_and_so_is_the_folder(folder: Path):
    files = FolderFiles()
    files.look(folder), files.look(folder)
    (folder / "1.jpg").unlink()
    assert files.look(folder)
    assert sorted(files.settled) == ["evening/2.jpg"]
    assert files.look(None)
    assert (files.settled, files.root) == ({}, None)
    assert not files.look(None)


def test_another_folder_is_looked_at_anew(folder: Path, tmp_path: Path):
    files, other = FolderFiles(), tmp_path / "other"
    other.mkdir()
    (other / "1.jpg").write_bytes(b"one")
    files.look(folder), files.look(folder)
    assert not files.look(other)
    assert files.settled == {}
    assert files.look(other)
    assert sorted(files.settled) == ["1.jpg"]


def test_what_is_no_content_and_what_leads_out_is_not_listed(folder: Path, tmp_path: Path):
    secret = tmp_path / "secret.jpg"
    secret.write_bytes(b"x")
    (folder / "link.jpg").symlink_to(secret)
    (folder / "out").symlink_to(tmp_path)
    for name in ("._1.jpg", "Thumbs.db", "~lock.jpg"):
        (folder / name).write_bytes(b"x")
    os.mkfifo(folder / "pipe.jpg")
    deep = folder / "a" / "b" / "c" / "d" / "e"
    deep.mkdir(parents=True)
    (deep / "far.jpg").write_bytes(b"x")
    files = FolderFiles()
    files.look(folder), files.look(folder)
    assert sorted(files.settled) == ["1.jpg", "evening/2.jpg"]


def test_a_name_that_is_no_text_costs_itself_and_is_told(folder: Path):
    for name in (b"\xff.jpg", b"caf\xe9.jpg", b"\xed\xa0\x80.jpg"):
        (folder / os.fsdecode(name)).write_bytes(b"x")
    (folder / os.fsdecode(b"\xfe")).mkdir()
    (folder / os.fsdecode(b"\xfe") / "in.jpg").write_bytes(b"x")
    files = FolderFiles()
    files.look(folder), files.look(folder)
    assert sorted(files.settled) == ["1.jpg", "evening/2.jpg"]
    assert "\ufffd" in files.unnamed
    assert files.unnamed.encode()


def test_what_cannot_be_entered_costs_itself(folder: Path):
    shut = folder / "shut"
    shut.mkdir()
    (shut / "in.jpg").write_bytes(b"x")
    files = FolderFiles()
    shut.chmod(0)
    try:
        files.look(folder), files.look(folder)
        assert set(files.settled) >= {"1.jpg", "evening/2.jpg"}
        assert files.is_known
    finally:
        shut.chmod(0o700)


def test_a_look_passes_by_so_many_names_and_no_more(folder: Path):
    for number in range(NAMES):
        (folder / "evening" / f".{number}").touch()
    (folder / "tower").mkdir()
    files = FolderFiles()
    files.look(folder), files.look(folder)
    assert files.is_cut
    (folder / "evening" / ".0").unlink()
    for number in range(1, 100):
        (folder / "evening" / f".{number}").unlink()
    files.look(folder)
    assert not files.is_cut


def test_a_loop_of_links_and_a_deep_tower_end(folder: Path):
    (folder / "round").symlink_to(folder)
    (folder / "a").symlink_to("b")
    (folder / "b").symlink_to("a")
    tower = folder.joinpath(*["d" * 200] * 12)
    tower.mkdir(parents=True)
    (tower / "top.jpg").write_bytes(b"x")
    files = FolderFiles()
    files.look(folder), files.look(folder)
    assert sorted(files.settled) == ["1.jpg", "evening/2.jpg"]


def test_a_file_is_opened_by_its_address_alone(folder: Path):
    files = FolderFiles()
    files.look(folder)
    (folder / "50 % off?.jpg").write_bytes(b"sale")
    opened = files.open(FolderFile("50 % off?.jpg", 4, 0).url)
    assert opened is not None
    with opened:
        assert opened.read() == b"sale"
    assert files.open("https://example.com/1.jpg") is None
    assert files.open("file:///etc/passwd") is None


@pytest.mark.parametrize(
    "name", ["/etc/passwd", "../secret.jpg", "evening/../../secret.jpg", "", "link.jpg", "out/secret.jpg", "pipe.jpg", "evening"]
)
def test_nothing_leads_out_of_the_folder(folder: Path, tmp_path: Path, name: str):
    (tmp_path / "secret.jpg").write_bytes(b"x")
    (folder / "link.jpg").symlink_to(tmp_path / "secret.jpg")
    (folder / "out").symlink_to(tmp_path)
    os.mkfifo(folder / "pipe.jpg")
    files = FolderFiles()
    files.look(folder)
    with pytest.raises(OSError, match=r".+"):
        files.open(f"folder:{name}")


def test_without_a_folder_nothing_is_opened():
    with pytest.raises(FileNotFoundError):
        FolderFiles().open("folder:1.jpg")
