"""What is taken from a child that means harm: what it made of its own file, and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from player.errors import ContentError, StorageError
from player.media.prepare.making import own_folder, taken

MINE, OTHERS = "ab" * 32, "cd" * 32


@pytest.fixture
def prepared(tmp_path: Path) -> Path:
    """With what was made of another file."""
    folder = tmp_path / "prepared"
    folder.mkdir()
    (folder / f"{OTHERS}-9x9.png").write_text("another's")
    return folder


def test_what_it_made_goes_where_it_belongs_and_nothing_is_left(prepared: Path):
    with own_folder(prepared) as at:
        assert prepared not in (at, *at.parents)
        (at / f"{MINE}-1x1.png").write_text("new")
        (at / "left").write_text("a draft")
        (at / MINE).mkdir()
        (at / MINE / "index.html").write_text("page")
        files = [at / f"{MINE}-1x1.png", at / MINE / "index.html"]
        assert taken(files, "a", at, prepared, MINE) == [prepared / f"{MINE}-1x1.png", prepared / MINE / "index.html"]
    assert sorted(path.name for path in prepared.iterdir()) == [MINE, f"{MINE}-1x1.png", f"{OTHERS}-9x9.png"]
    assert list(at.parent.iterdir()) == []


def test_what_was_made_before_makes_way(prepared: Path):
    for text in ("one", "two"):
        with own_folder(prepared) as at:
            (at / MINE).mkdir()
            (at / MINE / "index.html").write_text(text)
            (at / f"{MINE}.svg").write_text(text)
            taken([at / MINE / "index.html", at / f"{MINE}.svg"], "a", at, prepared, MINE)
    assert (prepared / MINE / "index.html").read_text() == (prepared / f"{MINE}.svg").read_text() == "two"


@pytest.mark.parametrize(
    "harm", ["another's name", "elsewhere", "upwards", "a link", "a link within", "a folder", "nothing", "itself"]
)
def test_l4_what_it_was_not_asked_for_is_not_taken(prepared: Path, tmp_path: Path, harm: str):
    (tmp_path / "secret").write_text("secret")
    with own_folder(prepared) as at:
        (at / f"{OTHERS}-9x9.png").write_text("replaced")
        (at / f"{MINE}-link.png").symlink_to(tmp_path / "secret")
        (at / MINE).mkdir()
        (at / MINE / "index.html").write_text("page")
        (at / MINE / "secret").symlink_to(tmp_path / "secret")
        file = {
            "another's name": at / f"{OTHERS}-9x9.png", "elsewhere": tmp_path / "secret", "upwards": at / ".." / ".." / "secret",
            "a link": at / f"{MINE}-link.png", "a link within": at / MINE / "index.html", "a folder": at / MINE,
            "nothing": at / f"{MINE}-none.png", "itself": at,
        }[harm]  # fmt: skip
        with pytest.raises(ContentError, match="something else"):
            taken([file], "a", at, prepared, MINE)
    assert {path.name: path.read_text() for path in prepared.iterdir()} == {f"{OTHERS}-9x9.png": "another's"}


def test_what_an_earlier_process_left_goes(prepared: Path):
    with own_folder(prepared) as at:
        left = at.parent / "1-left"
        left.mkdir()
        with own_folder(prepared):
            assert not left.exists()
            assert at.exists(), "another child of this process still works there"


def test_a_disk_that_cannot_be_written_is_told_as_that(tmp_path: Path):
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(StorageError), own_folder(tmp_path / "file" / "prepared"):
        pass
    with own_folder(tmp_path / "prepared") as at:
        (at / f"{MINE}.svg").write_text("a")
        with pytest.raises(StorageError):
            taken([at / f"{MINE}.svg"], "a", at, tmp_path / "file", MINE)
