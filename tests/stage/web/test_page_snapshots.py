"""The folder of pages' last pictures: what is found, when a picture is wanted, how many are kept, what the disk is spared."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from player.core.content import Item, WebOptions
from player.core.kinds import Kind
from player.stage.web.page_snapshots import LIMIT, RENEW_S, PageSnapshots


def page(url: str, **headers: str) -> Item:
    return Item("i", "c", "a page", Kind.WEB, 10, url=url, web=WebOptions(headers=headers))


class Wall:
    now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def wall() -> Wall:
    return Wall()


@pytest.fixture
def page_snapshots(tmp_path: Path, wall: Wall) -> PageSnapshots:
    return PageSnapshots(tmp_path / "keepsakes", wall)


def test_a_picture_is_found_again_by_another_stage(page_snapshots: PageSnapshots, tmp_path: Path, wall: Wall):
    assert page_snapshots.find(page("http://h/a")) is None
    page_snapshots.keep(page("http://h/a"), b"jpeg")
    found = PageSnapshots(tmp_path / "keepsakes", wall).find(page("http://h/a"))
    assert found is not None
    assert (found.path.read_bytes(), found.taken_at) == (b"jpeg", wall.now)
    assert found.path.stat().st_mode & 0o777 == 0o600
    assert "2027" in str(found)


def test_what_credentials_open_is_not_shown_without_them(page_snapshots: PageSnapshots):
    page_snapshots.keep(page("http://h/a", Authorization="one"), b"secret")
    assert page_snapshots.find(page("http://h/a")) is None
    assert page_snapshots.find(page("http://h/a", Authorization="two")) is None


def test_a_picture_is_renewed_sparingly_and_all_together_no_more_often(page_snapshots: PageSnapshots, wall: Wall):
    one, two = page("http://h/1"), page("http://h/2")
    assert page_snapshots.wanted(one)
    page_snapshots.keep(one, b"1")
    page_snapshots.keep(two, b"2")
    assert not page_snapshots.wanted(one)
    wall.now += RENEW_S
    assert page_snapshots.wanted(one)
    page_snapshots.keep(one, b"1 again")
    assert not page_snapshots.wanted(two), "something was written just now"
    wall.now += RENEW_S
    assert page_snapshots.wanted(two)
    wall.now -= 10 * RENEW_S
    assert page_snapshots.wanted(one), "a clock that was set back"


def test_a_picture_that_has_not_changed_is_not_written_again(page_snapshots: PageSnapshots, wall: Wall):
    page_snapshots.keep(page("http://h/a"), b"jpeg")
    before = page_snapshots.path(page("http://h/a")).stat()
    wall.now += RENEW_S
    page_snapshots.keep(page("http://h/a"), b"jpeg")
    after = page_snapshots.path(page("http://h/a")).stat()
    assert (after.st_ino, after.st_mtime) == (before.st_ino, wall.now)
    page_snapshots.keep(page("http://h/a"), b"JPEG")
    assert page_snapshots.path(page("http://h/a")).read_bytes() == b"JPEG"


def test_beyond_the_limit_the_oldest_go(page_snapshots: PageSnapshots, wall: Wall):
    for number in range(LIMIT + 3):
        wall.now += 1
        page_snapshots.keep(page(f"http://h/{number}"), b"jpeg")
    assert [page_snapshots.find(page(f"http://h/{n}")) is None for n in (0, 1, 2, 3)] == [True, True, True, False]
    page_snapshots.drop(page("http://h/3"))
    page_snapshots.drop(page("http://h/3"))
    assert page_snapshots.find(page("http://h/3")) is None


def test_s3_where_the_disk_refuses_the_log_says_so_and_the_page_goes_on(
    tmp_path: Path, wall: Wall, caplog: pytest.LogCaptureFixture
):
    (tmp_path / "file").touch()
    page_snapshots = PageSnapshots(tmp_path / "file" / "keepsakes", wall)
    with caplog.at_level(logging.WARNING):
        page_snapshots.keep(page("http://h/a"), b"jpeg")
    assert "the picture of 'a page' (web c) is not kept" in caplog.text
    assert (tmp_path / "file").read_bytes() == b""
