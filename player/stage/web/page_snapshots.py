"""The last good picture of each page, for when its server is away: the screen never waits for the network (design law 1).

Pictures are JPEG files below one folder of the stage's own, named by the page's address and headers, bounded in number. The flash
has to last for years: a page's picture is renewed at most every `RENEW_S`, all of them together write no more often than that, and
one that has not changed is not written again.
"""

from __future__ import annotations

import contextlib
import hashlib
import logging
import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import msgspec

from player.core.content import Item
from player.errors import StorageError
from player.store import write_atomically

log = logging.getLogger(__name__)
RENEW_S = 600.0
LIMIT = 64


@dataclass(frozen=True, slots=True)
class PageSnapshot:
    """A page as it looked at `taken_at` (seconds since the epoch)."""

    path: Path
    taken_at: float

    def __str__(self) -> str:
        return f"its last picture, of {datetime.fromtimestamp(self.taken_at).astimezone():%H:%M on %Y-%m-%d}"


class PageSnapshots:
    """The pictures in `folder`; `wall` gives seconds since the epoch. Everything blocks for as long as the disk takes."""

    def __init__(self, folder: Path, wall: Callable[[], float]) -> None:
        self._folder, self._wall = folder, wall
        self._renewed_at: float | None = None

    def __repr__(self) -> str:
        return f"<PageSnapshots in {self._folder}>"

    def path(self, item: Item) -> Path:
        """Where the item's picture is or would be. Headers count: they may be credentials, and what they open is not for others."""
        secret = msgspec.json.encode(sorted(item.web.headers.items())) if item.web.headers else b""
        return self._folder / f"{hashlib.sha256((item.url or '').encode() + secret).hexdigest()}.jpg"

    def find(self, item: Item) -> PageSnapshot | None:
        """The item's picture, None where there is none."""
        path = self.path(item)
        try:
            return PageSnapshot(path, path.stat().st_mtime)
        except OSError:
            return None

    def wanted(self, item: Item) -> bool:
        """Whether a picture is to be taken now: there is none yet, or it is old and nothing was written of late."""
        found = self.find(item)
        if found is None:
            return True
        quiet = self._renewed_at is None or abs(self._wall() - self._renewed_at) >= RENEW_S
        return quiet and abs(self._wall() - found.taken_at) >= RENEW_S  # a clock that was set back makes every picture old

    def keep(self, item: Item, jpeg: bytes) -> None:
        """Puts a picture in place of the one before; where the disk refuses, that one stays and the log says so."""
        path, now = self.path(item), self._wall()
        try:
            if not _holds(path, jpeg):
                self._renewed_at = now if path.exists() else self._renewed_at
                write_atomically(path, jpeg)
            os.utime(path, (now, now))
            self._thin_out()
        except (OSError, StorageError) as error:
            log.warning("the picture of %s is not kept: %s", item, error)

    def drop(self, item: Item) -> None:
        """A picture that cannot be shown goes."""
        with contextlib.suppress(OSError):
            self.path(item).unlink()

    def _thin_out(self) -> None:
        """The oldest beyond the limit go."""
        found = sorted(self._folder.glob("*.jpg"), key=lambda path: path.stat().st_mtime, reverse=True)
        for path in found[LIMIT:]:
            path.unlink(missing_ok=True)


def _holds(path: Path, jpeg: bytes) -> bool:
    try:
        return path.stat().st_size == len(jpeg) and path.read_bytes() == jpeg
    except OSError:
        return False
