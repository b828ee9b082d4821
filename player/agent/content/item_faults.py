"""What is wrong with which item: told to the operator, tried again after a growing pause, given up after a few tries.

A fault keeps the time it began and counts; it goes when its cause does. Each is logged when it begins, not each time.
"""

from __future__ import annotations

import logging
from collections.abc import Collection
from dataclasses import dataclass, replace

from player.core.faults import Fault
from player.core.ports.box import Clock
from player.errors import ContentError, ServerError, SignageError
from player.runtime.tasks import backoff

log = logging.getLogger(__name__)
PATIENCE = 3
LONGEST_PAUSE_S = 300.0
HOPELESS_PAUSE_S = 3600.0


@dataclass(frozen=True, slots=True)
class _Trouble:
    fault: Fault
    attempts: int = 0
    retry_at: float = 0.0  # monotonic
    hopeless: bool = False


class ItemFaults:
    """Faults by key; `first_pause_s` before the first retry of a download."""

    def __init__(self, clock: Clock, first_pause_s: float = 5.0) -> None:
        self._clock, self._first_pause_s = clock, first_pause_s
        self._known: dict[str, _Trouble] = {}

    @property
    def faults(self) -> tuple[Fault, ...]:
        """What an operator should know, the oldest first."""
        return tuple(sorted((t.fault for t in self._known.values()), key=lambda f: f.since))

    def state(self, key: str, code: str, message: str, *, item_id: str | None, content_id: str | None) -> None:
        """Notes a fault that is no attempt of ours: a bad address, no room."""
        before = self._known.get(key)
        fault = self._fault(before, code, message, item_id, content_id)
        count = before.fault.count if before else 1
        self._known[key] = _Trouble(replace(fault, count=count), hopeless=True)

    def failed(self, key: str, error: SignageError, *, item_id: str, content_id: str) -> None:
        """Notes a failed attempt."""
        before = self._known.get(key)
        attempts = before.attempts + 1 if before else 1
        code, message = error.code, str(error)
        if code == "hash_mismatch" and attempts >= PATIENCE:
            code, message = "integrity", f"{message} ({attempts} times now; what was there before stays)"
        hopeless = isinstance(error, ServerError | ContentError) and not error.transient
        pause = HOPELESS_PAUSE_S if hopeless else backoff(attempts - 1, first_s=self._first_pause_s, limit_s=LONGEST_PAUSE_S)
        if isinstance(error, ServerError) and error.retry_after_s:
            pause = max(pause, error.retry_after_s)
        fault = self._fault(before, code, message, item_id, content_id)
        self._known[key] = _Trouble(fault, attempts, self._clock.monotonic() + pause, hopeless)

    def _fault(self, before: _Trouble | None, code: str, message: str, item_id: str | None, content_id: str | None) -> Fault:
        if before is None or before.fault.code != code:
            log.warning("%s: %s", code, message)
            return Fault(code, message, self._clock.now().timestamp(), item_id, content_id)
        return Fault(code, message, before.fault.since, item_id, content_id, before.fault.count + 1)

    def gone(self, key: str) -> None:
        """It works now."""
        self._known.pop(key, None)

    def keep_only(self, keys: Collection[str]) -> None:
        """What is no longer wanted is no fault any more."""
        for key in set(self._known) - set(keys):
            del self._known[key]

    def hurry(self) -> None:
        """Everything may be tried again at once."""
        self._known = {key: replace(t, retry_at=0.0) for key, t in self._known.items()}

    def due(self, key: str) -> bool:
        """Whether an attempt may be made now."""
        known = self._known.get(key)
        return known is None or self._clock.monotonic() >= known.retry_at

    def given_up(self, key: str) -> bool:
        """Whether the show goes on without it: it failed a few times, or can only fail."""
        known = self._known.get(key)
        return known is not None and (known.hopeless or known.attempts >= PATIENCE)

    def retry_in_s(self) -> float | None:
        """Seconds until the next retry that may succeed; None when there is nothing to retry."""
        pending = [t.retry_at for t in self._known.values() if t.attempts]
        return max(0.0, min(pending) - self._clock.monotonic()) if pending else None
