"""What a server calls a file: its `file_hash`, understood, and the key of one revision in the cache (contract 3.4; pure).

32, 40, 64 or 128 hex digits are MD5, SHA-1, SHA-256, SHA-512; `algo:hex` names the algorithm. Anything else is an opaque version:
a change means fetch again, and nothing can be checked against it.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass

_DIGITS = {"md5": 32, "sha1": 40, "sha256": 64, "sha512": 128}
_BY_LENGTH = {digits: algorithm for algorithm, digits in _DIGITS.items()}
_EXPIRING = re.compile(r"(?i)^(x-amz-.*|x-goog-.*|signature|sig|expires|policy|key-pair-id|token|se|sp|sv|sr|st)$")


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


def asset_key(content_id: str, file_hash: str | None, url: str) -> str:
    """What one revision of a file is called in the cache: 64 hex digits, whatever the server wrote.

    A SHA-256 is its own key. Another hash is one wherever the file lies and whichever content it is; an opaque version belongs to
    its content. Without either, the address is the only sign of a change, less the parameters of signed addresses that differ each
    time.
    """
    known = parse_file_hash(file_hash)
    if known:
        if known.algorithm == "sha256":
            return known.digest
        parts = ["hash", known.algorithm, known.digest]
    elif file_hash:
        parts = ["version", content_id, file_hash.strip()]
    else:
        base, _, query = url.partition("?")
        kept = [pair for pair in query.split("&") if not _EXPIRING.match(pair.partition("=")[0])]
        parts = ["url", content_id, base, *kept]
    return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogatepass")).hexdigest()
