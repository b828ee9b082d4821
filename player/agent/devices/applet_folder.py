"""The bytes of applets, below the cache folder where the stage may read: each file once by its SHA-256, and versions as folders.

What is uploaded comes from outside: it is written beside, counted and compared with the MD5 that was announced, and only then has
its name. A version that is built is a folder of links to its files, which appears under its name (`applet_files.digest_of`) when it
is complete and is never written to again; so a page that runs sees no half of an update.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import os
import shutil
from collections.abc import AsyncIterator, Collection, Sequence
from pathlib import Path
from uuid import uuid4

from player.agent.devices.refusals import bad_field, conflict, too_large
from player.core.applet_files import LARGEST_FILE, AppletFile, digest_of
from player.errors import ContentError, StorageError
from player.folders import make_folder, sync_folder

MOST_BYTES = 512 * 1024 * 1024  # of all files together
FOLDER = "applets"  # below the cache folder


class AppletFolder:
    """`cache` is the cache folder; everything is in `applets` below it. What an upload left that broke off goes at the start."""

    def __init__(self, cache: Path) -> None:
        self._files, self._built = cache / FOLDER / "files", cache / FOLDER / "built"
        for draft in self._files.glob("*.tmp"):
            with contextlib.suppress(OSError):
                draft.unlink()

    async def take(self, path: str, kind: str, md5: str, chunks: AsyncIterator[bytes]) -> AppletFile:
        """Keeps a file. Raises Declined where it is too large or not the one that was announced, StorageError."""
        draft = self._files / f"{uuid4().hex}.tmp"
        sums = hashlib.md5(usedforsecurity=False), hashlib.sha256()
        size = 0
        try:
            await asyncio.to_thread(self._make_room)
            with draft.open("xb") as out:
                os.fchmod(out.fileno(), 0o640)
                async for chunk in chunks:
                    size += len(chunk)
                    if size > LARGEST_FILE:
                        raise too_large(LARGEST_FILE)
                    for one in sums:
                        one.update(chunk)
                    out.write(chunk)
                out.flush()
                await asyncio.to_thread(os.fsync, out.fileno())
            found, sha256 = (one.hexdigest() for one in sums)
            if found != md5.lower():
                raise bad_field("hash", f"the file's MD5 is {found}, and {md5[:64]} was announced")
            draft.replace(self._files / sha256)
            sync_folder(self._files)
        except OSError as error:
            raise StorageError(str(self._files), f"cannot be written: {error.strerror}") from error
        finally:
            draft.unlink(missing_ok=True)
        return AppletFile(path, kind, found, sha256, size)

    def read(self, file: AppletFile) -> bytes:
        """Its bytes. Raises StorageError."""
        path = self._files / file.sha256
        try:
            return path.read_bytes()
        except OSError as error:
            raise StorageError(str(path), f"cannot be read: {error.strerror}") from error

    def build(self, files: Sequence[AppletFile]) -> str:
        """What the folder with these files is called, made where it is not there. Raises StorageError."""
        name = digest_of(files)
        target, draft = self._built / name, self._built / f"{name}.tmp"
        if target.is_dir():
            return name
        try:
            shutil.rmtree(draft, ignore_errors=True)
            make_folder(self._built, 0o750)
            draft.mkdir(0o750)
            for file in files:
                out = draft / file.path
                out.parent.mkdir(0o750, parents=True, exist_ok=True)
                os.link(self._files / file.sha256, out)
            for folder in (draft, *(one for one in draft.rglob("*") if one.is_dir())):
                sync_folder(folder)
            draft.rename(target)
            sync_folder(self._built)
        except OSError as error:
            raise StorageError(str(target), f"cannot be made: {error.strerror}") from error
        finally:
            shutil.rmtree(draft, ignore_errors=True)
        return name

    def check(self, files: Sequence[AppletFile]) -> None:
        """Whether the uploads are what they were. Blocks, since all are read; raises ContentError, StorageError."""
        for file in files:
            path = self._files / file.sha256
            try:
                with path.open("rb") as raw:
                    found = hashlib.file_digest(raw, "sha256").hexdigest()
            except OSError as error:
                raise StorageError(str(path), f"cannot be read: {error.strerror}") from error
            if found != file.sha256:
                raise ContentError("hash_mismatch", file.path, "it is not any more what was uploaded; upload it again")

    def build_anew(self, files: Sequence[AppletFile]) -> None:
        """Makes the folder with these files once more; the one before goes with the next sweep. Raises StorageError."""
        target = self._built / digest_of(files)
        before = target.with_suffix(".old")
        shutil.rmtree(before, ignore_errors=True)
        with contextlib.suppress(OSError):
            target.rename(before)
        self.build(files)

    def is_built(self, name: str) -> bool:
        """Whether the folder of that name is there."""
        return bool(name) and (self._built / name).is_dir()

    def sweep(self, files: Collection[str], built: Collection[str]) -> None:
        """Removes what nobody needs: `files` are the SHA-256 and `built` the folders that stay."""
        with contextlib.suppress(OSError):
            for path in self._files.iterdir() if self._files.is_dir() else ():
                if path.name not in files and path.suffix != ".tmp":
                    path.unlink()
            for folder in self._built.iterdir() if self._built.is_dir() else ():
                if folder.name not in built:
                    shutil.rmtree(folder, ignore_errors=True)

    def _make_room(self) -> None:
        """Raises Declined where there is none left, OSError."""
        make_folder(self._files.parent, 0o750)
        make_folder(self._files, 0o750)
        if sum(path.stat().st_size for path in self._files.iterdir()) + LARGEST_FILE > MOST_BYTES:
            raise conflict(f"the applets of this box have {MOST_BYTES // 2**20} MiB at most; delete some first")
