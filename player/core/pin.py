"""The PIN: kept as a salted scrypt hash, compared in constant time, and guessing it grows slow: 1, 2, 4 … 300 s. Pure."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass, field

SLOWEST_S = 300.0
SALT_BYTES = 16


@dataclass(frozen=True, slots=True)
class PinHash:
    """scrypt with its cost: 2^`log_n` rounds of blocks of 8."""

    salt: bytes = field(repr=False)
    digest: bytes = field(repr=False)
    log_n: int


def hash_pin(pin: str, salt: bytes, log_n: int) -> PinHash:
    """What is kept of `pin`. Slow by design, the slower the greater `log_n`: not for the event loop."""
    return PinHash(salt, _digest(pin, salt, log_n), log_n)


def matches(pin: str, kept: PinHash) -> bool:
    """Whether `pin` is the one. Slow by design."""
    return hmac.compare_digest(_digest(pin, kept.salt, kept.log_n), kept.digest)


def pause_s(failures: int) -> float:
    """How long no further PIN is looked at after so many wrong ones in a row."""
    return 0.0 if failures <= 0 else min(SLOWEST_S, 2.0 ** min(failures - 1, 16))


def _digest(pin: str, salt: bytes, log_n: int) -> bytes:
    return hashlib.scrypt(pin.strip().encode(), salt=salt, n=2**log_n, r=8, p=1, maxmem=2 ** (log_n + 11))
