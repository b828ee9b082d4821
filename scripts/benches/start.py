"""Power to picture: `run` with a cached manifest to its first frame on screen, and a killed stage to content back."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

from scripts.benches import content
from scripts.benches.content import Clip
from scripts.benches.figures import Figure, Required, middle
from scripts.benches.rig import MPV, Recording, Rig, daemon, first_shown, stop, until
from scripts.benches.seams import Sample
from scripts.benches.strip import Sort

CLIP = Clip("h264", 1280, 720, 30, seconds=20)
AWAY = {"SIGNAGE__CMS__URL": "http://127.0.0.1:9"}  # nothing answers there


def start(folder: Path, runs: int) -> list[Figure]:
    """At most four times as long as bare mpv under a compositor that already runs."""
    clip = content.clip(folder, 0, CLIP)
    ours, bare = [], []
    for _ in range(runs):
        with Rig(settings=AWAY) as rig:
            rig.publish([rig.item(clip, 0, 0)])
            with rig.recording() as recording:
                time.sleep(0.8)  # the recorder is loaded and waits
                began = time.monotonic()
                process = rig.player("run")
                ours.append(first_shown(recording, began) - began)
                stop(process)
        bare.append(_bare(clip.path))
    required = Required(4, of_ratio=True)
    return [Figure("start", "run to first frame", middle(ours), "s", middle(bare), "mpv FILE", required, ours)]


def _bare(path: Path) -> float:
    with Rig() as rig:
        rig.compositor()
        with rig.recording() as recording:
            until(recording.samples, 10, "nothing was recorded")
            began = time.monotonic()
            with rig.rival("mpv", [*MPV, str(path)]):
                return first_shown(recording, began) - began


def restart(folder: Path, runs: int) -> list[Figure]:
    """A stage killed with SIGKILL, content back in under half a second."""
    clips = [content.clip(folder, number, CLIP) for number in (0, 1)]
    ours, bare = [], []
    for _ in range(max(5, runs)):
        with Rig(settings=AWAY) as rig:
            rig.publish([rig.item(clip, place, 0) for place, clip in enumerate(clips)])
            with rig.recording() as recording:
                began = time.monotonic()
                process = rig.player("run")
                first_shown(recording, began)
                time.sleep(2)
                stage = daemon(process.pid, "stage")
                if stage is None:
                    raise RuntimeError("the stage's process was not found")
                ours.append(_killed(recording, stage.pid))
        bare.append(_bare(clips[0].path))
    rival, line = "mpv FILE from nothing", Required(0.5)
    return [
        Figure("restart", "kill -9 to content back", middle(ours), "s", middle(bare), rival, line, ours),
        Figure("restart", "the slowest of them", max(ours), "s", max(bare), rival, line, ours),
    ]


def _killed(recording: Recording, pid: int) -> float:
    killed = time.monotonic()
    os.kill(pid, signal.SIGKILL)
    until(lambda: came_back(recording.samples(), killed), 20, "no content came back", 0.1)
    time.sleep(0.5)
    back = came_back(recording.samples(), killed)
    if back is None:
        raise RuntimeError("content came back and went again")
    return back - killed


def came_back(samples: list[Sample], killed: float, moving: int = 5) -> float | None:
    """When content moved again: the end of the longest pause after `killed`, once `moving` frames have followed it."""
    frames = [sample.at for sample in samples if sample.seen.sort is Sort.ITEM]
    before = max((at for at in frames if at <= killed), default=killed)
    after = [at for at in frames if at > killed]
    pauses = [(later - earlier, later) for earlier, later in zip([before, *after], after, strict=False)]
    if not pauses:
        return None
    pause, back = max(pauses)
    return back if pause > 0.1 and sum(at >= back for at in after) >= moving else None
