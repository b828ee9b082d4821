"""The members of a bundle, one after another, none of which may ask for more memory than is granted to it.

The bytes come from anybody, and only the manifest is signed: a tar's own long names, sparse maps and records may each be as large
as the file, and Python's `tarfile` reads them whole. So what is read here is what `scripts/bundle` writes, and nothing else: plain
files, each after at most one record of `LARGEST_RECORD` bytes that says its path.
"""

from __future__ import annotations

import re
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO

BLOCK = tarfile.BLOCKSIZE
CHUNK = 1024 * 1024
LARGEST_RECORD = 4096
_PATH = re.compile(rb"(\d{1,4}) path=([^\n\0]*)\n\0*")


class NoBundle(ValueError):
    """It is damaged, or holds what no bundle holds; the message says what."""


@dataclass(frozen=True, slots=True)
class Member:
    """One entry: its path, its bytes' number, and whether it is a plain file."""

    path: str
    size: int
    plain: bool


class BundleFile:
    """An open bundle, read once from its beginning. Raises NoBundle, and OSError."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file, self._left = file, 0

    def following(self) -> Member | None:
        """The next member, None after the last. What was not read of the one before is passed over."""
        self._file.seek(self._left, 1)
        self._left = 0
        found = self._header()
        if found is None or found.type != tarfile.XHDTYPE:
            return None if found is None else self._member(found, found.name)
        if not 0 < found.size <= LARGEST_RECORD:
            raise NoBundle("a record in it is larger than any path")
        path = _PATH.fullmatch(self._exactly(_padded(found.size)))
        following = self._header()
        if path is None or following is None:
            raise NoBundle("a record in it is no path of a file")
        return self._member(following, path[2].decode(errors="replace"))

    def read(self, member: Member, most: int) -> bytes:
        """The bytes of a member, which has at most so many."""
        if member.size > most:
            raise NoBundle(f"{member.path[:60]!r} in it is larger than {most} bytes")
        return b"".join(self.chunks(member))

    def chunks(self, member: Member) -> Iterator[bytes]:
        """The bytes of the member that was found last, in pieces of at most `CHUNK`."""
        left = member.size
        while left:
            piece = self._exactly(min(CHUNK, left))
            left -= len(piece)
            self._left -= len(piece)
            yield piece

    def _header(self) -> tarfile.TarInfo | None:
        block = self._exactly(BLOCK)
        if not block.strip(b"\0"):
            return None
        try:
            return tarfile.TarInfo.frombuf(block, "utf-8", "surrogateescape")
        except tarfile.HeaderError as error:
            raise NoBundle(str(error)) from error

    def _member(self, header: tarfile.TarInfo, path: str) -> Member:
        plain = header.type in (tarfile.REGTYPE, tarfile.AREGTYPE)
        if header.size < 0:
            raise NoBundle("a size in it is below nothing")
        self._left = _padded(header.size) if plain else 0
        return Member(path, header.size, plain)

    def _exactly(self, size: int) -> bytes:
        found = self._file.read(size)
        if len(found) != size:
            raise NoBundle("unexpected end of data")
        return found


def _padded(size: int) -> int:
    return -(-size // BLOCK) * BLOCK
