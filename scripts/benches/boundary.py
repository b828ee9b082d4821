"""A layout's second: from the instant at which a rule begins or ends until the screen shows what is on air from then."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from player.brief_file import BriefFile
from player.core.brief import CardFacts, ClockFacts, DeviceSettings, StageBrief
from player.core.content import Manifest, Playlist, full_screen
from player.core.schedule import Rule
from player.device.host import boot_id
from player.programme_file import ProgrammeFile
from scripts.benches import content
from scripts.benches.figures import Figure, Required, middle
from scripts.benches.rig import Recording, Rig, first_shown, until
from scripts.benches.strip import Sort

APART_S, FIRST_S = 4, 8
LAYOUTS = ("day", "late")  # the default, and what the rules show


def boundary(folder: Path, runs: int) -> list[Figure]:
    """Each within 100 ms of its second, and none before it."""
    coded = [content.picture(folder, number, "png") for number in (2, 3)]
    with Rig() as rig:
        layouts = []
        for name, one in zip(LAYOUTS, coded, strict=True):
            layouts.append(replace(full_screen(Playlist(name, name, (rig.item(one, 0, 3600.0),))), id=name))
        rig.compositor()
        with rig.recording() as recording:
            began = time.monotonic()
            edges = [datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=FIRST_S + APART_S * n) for n in range(2 * runs)]
            rules = tuple(
                Rule(str(n), start_time=edges[n].time(), end_time=edges[n + 1].time(), layout="late")
                for n in range(0, len(edges), 2)
            )
            ProgrammeFile(rig.dirs.state).write(Manifest("1", tuple(layouts), rules, "day", assets=len(coded)))
            told = StageBrief(DeviceSettings(time_zone="UTC"), CardFacts(paired=True), clock=ClockFacts(boot_id()))
            BriefFile(rig.dirs.brief).write(told)
            rig.player("stage")
            first_shown(recording, began)
            end = time.monotonic() + (edges[-1] - datetime.now(UTC)).total_seconds() + APART_S
            until(lambda: time.monotonic() > end, FIRST_S + APART_S * (len(edges) + 2), "the last of them")
            late = _late_ms(recording, edges, [coded[(n + 1) % 2].number for n in range(len(edges))])
    return [
        Figure("boundary", "a layout's second, to the screen", middle(late), "ms", required=Required(100), samples=late),
        Figure("boundary", "the latest", max(late), "ms", required=Required(100)),
        Figure("boundary", "the earliest", min(late), "ms", required=Required(0, at_least=True)),
    ]


def _late_ms(recording: Recording, edges: list[datetime], wanted: list[int]) -> list[float]:
    """From each edge to the first picture of what is wanted from then on."""
    to_wall = time.time() - time.monotonic()
    samples = [sample for sample in recording.samples() if sample.seen.sort is Sort.ITEM]
    found = []
    for edge, number in zip(edges, wanted, strict=True):
        from_here = edge.timestamp() - APART_S / 2
        first = next(one.at + to_wall for one in samples if one.at + to_wall > from_here and one.seen.item == number)
        found.append((first - edge.timestamp()) * 1000)
    return found
