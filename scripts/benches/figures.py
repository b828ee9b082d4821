"""One measured number, its baseline from the same run, and the line it is held against; as a table and as JSON."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from statistics import median
from typing import Any


@dataclass(frozen=True, slots=True)
class Required:
    """A line: `bound` for the value itself, or for its ratio to the baseline; at most, or `at_least`."""

    bound: float
    of_ratio: bool = False
    at_least: bool = False

    def holds(self, number: float) -> bool:
        """Whether `number` keeps the line."""
        return number >= self.bound if self.at_least else number <= self.bound

    def words(self, unit: str) -> str:
        """As in the table."""
        return f"{'>=' if self.at_least else '<='} {_plain(self.bound)}{'x' if self.of_ratio else ' ' + unit}".rstrip()


@dataclass(frozen=True, slots=True)
class Figure:
    """`value` and `baseline` in `unit`; `samples` are the single runs behind `value`."""

    bench: str
    name: str
    value: float
    unit: str = ""
    baseline: float | None = None
    baseline_name: str = ""
    required: Required | None = None
    samples: Sequence[float] = field(default_factory=tuple)

    @property
    def ratio(self) -> float | None:
        """To the baseline; None where there is none, or nothing to divide by."""
        return self.value / self.baseline if self.baseline else None

    @property
    def met(self) -> bool | None:
        """Whether the line is kept; None where there is no line, or it is of a ratio that there is not."""
        if self.required is None:
            return None
        number = self.ratio if self.required.of_ratio else self.value
        return None if number is None else self.required.holds(number)

    def as_json(self) -> dict[str, Any]:
        """Everything, with what follows from it."""
        return {**asdict(self), "ratio": self.ratio, "met": self.met}


def middle(samples: Sequence[float]) -> float:
    """The median. Raises ValueError when nothing was measured."""
    if not samples:
        raise ValueError("nothing was measured")
    return median(samples)


def quantile(samples: Sequence[float], share: float) -> float:
    """The nearest-rank quantile, such as 0.95. Raises ValueError when nothing was measured."""
    if not samples:
        raise ValueError("nothing was measured")
    ordered = sorted(samples)
    return ordered[max(0, min(len(ordered) - 1, -int(-share * len(ordered) // 1) - 1))]


def table(figures: Iterable[Figure]) -> str:
    """Aligned columns for a terminal."""
    rows = [("figure", "measured", "baseline", "ratio", "required", "")]
    rows += [_row(figure) for figure in figures]
    widths = [max(len(row[column]) for row in rows) for column in range(6)]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows)


def to_json(figures: Iterable[Figure], unmeasured: Sequence[str], about: dict[str, Any]) -> str:
    """The whole run."""
    return json.dumps({**about, "unmeasured": list(unmeasured), "figures": [figure.as_json() for figure in figures]}, indent=1)


def _row(figure: Figure) -> tuple[str, str, str, str, str, str]:
    baseline = "-" if figure.baseline is None else f"{_plain(figure.baseline)} {figure.unit} ({figure.baseline_name})"
    ratio = "-" if figure.ratio is None else f"{figure.ratio:.2f}x"
    required = figure.required.words(figure.unit) if figure.required else "-"
    verdict = {True: "met", False: "MISSED", None: ""}[figure.met]
    return (f"{figure.bench}: {figure.name}", f"{_plain(figure.value)} {figure.unit}".strip(), baseline, ratio, required, verdict)


def _plain(number: float) -> str:
    return f"{number:.0f}" if number == int(number) or abs(number) >= 100 else f"{number:.3g}"
