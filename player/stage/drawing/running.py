"""Text that runs along a line: how fast, and which way. What is read from right to left runs to the right, its beginning first."""

from __future__ import annotations

from collections.abc import Sequence

from player.stage.drawing import bidi

SPEED = 0.075  # of the width of the region or panel, a second


def is_rtl(lines: Sequence[str]) -> bool:
    """Whether most lines are read from right to left."""
    return sum(bidi.is_rtl(line) for line in lines) * 2 > len(lines)
