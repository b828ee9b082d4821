"""What a server is told of the proof of play beside the plays themselves: the key that they are signed with, and a closing record.

With it a server can tell that plays are missing at the end, which the chain alone cannot show.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from player.core.ports.box import Clock
from player.core.proof import closing
from player.store import last_record, read_journal


class ProofHead:
    """Of the journal in `plays`. `public_key` is the device's (32 bytes, Ed25519), `sign` adds its signature to a record."""

    def __init__(
        self, plays: Path, clock: Clock, public_key: bytes, sign: Callable[[Mapping[str, Any]], Mapping[str, Any]]
    ) -> None:
        self._plays, self._clock, self._sign = plays, clock, sign
        self._key = base64.b64encode(public_key).decode()

    def read(self) -> dict[str, Any]:
        """`public_key` (base64) and, once there was a play, `proof`: the closing record over what is kept. Reads files.

        Raises OSError.
        """
        first, last = next(read_journal(self._plays), None), last_record(self._plays)
        if first is None or last is None:
            return {"public_key": self._key}
        count, now = last[0] - first[0] + 1, self._clock.now().timestamp()
        end = closing(count, str(first[1].get("hash")), str(last[1].get("hash")), now)
        return {"public_key": self._key, "proof": dict(self._sign(end))}
