"""Packages of HTML: a zip (or a page alone), unpacked so that nothing lands outside its own folder (in the child only).

Everything about the archive is judged before the first file is written; the folder appears under its final name only when complete.
What systems leave in archives (a Mac's shadows of files, thumbnails, backslashes) is no part of the page.
"""

from __future__ import annotations

import contextlib
import io
import os
import shutil
import stat
import unicodedata
import zipfile
import zlib
from pathlib import Path, PurePosixPath

from player.errors import ContentError
from player.folders import sync_folder
from player.media.prepare.parent import Prepared
from player.store import write_atomically

MAX_BYTES, MAX_FILES, MAX_PATH = 256 * 1024 * 1024, 5000, 400
TABLE_BYTES = 4 * 1024 * 1024  # of so many files with such paths, and what programs add to each
INDEX = "index.html"
_INDEXES = (INDEX, "index.htm")
_LITTER = frozenset({".ds_store", "thumbs.db", "desktop.ini"})
_UTF8 = 0x800  # the flag of an entry whose name says that it is UTF-8


def prepare(source: Path, kind: str, name: str, folder: Path, digest: str) -> Prepared:
    """The package (`kind` "zip") or its one page (`kind` "html") in `folder/<sha256>/`, with `index.html` at its top.

    Raises ContentError.
    """
    target = folder / digest
    if kind == "html":
        return _one_page(source, target, digest)
    try:
        with SparingFile(io.FileIO(source)) as file, zipfile.ZipFile(file) as archive:
            files, index = _checked(archive, name)
            if not (target / index).is_file():
                _unpack(archive, files, target, name)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError) as error:
        raise ContentError("damaged", name, f"the zip archive cannot be read ({error}); pack it again", transient=False) from error
    return Prepared(target / index, 0, 0, None, digest, "zip")


class SparingFile(io.BufferedReader):
    """An archive's file, of which no more is read at once than a table of contents may have: it says itself how long its own is."""

    def read(self, size: int | None = -1, /) -> bytes:
        """As ever. Raises BadZipFile."""
        if size is not None and size > TABLE_BYTES:
            raise zipfile.BadZipFile(f"its table of contents has {size // 1024} KiB")
        return super().read(size)


def _one_page(source: Path, target: Path, digest: str) -> Prepared:
    """A package that is its page alone."""
    if not (target / INDEX).is_file():
        shutil.rmtree(target, ignore_errors=True)
        draft = target.with_name(f"{target.name}.tmp")
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(mode=0o750, parents=True)
        write_atomically(draft / INDEX, source.read_bytes(), 0o640)
        draft.rename(target)
    return Prepared(target / INDEX, 0, 0, None, digest, "html")


def _checked(archive: zipfile.ZipFile, name: str) -> tuple[dict[PurePosixPath, zipfile.ZipInfo], PurePosixPath]:
    """Where each file goes, below the package's folder, and its first page; folders around everything are taken off."""
    entries = archive.infolist()
    if len(entries) > MAX_FILES:
        raise ContentError("too_large", name, f"it holds {len(entries)} files; {MAX_FILES} are allowed", transient=False)
    if sum(entry.file_size for entry in entries) > MAX_BYTES:
        raise ContentError("too_large", name, f"unpacked it is larger than {MAX_BYTES // 2**20} MiB", transient=False)
    inside = ((_inside(entry, name), entry) for entry in entries if not entry.is_dir())
    files = {path: entry for path, entry in inside if not _is_litter(path)}
    while len({path.parts[0] for path in files}) == 1 and all(len(path.parts) > 1 for path in files):
        files = {PurePosixPath(*path.parts[1:]): entry for path, entry in files.items()}
    first = {path.name.lower(): path for path in files if len(path.parts) == 1}
    index = next((first[wanted] for wanted in _INDEXES if wanted in first), None)
    if index is None:
        raise ContentError("wrong_type", name, f"the package has no {INDEX} at its top; add one", transient=False)
    return files, index


def _is_litter(path: PurePosixPath) -> bool:
    return path.parts[0] == "__MACOSX" or path.name.lower() in _LITTER or path.name.startswith("._")


def name_of(entry: zipfile.ZipInfo) -> str:
    """As it was meant: a Mac writes UTF-8 and does not say so, and takes letters apart; some Windows programs write backslashes."""
    name = entry.orig_filename
    if not entry.flag_bits & _UTF8:
        with contextlib.suppress(UnicodeError):
            name = name.encode("cp437").decode("utf-8")
    return unicodedata.normalize("NFC", name).replace("\\", "/")


def _inside(entry: zipfile.ZipInfo, name: str) -> PurePosixPath:
    """The entry's path, when it is a plain file that stays inside."""
    named, mode = name_of(entry), entry.external_attr >> 16
    path = PurePosixPath(named)
    outside = path.is_absolute() or ".." in path.parts or ":" in path.parts[0] if path.parts else True
    if outside or "\0" in named or len(named.encode(errors="replace")) > MAX_PATH:
        raise ContentError(
            "damaged", name, f"its entry {entry.filename[:80]!r} leads out of the package; pack it again", transient=False
        )
    if mode and not (stat.S_ISREG(mode) or stat.S_IFMT(mode) == 0):
        raise ContentError(
            "damaged", name, f"its entry {entry.filename[:80]!r} is a link or a device; pack plain files", transient=False
        )
    if entry.flag_bits & 0x1:
        raise ContentError("unsupported", name, "the package is locked with a password; pack it without", transient=False)
    return path


def _unpack(archive: zipfile.ZipFile, files: dict[PurePosixPath, zipfile.ZipInfo], target: Path, name: str) -> None:
    """Into a folder beside the target, made durable, then renamed: a package is there completely or not at all."""
    draft = target.with_name(f"{target.name}.tmp")
    shutil.rmtree(draft, ignore_errors=True)
    try:
        written = 0
        for path, entry in files.items():
            out = draft / path
            out.parent.mkdir(mode=0o750, parents=True, exist_ok=True)
            written += copy_entry(archive, entry, out)
            if written > MAX_BYTES:
                raise ContentError("too_large", name, f"unpacked it is larger than {MAX_BYTES // 2**20} MiB", transient=False)
        for inner in [draft, *(p for p in draft.rglob("*") if p.is_dir())]:
            sync_folder(inner)
        shutil.rmtree(target, ignore_errors=True)
        draft.rename(target)
    except (FileExistsError, NotADirectoryError, IsADirectoryError) as error:
        raise ContentError("damaged", name, "two of its entries have the same path; pack it again", transient=False) from error
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def copy_entry(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, out: Path) -> int:
    """Into a file that is not there yet, and onto the disk; answers its size, which is no more than the entry says."""
    handle = os.open(out, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o640)
    with archive.open(entry) as packed, os.fdopen(handle, "wb") as plain:
        shutil.copyfileobj(packed, plain, 256 * 1024)
        plain.flush()
        os.fsync(plain.fileno())
        return plain.tell()
