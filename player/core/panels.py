"""Which panel is which: a panel keeps its number while the player runs, whatever is unplugged and plugged beside it. Pure.

Regions name panels by number, while connectors come and go in any order. So the first look numbers the panels by their connectors'
names; a panel that goes leaves its number free, gets it back when it returns, and one on another connector takes the lowest free
number: a cable moved to the next socket shows the same picture again.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import replace

from player.core.content import Layout, Region

_MIRROR = "@panel-"
RATE_SLACK_MHZ = 500  # 59.94 Hz is what a panel calls 60


def numbered(before: tuple[str, ...], connected: Collection[str]) -> tuple[str, ...]:
    """The connectors by panel number, as they are now; `before` is the last answer. Missing panels keep their place."""
    names = list(before)
    free = [number for number, name in enumerate(names) if name not in connected]
    for name in sorted(set(connected) - set(before), key=_in_words_and_numbers):
        if free:
            names[free.pop(0)] = name
        else:
            names.append(name)
    return tuple(names)


def mirrored(layout: Layout, panels: int) -> Layout:
    """The same with the first panel's regions on every further one, silent; what was laid out for those gives way."""
    own = tuple(region for region in layout.regions if region.output == 0)
    images = tuple(
        replace(region, id=f"{region.id}{_MIRROR}{number}", output=number, audible=False)
        for number in range(1, panels)
        for region in own
    )
    return replace(layout, regions=own + images)


def is_mirror(region: Region) -> bool:
    """Whether it only repeats another region: it is no showing of its own."""
    return region.output > 0 and region.id.endswith(f"{_MIRROR}{region.output}")


def parse_mode(text: str) -> tuple[int, int, int | None] | None:
    """(width, height, mHz or None) of "1920x1080@60"; None of "": whatever the panel prefers."""
    if not text:
        return None
    size, _, rate = text.partition("@")
    width, _, height = size.partition("x")
    return int(width), int(height), round(float(rate) * 1000) if rate else None


def is_mode(found: tuple[int, int, int], wanted: tuple[int, int, int | None]) -> bool:
    """Whether a panel's mode is the wanted one; one that says nothing of its rate (a window in a desktop) has the right one."""
    rate = wanted[2] is None or not found[2] or abs(found[2] - wanted[2]) <= RATE_SLACK_MHZ
    return found[:2] == wanted[:2] and rate


def mode_words(mode: tuple[int, int, int]) -> str:
    """As people write it, "1920x1080@60", of (width, height, mHz); without a rate where the panel says none."""
    width, height, rate = mode
    return f"{width}x{height}@{rate / 1000:g}" if rate else f"{width}x{height}"


def _in_words_and_numbers(name: str) -> list[tuple[int, str]]:
    """HDMI-A-2 before HDMI-A-10."""
    return [(int(part), "") if part.isdigit() else (0, part) for part in re.split(r"(\d+)", name)]
