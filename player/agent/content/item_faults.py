"""What failed with which item: told to the operator, and tried again after a growing pause.

What is wrong stands in the fault book, what is tried when in `core.retries`; both end when the item is well, or wanted no more.
"""

from __future__ import annotations

from collections.abc import Collection

from player.core.faults import Fault
from player.core.ports.box import Clock
from player.core.retries import PATIENCE, Retries
from player.errors import ContentError, ServerError, SignageError
from player.runtime.fault_page import FaultPage
from player.runtime.tasks import backoff

FIRST_PAUSE_S, LONGEST_PAUSE_S = 5.0, 300.0
HOPELESS_PAUSE_S = 3600.0


class ItemFaults:
    """Each by a key of its author's: of an item, or of the file behind several."""

    def __init__(self, faults: FaultPage, clock: Clock) -> None:
        self._faults, self._clock = faults, clock
        self._retries = Retries()

    def __repr__(self) -> str:
        return f"{self._faults!r}, {self._retries!r}"

    @property
    def faults(self) -> tuple[Fault, ...]:
        """Those that there are."""
        return self._faults.faults

    def state(self, key: str, code: str, message: str, *, item_id: str | None, content_id: str | None) -> None:
        """Notes what is no failed attempt of ours: a bad address, no room."""
        self._retries.give_up(key)
        self._faults.report(key, code, message, item_id=item_id, content_id=content_id, count=1)

    def failed(self, key: str, error: SignageError, *, item_id: str, content_id: str) -> None:
        """Notes a failed attempt."""
        failures = self._retries.failures(key) + 1
        hopeless = isinstance(error, ServerError | ContentError) and not error.transient
        self._retries.failed(key, retry_at=self._clock.monotonic() + self._pause_s(error, failures, hopeless), hopeless=hopeless)
        code, message = error.code, str(error)
        if code == "hash_mismatch" and failures >= PATIENCE:
            code, message = "integrity", f"{message} (the same {failures} times; what was there before stays)"
        self._faults.report(key, code, message, item_id=item_id, content_id=content_id)

    def _pause_s(self, error: SignageError, failures: int, hopeless: bool) -> float:
        pause = HOPELESS_PAUSE_S if hopeless else backoff(failures - 1, first_s=FIRST_PAUSE_S, limit_s=LONGEST_PAUSE_S)
        asked = error.retry_after_s if isinstance(error, ServerError) else None
        return max(pause, asked or 0.0)

    def gone(self, key: str) -> None:
        """The fault is over: it was fetched, or can be shown."""
        self._retries.went_well(key)
        self._faults.clear(key)

    def keep_only(self, keys: Collection[str]) -> None:
        """What is no longer wanted is no fault any more."""
        self._retries.keep_only(keys)
        self._faults.keep_only(keys)

    def hurry(self) -> None:
        """Everything may be tried again at once."""
        self._retries.hurry()

    def due(self, key: str) -> bool:
        """Whether an attempt may be made now."""
        return self._retries.due(key, self._clock.monotonic())

    def given_up(self, key: str) -> bool:
        """Whether the show goes on without it: it failed a few times, or can only fail."""
        return self._retries.given_up(key)

    def retry_in_s(self) -> float | None:
        """Seconds until the next retry that may succeed; None when there is nothing to retry."""
        return self._retries.next_in_s(self._clock.monotonic())
