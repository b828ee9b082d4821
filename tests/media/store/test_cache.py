"""The media store: content-addressed, indexed, checked; wiped, damaged and attacked."""

from __future__ import annotations

import asyncio
import hashlib
import os
from pathlib import Path

import pytest

from player.core.ask_again import Validators
from player.errors import StorageError
from player.media.fetch.transfer import Fetched
from player.media.store.cache import Cache
from player.media.store.index import Derived, Stored, suffix_of
from player.media.store.scrub import Scrub
from tests.fakes.clock import FakeClock
from tests.fakes.measured import processor_at_most

MP4 = b"\x00\x00\x00\x18ftypmp42" + bytes(5000)
KEY = "ab" * 32


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
async def cache(tmp_path: Path, clock: FakeClock) -> Cache:
    made = Cache(tmp_path / "cache", clock, 10**9)
    await made.open()
    return made


async def keep(cache: Cache, body: bytes = MP4, key: str = KEY, name: str = "clip.mp4"):
    part = cache.parts / f"{key}.part"
    part.write_bytes(body)
    return await cache.adopt(
        Fetched(part, hashlib.sha256(body).hexdigest(), len(body), verified=True, validators=Validators()), key, name, "5"
    )


async def reopened(cache: Cache, clock: FakeClock) -> Cache:
    again = Cache(cache.folder, clock, 10**9)
    await again.open()
    return again


async def test_an_index_of_many_files_is_written_again_when_flash_has_rested_and_a_small_one_at_each_change(
    cache: Cache, clock: FakeClock
):
    index = cache.folder / "index.json"

    async def is_written() -> bool:
        before = index.stat().st_ino
        await keep(cache, MP4 + os.urandom(8))
        await cache.save()
        return index.stat().st_ino != before

    await keep(cache)
    await cache.save()
    assert [await is_written() for _ in range(5)] == [True] * 5
    for number in range(8000):
        cache.files.add(Stored(f"{number:064x}", 5, f"media/00/{number:064x}.png", 1, "x" * 200))
    assert await is_written(), "however large it is"
    assert [await is_written() for _ in range(40)] == [False] * 40
    clock.forward(600)
    assert await is_written()
    assert len((await reopened(cache, clock)).files.entries()) == 8048


async def test_a_file_is_named_by_its_content_and_its_magic(cache: Cache):
    stored = await keep(cache)
    sha256 = hashlib.sha256(MP4).hexdigest()
    assert stored.file == f"media/{sha256[:2]}/{sha256}.mp4"
    assert (cache.folder / stored.file).read_bytes() == MP4
    assert cache.files.find(KEY) == stored
    assert cache.files.find(sha256) == stored
    assert cache.files.find("cd" * 32) is None
    assert list(cache.parts.iterdir()) == []


@pytest.mark.parametrize(
    ("head", "suffix"),
    [
        (b"\x89PNG\r\n\x1a\n", ".png"),
        (b"\xff\xd8\xff\xe0", ".jpg"),
        (b"GIF89a", ".gif"),
        (b"RIFF\0\0\0\0WEBPVP8 ", ".webp"),
        (b"RIFF\0\0\0\0AVI LIST", ".avi"),
        (MP4[:16], ".mp4"),
        (b"\0\0\0\x14ftypqt  ", ".mp4"),
        (b"\x1a\x45\xdf\xa3", ".mkv"),
        (b"%PDF-1.7", ".pdf"),
        (b"PK\x03\x04", ".zip"),
        (b"#EXTM3U", ""),
        (b"", ""),
    ],
)
def test_c8_the_suffix_comes_from_the_content(head: bytes, suffix: str):
    assert suffix_of(head) == suffix


async def test_the_index_outlives_a_restart(cache: Cache, clock: FakeClock):
    stored = await keep(cache)
    await cache.save()
    assert (await reopened(cache, clock)).files.find(KEY) == stored


async def test_s8_a_file_that_was_kept_before_its_index_is_found_again(cache: Cache, clock: FakeClock):
    stored = await keep(cache)
    again = await reopened(cache, clock)  # killed before `save`
    assert again.files.find(KEY) is None
    assert again.files.find(stored.sha256).size == len(MP4)
    again.files.call(KEY, stored.sha256, "5")
    assert again.files.find(KEY).file == stored.file


async def test_s8_a_kill_between_rename_and_index_leaves_nothing_behind(cache: Cache, clock: FakeClock):
    await keep(cache)
    (cache.parts / f"{'ee' * 32}.part").write_bytes(b"half")
    again = await reopened(cache, clock)
    await again.sweep(panels=["1x1"], keep_files=(), keep_parts=())
    assert list(again.parts.iterdir()) == []


@pytest.mark.parametrize("content", [b"", b"{", b'{"format": 1, "body": {"files": 7}}'])
async def test_s9_a_damaged_index_is_made_again(cache: Cache, clock: FakeClock, content: bytes):
    stored = await keep(cache)
    await cache.save()
    (cache.folder / "index.json").write_bytes(content)
    assert (await reopened(cache, clock)).files.get(stored.sha256).size == len(MP4)


async def test_the_stage_can_read_what_is_kept(tmp_path: Path, clock: FakeClock):
    before = os.umask(0o077)
    try:
        cache = Cache(tmp_path / "cache", clock, 10**9)
        await cache.open()
        (cache.prepared / "x.png").write_bytes(b"png")
        stored = await keep(cache)
        await cache.add_derived(stored.sha256, Derived("1x1", "image", "prepared/x.png", 3))
    finally:
        os.umask(before)
    assert (cache.prepared / "x.png").stat().st_mode & 0o777 == 0o640
    assert {p.stat().st_mode & 0o777 for p in [cache.folder, cache.prepared, (cache.folder / stored.file).parent]} == {0o750}


async def test_evicting_removes_the_file_and_what_was_prepared(cache: Cache):
    stored = await keep(cache)
    (cache.prepared / "x.png").write_bytes(b"png")
    await cache.add_derived(stored.sha256, Derived("1920x1080", "image", "prepared/x.png", 3))
    assert cache.figures().bytes == len(MP4) + 3
    await cache.evict(stored.sha256)
    assert cache.files.find(KEY) is None
    assert [p for p in cache.folder.rglob("*") if p.is_file() and p.name != "index.json"] == []
    assert cache.figures().bytes == 0
    await cache.evict(stored.sha256)


async def test_evicting_a_package_removes_all_of_it(cache: Cache):
    stored = await keep(cache)
    (cache.prepared / "p" / "img").mkdir(parents=True)
    for name in ("index.html", "img/a.png"):
        (cache.prepared / "p" / name).write_bytes(b"x" * 100)
    assert cache.size_of(["prepared/p"]) == 200
    await cache.add_derived(stored.sha256, Derived("any", "package", "prepared/p/index.html", 200))
    await Scrub(cache).reconcile()
    assert cache.files.derived(stored.sha256, "any", "package")
    await cache.evict(stored.sha256)
    assert list(cache.prepared.iterdir()) == []


async def test_a_file_is_known_by_every_content_that_it_is(cache: Cache):
    stored = await keep(cache)
    cache.files.call("cd" * 32, stored.sha256, "6")
    cache.files.call("cd" * 32, stored.sha256, "6")
    assert cache.files.get(stored.sha256).contents == ("5", "6")
    assert (await keep(cache)).contents == ("5", "6")


async def test_use_is_remembered_for_the_plan(cache: Cache, clock: FakeClock):
    one, two = await keep(cache), await keep(cache, b"other", "cd" * 32)
    clock.forward(100)
    cache.files.touch([two.sha256, "0" * 64])
    ages = {h.key: h.used_at for h in cache.files.held()}
    assert ages[two.sha256] - ages[one.sha256] == 100


async def test_what_was_prepared_for_another_panel_goes_unless_the_manifest_names_it(cache: Cache):
    stored = await keep(cache)
    for panel in ("1x1", "2x2", "3x3"):
        (cache.prepared / f"{panel}.png").write_bytes(b"png")
        await cache.add_derived(stored.sha256, Derived(panel, "image", f"prepared/{panel}.png", 3))
    (cache.prepared / "package").mkdir()
    (cache.prepared / "package" / "index.html").write_text("<p>")
    await cache.sweep(panels=["1x1"], keep_files={"prepared/2x2.png"}, keep_parts=())
    assert sorted(p.name for p in cache.prepared.iterdir()) == ["1x1.png", "2x2.png"]
    assert cache.files.derived(stored.sha256, "3x3", "image") is None
    assert cache.files.derived(stored.sha256, "2x2", "image").size == 3


async def test_the_note_of_a_part_that_was_kept_goes_and_that_of_one_that_is_missing_stays(cache: Cache):
    """A crash between the keeping of a file and the removal of its note leaves the note."""
    await keep(cache)
    missing = "ef" * 32
    for key in (KEY, missing):
        (cache.parts / f"{key}.json").write_text("{}")
    await cache.sweep(panels=(), keep_files=(), keep_parts={KEY, missing})
    assert [path.name for path in cache.parts.iterdir()] == [f"{missing}.json"]


async def test_s12_a_cache_wiped_while_running_is_made_again(cache: Cache, clock: FakeClock):
    import shutil

    await keep(cache)
    shutil.rmtree(cache.folder)
    assert await Scrub(cache).reconcile() == ()
    assert cache.files.find(KEY) is None
    assert cache.figures().files == 0
    cache.parts.mkdir(exist_ok=True)
    assert (cache.folder / (await keep(cache)).file).read_bytes() == MP4


async def test_s12_links_and_strange_files_are_never_followed(cache: Cache, clock: FakeClock, tmp_path: Path):
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "precious").write_bytes(b"precious")
    stored = await keep(cache)
    shard = (cache.folder / stored.file).parent
    (shard / ("f" * 64)).symlink_to(outside / "precious")
    os.mkfifo(shard / ("e" * 64))
    (shard / "README").write_text("hello")
    (cache.folder / "media" / "stranger").symlink_to(outside)
    again = await reopened(cache, clock)
    assert [s.sha256 for s in again.files.entries()] == [stored.sha256]
    async with asyncio.timeout(5):
        assert await Scrub(again).verify() == ()


async def test_s12_a_link_in_place_of_a_folder_is_replaced(cache: Cache, clock: FakeClock, tmp_path: Path):
    outside = tmp_path / "outside"
    outside.mkdir()
    (cache.folder / "media").rmdir()
    (cache.folder / "media").symlink_to(outside)
    again = await reopened(cache, clock)
    await keep(again)
    assert list(outside.iterdir()) == []
    assert not (cache.folder / "media").is_symlink()


async def test_s12_a_cache_folder_that_is_a_link_is_refused(clock: FakeClock, tmp_path: Path):
    (tmp_path / "real").mkdir()
    (tmp_path / "cache").symlink_to(tmp_path / "real")
    with pytest.raises(StorageError, match=r"storage\.cache_dir"):
        await Cache(tmp_path / "cache", clock, 1).open()


async def test_s6_a_flipped_bit_is_found_set_aside_and_reported(cache: Cache):
    stored, fine = await keep(cache), await keep(cache, b"fine" * 1000, "cd" * 32)
    path = cache.folder / stored.file
    body, stamp = bytearray(MP4), path.stat().st_mtime_ns
    body[100] ^= 1
    path.write_bytes(body)
    os.utime(path, ns=(stamp, stamp))  # rot leaves no date
    assert await Scrub(cache).reconcile() == ()
    told: list[tuple[int, int, str]] = []
    damaged = await Scrub(cache).verify(lambda *step: told.append(step))
    assert [(d.sha256, d.name) for d in damaged] == [(stored.sha256, "clip.mp4")]
    assert "changed on the disk" in damaged[0].reason
    assert (cache.folder / "aside" / stored.sha256).read_bytes() == body
    assert (cache.files.find(KEY), cache.files.get(fine.sha256)) == (None, cache.files.find("cd" * 32))
    assert told[-1][:2] == (len(MP4) + 4000, len(MP4) + 4000)


@pytest.mark.parametrize("content", [b"", MP4[:-1], MP4 + b"x"])
async def test_s7_a_file_cut_by_a_power_loss_is_found_at_once(cache: Cache, content: bytes):
    stored = await keep(cache)
    (cache.folder / stored.file).write_bytes(content)
    damaged = await Scrub(cache).reconcile()
    assert f"{len(content)} bytes instead of {len(MP4)}" in damaged[0].reason


async def test_a_file_that_was_only_touched_is_believed_again(cache: Cache, clock: FakeClock):
    stored = await keep(cache)
    os.utime(cache.folder / stored.file, (1, 1))
    assert await Scrub(cache).reconcile() == ()
    assert cache.files.get(stored.sha256).mtime_ns == 10**9


async def test_only_a_few_damaged_files_are_kept(cache: Cache):
    for n in range(6):
        stored = await keep(cache, bytes([n]) * 100, f"{n:064x}")
        (cache.folder / stored.file).write_bytes(b"rot")
        await Scrub(cache).reconcile()
    assert len(list((cache.folder / "aside").iterdir())) == 3


async def test_s6_the_scrub_goes_round_by_the_oldest_check(cache: Cache, clock: FakeClock):
    assert await Scrub(cache).scrub_next() is None
    shas = [(await keep(cache, bytes([n]) * 100, f"{n:064x}")).sha256 for n in range(3)]
    for _ in range(3):
        clock.forward(60)
        assert await Scrub(cache).scrub_next(pause_s=0) is None
    assert len({cache.files.get(sha).checked_at for sha in shas}) == 3
    (cache.folder / cache.files.get(shas[0]).file).write_bytes(b"rot")
    assert (await Scrub(cache).scrub_next(pause_s=0)).sha256 == shas[0]


async def test_a_prepared_file_that_vanished_is_prepared_again(cache: Cache):
    stored = await keep(cache)
    (cache.prepared / "x.png").write_bytes(b"png")
    await cache.add_derived(stored.sha256, Derived("1x1", "image", "prepared/x.png", 3))
    await Scrub(cache).reconcile()
    assert cache.files.derived(stored.sha256, "1x1", "image")
    (cache.prepared / "x.png").unlink()
    await Scrub(cache).reconcile()
    assert cache.files.derived(stored.sha256, "1x1", "image") is None


async def test_s10_ten_thousand_files_do_not_rewrite_the_index_each_time(cache: Cache):
    await keep(cache)
    assert not (cache.folder / "index.json").exists()
    await cache.save()
    stamp = (cache.folder / "index.json").stat().st_mtime_ns
    cache.files.touch([hashlib.sha256(MP4).hexdigest()])
    await cache.save()
    assert (cache.folder / "index.json").stat().st_mtime_ns == stamp


async def test_c12_two_thousand_files_are_compared_within_a_second(cache: Cache, clock: FakeClock):
    for n in range(2000):
        sha = hashlib.sha256(b"%d" % n).hexdigest()
        folder = cache.folder / "media" / sha[:2]
        folder.mkdir(exist_ok=True)
        (folder / sha).write_bytes(b"x")
    for _ in processor_at_most(1.0):
        again = await reopened(cache, clock)
        await Scrub(again).reconcile()
        assert again.figures().files == 2000
