"""Power to picture: `run` with a cached manifest to its first frame on screen, and a killed stage to content back."""

from __future__ import annotations

import itertools
import math
import os
import signal
import time
from pathlib import Path

from scripts.benches import content
from scripts.benches.content import Clip
from scripts.benches.figures import Figure, Required, middle
from scripts.benches.rig import MPV, Recording, Rig, daemon, first_shown, stop, until
from scripts.benches.seams import Sample
from scripts.benches.strip import OTHER, Sort

CLIP = Clip("h264", 1280, 720, 30, seconds=20)
SEEN_S = 7.0  # the curtain has taken its picture, and in the middle of the clip another
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
        bare.append(mpv_from_nothing(clip.path))
    required = Required(4, of_ratio=True)
    return [Figure("start", "run to first frame", middle(ours), "s", middle(bare), "mpv FILE", required, ours)]


def mpv_from_nothing(path: Path) -> float:
    """Seconds from starting mpv with that file to its first frame on screen, under a compositor that runs."""
    with Rig() as rig:
        rig.compositor()
        with rig.recording() as recording:
            until(recording.samples, 10, "nothing was recorded")
            began = time.monotonic()
            with rig.rival("mpv", [*MPV, str(path)]):
                return first_shown(recording, began) - began


def restart(folder: Path, runs: int) -> list[Figure]:
    """A stage killed with SIGKILL: what is on screen until content moves again, and where it goes on.

    The recorder sees every frame that the compositor draws, so "nothing else" means not one.
    """
    clips = [content.clip(folder, number, CLIP) for number in (0, 1)]
    ours, bare, wrong, back = [], [], [], []
    for _ in range(max(5, runs)):
        with Rig(settings=AWAY) as rig:
            rig.publish([rig.item(clip, place, 0) for place, clip in enumerate(clips)])
            with rig.recording() as recording:
                began = time.monotonic()
                process = rig.player("run")
                first_shown(recording, began)
                time.sleep(SEEN_S)
                stage = daemon(process.pid, "stage")
                if stage is None:
                    raise RuntimeError("the stage's process was not found")
                killed, returned, samples = _killed(recording, stage.pid)
        ours.append(returned - killed)
        wrong.append(1000 * wrong_s(samples, killed, returned))
        back.append(stepped_back_s(samples, killed, returned, CLIP.rate))
        bare.append(mpv_from_nothing(clips[0].path))
    rival, line = "mpv FILE from nothing", Required(0.5)
    return [
        Figure("restart", "anything but still or content", max(wrong), "ms", required=Required(0), samples=wrong),
        Figure("restart", "kill -9 to moving again", middle(ours), "s", middle(bare), rival, Required(2, of_ratio=True), ours),
        Figure("restart", "the slowest of them", max(ours), "s", max(bare), rival, line, ours),
        Figure("restart", "stepped back in its clip", max(back), "s", required=Required(2), samples=back),
    ]


def _killed(recording: Recording, pid: int) -> tuple[float, float, list[Sample]]:
    """When it was killed, when content moved again, and what was seen."""
    killed = time.monotonic()
    os.kill(pid, signal.SIGKILL)
    until(lambda: came_back(recording.samples(), killed), 20, "no content came back", 0.1)
    time.sleep(0.5)
    samples = recording.samples()
    back = came_back(samples, killed)
    if back is None:
        raise RuntimeError("content came back and went again")
    return killed, back, samples


def came_back(samples: list[Sample], killed: float, moving: int = 5) -> float | None:
    """When content moved again: the end of the longest pause after `killed`, once `moving` frames have followed it.

    The same frame drawn again is a pause: a still, or the first frame that waits to be shown.
    """
    seen = [sample for sample in samples if sample.seen.sort is Sort.ITEM]
    frames = [now.at for before, now in itertools.pairwise([Sample(0.0, OTHER), *seen]) if now.seen != before.seen]
    before = max((at for at in frames if at <= killed), default=killed)
    after = [at for at in frames if at > killed]
    pauses = [(later - earlier, later) for earlier, later in zip([before, *after], after, strict=False)]
    if not pauses:
        return None
    pause, back = max(pauses)
    return back if pause > 0.1 and sum(at >= back for at in after) >= moving else None


def wrong_s(samples: list[Sample], killed: float, back: float) -> float:
    """For how long (seconds) neither a still nor content was on screen from `killed` on, until content moved again."""
    return sum(
        min(later.at, back) - max(sample.at, killed)
        for sample, later in itertools.pairwise(samples)
        if sample.seen.sort is not Sort.ITEM and later.at > killed and sample.at < back
    )


def stepped_back_s(samples: list[Sample], killed: float, back: float, rate: float) -> float:
    """How many seconds of the clip are seen twice; infinite where another item came back. A leap ahead counts as much."""
    before = next(sample.seen for sample in reversed(samples) if sample.at <= killed and sample.seen.sort is Sort.ITEM)
    after = next(sample.seen for sample in samples if sample.at >= back)
    return abs(before.frame - after.frame) / rate if before.item == after.item else math.inf
