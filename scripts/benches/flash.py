"""How much the player writes to flash in a day, besides media: a play every ten seconds, while connected to the embedded server.

What agent, stage, compositor and supervisor cause to be written is read from `/proc/PID/io` over ten minutes. Logs and runtime lie
in memory-backed storage, which the kernel does not count; the state, which it counts, has to lie on a disk.
"""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psutil

from scripts.benches import content
from scripts.benches.figures import Figure, Required
from scripts.benches.footprint import paired, serve, until_playing
from scripts.benches.rig import Rig, stop

PLAY_S, SECONDS, SETTLE_S = 10.0, 600.0, 90.0
DAY_S, MB = 86_400.0, 1e6
MEMORY = Path("/dev/shm")  # noqa: S108 - the file system, not a file of that name


def flash(folder: Path) -> list[Figure]:
    """At most 12 MB a day."""
    items = [content.picture(folder, 2, "png"), content.picture(folder, 3, "jpg")]
    runtime = Path(tempfile.mkdtemp(prefix="sb-", dir=MEMORY))
    try:
        with Rig(runtime=runtime) as rig:
            server, url = serve(rig)
            rig.environment["SIGNAGE__CMS__URL"] = url
            process = rig.player("run")
            asyncio.run(paired(url, rig, items, PLAY_S))
            until_playing(rig)
            time.sleep(SETTLE_S)
            before = written(process.pid)
            time.sleep(SECONDS)
            spent = {name: count - before.get(name, 0) for name, count in written(process.pid).items()}
            stop(process)
            stop(server)
    finally:
        shutil.rmtree(runtime)
    figures = [Figure("flash", name, per_day(count, SECONDS), "MB a day") for name, count in sorted(spent.items())]
    return [*figures, Figure("flash", "all together", per_day(sum(spent.values()), SECONDS), "MB a day", required=Required(12))]


def per_day(count: int, seconds: float) -> float:
    """Bytes written in so many seconds, as megabytes (1e6 bytes) a day."""
    return count * DAY_S / seconds / MB


def written(run: int) -> dict[str, int]:
    """The bytes that each process of the player `run` has caused to be written, by the daemon's name."""
    found: dict[str, int] = {}
    for name, process in _processes(psutil.Process(run)):
        with contextlib.suppress(OSError):  # one that ends, or shuts itself in, just now
            found[name] = found.get(name, 0) + written_by(Path(f"/proc/{process.pid}/io").read_text(encoding="ascii"))
    return found


def written_by(io: str) -> int:
    """Of the text of `/proc/PID/io`: bytes that were to reach the storage, less those whose file was gone before they did."""
    counts = dict(line.split(": ") for line in io.splitlines())
    return int(counts["write_bytes"]) - int(counts["cancelled_write_bytes"])


def _processes(run: psutil.Process) -> Iterator[tuple[str, psutil.Process]]:
    yield "supervisor", run
    for child in run.children():
        words = child.cmdline()
        name = next((daemon for daemon in ("agent", "stage") if daemon in words), "compositor")
        yield name, child
        yield from ((name, below) for below in child.children(recursive=True))
