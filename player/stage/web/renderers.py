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
    """Bytes that each of them holds, and each that was started since by who started one of them: by process id, the last to come
    last. Reads a file each, and takes no lock of theirs.
    """
    found: dict[int, int] = {}
    makers: dict[int, None] = {}
    for pid in renderers:
        if told := _told_by(pid):
            found[pid], maker = told
            makers[maker] = None
    for pid in [child for maker in makers for child in _children(maker) if child not in found and _is_renderer(child)]:
        if told := _told_by(pid):
            found[pid], _ = told
    return found


def end_renderer(pid: int) -> None:
    """At once, whatever it is busy with."""
    with contextlib.suppress(OSError):
        os.kill(pid, signal.SIGKILL)


def _told_by(pid: int) -> tuple[int, int] | None:
    """What a process holds, and who started it; None where it ends meanwhile."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text(encoding="ascii", errors="replace").splitlines()
        held = sum(int(line.split()[1]) for line in lines if line.startswith(_HELD)) * 1024
        return held, next(int(line.split()[1]) for line in lines if line.startswith("PPid:"))
    except (OSError, ValueError, StopIteration):
        return None


def _renderers(pid: int) -> Iterator[int]:
    """Those that descend from `pid`."""
    for child in _children(pid):
        yield from (child,) if _is_renderer(child) else _renderers(child)


def _children(pid: int) -> Iterator[int]:
    """In the order in which they came."""
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        with contextlib.suppress(OSError):
            yield from map(int, task.read_text(encoding="ascii").split())


def _is_renderer(pid: int) -> bool:
    with contextlib.suppress(OSError):
        return _RENDERER in Path(f"/proc/{pid}/cmdline").read_bytes()
    return False
