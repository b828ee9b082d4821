"""Memory of the stage and everything below it after many heavy items, and its CPU beside bare mpv's with the same clip."""

from __future__ import annotations

import asyncio
import math
import sys
import time
from pathlib import Path

from player.agent.stage_client import StageClient
from player.core.faults import FaultBook
from player.core.ports.stage import NextItem, StageStatus
from player.errors import BoxError
from player.runtime.clock import SystemClock
from player.runtime.fault_page import FaultPage
from scripts.benches import content
from scripts.benches.content import Clip
from scripts.benches.figures import Figure, Required, middle
from scripts.benches.rig import MPV, Rig, cpu_s, first_shown, stop, tree_pss_mb

EARLY = 50
STEP_LIMIT_S = 15.0
HEAVY = (
    Clip("h264", 1920, 1080, 30, seconds=6, sound=True),
    Clip("hevc", 1920, 1080, 30, seconds=6),
    Clip("h264", 1280, 720, 30, seconds=6),
)
ONE = Clip("h264", 1280, 720, 30, seconds=20)
SETTLE_S, WINDOW_S = 5.0, 12.0


def memory(folder: Path, count: int) -> list[Figure]:
    """At most 1.1 times what it was after the first fifty, with the same items on screen and behind it."""
    items = [content.clip(folder, number, like) for number, like in enumerate(HEAVY)]
    items += [content.picture(folder, 3, "jpg", (3840, 2160)), content.picture(folder, 4, "png"), content.picture(folder, 5, "jpg")]
    with Rig() as rig:
        order = content.every_pair(len(items))
        rig.publish([rig.item(items[number], place, 30.0) for place, number in enumerate(order)])
        rig.compositor()
        stage = rig.player("stage")
        count = EARLY + len(order) * math.ceil(max(0, count - EARLY) / len(order))
        early, late, rate = asyncio.run(_hurry(rig, stage.pid, count))
    line = Required(1.1, of_ratio=True)
    return [
        Figure("memory", f"stage after {count} heavy items", late, "MB", early, f"after {EARLY}", line),
        Figure("memory", "items a second", rate),
    ]


async def _hurry(rig: Rig, pid: int, count: int) -> tuple[float, float, float]:
    """Asks for the next item as soon as one is on screen. Memory after `EARLY` and after `count`, and how fast it went."""
    link = StageClient(rig.dirs.stage_socket, _no_pin, FaultPage(FaultBook(), SystemClock(), "stage"))
    async with asyncio.TaskGroup() as group:
        running = group.create_task(link.run(), name="stage link")
        await _until_other(link, "")
        early = 0.0
        began = time.monotonic()
        for number in range(1, count + 1):
            before = _showing(link.status)
            await link.ask(NextItem())
            await _until_other(link, before)
            if number == EARLY:
                early = await asyncio.to_thread(_settled, pid)
            if number % 100 == 0:
                print(f"    {number} items, {tree_pss_mb(pid):.0f} MB", file=sys.stderr, flush=True)
        rate = count / (time.monotonic() - began)
        late = await asyncio.to_thread(_settled, pid)
        running.cancel()
    return early or late, late, rate


async def _no_pin(_: str) -> None:
    """Nobody is at the screen."""


def _showing(status: StageStatus | None) -> str:
    return status.items[0].item_id if status and status.items else ""


async def _until_other(link: StageClient, before: str) -> None:
    """Waits for an item that is not `before`. Raises BoxError."""
    until = time.monotonic() + STEP_LIMIT_S
    while _showing(link.status) in ("", before):
        if time.monotonic() > until:
            raise BoxError("stage", f"it stayed with item {before or 'none'} for {STEP_LIMIT_S:.0f} s")
        await link.changed.wait(0.2)


def _settled(pid: int) -> float:
    """The median of a few readings."""
    readings = []
    for _ in range(5):
        time.sleep(0.5)
        readings.append(tree_pss_mb(pid))
    return middle(readings)


def cpu(folder: Path, runs: int) -> list[Figure]:
    """At most 1.25 times mpv's, taken in turns."""
    clip = content.clip(folder, 0, ONE)
    ours, bare = [], []
    for _ in range(max(3, runs // 2)):
        with Rig() as rig:
            rig.publish([rig.item(clip, 0, 0)])
            rig.compositor()
            with rig.recording() as recording:
                began = time.monotonic()
                stage = rig.player("stage")
                first_shown(recording, began)
            ours.append(_share(stage.pid))
            stop(stage)
            with rig.rival("mpv", [*MPV, "--loop=inf", str(clip.path)]) as process:
                bare.append(_share(process.pid))
    line = Required(1.25, of_ratio=True)
    return [Figure("cpu", "stage, a 720p clip", middle(ours), "% of a core", middle(bare), "mpv, the same clip", line, ours)]


def _share(pid: int) -> float:
    time.sleep(SETTLE_S)
    began, used = time.monotonic(), cpu_s(pid)
    time.sleep(WINDOW_S)
    return 100 * (cpu_s(pid) - used) / (time.monotonic() - began)
