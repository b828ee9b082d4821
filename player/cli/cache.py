"""`cache list|verify|prune`: the media store, where every file is named by its SHA-256: media/ab/<sha256>.<suffix>.

`verify` sets damaged files aside, as the player does by and by. `prune` keeps what the last manifest names; beside a running player
also what is fresh, since that may be for the next one. The player notices at its next look at the server which files are gone.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from player.cli.client import ControlClient
from player.cli.terminal import say
from player.config import Config
from player.dirs import Dirs
from player.errors import NotRunning, StorageError
from player.media.store.cache import Cache
from player.media.store.index import Stored
from player.media.store.scrub import Scrub, VerifyProgress
from player.programme_file import ProgrammeFile
from player.runtime.clock import SystemClock
from player.sizes import parse_size

FRESH_S = 600.0


def main(chosen: argparse.Namespace, config: Config, dirs: Dirs) -> int:
    """Runs the action; 1 when something was damaged."""
    actions: dict[str, Callable[[Cache, Dirs], Awaitable[int]]] = {"list": _list, "verify": _verify, "prune": _prune}
    try:
        _become_owner(dirs.cache)
        return asyncio.run(_run(actions[chosen.action], config, dirs))
    except PermissionError as error:
        raise StorageError(str(dirs.cache), "belongs to the player's user; ask as that user, or with sudo") from error


def _become_owner(folder: Path) -> None:
    """Root works as the user whose store it is: what it makes there has to be the player's."""
    if os.geteuid() == 0 and folder.exists():
        owner = folder.stat()
        os.setegid(owner.st_gid)
        os.seteuid(owner.st_uid)


async def _run(action: Callable[[Cache, Dirs], Awaitable[int]], config: Config, dirs: Dirs) -> int:
    cache = Cache(dirs.cache, SystemClock(), parse_size(config.storage.cache_limit))
    await cache.open()
    return await action(cache, dirs)


def _in_order(cache: Cache) -> list[Stored]:
    return sorted(cache.files.entries(), key=lambda stored: stored.file)


def _on_air(dirs: Dirs) -> dict[str, str]:
    """The hashes that the last manifest names, or that of the player before this one, each with the name of its item."""
    file = ProgrammeFile(dirs.state)
    items = [item for manifest in (file.earlier(), file.read()) if manifest for item in manifest.items]
    return {Path(name).name.partition(".")[0]: item.name for item in items for name in (item.file, item.asset) if name}


async def _list(cache: Cache, dirs: Dirs) -> int:
    used, files = _on_air(dirs), _in_order(cache)
    for stored in files:
        state = "on air" if stored.sha256 in used else "-"
        name = used.get(stored.sha256, stored.name)
        say(f"{stored.sha256[:16]}…  {stored.size:>14,}  {state:6}  {Path(stored.file).suffix:5}  {name}".rstrip(), keep="")
    say(f"{len(files)} files, {sum(stored.size for stored in files):,} bytes in {dirs.cache}")
    return 0


async def _verify(cache: Cache, dirs: Dirs) -> int:
    files = {stored.sha256: stored for stored in _in_order(cache)}
    with _progress(sum(stored.size for stored in files.values())) as told:
        damaged = await Scrub(cache).verify(told)
    for one in damaged:
        say(f"damaged: {dirs.cache / files[one.sha256].file}: {one.reason}")
    aside = "; they are set aside, and the player fetches them again" if damaged else ""
    say(f"{len(files)} files checked, {len(damaged)} damaged{aside}")
    return 1 if damaged else 0


@contextmanager
def _progress(total: int) -> Iterator[VerifyProgress]:
    """A bar on a terminal, nothing elsewhere: the result is a line anyway."""
    if not sys.stdout.isatty():
        yield lambda *_: None
        return
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("checking"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    with Progress(*columns, transient=True) as bar:
        task = bar.add_task("checking", total=total)
        yield lambda done, *_: bar.update(task, completed=done)


async def _prune(cache: Cache, dirs: Dirs) -> int:
    youngest = time.time() - (FRESH_S if _running(dirs) else 0.0)
    used, freed, count = _on_air(dirs), 0, 0
    for stored in _in_order(cache):
        found = cache.safe_folder.stat(stored.file)
        if found is not None and stored.sha256 not in used and found.st_ctime <= youngest:
            await cache.evict(stored.sha256)
            freed, count = freed + stored.size, count + 1
    await cache.save()
    say(f"{count} files removed, {freed:,} bytes freed")
    return 0


def _running(dirs: Dirs) -> bool:
    try:
        ControlClient(dirs.control_socket).pairing()
    except NotRunning:
        return False
    return True
