"""The seams of one player as numbers: what the table shows of them. Pure."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from scripts.benches.figures import Figure, Required, middle, quantile
from scripts.benches.seams import Made, Sample, Seam, drawn, lost_within, seams, showings, steps, weight_sums

MS = 1000
BLANK, HOLD_P95, HOLD_MAX, NONE_LOST = Required(0), Required(17), Required(50), Required(0)
SUM, STEPS = Required(0.03), Required(30, at_least=True)


@dataclass(frozen=True, slots=True)
class Summary:
    """One player's seams, without the first and the last showing; `losses` are (item, frames lost within)."""

    player: str
    seams: tuple[Seam, ...]
    losses: tuple[tuple[int, int], ...]
    broken_s: float
    late_s: tuple[float, ...]
    shown: int

    @property
    def wrong_ms(self) -> list[float]:
        """Of each seam: milliseconds in which neither item was on screen; what broke into a showing is one more."""
        return [MS * seam.wrong_s for seam in self.seams] + ([MS * self.broken_s] if self.broken_s else [])

    @property
    def hold_ms(self) -> list[float]:
        """Of each seam after something that moves."""
        return [MS * seam.hold_s for seam in self.seams if seam.hold_s is not None]

    @property
    def first_ms(self) -> list[float]:
        """Of each seam before something that moves: how much longer than one frame its first picture stood."""
        return [MS * seam.first_s for seam in self.seams if seam.first_s is not None]

    @property
    def period_ms(self) -> float:
        """From one frame of a crossfade to the next. Raises ValueError where there was none."""
        return MS * middle([after - before for seam in self.seams for before, after in itertools.pairwise(drawn(seam))])

    @property
    def lost(self) -> int:
        """Frames of clips lost in steady play, all together."""
        return sum(count for _, count in self.losses)

    @property
    def lost_tail(self) -> int:
        """Last frames of clips that never came, all together."""
        return sum(seam.lost_tail or 0 for seam in self.seams)

    @property
    def lost_head(self) -> int:
        """First frames of clips that never came, all together."""
        return sum(seam.lost_head or 0 for seam in self.seams)


def summarize(
    player: str, samples: Sequence[Sample], made: Mapping[int, Made], still_s: float, limit: int | None = None
) -> Summary:
    """Looks at whole showings only; at most `limit` seams. Raises ValueError when there is not one seam."""
    shown, _ = showings(samples)
    found = seams(samples, made)[:limit]
    if not found:
        raise ValueError(f"{player}: no change from one item to another was seen")
    whole = shown[1 : len(found)]
    stills = tuple(s.ended - s.began - still_s for s in whole if made[s.item].period_s is None)
    return Summary(
        player=player,
        seams=tuple(found),
        losses=tuple((s.item, lost_within(s, made[s.item])) for s in whole if made[s.item].frames is not None),
        broken_s=sum(showing.wrong_s for showing in whole),
        late_s=stills,
        shown=len(whole),
    )


def cut_figures(bench: str, ours: Summary, fresh: Summary, gapless: Summary) -> list[Figure]:
    """The player's own, each beside the rival that is best at it: mpv's playlist; blanks beside a process an item."""

    def figure(name: str, value: float, base: float, required: Required | None, unit: str, samples: Sequence[float] = ()) -> Figure:
        rival = fresh.player if name.startswith("blank") else gapless.player
        return Figure(bench, name, value, unit, base, rival, required, samples)

    return [
        figure("blank or wrong, longest", max(ours.wrong_ms), max(fresh.wrong_ms), BLANK, "ms", ours.wrong_ms),
        figure(
            "hold of last frame, p95", quantile(ours.hold_ms, 0.95), quantile(gapless.hold_ms, 0.95), HOLD_P95, "ms", ours.hold_ms
        ),
        figure("hold of last frame, longest", max(ours.hold_ms), max(gapless.hold_ms), HOLD_MAX, "ms"),
        figure("last frames lost", ours.lost_tail, gapless.lost_tail, NONE_LOST, "frames"),
        figure("frames lost in steady play", ours.lost, gapless.lost, NONE_LOST, "frames"),
        figure("first frames lost", ours.lost_head, gapless.lost_head, None, "frames"),
        figure(
            "hold of first frame, p95", quantile(ours.first_ms, 0.95), quantile(gapless.first_ms, 0.95), None, "ms", ours.first_ms
        ),
        figure("picture on screen too long", MS * middle(ours.late_s), MS * middle(gapless.late_s), None, "ms"),
        Figure(bench, "seams watched", len(ours.seams)),
    ]


def rival_figures(bench: str, rival: Summary, ours: Summary) -> list[Figure]:
    """A rival's numbers, beside the player's."""
    name = rival.player
    rows = [
        ("blank or wrong, longest", max(rival.wrong_ms), max(ours.wrong_ms), "ms"),
        ("hold of last frame, p95", quantile(rival.hold_ms, 0.95), quantile(ours.hold_ms, 0.95), "ms"),
        ("hold of last frame, longest", max(rival.hold_ms), max(ours.hold_ms), "ms"),
        ("last frames lost", float(rival.lost_tail), float(ours.lost_tail), "frames"),
        ("frames lost in steady play", float(rival.lost), float(ours.lost), "frames"),
        ("seams watched", float(len(rival.seams)), float(len(ours.seams)), ""),
    ]
    return [Figure(bench, f"{name}: {what}", value, unit, base, "the player") for what, value, base, unit in rows]


def fade_figures(bench: str, fades: Summary) -> list[Figure]:
    """How even a crossfade is: both weights together are one in every mixed picture, and it moves at each frame of the panel."""
    off = [abs(total - 1) for seam in fades.seams for total in weight_sums(seam)]
    counted = [float(steps(seam)) for seam in fades.seams]
    frames = [float(len(drawn(seam))) for seam in fades.seams]
    return [
        Figure(bench, "crossfade, weights off one, worst", max(off, default=1.0), "", required=SUM, samples=off),
        Figure(bench, "crossfade, steps, median", middle(counted), "steps", middle(frames), "frames drawn", STEPS, counted),
        Figure(bench, "crossfade, steps, fewest", min(counted), "steps", min(frames), "frames drawn"),
        Figure(bench, "crossfade, frames a second", MS / fades.period_ms, "Hz", 60, "a panel"),
    ]
