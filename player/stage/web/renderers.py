"""The processes in which the browser draws pages, as the kernel knows them: found below the browser, measured, and ended by number.

The browser ends a page that is busy with its scripts when it is asked to; one that is busy otherwise, with a drawing that has no
end, is out of its reach, and grows. What is here needs nobody's help.
"""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Iterable, Iterator
from pathlib import Path

_RENDERER = b"--type=renderer"
_HELD = ("RssAnon:", "RssShmem:", "VmSwap:")  # a page's own, what it draws into, and what of both was moved out to the disk


def renderers_of(browser: int) -> list[int]:
    """Process ids of those of the browser with that process id. Reads some sixty files of /proc."""
    return list(_renderers(browser))


def held_by(renderers: Iterable[int]) -> dict[int, int]:
    """Bytes that each of them holds, by process id, of those that are there. Reads a file each, and takes no lock of theirs."""
    found: dict[int, int] = {}
    for pid in renderers:
        with contextlib.suppress(OSError, ValueError):  # it ends meanwhile
            lines = Path(f"/proc/{pid}/status").read_text(encoding="ascii", errors="replace").splitlines()
            found[pid] = sum(int(line.split()[1]) for line in lines if line.startswith(_HELD)) * 1024
    return found


def end_renderer(pid: int) -> None:
    """At once, whatever it is busy with."""
    with contextlib.suppress(OSError):
        os.kill(pid, signal.SIGKILL)


def _renderers(pid: int) -> Iterator[int]:
    """Those that descend from `pid`."""
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        with contextlib.suppress(OSError):
            for child in task.read_text(encoding="ascii").split():
                yield from (int(child),) if _is_renderer(int(child)) else _renderers(int(child))


def _is_renderer(pid: int) -> bool:
    with contextlib.suppress(OSError):
        return _RENDERER in Path(f"/proc/{pid}/cmdline").read_bytes()
    return False
