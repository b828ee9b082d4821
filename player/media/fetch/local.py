"""A file of this machine, copied into its part and checked as a download is: blocking, for a worker thread.

What changes while it is copied is not believed: somebody is writing it still.
"""

from __future__ import annotations

import os
from typing import IO

from player.core.ask_again import Validators
from player.core.content import WantedAsset
from player.core.filehash import FileHash
from player.errors import ContentError
from player.media.fetch.partfile import CHUNK, PartFile
from player.media.fetch.pump import NoRoom
from player.media.fetch.transfer import Fetched


def copied(source: IO[bytes], asset: WantedAsset, expected: FileHash | None, part: PartFile, room: int) -> Fetched:
    """The whole file. Raises ContentError, StorageError."""
    before = os.fstat(source.fileno())
    if before.st_size > room:
        raise NoRoom(asset.name, before.st_size, room)
    part.reset()
    part.reserve(before.st_size)
    _fill(source, asset, part, before.st_size)
    after = os.fstat(source.fileno())
    if part.size != before.st_size or (after.st_size, after.st_mtime_ns) != (before.st_size, before.st_mtime_ns):
        part.discard()
        raise ContentError("truncated", asset.name, "it is still being written; it is copied when it is whole")
    if part.size == 0:
        part.discard()
        raise ContentError("empty", asset.name, "the file has no content: copy it again")
    if expected is not None and part.digest(expected.algorithm) != expected.digest:
        part.discard()
        raise ContentError("hash_mismatch", asset.name, "it is not what was signed: copy it again")
    part.finish()
    return Fetched(part.path, part.digest(), part.size, expected is not None, Validators())


def _fill(source: IO[bytes], asset: WantedAsset, part: PartFile, size: int) -> None:
    try:
        while part.size < size and (chunk := source.read(min(CHUNK, size - part.size))):
            part.write([chunk])
    except OSError as error:
        part.discard()
        raise ContentError("truncated", asset.name, f"it cannot be read ({error.strerror}): is the stick still in?") from error
