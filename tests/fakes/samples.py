"""Small files to upload and to play."""

from __future__ import annotations

from pathlib import Path

from PIL import Image

from player.demo.samples import RATE, encode


def make_clip(path: Path, seconds: float, size: tuple[int, int]) -> Path:
    """A silent clip that grows from black to white."""
    count = max(1, round(seconds * RATE))
    encode((Image.new("RGB", size, (255 * frame // count,) * 3) for frame in range(count)), path, size)
    return path


def make_picture(path: Path, size: tuple[int, int] = (320, 180)) -> Path:
    """A picture of one colour, in the format of its suffix."""
    Image.new("RGB", size, "#996633").save(path)
    return path
