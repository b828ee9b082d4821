"""Files that are a trial to whoever opens them."""

from __future__ import annotations

import struct
from pathlib import Path


def slow_picture(path: Path) -> None:
    """Thirty frames of sixty million pixels in a kilobyte: within the limits, and seconds of work."""
    screen = b"GIF89a" + struct.pack("<HHBBB", 7900, 7900, 0x80, 0, 0) + b"\0\0\0\xff\xff\xff"
    frame = b"\x2c" + struct.pack("<HHHHB", 0, 0, 1, 1, 0) + b"\x02\x02\x44\x01\x00"
    path.write_bytes(screen + frame * 30 + b"\x3b")
