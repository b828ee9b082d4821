"""Archives of applets: what is unpacked and packed, what is refused, and that a child behind walls does it."""

from __future__ import annotations

import os
import shutil
import stat
import struct
import zipfile
from pathlib import Path

import pytest

from player.core.applet_archives import ArchiveRoom, Contents
from player.core.applet_files import LARGEST_FILE
from player.errors import ContentError
from player.media.prepare import archives
from player.media.prepare.parent import PACKED, UNPACKED, ArchiveOrder, have_archive

ROOM = ArchiveRoom(20, 8 * LARGEST_FILE)


@pytest.fixture
def at(tmp_path: Path) -> Path:
    folder = tmp_path / "at"
    folder.mkdir()
    return folder


def packed(path: Path, files: dict[str, bytes], mode: int = 0, method: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, raw in files.items():
            info = zipfile.ZipInfo(name)
            info.external_attr, info.compress_type = mode << 16, method
            archive.writestr(info, raw)
    return path


def unpack(source: Path, at: Path, room: ArchiveRoom = ROOM) -> None:
    archives.carry_out(ArchiveOrder(room), source, at, "the archive")


async def test_a_child_unpacks_what_another_packed(tmp_path: Path, at: Path):
    files = tmp_path / "files"
    (files / "menu" / "empty").mkdir(parents=True)
    (files / "menu" / "ü.txt").write_text("Suppe")
    film = os.urandom(300_000)
    (files / "film").write_bytes(film)
    order = ArchiveOrder(ArchiveRoom(4, 2**20), ("menu", "menu/ü.txt", "menu/empty", "film"))
    missing: list[tuple[str, ...]] = []
    await have_archive(order, files, "the archive", at, tell_missing=missing.append)
    os.utime(at / PACKED, (0, 0))
    await have_archive(ArchiveOrder(ROOM), at / PACKED, "the archive", at, tell_missing=missing.append)
    assert missing == [(), ()]
    made = at / UNPACKED
    assert sorted(str(path.relative_to(made)) for path in made.rglob("*")) == ["film", "menu", "menu/empty", "menu/ü.txt"]
    assert (made / "menu" / "ü.txt").read_text() == "Suppe"
    assert (made / "film").read_bytes() == film
    assert {stat.S_IMODE(path.stat().st_mode) for path in made.rglob("*")} == {0o640, 0o750}


async def test_a_child_that_is_refused_says_why_and_leaves_what_it_is_asked_of_alone(tmp_path: Path, at: Path):
    source = packed(tmp_path / "bad.zip", {"a": b"fine", "../evil": b"evil"})
    with pytest.raises(ContentError, match=r"'\.\./evil' cannot be kept: it leads out") as refusal:
        await have_archive(ArchiveOrder(ROOM), source, "the archive", at)
    assert refusal.value.code == "damaged"
    assert {path.name for path in tmp_path.rglob("*")} == {"at", "bad.zip"}  # noqa: ASYNC240 - a test's own folder


@pytest.mark.parametrize(
    ("mode", "reason"),
    [(stat.S_IFLNK | 0o777, "link or a device"), (stat.S_IFCHR | 0o666, "link or a device"), (stat.S_IFDIR | 0o755, "link or a")],
)
def test_a_file_that_is_none_is_refused(tmp_path: Path, at: Path, mode: int, reason: str):
    with pytest.raises(ContentError, match=reason):
        unpack(packed(tmp_path / "a.zip", {"a": b"/etc/passwd"}, mode), at)
    unpack(packed(tmp_path / "b.zip", {"a": b"plain"}, stat.S_IFREG | 0o4777), at)
    assert stat.S_IMODE((at / UNPACKED / "a").stat().st_mode) == 0o640


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_what_takes_more_than_inflating_is_refused(tmp_path: Path, at: Path, method: int):
    with pytest.raises(ContentError, match="neither deflated"):
        unpack(packed(tmp_path / "a.zip", {"a": b"a"}, method=method), at)


def test_a_password_is_refused(tmp_path: Path, at: Path):
    raw = bytearray(packed(tmp_path / "a.zip", {"a": b"a"}).read_bytes())
    directory = raw.index(b"PK\x01\x02")
    raw[directory + 8] |= 1
    (tmp_path / "a.zip").write_bytes(raw)
    with pytest.raises(ContentError, match="password"):
        unpack(tmp_path / "a.zip", at)


def test_a_folder_made_on_windows_is_one(tmp_path: Path, at: Path):
    unpack(packed(tmp_path / "a.zip", {"menu\\": b"", "menu\\a.txt": b"1"}), at)
    assert (at / UNPACKED / "menu" / "a.txt").read_bytes() == b"1"


def test_what_is_torn_or_no_archive_is_refused(tmp_path: Path, at: Path):
    whole = packed(tmp_path / "a.zip", {"a": os.urandom(5000)}, method=zipfile.ZIP_STORED)
    raw = bytearray(whole.read_bytes())
    raw[200] ^= 255
    (tmp_path / "b.zip").write_bytes(raw)
    (tmp_path / "c.zip").write_bytes(b"no archive")
    raw = bytearray(packed(tmp_path / "d.zip", {"a": b"menu " * 100}).read_bytes())
    raw[31] = 255  # the first byte of what is deflated: there is no such block
    (tmp_path / "d.zip").write_bytes(raw)
    for name in ("b", "c", "d"):
        with pytest.raises(ContentError, match="no zip archive that can be read"):
            unpack(tmp_path / f"{name}.zip", at)
        shutil.rmtree(at / UNPACKED, ignore_errors=True)


def test_a_table_of_contents_that_lies_about_a_size_yields_no_more_than_it_says(tmp_path: Path, at: Path):
    raw = bytearray(packed(tmp_path / "a.zip", {"a": bytes(2**20)}).read_bytes())
    directory = raw.index(b"PK\x01\x02")
    raw[directory + 24 : directory + 28] = struct.pack("<I", 10)
    (tmp_path / "a.zip").write_bytes(raw)
    with pytest.raises(ContentError):
        unpack(tmp_path / "a.zip", at, ArchiveRoom(1, 10))
    assert (at / UNPACKED / "a").stat().st_size <= 10


def test_a_bomb_is_refused_before_anything_is_written(tmp_path: Path, at: Path):
    bomb = packed(tmp_path / "a.zip", {f"{n}": bytes(8 * 2**20) for n in range(3)})
    with pytest.raises(ContentError, match="100 times"):
        unpack(bomb, at)
    with pytest.raises(ContentError, match="there is room for"):
        unpack(bomb, at, ArchiveRoom(20, 2**20))
    assert list(at.iterdir()) == []


def test_what_comes_is_counted_whatever_was_judged(tmp_path: Path, at: Path):
    source = packed(tmp_path / "a.zip", {name: bytes(100) for name in "abc"})
    with zipfile.ZipFile(source) as archive:
        made = Contents([], {name: number for number, name in enumerate("abc")})
        with pytest.raises(ContentError, match="unpacked it has more than"):
            archives.unpack(archive, archive.infolist(), made, at / UNPACKED, ArchiveRoom(3, 150), "the archive")
    assert sorted(path.name for path in (at / UNPACKED).iterdir()) == ["a", "b"]


def test_what_is_packed_is_no_larger_than_there_is_room_for(tmp_path: Path, at: Path):
    for name in ("a", "b", "c"):
        (tmp_path / name).write_bytes(os.urandom(3000))
    for size, names in ((2000, ("a", "b", "c")), (5000, ("a", "b")), (3100, ("a",))):
        with pytest.raises(ContentError, match="packed it has more than"):
            archives.carry_out(ArchiveOrder(ArchiveRoom(2, size), names), tmp_path, at, "the archive")
        assert (at / PACKED).stat().st_size < 7000
        (at / PACKED).unlink()
