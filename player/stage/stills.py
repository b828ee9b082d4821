"""The files of what can be shown of a programme while nothing moves."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from player.core.content import Item, Manifest
from player.core.kinds import Kind
from player.core.onair import Listings
from player.core.schedule import Facts
from player.core.stills import pictures_of, still_items
from player.dirs import Dirs
from player.stage.web.page_snapshots import PageSnapshots

ENOUGH = 16  # one is shown; the others stand by in case that it cannot be read


def find_stills(manifest: Manifest | None, now: datetime, zone: ZoneInfo, facts: Facts, dirs: Dirs) -> tuple[str, ...]:
    """Files that are there, the best first: pictures of what is on air at `now`, other pictures, the last pictures of pages."""
    if manifest is None:
        return ()
    on_air = Listings(manifest, zone).at(now, facts).layout
    snapshots = PageSnapshots(dirs.page_snapshots, time.time)
    files = (path for item in still_items(manifest, on_air.id if on_air else None) for path in _files(item, dirs.cache, snapshots))
    return tuple(str(path) for path in files if path.is_file())[:ENOUGH]


def _files(item: Item, cache: Path, snapshots: PageSnapshots) -> Iterator[Path]:
    if item.kind is Kind.WEB:
        yield snapshots.path(item)
    else:
        yield from (cache / name for name in pictures_of(item))
