"""The folder in which one child makes what is to be shown, and what of it is taken from there: what bears its file's name, no more.

A decoder that somebody took over can write in that folder and say what it likes; what was made of other files is not within its
reach, and a link to anywhere is not taken.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from player.errors import ContentError, StorageError
from player.folders import make_folder


@contextlib.contextmanager
def own_folder(folder: Path) -> Iterator[Path]:
    """A folder beside `folder`, which is gone afterwards, as is what earlier processes left there. Raises StorageError."""
    beside, mine = folder.with_name(f"{folder.name}-making"), f"{os.getpid()}-"
    try:
        make_folder(beside, 0o750)
        for left in [path for path in beside.iterdir() if not path.name.startswith(mine)]:
            shutil.rmtree(left, ignore_errors=True)
        made = Path(tempfile.mkdtemp(prefix=mine, dir=beside))
    except OSError as error:
        raise StorageError(str(beside), f"cannot be written: {error.strerror}") from error
    try:
        yield made
    finally:
        shutil.rmtree(made, ignore_errors=True)


def taken(files: Sequence[Path], name: str, at: Path, folder: Path, sha256: str) -> list[Path]:
    """The `files` that the child made `at` its own folder of the file with that hash, each in `folder`, which is not synced yet.

    `name` is for messages. Raises ContentError, StorageError.
    """
    places = [_place(path, name, at, sha256) for path in files]
    try:
        make_folder(folder, 0o750)
        for top in dict.fromkeys(place.parts[0] for place in places):
            _move(at / top, folder / top)
    except OSError as error:
        raise StorageError(str(folder), f"cannot be written: {error.strerror}") from error
    return [folder / place for place in places]


def _place(path: Path, name: str, at: Path, sha256: str) -> Path:
    """Where it stands in the child's folder. Raises ContentError."""
    if path.is_relative_to(at) and ".." not in path.parts:
        place = path.relative_to(at)
        top = at / place.parts[0] if place.parts else at
        if place.parts and top.name.startswith(sha256) and not _leads_away(top) and path.is_file():
            return place
    raise ContentError("damaged", name, "its decoder made something else than what it was asked for", transient=False)


def _leads_away(top: Path) -> bool:
    return any(path.is_symlink() for path in (top, *(top.rglob("*") if top.is_dir() and not top.is_symlink() else ())))


def _move(made: Path, to: Path) -> None:
    """What stood there was made of the same file."""
    if to.is_dir():
        shutil.rmtree(to)
    made.replace(to)
