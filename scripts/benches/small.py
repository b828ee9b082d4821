"""The whole player on one processor: clips, pictures, a page and a ticker at 1080p, and the memory of all its processes together.

The processor is taken away by affinity, so this is measured on any machine. What a box of one gigabyte does when memory runs out
is not: that takes a limit of the kernel's, which the installed units have (MemoryMax).
"""

from __future__ import annotations

import os
import time
from pathlib import Path

import psutil

from player.core.content import CUT, Layout, Playlist, Rect, Region
from scripts.benches import content
from scripts.benches.content import Clip
from scripts.benches.figures import Figure, Required, middle
from scripts.benches.footprint import serve
from scripts.benches.regions import TICKER
from scripts.benches.rig import Rig, first_shown, tree_pss_mb

WIDTH, HEIGHT, BAND = 1920, 1080, 80
PICTURE_S, SETTLE_S, SECONDS = 6.0, 30.0, 60.0
CLIP = Clip("h264", 1280, 720, 30, seconds=6)
LIMIT_MB = 520.0
PAGE = 4


def small(folder: Path) -> list[Figure]:
    """At most 520 MB, every item in its turn, and every process the same at the end."""
    coded = [content.clip(folder, 0, CLIP), content.picture(folder, 2, "png"), content.picture(folder, 3, "jpg")]
    page = content.page(folder, PAGE)
    with content.served(folder) as url, Rig((WIDTH, HEIGHT)) as rig, Rig((WIDTH, HEIGHT)) as beside:
        server, address = serve(beside)
        items = tuple(rig.item(one, place, PICTURE_S, url) for place, one in enumerate([*coded, page]))
        main = Region("main", Rect(0, 0, WIDTH, HEIGHT - BAND), Playlist("all", "all", items, CUT))
        band = Region("band", Rect(0, HEIGHT - BAND, WIDTH, BAND), Playlist("band", "band", (TICKER,), CUT))
        rig.publish((), layout=Layout("small", WIDTH, HEIGHT, (main, band)))
        rig.compositor()
        began = time.monotonic()
        with rig.recording() as recording:
            rig.player("stage")
            first_shown(recording, began, 60)
        beside.environment["SIGNAGE__CMS__URL"] = address
        beside.player("agent")
        own = [
            process.pid for process in (*rig.processes, *beside.processes) if process.pid != server.pid and process.poll() is None
        ]
        for pid in own:
            _on_one_processor(pid)
        time.sleep(SETTLE_S)
        return _measured(own, rig)


def _measured(own: list[int], rig: Rig) -> list[Figure]:
    before = {pid: _browser(pid) for pid in own}
    whole, browser, shown = [], [], set()
    end = time.monotonic() + SECONDS
    while time.monotonic() < end:
        for pid in own:
            _on_one_processor(pid)
        whole.append(sum(map(tree_pss_mb, own)))
        browser.append(sum(tree_pss_mb(one) for one in map(_browser, own) if one))
        shown |= {str(path) for path in rig.dirs.stage.glob("keepsakes/*.jpg")}
        time.sleep(2)
    ended = sum(not psutil.pid_exists(pid) or _browser(pid) != before[pid] for pid in own)
    return [
        Figure("small", "all processes, memory (PSS)", middle(whole), "MB", required=Required(LIMIT_MB), samples=whole),
        Figure("small", "at the most", max(whole), "MB"),
        Figure("small", "the browser's part", middle(browser), "MB", samples=browser),
        Figure("small", "pages that were seen", len(shown), required=Required(1, at_least=True)),
        Figure("small", "processes that ended", ended, required=Required(0)),
    ]


def _on_one_processor(pid: int) -> None:
    """Everything below it too: what is started later starts there."""
    for process in (psutil.Process(pid), *psutil.Process(pid).children(recursive=True)):
        try:
            os.sched_setaffinity(process.pid, {0})
        except (ProcessLookupError, PermissionError):
            continue


def _browser(pid: int) -> int | None:
    """Chromium's first process below `pid`."""
    for child in psutil.Process(pid).children(recursive=True):
        if "chrom" in child.name() and not any(word.startswith("--type=") for word in child.cmdline()):
            found: int = child.pid
            return found
    return None
