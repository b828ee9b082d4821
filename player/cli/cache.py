"""`cache list|verify|prune`: the media store, where every file is named by its SHA-256: media/ab/<sha256>.<suffix>.

`prune` keeps what the last manifest names; beside a running player also what is fresh, since that may be for the next one. The
player notices at its next look at the server which files are gone.
"""

from __future__ import annotations

import argparse
import hashlib
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from player.cli.client import ControlClient
from player.config import Config, Dirs
from player.errors import NotRunning, StorageError
from player.programme_file import ProgrammeFile

CHUNK = 1024 * 1024
FRESH_S = 600.0
Advance = Callable[[int], None]


def main(chosen: argparse.Namespace, _: Config, dirs: Dirs) -> int:
    """Runs the action; 1 when something was damaged."""
    try:
        return {"list": _list, "verify": _verify, "prune": _prune}[chosen.action](dirs)
    except PermissionError as error:
        raise StorageError(str(dirs.cache), "belongs to the player's user; ask as that user, or with sudo") from error


def media(cache: Path) -> list[Path]:
    """Every file of the store, in the order of their names."""
    folder = cache / "media"
    list(folder.iterdir()) if folder.exists() else []  # says when it may not be read, which a glob keeps quiet about
    return sorted(path for path in folder.glob("[0-9a-f][0-9a-f]/*") if path.is_file() and _is_hash(path.name.partition(".")[0]))


def _is_hash(text: str) -> bool:
    return len(text) == 64 and not set(text) - set("0123456789abcdef")


def _on_air(dirs: Dirs) -> set[str]:
    """The hashes and files that the last manifest names, or that of the player before this one."""
    file = ProgrammeFile(dirs.state)
    items = [item for manifest in (file.read(), file.earlier()) if manifest for item in manifest.items]
    named = {name for item in items for name in (item.asset, item.file) if name}
    return named | {Path(name).name.partition(".")[0] for name in named}


def _list(dirs: Dirs) -> int:
    used, total = _on_air(dirs), 0
    for path in media(dirs.cache):
        size = path.stat().st_size
        total += size
        print(f"{path.name[:16]}…  {size:>14,}  {'on air' if path.name.partition('.')[0] in used else '-':6}  {path.suffix}")
    print(f"{len(media(dirs.cache))} files, {total:,} bytes in {dirs.cache}")
    return 0


def _verify(dirs: Dirs) -> int:
    files = media(dirs.cache)
    with _progress(sum(path.stat().st_size for path in files)) as advance:
        damaged = [path for path in files if _sha256(path, advance) != path.name.partition(".")[0]]
    for path in damaged:
        print(f"damaged: {path}")
    print(f"{len(files)} files checked, {len(damaged)} damaged" + ("; the player fetches them again" if damaged else ""))
    return 1 if damaged else 0


def _sha256(path: Path, advance: Advance) -> str | None:
    """None where the disk refuses to read it, which is damage too."""
    digest = hashlib.sha256()
    try:
        with path.open("rb") as file:
            while chunk := file.read(CHUNK):
                digest.update(chunk)
                advance(len(chunk))
    except OSError:
        return None
    return digest.hexdigest()


@contextmanager
def _progress(total: int) -> Iterator[Advance]:
    """A bar on a terminal, nothing elsewhere: the result is a line anyway."""
    if not sys.stdout.isatty():
        yield lambda _: None
        return
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("checking"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    with Progress(*columns, transient=True) as bar:
        task = bar.add_task("checking", total=total)
        yield lambda count: bar.advance(task, count)


def _prune(dirs: Dirs) -> int:
    youngest = time.time() - (FRESH_S if _running(dirs) else 0.0)
    used, freed, count = _on_air(dirs), 0, 0
    for path in media(dirs.cache):
        found = path.stat()
        if path.name.partition(".")[0] not in used and found.st_ctime <= youngest:
            path.unlink(missing_ok=True)
            freed, count = freed + found.st_size, count + 1
    print(f"{count} files removed, {freed:,} bytes freed")
    return 0


def _running(dirs: Dirs) -> bool:
    try:
        ControlClient(dirs.control_socket).pairing()
    except NotRunning:
        return False
    return True
