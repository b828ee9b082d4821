"""Archives of applets' files, as their pages ask for them: real children, a real folder, and what an applet may keep."""

from __future__ import annotations

import asyncio
import io
import logging
import os
import shutil
import zipfile
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from player.agent.devices.applet_storage import AppletStorage
from player.agent.devices.own_folder import MIB_AT_ONCE
from player.agent.devices.unpacked import found_in
from player.core.applet_archives import ArchiveRoom
from player.core.applet_files import LARGEST_FILE, MOST_FILES
from player.core.applet_storage import LARGEST_OWN, OWN, PARTS, own_folder
from player.media.prepare.parent import PACKED, UNPACKED, ArchiveOrder
from tests.fakes.downloads import FakeDownloads
from tests.fakes.management import Managed, managed
from tests.fakes.pages import Page, kept, place

URL = "http://a.example/menu.zip"


def packed(files: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, raw in files.items():
            archive.writestr(name, raw)
    return out.getvalue()


@pytest.fixture
async def box(tmp_path: Path) -> AsyncIterator[Managed]:
    async with managed(tmp_path) as made:
        yield made


def paths(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


async def has(box: Managed, name: str, raw: bytes, page: Page) -> None:
    """That file, which the page downloaded."""
    box.elsewhere[URL] = raw
    await page.file("download_file", name, sourceUri=URL)


def extract(page: Page, name: str, into: str, **more: Any) -> Any:
    fields = {"archiveFilePath": place(name), "destinationDirectoryPath": place(into), "method": "zip"}
    return page.ask("file_system.extract_file", **(fields | more))


async def test_an_archive_is_packed_and_unpacked_into_a_folder(box: Managed, caplog: pytest.LogCaptureFixture):
    caplog.set_level(logging.INFO, "player.agent.devices.applet_archives")
    page = Page(box)
    for name in ("menu", "menu/img", "menu/none", "out"):
        await page.ask("file_system.create_directory", directoryPath=place(name))
    await page.file("write_file", "menu/img/a.svg", contents="<svg/>")
    await page.file("write_file", "note", contents="kept")
    entries = [place("menu/img"), place("note"), place("note"), place("")]
    for _ in range(2):  # the second takes the place of the first, and is not packed into itself
        await page.ask("file_system.create_archive_file", archiveFilePath=place("all.zip"), archiveEntries=entries)
    await extract(page, "all.zip", "out")
    wanted = ["menu", "menu/img", "menu/img/a.svg", "menu/none", "note", "out"]
    assert paths(kept(box) / "files/out") == wanted
    assert await page.file("read_file", "out/menu/img/a.svg") == "<svg/>"
    modes = {path.stat().st_mode & 0o777 for path in (kept(box) / "files/out").rglob("*")}
    assert modes == {0o640, 0o750}
    assert list((box.folder / "cache" / PARTS).iterdir()) == []
    said = [record.getMessage() for record in caplog.records]
    assert said == ["the applet menu packed all.zip: 6 files and folders"] * 2 + [
        "the applet menu unpacked all.zip: 2 files, 0 KiB"
    ]


async def test_into_a_folder_that_has_files_each_comes_whole_and_over_its_own_name_or_none_does(box: Managed):
    page = Page(box)
    await has(box, "a.zip", packed({"note": b"second", "x/y": b"1"}), page)
    await page.ask("file_system.create_directory", directoryPath=place("out"))
    await page.file("write_file", "out/note", contents="first")
    await page.file("write_file", "out/x", contents="a file")
    with pytest.raises(LookupError, match="'x' is a file already"):
        await extract(page, "a.zip", "out")
    assert await page.file("read_file", "out/note") == "first"
    await page.file("delete_file", "out/x", recursive=False)
    await page.file("write_file", "out/other", contents="stays")
    await extract(page, "a.zip", "out")
    assert paths(kept(box) / "files/out") == ["note", "other", "x", "x/y"]
    assert await page.file("read_file", "out/note") == "second"
    await has(box, "b.zip", packed({"x": b"1"}), page)
    with pytest.raises(LookupError, match="'x' is a folder already"):
        await extract(page, "b.zip", "out")
    await extract(page, "a.zip", "")
    assert await page.file("read_file", "x/y") == "1"


async def test_a_cached_archive_is_unpacked_under_uids_of_its_own_with_neighbours_beside_one_another(box: Managed):
    page = Page(box)
    box.elsewhere[URL] = packed({"index.html": b"<img src=img/a.png>", "img/a.png": b"png", "img/": b""})
    await page.ask("offline.cache.save_file", uid="my/menu.zip", uri=URL)
    for uid in ("my/menu", "my/menu/"):
        await page.ask("offline.cache.decompress_file", uid="my/menu.zip", destinationUid=uid, method="zip")
    assert await page.ask("offline.cache.list_files") == ["my/menu.zip", "my/menu/img/a.png", "my/menu/index.html"]
    found = await page.ask("offline.cache.load_file", uid="my/menu/img/a.png")
    assert found == {"filePath": "/.signage-own/cache/my/menu/img/a.png"}
    too_long = {"uid": "my/menu.zip", "destinationUid": "x" * 195}
    for fields in ({}, {"destinationUid": "/"}, {"destinationUid": 7}, {"uid": "none"}, {"method": "rar"}, too_long):
        with pytest.raises(LookupError):
            await page.ask("offline.cache.decompress_file", **({"uid": "my/menu.zip"} | fields))
    assert len(await page.ask("offline.cache.list_files")) == 3


@pytest.mark.parametrize("name", ["../../secret", "/etc/cron.d/x", "a\x1bb"])
async def test_nothing_of_an_archive_comes_where_one_name_leads_out(box: Managed, name: str):
    page = Page(box)
    await has(box, "a.zip", packed({"fine": b"1", name: b"evil"}), page)
    with pytest.raises(LookupError, match="cannot be kept"):
        await extract(page, "a.zip", "")
    assert paths(kept(box) / "files") == ["a.zip"]
    assert list((box.folder / "cache" / PARTS).iterdir()) == []


async def test_what_is_not_there_or_not_meant_is_refused_with_the_reason(box: Managed):
    page = Page(box)
    await page.file("write_file", "note", contents="no archive")
    for fields, reason in (
        ({"archiveFilePath": place("none")}, "no such archive"), ({"method": "rar"}, "'zip'"),
        ({"destinationDirectoryPath": place("out")}, "make it first"), ({"archiveFilePath": place("../x")}, "leads out"),
        ({}, "can be read"),
    ):  # fmt: skip
        with pytest.raises(LookupError, match=reason):
            await extract(page, "note", "", **fields)
    for entries, target, reason in (
        (None, "a.zip", "one at the least"), ([place("a.zip")], "a.zip", "no 'a.zip'"), ([place("../x")], "a.zip", "leads out"),
        ([place("note")], "no/a.zip", "make it first"), ([place("note")], "", "filePath is empty"), ("note", "a.zip", "storage"),
    ):  # fmt: skip
        with pytest.raises(LookupError, match=reason):
            await page.ask("file_system.create_archive_file", archiveFilePath=place(target), archiveEntries=entries)
    assert paths(kept(box) / "files") == ["note"]


async def test_an_archive_has_the_room_that_the_applet_has_left(box: Managed):
    page = Page(box)
    await has(box, "a.zip", packed({"a": os.urandom(5000), "b": b"1"}), page)
    files = kept(box) / "files"
    for number in range(MOST_FILES - 2):
        (files / str(number)).touch()
    with pytest.raises(LookupError, match="holds 2 files and folders, and there is room for 1"):
        await extract(page, "a.zip", "")
    (files / "0").unlink()
    for number in range(1, 5):
        os.truncate(files / str(number), LARGEST_FILE if number < 4 else LARGEST_FILE - 12_000)
    os.truncate(files / "5", 12_000 - 5000)
    with pytest.raises(LookupError, match="unpacked it has 4 KiB, and there is room for"):
        await extract(page, "a.zip", "")
    os.truncate(files / "5", 0)
    await extract(page, "a.zip", "")
    assert sum(path.stat().st_size for path in files.iterdir()) <= LARGEST_OWN


def large(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(LARGEST_FILE)


def out_of_sight(made: Path, secret: Path) -> None:
    (made / "a").mkdir()
    (made / "a" / "b").symlink_to(secret)
    (made / "a").chmod(0)


# What a child that was taken over makes, beside a file that is fine.
HARMS: dict[str, Callable[[Path, Path], object]] = {
    "a link": lambda made, secret: (made / "a").symlink_to(secret),
    "a link out of sight": out_of_sight,
    "a link instead": lambda made, secret: (shutil.rmtree(made), made.symlink_to(secret.parent)),
    "another name of a file": lambda made, secret: (made / "a").hardlink_to(secret),
    "a pipe": lambda made, _: os.mkfifo(made / "a"),
    "a name": lambda made, _: (made / "a\nb").write_text("1"),
    "many": lambda made, _: [(made / str(number)).touch() for number in range(MOST_FILES)],
    "large": lambda made, _: (large(made / "a"), os.truncate(made / "a", LARGEST_FILE + 1)),
    "much": lambda made, _: [large(made / str(number)) for number in range(4)],
}


def storage(tmp_path: Path, have: Any, mono: float = 0.0) -> AppletStorage:
    cache = tmp_path / "cache"
    return AppletStorage(cache, FakeDownloads({}, cache / PARTS).fetch, have, spare=0, mono=lambda: mono)


@pytest.mark.parametrize("harm", HARMS)
async def test_what_a_child_that_was_taken_over_made_is_not_taken(tmp_path: Path, harm: str):
    secret = tmp_path / "secret"
    secret.write_text("secret")
    mode = secret.stat().st_mode

    async def have(*asked: Any) -> None:
        at = asked[-1]
        (at / UNPACKED).mkdir()
        (at / UNPACKED / "fine").write_text("1")
        HARMS[harm](at / UNPACKED, secret)
        (at / PACKED).symlink_to(secret)

    files = storage(tmp_path, have)
    await files.do("menu", "file_system.write_file", {"filePath": place("a.zip"), "contents": "1"})
    fields = {"archiveFilePath": place("a.zip"), "destinationDirectoryPath": place(""), "method": "zip"}
    packing = {"archiveEntries": [place("a.zip")], "archiveFilePath": place("b")}
    for what, asked in (("extract_file", fields), ("create_archive_file", packing)):
        with pytest.raises(ValueError, match=r"something else|characters that no path may"):
            await files.do("menu", f"file_system.{what}", asked)
    assert paths(tmp_path / "cache" / OWN / own_folder("menu") / "files") == ["a.zip"]
    assert (secret.stat().st_mode, secret.read_text()) == (mode, "secret")
    assert list((tmp_path / "cache" / PARTS).iterdir()) == []


async def test_what_was_written_in_vain_is_charged_too_and_a_file_can_be_read_when_its_turn_comes(tmp_path: Path):
    asked: list[int] = []

    async def have(order: ArchiveOrder, source: Path, name: str, at: Path) -> None:
        asked.append(order.room.size // 2**20)
        with (at / "half").open("wb") as file:
            file.truncate(100 * 2**20)
        raise ValueError("torn")

    files = storage(tmp_path, have)
    await files.do("menu", "file_system.write_file", {"filePath": place("a.zip"), "contents": "1"})
    fields = {"archiveFilePath": place("a.zip"), "destinationDirectoryPath": place(""), "method": "zip"}
    for reason in ("torn", "torn", "torn", "MiB at once"):
        with pytest.raises(ValueError, match=reason):
            await files.do("menu", "file_system.extract_file", fields)
    assert asked == [127, 127, MIB_AT_ONCE - 1 - 2 * 101 - 1]
    assert await files.do("menu", "file_system.read_file", {"filePath": place("a.zip")}) == "1"


async def test_one_archive_at_a_time_on_this_box_its_own_applet_waits_for_it_and_others_do_not(tmp_path: Path):
    order: list[str] = []
    go_on = asyncio.Event()

    async def have(_: ArchiveOrder, source: Path, name: str, at: Path) -> None:
        order.append(f"begin {source.name}")
        await go_on.wait()
        (at / UNPACKED).mkdir()
        order.append(f"end {source.name}")

    files = storage(tmp_path, have)
    for applet in ("a", "b"):
        await files.do(applet, "file_system.write_file", {"filePath": place(applet), "contents": "1"})

    async def unpack(applet: str) -> None:
        fields = {"archiveFilePath": place(applet), "destinationDirectoryPath": place(""), "method": "zip"}
        await files.do(applet, "file_system.extract_file", fields)

    async def read(applet: str) -> None:
        await files.do(applet, "file_system.read_file", {"filePath": place(applet)})
        order.append(f"read {applet}")

    async with asyncio.TaskGroup() as group:
        for applet in ("a", "b"):
            group.create_task(unpack(applet))
        async with asyncio.timeout(20):
            while not order:  # noqa: ASYNC110 - a list has no event
                await asyncio.sleep(0.01)
        group.create_task(read("a"))
        for _ in range(3):
            await read("b")
        assert order == ["begin a", *["read b"] * 3]
        go_on.set()
    assert order.index("end a") < min(order.index("begin b"), order.index("read a"))


def test_a_folder_that_holds_more_than_there_is_room_for_is_not_looked_through(tmp_path: Path):
    for number in range(30):
        (tmp_path / str(number)).touch()
    with pytest.raises(ValueError, match="something else"):
        found_in(tmp_path, ArchiveRoom(29, 10))
    assert len(found_in(tmp_path, ArchiveRoom(30, 0)).files) == 30
