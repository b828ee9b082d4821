"""What a server is told of the proof of play beside the plays themselves: the key that they are signed with, and a closing record.

With it a server can tell that plays are missing at the end, which the chain alone cannot show. What a power cut would take is not
counted yet: it would be missed.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from player.core.ports.box import Clock
from player.core.proof import closing
from player.journal_reader import last_synced, read_synced, segments


class ProofHead:
    """Of the journal in `plays`. `public_key` is the device's (32 bytes, Ed25519), `sign` adds its signature to a record."""

    def __init__(
        self, plays: Path, clock: Clock, public_key: bytes, sign: Callable[[Mapping[str, Any]], Mapping[str, Any]]
    ) -> None:
        self._plays, self._clock, self._sign = plays, clock, sign
        self._key = base64.b64encode(public_key).decode()
        self._first: tuple[int, int, str] | None = None  # of the oldest segment: its name, its first event's number and hash

    def read(self) -> dict[str, Any]:
        """`public_key` (base64) and, once there was a play, `proof`: the closing record over what is kept. Reads files.

        Raises OSError, StorageError.
        """
        last = last_synced(self._plays)
        first = self._oldest() if last else None
        if first is None or last is None:
            return {"public_key": self._key}
        number, hash_of_first = first
        end = closing(last[0] - number + 1, hash_of_first, str(last[1].get("hash")), self._clock.now().timestamp())
        return {"public_key": self._key, "proof": dict(self._sign(end))}

    def _oldest(self) -> tuple[int, str] | None:
        """Number and hash of the first event; the file is not read again while it is the oldest."""
        name = next((first for first, _ in segments(self._plays)), 0)
        if self._first is None or self._first[0] != name:
            found = next(read_synced(self._plays), None)
            self._first = (name, found[0], str(found[1].get("hash"))) if found else None
        return self._first[1:] if self._first else None
