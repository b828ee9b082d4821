"""Sizes as people write them: "512MiB"."""

from __future__ import annotations

import re

_UNITS = {
    "": 1, "B": 1, "KiB": 1024, "MiB": 1024**2, "GiB": 1024**3, "TiB": 1024**4, "kB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12,
}  # fmt: skip


def parse_size(text: str) -> int:
    """Bytes of "8GiB", "512MiB", "1000". Raises ValueError."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([A-Za-z]*)", text)
    if not match or match[2] not in _UNITS:
        raise ValueError(f'expected a size such as "512MiB", found "{text}"')
    return int(float(match[1]) * _UNITS[match[2]])
