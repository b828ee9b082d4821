"""Seams from the screen itself: every kind of content followed by every other, cut and crossfaded, and rivals at the same.

The rivals show no pages, and a browser costs processor time: so the player goes without pages once more, to be compared with them.
A screen in memory that is to have 60 Hz draws a frame 16 ms after the one before was ready, so it has fewer frames a second than a
panel, the fewer the longer it draws. Crossfades are watched at a refresh rate that makes up for it.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from player.core.content import CUT, Transition, TransitionKind
from scripts.benches import content, rivals
from scripts.benches.content import ITEM_S, Coded
from scripts.benches.figures import Figure
from scripts.benches.plot import Row
from scripts.benches.rig import Recording, Rig, stop, until
from scripts.benches.seams import Made, showings
from scripts.benches.summary import Summary, cut_figures, fade_figures, rival_figures, summarize

CROSSFADE = Transition(TransitionKind.CROSSFADE, 0.6)
PACING_FADES, FADES = 4, 14
LOOK_EVERY_S = 3.0
MS = 1000
TIMER_MS = 16  # between two frames of a screen in memory, in whole milliseconds


def seamless(folder: Path, size: tuple[int, int], count: int) -> tuple[list[Figure], list[Row], list[str]]:
    """Figures, what to plot, and which rivals could not be measured."""
    items = content.mixed(folder)
    made = content.known(items)
    bench = f"stage {size[0]}x{size[1]}"
    with content.served(folder) as url:
        ours = _ours(items, size, count, CUT, url)
        unpaced = _ours(items, size, PACING_FADES, CROSSFADE, url)
        fades = _ours(items, size, FADES, CROSSFADE, url, mode=f"{size[0]}x{size[1]}@{refresh_for(unpaced.period_ms):.1f}")
    files = [item for item in items if item.kind != "web"]
    alike = _ours(files, size, min(count, len(content.every_pair(len(files)))), CUT, "")
    with Rig(size) as rig:
        rig.compositor()
        found, missing = rivals.all_of(rig, items, made)
    fresh, gapless = found[rivals.FRESH], found[rivals.PLAYLIST]
    figures = [*cut_figures(bench, ours, fresh, gapless), *cut_figures(f"{bench} without pages", alike, fresh, gapless)]
    figures += fade_figures(bench, fades)
    for rival in found.values():
        figures += rival_figures(bench, rival, alike)
    rows = [
        Row(f"{size[0]}x{size[1]}, {summary.player}", summary.hold_ms, summary.wrong_ms)
        for summary in (ours, alike, *found.values())
    ]
    _tell(bench, ours, made)
    _tell(f"{bench} without pages", alike, made)
    return figures, rows, missing


def refresh_for(period_ms: float) -> float:
    """The refresh rate (Hz) at which a screen that at 60 Hz draws a frame every `period_ms` has 60 frames a second."""
    drawing = period_ms - TIMER_MS
    return MS / max(1.0, MS / 60 - drawing)


def _ours(items: list[Coded], size: tuple[int, int], count: int, transition: Transition, url: str, mode: str = "") -> Summary:
    """The player through `count` seams; `mode` as in `stage.mode`."""
    with Rig(size, {"SIGNAGE__STAGE__MODE": mode}) as rig:
        order = content.every_pair(len(items))
        first = max(order)  # the page, where there is one: the browser starts with the first item, which is not looked at
        order = order[order.index(first) :] + order[: order.index(first)]
        rig.publish([rig.item(items[number], place, ITEM_S, url) for place, number in enumerate(order)], transition)
        rig.compositor()
        with rig.recording() as recording:
            stage = rig.player("stage")
            _watch(recording, stage, count + 1, 30 + 2.5 * (ITEM_S + transition.duration_s) * count)
            stop(stage)
            name = "the player" if url else "the player, no pages"
            return summarize(name, recording.samples(), content.known(items), ITEM_S, count)


def _watch(recording: Recording, stage: subprocess.Popen[bytes], count: int, within_s: float) -> None:
    def seen() -> bool:
        if stage.poll() is not None:
            raise RuntimeError(f"the stage ended with code {stage.returncode}")
        return len(showings(recording.samples())[0]) > count + 1

    until(seen, within_s, f"{count} seams were not seen", LOOK_EVERY_S)


def _tell(bench: str, ours: Summary, made: Mapping[int, Made]) -> None:
    """The worst seams, for whoever wants to mend them."""
    print(f"{bench}: seams that are not perfect (hold, first, blank in ms; frames lost at the end, at the start)", file=sys.stderr)
    for number, like in made.items():
        lost = [count for item, count in ours.losses if item == number]
        if any(lost):
            print(f"  {like.name}: frames lost within its showings: {lost}", file=sys.stderr)
    for seam in sorted(ours.seams, key=lambda seam: -(seam.hold_s or 0)):
        hold, first = (None if value is None else round(1000 * value) for value in (seam.hold_s, seam.first_s))
        if (hold or 0) > 17 or seam.wrong_s or seam.lost_tail or seam.lost_head or (first or 0) > 17:
            pair = f"{made[seam.before].name} -> {made[seam.after].name}"
            print(f"  {pair:28} {hold} {first} {1000 * seam.wrong_s:.0f}; {seam.lost_tail} {seam.lost_head}", file=sys.stderr)
