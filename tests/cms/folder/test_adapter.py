"""A folder as a source of content: it comes, changes and goes; signed ones; sticks; and its files on their way into the cache."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from player import cms
from player.cli import show_folder
from player.cms.folder.adapter import Folder, FolderAway, stick_in
from player.cms.folder.files import FILES
from player.cms.folder.keys import Keys
from player.cms.folder.rhythm import FolderRhythm
from player.cms.folder.signature import SIGNED, NotSigned, checked
from player.config import CmsConfig
from player.config_reader import load
from player.core.address_policy import beside
from player.core.content import Programme, WantedAsset
from player.core.ports.box import Absent
from player.core.ports.server import ContentChanged, Missed, Paired, Reached
from player.errors import ConfigError, ContentError
from player.media.fetch.download import Downloader
from player.media.fetch.egress import Egress
from player.runtime.clock import SystemClock
from tests.cms.contract import KEY, Bench
from tests.cms.screenzzie.test_contract import ScreenzzieVendor
from tests.fakes.downloads import real_downloads
from tests.fakes.inbox import FakeInbox
from tests.fakes.running import eventually, running
from tests.fakes.server import Script
from tests.fakes.way_out import STRAIGHT

ROOT = Path(__file__).parents[3]
WITHIN_S = 30.0  # a look that took long is followed by a long rest


@pytest.fixture
def root(tmp_path: Path) -> Path:
    made = tmp_path / "shop"
    made.mkdir()
    (made / "1.jpg").write_bytes(b"one")
    return made


def folder(root: Path, *, public_key: str = "", copies: bool = False) -> Folder:
    def where() -> Path | None:
        return root if root.is_dir() else None

    return Folder(where, named=str(root), public_key=public_key, copies=copies, key=KEY, clock=SystemClock(), rest_s=0.02)


def move(path: Path, name: str) -> None:
    path.rename(path.with_name(name))


def names(programme: Programme) -> list[str]:
    return [item.content_id for item in programme.items]


async def test_a_folder_is_shown_and_goes_with_its_content(root: Path):
    shown = folder(root)
    assert names(await shown.programme()) == ["1.jpg"]
    move(root, "away")
    assert await shown.programme() == Programme(())
    move(root.with_name("away"), root.name)
    assert names(await shown.programme()) == ["1.jpg"]


async def test_with_copies_what_was_shown_stays(root: Path):
    shown = folder(root, copies=True)
    assert names(await shown.programme()) == ["1.jpg"]
    move(root, "away")
    with pytest.raises(FolderAway, match="what was shown stays"):
        await shown.programme()


async def test_the_rhythm_tells_of_coming_changing_and_going_once_each(root: Path):
    inbox, away = FakeInbox(), root.with_name("away")
    move(root, away.name)
    async with running(FolderRhythm(folder(root)).run(inbox)):
        await eventually(lambda: inbox.of(Missed), WITHIN_S)
        move(away, root.name)
        await eventually(lambda: inbox.of(ContentChanged), WITHIN_S)
        assert inbox.of(Paired)[0].name == "shop"
        (root / "2.jpg").write_bytes(b"two")
        await eventually(lambda: len(inbox.of(ContentChanged)) == 2, WITHIN_S)
        move(root, away.name)
        await eventually(lambda: len(inbox.of(ContentChanged)) == 3, WITHIN_S)
        await eventually(lambda: len(inbox.of(Missed)) == 2, WITHIN_S)
        await asyncio.sleep(0.1)
    assert [len(inbox.of(kind)) for kind in (Reached, Paired, Missed, ContentChanged)] == [1, 1, 2, 3]
    assert inbox.of(Missed)[0].error.code == "no_folder"


async def test_of_a_folder_with_too_many_files_some_are_shown_and_it_is_told(root: Path):
    for number in range(FILES):
        (root / f"x{number}.jpg").touch()
    programme = await folder(root).programme()
    assert len(programme.items) == FILES
    assert [(fault.code, str(FILES) in fault.message) for fault in programme.faults] == [("too_many_files", True)]
    (root / "x0.jpg").unlink()
    assert (await folder(root).programme()).faults == ()


async def test_a_folder_with_a_name_that_is_no_text_is_shown_without_it_and_it_is_told(root: Path):
    (root / os.fsdecode(b"caf\xe9.jpg")).write_bytes(b"x")
    programme = await folder(root).programme()
    assert names(programme) == ["1.jpg"]
    assert [(fault.code, "caf\ufffd.jpg is not UTF-8" in fault.message) for fault in programme.faults] == [("bad_item", True)]


# --- signed folders

PRIVATE = Ed25519PrivateKey.generate()
PUBLIC = base64.b64encode(PRIVATE.public_key().public_bytes_raw()).decode()


def sign(root: Path, key: Ed25519PrivateKey = PRIVATE) -> None:
    files = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in root.glob("*.*") if "manifest" not in path.name}
    manifest = json.dumps({"files": files}).encode()
    (root / "manifest.json").write_bytes(manifest)
    (root / "manifest.sig").write_bytes(base64.b64encode(key.sign(SIGNED + manifest)) + b"\n")


async def test_of_a_signed_folder_what_was_signed_is_shown_and_nothing_else(root: Path):
    sign(root)
    (root / "2.jpg").write_bytes(b"added later")
    programme = await folder(root, public_key=PUBLIC).programme()
    assert names(programme) == ["1.jpg"]
    assert programme.assets[0].file_hash == hashlib.sha256(b"one").hexdigest()


@pytest.mark.parametrize("wrong", ["no manifest", "another key", "changed", "no signature", "no json", "bad key"])
async def test_a_folder_that_is_not_signed_is_not_shown(root: Path, wrong: str):
    sign(root, Ed25519PrivateKey.generate() if wrong == "another key" else PRIVATE)
    if wrong == "no manifest":
        (root / "manifest.json").unlink()
    elif wrong == "no signature":
        (root / "manifest.sig").write_bytes(b"?")
    elif wrong == "changed":
        (root / "manifest.json").write_bytes((root / "manifest.json").read_bytes() + b" ")
    elif wrong == "no json":
        (root / "manifest.json").write_bytes(b"[]")
        (root / "manifest.sig").write_bytes(base64.b64encode(PRIVATE.sign(SIGNED + b"[]")))
    with pytest.raises(NotSigned):
        await folder(root, public_key="???" if wrong == "bad key" else PUBLIC).programme()


async def test_a_text_that_is_not_what_was_signed_is_not_read(root: Path):
    (root / "news.txt").write_text("Fresh bread")
    sign(root)
    (root / "news.txt").write_text("Free bread!")
    programme = await folder(root, public_key=PUBLIC).programme()
    assert names(programme) == ["1.jpg"]
    assert [fault.code for fault in programme.faults] == ["hash_mismatch"]


# --- the configuration, sticks


def test_either_a_path_or_a_stick_is_named(tmp_path: Path):
    path = tmp_path / "config.toml"
    for table in ("", "[folder]\npath = '/srv/x'\nusb = true"):
        path.write_text(f"[cms]\nkind = 'folder'\n{table}")
        with pytest.raises(ConfigError, match="set either path, or usb = true"):
            load(str(path), cms.KINDS, {})
    path.write_text("[cms]\nkind = 'folder'\n[folder]\npath = '/srv/x'")
    assert load(str(path), cms.KINDS, {}).server == Keys(path="/srv/x")


def test_what_is_not_mounted_is_no_stick(tmp_path: Path):
    assert stick_in(tmp_path / "usb") is None
    (tmp_path / "usb" / "sda1").mkdir(parents=True)
    assert stick_in(tmp_path / "usb") is None


async def test_a_folder_offers_content_and_nothing_else(root: Path):
    bench = Bench(ScreenzzieVendor(), Script())
    own = Keys(path=str(root))
    async with cms.connect(CmsConfig(kind="folder"), own, bench.device(paired=None), SystemClock(), STRAIGHT) as connection:
        assert {name for name, said in connection.abilities.items() if said == "yes"} == {"content"}
        assert not isinstance(connection.content, Absent)
        assert names(await connection.content.programme()) == ["1.jpg"]


# --- into the cache


@pytest.fixture
async def downloader(root: Path, tmp_path: Path) -> AsyncIterator[Downloader]:
    shown, egress = folder(root), Egress(beside(""), STRAIGHT)
    await shown.programme()
    async with egress.session() as session:
        yield real_downloads(session, tmp_path / "parts", egress, local=shown)


def asset(name: str, file_hash: str | None = None) -> WantedAsset:
    return WantedAsset(name, name, "image", f"folder:{name}", file_hash)


async def test_a_file_is_copied_and_checked(downloader: Downloader):
    fetched = await downloader.fetch(asset("1.jpg"), "ab" * 32, 1000)
    assert (fetched.path.read_bytes(), fetched.size, fetched.verified) == (b"one", 3, False)
    digest = hashlib.sha256(b"one").hexdigest()
    assert (await downloader.fetch(asset("1.jpg", digest), "cd" * 32, 1000)).verified


@pytest.mark.parametrize(
    ("wanted", "room", "code"),
    [
        (asset("gone.jpg"), 1000, "missing"), (asset("1.jpg"), 2, "no_space"), (asset("empty.jpg"), 1000, "empty"),
        (asset("1.jpg", "ab" * 32), 1000, "hash_mismatch"), (asset("../config.toml"), 1000, "missing"),
        (WantedAsset("x", "x", "image", "file:///etc/hostname"), 1000, "bad_url"),
    ],
)  # fmt: skip
async def test_a_file_that_cannot_be_had_costs_that_file(
    downloader: Downloader, root: Path, wanted: WantedAsset, room: int, code: str
):
    (root / "empty.jpg").write_bytes(b"")
    with pytest.raises(ContentError) as caught:
        await downloader.fetch(wanted, "ab" * 32, room)
    assert caught.value.code == code
    assert not [part for part in (root.parent / "parts").glob("*.part") if part.stat().st_size]


async def test_no_server_reaches_files_of_this_machine(root: Path, tmp_path: Path):
    egress = Egress(beside(""), STRAIGHT)
    async with egress.session() as session:
        fetching = real_downloads(session, tmp_path / "parts", egress)
        with pytest.raises(ContentError) as caught:
            await fetching.fetch(asset("1.jpg"), "ab" * 32, 1000)
    assert caught.value.code == "bad_url"


def test_what_the_script_signs_is_what_is_checked(root: Path):
    (root / "evening").mkdir()
    (root / "evening" / "grün 2.jpg").write_bytes(b"two")
    key = root.parent / "key"
    key.write_text(base64.b64encode(PRIVATE.private_bytes_raw()).decode())
    command = [sys.executable, "scripts/pack.py", "sign-folder", str(key), str(root)]
    subprocess.run(command, check=True, capture_output=True, env={**os.environ, "PYTHONPATH": str(ROOT)}, cwd=ROOT)
    signed = checked("x", (root / "manifest.json").read_bytes(), (root / "manifest.sig").read_bytes(), PUBLIC)
    assert signed == {"1.jpg": hashlib.sha256(b"one").hexdigest(), "evening/grün 2.jpg": hashlib.sha256(b"two").hexdigest()}


def test_run_with_a_folder_shows_it_whatever_is_configured(root: Path):
    environment = {"SIGNAGE__CMS__URL": "https://cms.example.com"}
    show_folder(str(root), environment)
    config = load(None, cms.KINDS, {**environment, "HOME": str(root)})
    assert (config.cms.kind, config.server) == ("folder", Keys(path=str(root)))
    with pytest.raises(ConfigError, match="is not a folder"):
        show_folder(str(root / "1.jpg"), environment)
