"""What an emulated device's panel shows, judged."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from PIL import Image


def is_dark(picture: Image.Image) -> bool:
    """Whether nothing is on the panel but the emulator's own line in the very middle: it stands there while the output is off."""
    left, above, right, below = picture.convert("L").getbbox() or (200, 400, 200, 400)
    middle = picture.height // 2
    return above > middle - 60 and below < middle + 60 and left > 100 and right < picture.width - 100


def is_console(picture: Image.Image) -> bool:
    """Whether the panel shows a text console: black, and on it the grey or white of the kernel's letters."""
    if is_dark(picture):
        return False
    colours = {colour: count for count, colour in picture.getcolors(1 << 24) or []}
    black, total = colours.get((0, 0, 0), 0), picture.width * picture.height
    letters = colours.get((170, 170, 170), 0) + colours.get((255, 255, 255), 0)
    return black > 0.85 * total and letters > 20


@dataclass
class Seen:
    """What was on the panel from when on; `path`: kept as a file."""

    at_s: float
    picture: Image.Image = field(repr=False)
    path: Path
