"""What lies in a folder: looked at again and again, read without following links, and taken as it is when it has come to rest.

A file that is being copied grows from look to look, and waits; what was there before it stays listed meanwhile. Names are kept
below the folder: neither a link nor `..` leads out of it.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO
from urllib.parse import quote, unquote

FILES, DEPTH = 5000, 4
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
        self._last: dict[str, FolderFile] = {}
        self._looks = 0
        self._told: tuple[Path | None, Mapping[str, FolderFile]] = (None, {})

    def look(self, root: Path | None) -> bool:
        """Looks through the folder, which may be another one now; whether there is something else to be shown. Raises OSError."""
        if root != self.root:
            self.root, self.settled, self._last, self._looks = root, {}, {}, 0
        listed = list(_entries(root)) if root else []
        found, self.is_cut = {entry.name: entry for entry in listed[:FILES]}, len(listed) > FILES
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


def _entries(root: Path) -> Iterator[FolderFile]:
    """At most one more than `FILES` of them, `DEPTH` folders deep."""
    left = FILES + 1
    waiting = [("", 0)]
    while waiting:
        folder, depth = waiting.pop()
        with os.scandir(root / folder) as found:
            for one in sorted(found, key=lambda one: one.name):
                name = f"{folder}/{one.name}" if folder else one.name
                if one.name.startswith((".", "~")) or one.name.casefold() in _NOT_CONTENT or one.is_symlink():
                    continue
                if one.is_dir():
                    waiting += [(name, depth + 1)] if depth < DEPTH else []
                elif one.is_file() and left:
                    left -= 1
                    state = one.stat()
                    yield FolderFile(name, state.st_size, state.st_mtime_ns)
