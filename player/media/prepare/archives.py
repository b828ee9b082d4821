"""An applet's archives: a zip unpacked as it is, or files packed into one (in the child only).

What is unpacked is judged by `core.applet_archives` before the first byte is written, and counted while it is. Whoever asked takes
what was made out of the child's folder, or throws it away.
"""

from __future__ import annotations

import io
import os
import stat
import zipfile
import zlib
from pathlib import Path

from player.core.applet_archives import ArchiveEntry, ArchiveRoom, Contents, contents
from player.errors import ContentError
from player.media.prepare.packages import SparingFile, copy_entry, name_of
from player.media.prepare.parent import PACKED, UNPACKED, ArchiveOrder

_LOCKED = 0x1
_PLAIN = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)


def carry_out(order: ArchiveOrder, source: Path, folder: Path, name: str) -> None:
    """Unpacks the file `source` into `folder / UNPACKED`, or packs what lies below the folder `source` into `folder / PACKED`.

    Raises ContentError.
    """
    if order.names:
        _pack(order, source, folder / PACKED, name)
        return
    try:
        with SparingFile(io.FileIO(source)) as file, zipfile.ZipFile(file) as archive:
            listed = archive.infolist()
            unpack(archive, listed, _judged(listed, source, order.room, name), folder / UNPACKED, order.room, name)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError) as error:
        raise ContentError("damaged", name, f"it is no zip archive that can be read ({error})", transient=False) from error


def _judged(listed: list[zipfile.ZipInfo], source: Path, room: ArchiveRoom, name: str) -> Contents:
    try:
        return contents([_entry(info) for info in listed], source.stat().st_size, room)
    except ValueError as error:
        raise ContentError("damaged", name, str(error), transient=False) from error


def _entry(info: zipfile.ZipInfo) -> ArchiveEntry:
    name, sort = name_of(info), stat.S_IFMT(info.external_attr >> 16)
    is_folder = name.endswith("/")
    return ArchiveEntry(
        name, info.file_size, is_folder, sort in (0, stat.S_IFDIR if is_folder else stat.S_IFREG),
        bool(info.flag_bits & _LOCKED), info.compress_type in _PLAIN,
    )  # fmt: skip


def unpack(
    archive: zipfile.ZipFile, listed: list[zipfile.ZipInfo], made: Contents, target: Path, room: ArchiveRoom, name: str
) -> None:
    """Makes what was judged of the entries that are `listed`, in the folder `target`; no more than there is room for in any case.

    Raises ContentError.
    """
    target.mkdir(0o750)
    for path in made.folders:
        (target / path).mkdir(0o750)
    written = 0
    for path, number in made.files.items():
        written += copy_entry(archive, listed[number], target / path)
        if written > room.size:
            raise ContentError("too_large", name, f"unpacked it has more than {room.size // 1024} KiB", transient=False)


def _pack(order: ArchiveOrder, source: Path, target: Path, name: str) -> None:
    with target.open("xb") as out:
        with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, strict_timestamps=False) as archive:
            for path in order.names:
                archive.write(source / path, path)
                _check(out.tell(), order.room, name)
        _check(out.tell(), order.room, name)
        out.flush()
        os.fsync(out.fileno())


def _check(size: int, room: ArchiveRoom, name: str) -> None:
    if size > room.size:
        raise ContentError("too_large", name, f"packed it has more than {room.size // 1024} KiB", transient=False)
