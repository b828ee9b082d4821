"""A server's `file_hash`, understood: which algorithm it is and what must come out of it (contract 3.4; pure).

32, 40, 64 or 128 hex digits are MD5, SHA-1, SHA-256, SHA-512; `algo:hex` names the algorithm. Anything else is an opaque version:
a change means fetch again, and nothing can be checked against it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_DIGITS = {"md5": 32, "sha1": 40, "sha256": 64, "sha512": 128}
_BY_LENGTH = {digits: algorithm for algorithm, digits in _DIGITS.items()}


@dataclass(frozen=True, slots=True)
class FileHash:
    """`algorithm` as hashlib names it; `digest` in lower-case hex."""

    algorithm: str
    digest: str


def parse_file_hash(text: str | None) -> FileHash | None:
    """What the bytes must hash to, or None where `text` is absent or opaque."""
    found = re.fullmatch(r"(?:(md5|sha-?1|sha-?256|sha-?512):)?([0-9a-f]+)", (text or "").strip().lower())
    if not found:
        return None
    named, digest = (found[1] or "").replace("-", ""), found[2]
    algorithm = _BY_LENGTH.get(len(digest))
    if algorithm is None or named not in ("", algorithm):
        return None
    return FileHash(algorithm, digest)
