"""Mixed directions on one line: the Unicode bidirectional algorithm (UAX #9) without explicit embeddings, which no sign uses.

Pure. Shaping and mirroring inside a run are the text engine's work; here is only which way each run goes and in which order the
runs stand.
"""

from __future__ import annotations

import itertools
import unicodedata

_NEUTRAL = frozenset({"B", "S", "WS", "ON", "BN", "LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"})
_STRONG_RTL = frozenset({"R", "AL"})


def is_rtl(text: str) -> bool:
    """Whether a paragraph runs from right to left: its first strong character says so."""
    for char in text:
        match unicodedata.bidirectional(char):
            case "L":
                return False
            case "R" | "AL":
                return True
    return False


def visual_runs(text: str, *, rtl: bool) -> list[tuple[str, bool]]:
    """One line's runs, from left to right on the screen, as (text in logical order, whether it runs right to left).

    `rtl` is the paragraph's direction.
    """
    levels = _levels(text, base=int(rtl))
    runs: list[tuple[str, int]] = []
    for level, group in itertools.groupby(zip(levels, text, strict=True), key=lambda pair: pair[0]):
        runs.append(("".join(char for _, char in group), level))
    return [(run, level % 2 == 1) for run, level in _reordered(runs)]


def _levels(text: str, base: int) -> list[int]:
    kinds = _resolved(_weak([unicodedata.bidirectional(char) or "L" for char in text], base), base)
    levels = [base + _above(kind, base) for kind in kinds]
    for index in range(len(text) - 1, -1, -1):  # rule L1: blanks at the end stand with the paragraph
        if not text[index].isspace():
            break
        levels[index] = base
    return levels


def _above(kind: str, base: int) -> int:
    """Rules I1 and I2: how far above the paragraph's level."""
    if kind == "L":
        return base % 2
    if kind == "R":
        return 1 - base % 2
    return 2 - base % 2  # numbers


def _weak(kinds: list[str], base: int) -> list[str]:
    """Rules W1 to W7: marks, digits and what belongs to digits."""
    strong = previous = "R" if base else "L"
    out: list[str] = []
    for given in kinds:
        kind = previous if given == "NSM" else given
        if kind in ("L", "R", "AL"):
            strong = kind
        if kind == "EN" and strong == "AL":
            kind = "AN"
        out.append(kind)
        previous = kind
    for index in range(1, len(out) - 1):
        around = (out[index - 1], out[index + 1])
        if (out[index] == "ES" and around == ("EN", "EN")) or (out[index] == "CS" and around in (("EN", "EN"), ("AN", "AN"))):
            out[index] = around[0]
    return _numbers(_terminators(out), base)


def _terminators(kinds: list[str]) -> list[str]:
    """Rules W5 and W6: a percent or currency sign joins the number beside it, else it is neutral."""
    out: list[str] = []
    for kind, group in itertools.groupby(kinds):
        length = len(list(group))
        end = len(out) + length
        if kind == "ET" and (out[-1:] == ["EN"] or kinds[end : end + 1] == ["EN"]):
            out += ["EN"] * length
        else:
            out += ["ON" if kind in ("ET", "ES", "CS") else kind] * length
    return out


def _numbers(kinds: list[str], base: int) -> list[str]:
    """Rules W3 and W7: Arabic letters are right to left, European digits after Latin are Latin."""
    strong = "R" if base else "L"
    out: list[str] = []
    for given in kinds:
        kind = "R" if given in _STRONG_RTL else given
        if kind in ("L", "R"):
            strong = kind
        out.append("L" if kind == "EN" and strong == "L" else kind)
    return out


def _resolved(kinds: list[str], base: int) -> list[str]:
    """Rules N1 and N2: neutrals go with what stands on both sides, else with the paragraph."""
    paragraph = "R" if base else "L"
    out: list[str] = []
    for neutral, group in itertools.groupby(kinds, key=lambda kind: kind in _NEUTRAL):
        run = list(group)
        if neutral:
            end = len(out) + len(run)
            before = _side(out[-1]) if out else paragraph
            after = _side(kinds[end]) if end < len(kinds) else paragraph
            run = [before if before == after else paragraph] * len(run)
        out += run
    return out


def _side(kind: str) -> str:
    return "L" if kind == "L" else "R"


def _reordered(runs: list[tuple[str, int]]) -> list[tuple[str, int]]:
    """Rule L2: from the highest level down to the lowest odd one, every stretch at or above it is turned round."""
    highest = max((level for _, level in runs), default=0)
    for threshold in range(highest, 0, -1):
        turned: list[tuple[str, int]] = []
        for above, group in itertools.groupby(runs, key=lambda run, at=threshold: run[1] >= at):  # type: ignore[misc]  # a lambda's default has no annotation
            stretch = list(group)
            turned += reversed(stretch) if above else stretch
        runs = turned
    return runs
