"""What lies in a folder: looked at again and again, read without following links, and taken as it is when it has come to rest.

A file that is being copied grows from look to look, and waits; what was there before it stays listed meanwhile. Names are kept
below the folder: neither a link nor `..` leads out of it. What cannot be entered, or has no name that could be told to anybody,
costs itself.
"""

from __future__ import annotations

import itertools
import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import IO
from urllib.parse import quote, unquote

FILES, DEPTH = 5000, 4
NAMES = 20_000  # that one look passes by, whatever they are of
SCHEME = "folder:"
_NOT_CONTENT = frozenset({"system volume information", "thumbs.db", "desktop.ini", "lost+found", "$recycle.bin"})


@dataclass(frozen=True, slots=True)
class FolderFile:
    """One file: its path below the folder, its bytes, and when it was changed (nanoseconds)."""

    name: str
    size: int
    changed: int

    @property
    def version(self) -> str:
        """Another one where the file is another."""
        return f"{self.size}-{self.changed}"

    @property
    def url(self) -> str:
        """Its address, which only this folder opens."""
        return SCHEME + quote(self.name)


class FolderFiles:
    """`root` None: there is none for now. Every method blocks."""

    def __init__(self) -> None:
        self.root: Path | None = None
        self.settled: Mapping[str, FolderFile] = {}
        self.is_cut = False  # there are more than are looked at
        self.unnamed = ""  # one whose name is no text, as far as it can be written; "" for none
        self._last: dict[str, FolderFile] = {}
        self._looks = 0
        self._told: tuple[Path | None, Mapping[str, FolderFile]] = (None, {})

    def look(self, root: Path | None) -> bool:
        """Looks through the folder, which may be another one now; whether there is something else to be shown. Raises OSError."""
        if root != self.root:
            self.root, self.settled, self._last, self._looks = root, {}, {}, 0
        listed = _listed(root) if root else _Listed()
        found, self.is_cut, self.unnamed = listed.files, listed.is_cut, listed.unnamed
        at_rest = {name: entry for name, entry in found.items() if self._last.get(name) == entry}
        held = {name: self.settled[name] for name in found if name in self.settled}
        self._last, self.settled, self._looks = found, held | at_rest, self._looks + 1
        before, told = self._told, (self.root, self.settled)
        if self.is_known:
            self._told = told
        return self._told != before

    @property
    def is_known(self) -> bool:
        """Whether it was looked at twice, so that it is known what is at rest; or is not there."""
        return self.root is None or self._looks > 1

    def open(self, url: str) -> IO[bytes] | None:
        """The file behind an address of `FolderFile.url`; None where it is none. Raises OSError."""
        if not url.startswith(SCHEME):
            return None
        if self.root is None:
            raise FileNotFoundError(2, "the folder is gone")
        return _opened(self.root, unquote(url.removeprefix(SCHEME)))

    def read(self, name: str, most: int) -> bytes:
        """The first bytes of a file. Raises OSError."""
        file = self.open(SCHEME + quote(name))
        assert file is not None  # noqa: S101 - the address is one of ours
        with file:
            return file.read(most)


def _opened(root: Path, name: str) -> IO[bytes]:
    """Step by step below `root`, following nothing."""
    parts = PurePosixPath(name).parts
    if not parts or name.startswith("/") or ".." in parts:
        raise FileNotFoundError(2, "not below the folder")
    handle = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        for place, part in enumerate(parts):
            is_last = place == len(parts) - 1
            # a pipe must not be waited for
            flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | (os.O_NONBLOCK if is_last else os.O_DIRECTORY)
            following = os.open(part, flags, dir_fd=handle)
            os.close(handle)
            handle = following
        _check_file(handle)
        return os.fdopen(handle, "rb")
    except BaseException:
        os.close(handle)
        raise


def _check_file(handle: int) -> None:
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        raise FileNotFoundError(2, "not a file")


@dataclass(slots=True)
class _Listed:
    """What one look found, by name; whether there was more; and one of the names that are no text."""

    files: dict[str, FolderFile] = field(default_factory=dict)
    is_cut: bool = False
    unnamed: str = ""

    def take(self, name: str, one: os.DirEntry[str]) -> None:
        """A file; what is none, and what nobody lets us look at, is passed over."""
        try:
            state = one.stat() if one.is_file() else None
        except (FileNotFoundError, PermissionError):
            return
        if state is not None and not self.is_cut:
            self.is_cut = len(self.files) == FILES
            self.files |= {} if self.is_cut else {name: FolderFile(name, state.st_size, state.st_mtime_ns)}

    def is_told(self, name: str) -> bool:
        """Whether a name is text; else it is remembered as none."""
        try:
            name.encode()
        except UnicodeEncodeError:
            self.unnamed = os.fsencode(name).decode("utf-8", "replace")
            return False
        return True


def _listed(root: Path) -> _Listed:
    """At most `FILES` of them, `DEPTH` folders deep, within `NAMES`. Raises OSError where the folder itself cannot be read."""
    found, left = _Listed(), NAMES
    waiting = [("", 0)]
    while waiting and left:
        folder, depth = waiting.pop()
        for one in _names_in(root, folder, left):
            left -= 1
            name = f"{folder}/{one.name}" if folder else one.name
            if one.name.startswith((".", "~")) or one.name.casefold() in _NOT_CONTENT or one.is_symlink():
                continue
            if not found.is_told(name):
                continue
            if one.is_dir():
                waiting += [(name, depth + 1)] if depth < DEPTH else []
            else:
                found.take(name, one)
    found.is_cut |= not left
    return found


def _names_in(root: Path, folder: str, most: int) -> list[os.DirEntry[str]]:
    """By name; none of a folder below `root` that went meanwhile, or that nobody lets us enter. Raises OSError."""
    try:
        with os.scandir(root / folder) as found:
            return sorted(itertools.islice(found, most), key=lambda one: one.name)
    except (FileNotFoundError, PermissionError, NotADirectoryError):
        if not folder:
            raise
        return []
