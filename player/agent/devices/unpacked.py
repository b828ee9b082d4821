"""What a child made of an applet's archive: judged as if somebody had taken that child over, and put where it belongs.

Every call blocks, and is made in a worker thread. Nothing moves before all of it is judged. Raises ValueError with the reason,
OSError where the disk refuses.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from player.core.applet_archives import ArchiveRoom
from player.core.applet_files import LARGEST_FILE, clean_path
from player.folders import sync_folder

SOMETHING_ELSE = "its child made something else than what it was asked for"


@dataclass(frozen=True, slots=True)
class Unpacked:
    """What lies in the folder `at`, by paths below it; each of the `folders` is behind those that it lies in; `size` in bytes."""

    at: Path
    folders: Sequence[str]
    files: Sequence[str]
    size: int


def bytes_below(folder: Path) -> int:
    """What its files have, whatever they are; all of it can be removed afterwards."""
    known = (path.lstat() for path in _walked(folder))
    return sum(one.st_size for one in known if stat.S_ISREG(one.st_mode))


def found_in(at: Path, room: ArchiveRoom) -> Unpacked:
    """All that was made there, no more than there is `room` for: plain files and folders of proper names."""
    folders: list[str] = []
    files: list[str] = []
    size = 0
    for path in _walked(at):
        known, name = path.lstat(), str(path.relative_to(at))
        is_file = stat.S_ISREG(known.st_mode)
        (files if is_file else folders).append(name)
        size += known.st_size if is_file else 0
        is_one = known.st_nlink == 1 and known.st_size <= LARGEST_FILE if is_file else stat.S_ISDIR(known.st_mode)
        if not is_one or clean_path(name) != name or len(folders) + len(files) > room.entries or size > room.size:
            raise ValueError(SOMETHING_ELSE)
        path.chmod(0o640 if is_file else 0o750)
    return Unpacked(at, sorted(folders), sorted(files), size)


def put_into(made: Unpacked, folder: Path) -> None:
    """Into a folder that is there: into an empty one all at once, into another file by file, over those of the same names."""
    if not any(folder.iterdir()):
        for inner in ("", *made.folders):
            sync_folder(made.at / inner)
        made.at.rename(folder)
        sync_folder(folder.parent)
        return
    for path in made.folders:
        if (folder / path).is_file():
            raise ValueError(f"{path[:80]!r} is a file already")
    for path in made.files:
        if (folder / path).is_dir():
            raise ValueError(f"{path[:80]!r} is a folder already")
    for path in made.folders:
        (folder / path).mkdir(0o750, exist_ok=True)
    _move({made.at / path: folder / path for path in made.files}, {folder, *(folder / path for path in made.folders)})


def put_as(made: Unpacked, targets: Mapping[str, Path]) -> None:
    """Each file to its target, all in folders that are there; what was there makes way."""
    _move({made.at / path: target for path, target in targets.items()}, {target.parent for target in targets.values()})


def is_plain(path: Path) -> bool:
    """Whether it is a file, and neither a link nor anything else."""
    return stat.S_ISREG(os.lstat(path).st_mode)


def _walked(folder: Path) -> Iterator[Path]:
    """All below it, each folder before what is in it, also where it was closed to us. Raises OSError, ValueError."""
    if not stat.S_ISDIR(folder.lstat().st_mode):
        raise ValueError(SOMETHING_ELSE)
    folder.chmod(0o750)
    with os.scandir(folder) as entries:
        for entry in entries:
            path = Path(entry.path)
            yield path
            if entry.is_dir(follow_symlinks=False):
                yield from _walked(path)


def _move(moves: Mapping[Path, Path], folders: Collection[Path]) -> None:
    for path, target in moves.items():
        path.replace(target)
    for folder in folders:
        sync_folder(folder)
