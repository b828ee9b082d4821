"""What one applet keeps, as files in its own folder: each deed of its page as a call that blocks, and is made in a worker thread.

A file is written beside and renamed, so that the page sees it whole or not at all, and is on the disk before that is said. Every
path is checked by `core.applet_storage`, every size against what an applet may keep; whoever calls has the folder to himself.
Raises ValueError where the page asks for what cannot be, OSError where the disk does not.
"""

from __future__ import annotations

import hashlib
import mimetypes
import os
import shutil
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from uuid import uuid4

from player.core.allowance import Allowance
from player.core.applet_archives import ArchiveRoom
from player.core.applet_files import LARGEST_FILE, MOST_FILES
from player.core.applet_storage import LARGEST_OWN, LARGEST_TEXT, UNIT, OwnRoom, address_of, check_room, name_of, place_of, uid_of
from player.folders import make_folder, sync_folder

CHUNK = 1024 * 1024
DRAFTS = "drafts"
MIB_AT_ONCE, MIB_EVERY_S = 256, 20.0  # of one applet: twice all that it may keep, then 4 GiB a day


class OwnFolder:
    """`path` is the folder; it is made by the first file. `spare` bytes of the disk stay free; `mono` is a monotonic clock."""

    def __init__(self, path: Path, spare: int, mono: Callable[[], float]) -> None:
        self._path, self._spare, self._mono = path, spare, mono
        self._written = Allowance(MIB_AT_ONCE, MIB_EVERY_S)

    # --- the file system

    @property
    def files(self) -> Path:
        """The folder of that room; it may not be there yet."""
        return self._path / OwnRoom.FILES

    def at(self, place: object) -> Path:
        """Where that is on disk, whether there is anything or not."""
        return self.files / place_of(place)

    def units(self) -> list[dict[str, Any]]:
        """The one storage unit."""
        left = max(0, LARGEST_OWN - sum(self._sizes()))
        return [{"type": UNIT, "capacity": LARGEST_OWN, "freeSpace": left, "usableSpace": left, "removable": False}]

    def listed(self, place: object) -> list[dict[str, Any]]:
        """The files and folders in a folder."""
        folder = self.at(place)
        if folder == self.files and not folder.exists():
            return []
        unit = self.units()[0]
        return [self._placed(path, unit) for path in sorted(folder.iterdir())]

    def exists(self, place: object) -> bool:
        """Whether there is a file or a folder."""
        return self.at(place).exists()

    def is_folder(self, place: object) -> bool:
        """Whether there is a folder."""
        return self.at(place).is_dir()

    def file(self, place: object) -> dict[str, Any] | None:
        """All that is known of a file; None where there is none."""
        path = self.at(place)
        if not path.is_file():
            return None
        known = path.stat()
        return {
            **self._placed(path, self.units()[0]), "localUri": self._address(path), "createdAt": round(known.st_ctime * 1000),
            "lastModifiedAt": round(known.st_mtime * 1000), "sizeBytes": known.st_size,
            "mimeType": mimetypes.guess_type(path.name)[0] or "application/octet-stream",
        }  # fmt: skip

    def read(self, place: object) -> str:
        """A text."""
        return _read(self.at(place))

    def write(self, place: object, text: str) -> None:
        """A text in the place of what was there."""
        self._put(self._target(place), text.encode(errors="replace"))

    def append(self, place: object, text: str) -> None:
        """A text behind what is there."""
        path, raw = self._target(place), text.encode(errors="replace")
        before = path.stat().st_size if path.is_file() else 0
        self._prepare(path, before + len(raw), written=len(raw))
        with path.open("ab") as out:
            os.fchmod(out.fileno(), 0o640)
            out.write(raw)
            out.flush()
            os.fsync(out.fileno())

    def copy(self, source: object, target: object, options: object) -> None:
        """A file, or a folder with all that is in it."""
        here, there = self._both(source, target, options)
        if here.is_dir():
            added = [path.stat().st_size if path.is_file() else 0 for path in (here, *here.rglob("*"))]
            self._check(sum(added), count=len(added))
            self._spend(sum(added))
            draft = self._draft()
            try:
                shutil.copytree(here, draft)
                draft.rename(there)
            finally:
                shutil.rmtree(draft, ignore_errors=True)
        else:
            self._put(there, here.read_bytes())

    def move(self, source: object, target: object, options: object) -> None:
        """A file or a folder."""
        here, there = self._both(source, target, options)
        if there.exists() and there.samefile(here):
            here.unlink()  # between two names of one file rename(2) does nothing
        else:
            here.replace(there)
        sync_folder(there.parent)

    def link(self, source: object, target: object) -> None:
        """Another name of a file, which counts as a file of its own; they part when one of them is written anew."""
        here, there = self._both(source, target, None)
        if not here.is_file():
            raise ValueError("there is no such file; a folder is not linked")
        self._prepare(there, here.stat().st_size, written=0)
        there.hardlink_to(here)
        sync_folder(there.parent)

    def delete(self, place: object, *, with_all: bool) -> None:
        """A file, an empty folder, or (`with_all`) one with all that is in it."""
        path = self._target(place)
        if not path.is_dir():
            path.unlink()
        elif with_all:
            shutil.rmtree(path)
        else:
            path.rmdir()

    def make(self, place: object) -> None:
        """A folder in one that is there."""
        path = self._target(place)
        self._check(0, count=1)
        self._make_rooms()
        path.mkdir(0o750)
        sync_folder(path.parent)

    def checksum(self, place: object, kind: object) -> str:
        """In hex: md5, crc32, sha1 or sha256."""
        return _checksum(self.at(place), kind)

    def clear(self) -> None:
        """All of it goes."""
        shutil.rmtree(self._path, ignore_errors=True)

    # --- the offline cache

    def held(self, room: OwnRoom, uid: object) -> Path:
        """What is kept under that uid."""
        path = self._path / room / name_of(uid)
        if not path.is_file():
            raise ValueError(f"nothing is kept as {str(uid)[:100]}")
        return path

    def uids(self, room: OwnRoom) -> list[str]:
        """Those of the files, or of the texts."""
        folder = self._path / room
        return sorted(uid_of(path.name) for path in folder.iterdir()) if folder.is_dir() else []

    def load(self, uid: object) -> Mapping[str, Any]:
        """Where the page finds a file."""
        return {"filePath": self._address(self.held(OwnRoom.CACHE, uid))}

    def load_text(self, uid: object) -> str:
        """A text."""
        return _read(self.held(OwnRoom.TEXTS, uid))

    def save_text(self, uid: object, text: str) -> str:
        """A text in the place of the one that was there; answers it."""
        self._put(self._path / OwnRoom.TEXTS / name_of(uid), text.encode(errors="replace"))
        return text

    def forget(self, room: OwnRoom, uid: object) -> None:
        """It is not kept any more."""
        self.held(room, uid).unlink()

    def checksum_of(self, uid: object, kind: object) -> str:
        """As `checksum`, of a cached file."""
        return _checksum(self.held(OwnRoom.CACHE, uid), kind)

    # --- what was fetched, packed or unpacked

    def file_target(self, place: object) -> Path:
        """Where a file of the file system goes."""
        return self._target(place)

    def cache_target(self, uid: object) -> Path:
        """Where a cached file goes."""
        return self._path / OwnRoom.CACHE / name_of(uid)

    def room_for(self, target: Path) -> int:
        """How many bytes a file there may have; that it is fetched costs its first MiB."""
        self._spend(0)
        self._check(0, count=0 if target.exists() else 1)
        return min(LARGEST_FILE, LARGEST_OWN - sum(self._sizes()))

    def room(self) -> ArchiveRoom:
        """How much may come at once, as far as disk and flash allow; that anything is unpacked costs its first MiB."""
        self._spend(0)
        self._make_rooms()
        sizes = self._sizes()
        free = shutil.disk_usage(self._path).free - self._spare
        left = self._written.left(self._mono()) * 2**20
        return ArchiveRoom(MOST_FILES - len(sizes), max(0, min(LARGEST_OWN - sum(sizes), free, left)))

    def spent(self, size: int) -> None:
        """So many bytes were written on their way here, whatever became of them."""
        for _ in range(size // 2**20):
            self._written.spare(self._mono())

    def adopt(self, fetched: Path, target: Path, written: int | None = None) -> None:
        """A file that was fetched, and is on the disk, takes its place; `written`: its bytes that are not spent yet, None: all."""
        self._prepare(target, fetched.stat().st_size, written)  # a file that is larger than what may be written is not kept
        fetched.chmod(0o640)
        fetched.replace(target)
        sync_folder(target.parent)

    # --- within

    def _target(self, place: object) -> Path:
        if not place_of(place):
            raise ValueError("filePath is empty")
        return self.at(place)

    def _both(self, source: object, target: object, options: object) -> tuple[Path, Path]:
        here, there = self._target(source), self._target(target)
        overwrites = isinstance(options, Mapping) and options.get("overwrite") is True
        if there.is_relative_to(here):
            raise ValueError("a folder does not fit into itself")
        if there.exists() and not overwrites:
            raise ValueError("there is a file of that name; options.overwrite replaces it")
        if there.exists() and (there.is_dir() or here.is_dir()):
            raise ValueError("a folder is not replaced; delete it first")
        return here, there

    def _placed(self, path: Path, unit: Mapping[str, Any]) -> dict[str, Any]:
        return {"filePath": str(path.relative_to(self.files)), "storageUnit": unit}

    def _address(self, path: Path) -> str:
        room, *rest = path.relative_to(self._path).parts
        return address_of(OwnRoom(room), "/".join(rest))

    def _sizes(self) -> list[int]:
        return [path.lstat().st_size if path.is_file() else 0 for room in OwnRoom for path in (self._path / room).rglob("*")]

    def _check(self, size: int, *, count: int, replaced: int | None = None) -> None:
        sizes = self._sizes()
        check_room(sizes, size, replaced)
        if len(sizes) + count > MOST_FILES:
            raise ValueError(f"an applet keeps {MOST_FILES} files and folders at most; delete some")

    def _put(self, target: Path, raw: bytes) -> None:
        self._prepare(target, len(raw))
        draft = self._draft()
        try:
            with draft.open("xb") as out:
                os.fchmod(out.fileno(), 0o640)
                out.write(raw)
                out.flush()
                os.fsync(out.fileno())
            draft.replace(target)
            sync_folder(target.parent)
        finally:
            draft.unlink(missing_ok=True)

    def _spend(self, size: int) -> None:
        """Flash wears out: so much may be written. Raises ValueError."""
        for _ in range(1 + size // 2**20):
            if not self._written.spare(self._mono()):
                raise ValueError(f"an applet writes {MIB_AT_ONCE} MiB at once, then one every {MIB_EVERY_S:g} s")

    def _prepare(self, target: Path, size: int, written: int | None = None) -> None:
        if target.is_dir():
            raise ValueError("there is a folder of that name")
        replaced = target.stat().st_size if target.is_file() else None
        self._check(size, count=0, replaced=replaced)
        self._make_rooms()
        if not target.parent.is_dir():
            raise ValueError("the folder that it goes into is not there; make it first")
        if shutil.disk_usage(self._path).free - size < self._spare:
            raise ValueError("the disk of this box is nearly full")
        self._spend(size if written is None else written)

    def _make_rooms(self) -> None:
        for room in OwnRoom:
            make_folder(self._path / room, 0o750)

    def _draft(self) -> Path:
        make_folder(self._path / DRAFTS, 0o750)
        return self._path / DRAFTS / uuid4().hex


def _read(path: Path) -> str:
    if path.stat().st_size > LARGEST_TEXT:
        raise ValueError(f"more than {LARGEST_TEXT // 1024} KiB are read under the file's own address (localUri)")
    return path.read_bytes().decode(errors="replace")


def _checksum(path: Path, kind: object) -> str:
    """In hex, as the library writes it."""
    if kind == "crc32":
        value = 0
        with path.open("rb") as file:
            while chunk := file.read(CHUNK):
                value = zlib.crc32(chunk, value)
        return f"{value:08x}"
    if kind not in ("md5", "sha1", "sha256"):
        raise ValueError("the known checksums are md5, crc32, sha1 and sha256")
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.new(str(kind), usedforsecurity=False)).hexdigest()
