"""What a recording of the screen says: when each item was seen, and what was lost, held or wrong where one gave way to the next.

Pure. A recording is a list of `Sample`s, one for each change of the screen; what was seen stays on screen until the next. A clip's
hold is how much longer than one frame its last frame stood. Anything that is neither item of a seam counts as wrong: black,
background, a mix where a cut was asked for, and an item that flashes up for less than `FLASH_S`.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from scripts.benches.strip import FRAMES, ITEMS, Seen, Sort

FLASH_S = 0.25
EDGE = 0.025  # a weight below this is the picture's own noise
NOTHING = (0.0,) * ITEMS


@dataclass(frozen=True, slots=True)
class Sample:
    """At `at` (seconds) the screen became `seen`."""

    at: float
    seen: Seen


@dataclass(frozen=True, slots=True)
class Made:
    """What is known of an item: how long a frame stands (None: a picture) and how many there are (None: no end)."""

    name: str
    period_s: float | None = None
    frames: int | None = None


@dataclass(slots=True)
class Showing:
    """One item on screen from `began` to `ended`: `frames` are (time, number) of each change, `wrong_s` what broke into it."""

    item: int
    began: float
    ended: float
    frames: list[tuple[float, int]] = field(default_factory=list)
    samples: list[Sample] = field(default_factory=list)
    wrong_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Seam:
    """From one showing to the next. Seconds; None where a picture has no such thing."""

    before: int
    after: int
    at: float
    wrong_s: float
    hold_s: float | None
    first_s: float | None
    lost_tail: int | None
    lost_head: int | None
    mixes: tuple[tuple[float, tuple[float, ...]], ...] = ()


def showings(samples: Sequence[Sample]) -> tuple[list[Showing], list[list[Sample]]]:
    """The items in the order they were seen, and what was on screen between each and the next."""
    shown: list[Showing] = []
    between: list[list[Sample]] = []
    gap: list[Sample] = []
    for run in _without_flashes(_runs(samples)):
        if run[0].seen.sort is not Sort.ITEM:
            gap += run
            continue
        _take(run, gap, shown, between)
        gap = []
    return shown, between


def _take(run: list[Sample], gap: list[Sample], shown: list[Showing], between: list[list[Sample]]) -> None:
    item, end = run[0].seen.item, run[-1].at
    if shown and shown[-1].item == item:
        shown[-1].wrong_s += run[0].at - gap[0].at if gap else 0.0
    else:
        if shown:
            between.append([*gap, Sample(run[0].at, run[0].seen)])
            shown[-1].ended = between[-1][0].at
        shown.append(Showing(item, run[0].at, end))
    shown[-1].ended = end
    shown[-1].samples += run
    for sample in run:
        if not shown[-1].frames or shown[-1].frames[-1][1] != sample.seen.frame:
            shown[-1].frames.append((sample.at, sample.seen.frame))


def _runs(samples: Sequence[Sample]) -> list[list[Sample]]:
    """Neighbours of the same sort and item, together."""
    runs: list[list[Sample]] = []
    for sample in samples:
        last = runs[-1][-1].seen if runs else None
        if last and (last.sort, last.item) == (sample.seen.sort, sample.seen.item):
            runs[-1].append(sample)
        else:
            runs.append([sample])
    return runs


def _without_flashes(runs: list[list[Sample]]) -> Iterable[list[Sample]]:
    """An item that came for a moment between two others is wrong; at the edges of the recording it may be whole."""
    for index, run in enumerate(runs):
        last = index in (0, len(runs) - 1)
        between_items = not last and all(runs[index + side][0].seen.sort is Sort.ITEM for side in (-1, 1))
        brief = between_items and runs[index + 1][0].at - run[0].at < FLASH_S
        if run[0].seen.sort is Sort.ITEM and brief:
            yield [Sample(sample.at, Seen(Sort.OTHER)) for sample in run]
        else:
            yield run


def seams(samples: Sequence[Sample], made: Mapping[int, Made]) -> list[Seam]:
    """Every change from one item to another."""
    shown, between = showings(samples)
    return [_seam(a, b, gap, made) for (a, b), gap in zip(itertools.pairwise(shown), between, strict=True)]


def _seam(a: Showing, b: Showing, gap: list[Sample], made: Mapping[int, Made]) -> Seam:
    left = gap[0].at
    period, total = made[a.item].period_s, made[a.item].frames
    fading = (*reversed(_fading(reversed(a.samples), b.item)), *gap[:-1], *_fading(b.samples, a.item))
    mixes = tuple((sample.at, sample.seen.weights or NOTHING) for sample in fading)
    return Seam(
        before=a.item,
        after=b.item,
        at=b.began,
        wrong_s=b.began - left,
        hold_s=None if period is None else max(0.0, left - a.frames[-1][0] - period),
        first_s=_first_s(b, made[b.item].period_s),
        lost_tail=None if total is None else total - 1 - a.frames[-1][1],
        lost_head=None if made[b.item].frames is None else b.frames[0][1],
        mixes=mixes,
    )


def _fading(samples: Iterable[Sample], other: int) -> list[Sample]:
    """At the edge of a crossfade an item can still, or already, be read, with a little of the other in it."""
    return list(itertools.takewhile(lambda sample: sample.seen.weights and sample.seen.weights[other] > EDGE, samples))


def _first_s(b: Showing, period: float | None) -> float | None:
    """How much longer than one frame the first one stood."""
    if period is None or len(b.frames) < 2:
        return None
    return max(0.0, b.frames[1][0] - b.frames[0][0] - period)


def lost_within(showing: Showing, made: Made) -> int:
    """Frames of a clip, or steps of a page, that never came between its first and its last on screen."""
    if made.period_s is None:
        return 0
    steps = itertools.pairwise(showing.frames)
    return sum(max(0, (after - before) % FRAMES - 1) for (_, before), (_, after) in steps if after >= before or made.frames is None)


def weight_sums(seam: Seam) -> list[float]:
    """Of each mixed picture of a crossfade: how bright both items were together; below 1 something else shines through."""
    return [weights[seam.before] + weights[seam.after] for _, weights in seam.mixes]


def drawn(seam: Seam) -> list[float]:
    """When (seconds) a mixture of a crossfade came on screen, each frame of it."""
    return [at for at, weights in seam.mixes if EDGE < weights[seam.after] < 1 - EDGE]


def steps(seam: Seam) -> int:
    """Different mixtures of a crossfade that were on screen."""
    return len({round(weights[seam.after], 3) for _, weights in seam.mixes if EDGE < weights[seam.after] < 1 - EDGE})
