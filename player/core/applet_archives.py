"""What an applet's archive may hold: judged by its table of contents, before a byte of it is unpacked (pure).

An archive is refused whole. Names, links, devices, passwords and the sum of all sizes are judged here; whoever unpacks counts what
he writes against the same room, since a table of contents may lie.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from player.core.applet_files import LARGEST_FILE, clean_path

RATIO = 100  # bytes that may come out of one byte of an archive; a page's texts have 10 at the most
FREE_OF_RATIO = 1024 * 1024  # bytes that any archive may unpack to
METHOD = "zip"


@dataclass(frozen=True, slots=True)
class ArchiveRoom:
    """How much an archive may add: `entries` are files and folders, `size` is in bytes."""

    entries: int
    size: int


@dataclass(frozen=True, slots=True)
class ArchiveEntry:
    """A line of an archive's table of contents; `size` in bytes, unpacked. `is_plain`: neither a link nor a device."""

    name: str
    size: int
    is_folder: bool = False
    is_plain: bool = True
    is_locked: bool = False
    is_deflated: bool = True


@dataclass(frozen=True, slots=True)
class Contents:
    """What is made: `folders`, each behind those that it lies in, and `files`, each with the number of its entry."""

    folders: Sequence[str]
    files: Mapping[str, int]


def contents(entries: Sequence[ArchiveEntry], packed: int, room: ArchiveRoom) -> Contents:
    """What is made of an archive of `packed` bytes. Raises ValueError with the reason it is refused."""
    _check_size(entries, packed, room)
    files: dict[str, int] = {}
    folders: set[str] = set()
    for number, entry in enumerate(entries):
        path = _path_of(entry)
        folders.update(str(folder) for folder in PurePosixPath(path).parents if folder.parts)
        if entry.is_folder:
            folders.add(path)
        elif files.setdefault(path, number) != number:
            raise ValueError(f"two of its entries are called {path[:80]!r}")
    if both := folders & files.keys():
        raise ValueError(f"its entry {min(both)[:80]!r} would have to be a file and a folder")
    if len(files) + len(folders) > room.entries:
        raise ValueError(f"it holds {len(files) + len(folders)} files and folders, and there is room for {max(0, room.entries)}")
    return Contents(sorted(folders), files)


def check_method(method: object) -> None:
    """Whether archives of that sort are known. Raises ValueError."""
    if method != METHOD:
        raise ValueError(f"the one known method is {METHOD!r}")


def _check_size(entries: Sequence[ArchiveEntry], packed: int, room: ArchiveRoom) -> None:
    total = sum(entry.size for entry in entries)
    if total > room.size:
        raise ValueError(f"unpacked it has {total // 1024} KiB, and there is room for {room.size // 1024}")
    if any(entry.size > LARGEST_FILE for entry in entries):
        raise ValueError(f"a file has {LARGEST_FILE // 2**20} MiB at most")
    if total > max(FREE_OF_RATIO, RATIO * packed):
        raise ValueError(f"unpacked it would be more than {RATIO} times as large as it is")


def _path_of(entry: ArchiveEntry) -> str:
    """Where it goes, below the folder that is unpacked into. Raises ValueError."""
    name = f"its entry {entry.name[:80]!r}"
    if not entry.is_plain:
        raise ValueError(f"{name} is a link or a device")
    if entry.is_locked:
        raise ValueError(f"{name} is locked with a password")
    if not entry.is_deflated:
        raise ValueError(f"{name} is neither deflated nor stored as it is; pack it so")
    try:
        return clean_path(entry.name)
    except ValueError as error:
        raise ValueError(f"{name} cannot be kept: {error}") from None
