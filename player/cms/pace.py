"""When a server may be asked again: full-jitter backoff for each endpoint, Retry-After and X-RateLimit obeyed (contract §3.6).

An endpoint that failed is left alone until its pause is over: a circuit breaker. Durations are monotonic; an instant that the
server names is measured against the server's own `Date`, since our clock may be wrong.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from tenacity import AsyncRetrying, RetryCallState, retry_if_exception, stop_after_attempt, wait_random_exponential

from player.core.ports.box import Clock
from player.core.quota import Quota
from player.errors import ServerBusy, ServerError, ServerRefused
from player.runtime.tasks import backoff, jittered

LIMIT_S = 3600.0
BACKOFF_S = REFUSED_S = 300.0
SHARE, WINDOW_S, TURN_S = 0.8, 60.0, 10.0
ENDPOINTS = 256
ATTEMPTS, LONGEST_AGAIN_S = 5, 10.0  # of what no loop sends again
_EPOCH_FROM = 1e9  # a larger X-RateLimit-Reset is an instant, a smaller one a duration


@dataclass(frozen=True, slots=True)
class _Because:
    """What closed an endpoint, to be said again; without a `url`: that of whoever asks."""

    kind: type[ServerError]
    url: str
    reason: str


class Pace:
    """One endpoint's pause."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._failures = 0
        self._closed_until = 0.0
        self._because = _Because(ServerBusy, "", "")

    @property
    def is_rested(self) -> bool:
        """Whether nothing would be lost if it were forgotten."""
        return not self._failures and self._clock.monotonic() >= self._closed_until

    def check(self, url: str) -> None:
        """While the endpoint is to be left alone: raises what closed it, once more, with the seconds that are left."""
        left = self._closed_until - self._clock.monotonic()
        if left > 0:
            kind, reason = self._because.kind, self._because.reason
            raise kind(self._because.url or url, f"{reason}; asked again in {left:.0f} s", retry_after_s=left)

    def worked(self, headers: Mapping[str, str]) -> None:
        """An answer came; it may still ask for a pause by `X-RateLimit-Remaining: 0`."""
        self._failures = 0
        if _number(headers.get("X-RateLimit-Remaining")) == 0:
            self._close(until_reset(headers, self._clock) or 0.0, _Because(ServerBusy, "", "its rate limit is used up"))

    def failed(self, error: ServerError) -> None:
        """Nothing useful came. A refusal that is final until something changes is an answer, and needs no pause of ours."""
        asked = error.retry_after_s
        if asked is None and not error.transient:
            self._failures = 0
            return
        pause = backoff(self._failures, limit_s=BACKOFF_S)
        self._failures += 1
        spread = (asked or 0.0) * random.uniform(1.0, 1.1)  # noqa: S311 - spread, not secrecy
        self._close(max(pause, spread), _Because(type(error), error.url, error.reason))

    def asked_pause(self, headers: Mapping[str, str]) -> float | None:
        """The seconds that the server asks us to wait, 0 to an hour, or None."""
        text = headers.get("Retry-After")
        if text is not None:
            seconds = _number(text)
            if seconds is None:
                seconds = _seconds_until(http_instant(text), headers, self._clock)
            if seconds is not None:
                return min(max(seconds, 0.0), LIMIT_S)
        return until_reset(headers, self._clock) if _number(headers.get("X-RateLimit-Remaining")) == 0 else None

    def _close(self, seconds: float, because: _Because) -> None:
        self._closed_until = self._clock.monotonic() + min(seconds, LIMIT_S * 1.1)
        self._because = because


def rest_s(error: ServerError, attempt: int, interval_s: float) -> float:
    """How long a rhythm rests after a failure, `attempt` being 0 at the first: one that is refused asks rarely (N16)."""
    if isinstance(error, ServerRefused):
        return jittered(max(REFUSED_S, interval_s) if attempt else interval_s)
    spread = backoff(attempt, first_s=interval_s, limit_s=max(BACKOFF_S, interval_s))
    return max(spread, error.retry_after_s or 0.0) if isinstance(error, ServerBusy) else spread


class Paces:
    """The endpoints of one server. One that is rested is forgotten when there are many: a server may name ever more of them."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._held: dict[str, Pace] = {}

    def of(self, endpoint: str) -> Pace:
        """The pace of `endpoint`, a fresh one at its first use."""
        if len(self._held) >= ENDPOINTS and endpoint not in self._held:
            self._held = {name: pace for name, pace in self._held.items() if not pace.is_rested}
        return self._held.setdefault(endpoint, Pace(self._clock))


def trying_again() -> AsyncRetrying:
    """For what no loop sends again: a few attempts with `async for`, as long as an error passes and asks for no long pause."""
    spread = wait_random_exponential(multiplier=0.5, max=LONGEST_AGAIN_S)

    def pause(state: RetryCallState) -> float:
        error = state.outcome.exception() if state.outcome else None
        asked = error.retry_after_s if isinstance(error, ServerError) else None
        return spread(state) if asked is None else asked + 0.01

    def passes(error: BaseException) -> bool:
        return isinstance(error, ServerError) and error.transient and (error.retry_after_s or 0) <= LONGEST_AGAIN_S

    return AsyncRetrying(stop=stop_after_attempt(ATTEMPTS), wait=pause, retry=retry_if_exception(passes), reraise=True)


class Budget:
    """The calls of one key over all endpoints: four fifths of what its limit a minute allows, as its answers tell it."""

    def __init__(self, clock: Clock) -> None:
        self._clock, self._quota = clock, Quota(SHARE, WINDOW_S)

    def heard(self, headers: Mapping[str, str]) -> None:
        """Reads `X-RateLimit-Limit`, `-Remaining` and `-Reset` of an answer."""
        limit, remaining = _number(headers.get("X-RateLimit-Limit")), _number(headers.get("X-RateLimit-Remaining"))
        counts = [None if one is None else int(one) for one in (limit, remaining)]
        self._quota.told(counts[0], counts[1], until_reset(headers, self._clock), self._clock.monotonic())

    async def turn(self, url: str) -> None:
        """Waits for this call's turn. Raises ServerBusy where that is too far away to be waited for."""
        while (wait_s := self._quota.wait_s(self._clock.monotonic())) > 0:
            if wait_s > TURN_S:
                raise ServerBusy(url, f"our share of its rate limit is spent; asked again in {wait_s:.0f} s", retry_after_s=wait_s)
            await asyncio.sleep(wait_s)


def until_reset(headers: Mapping[str, str], clock: Clock) -> float | None:
    """Seconds, at most an hour, until what `X-RateLimit-Reset` names; None where it says nothing."""
    value = _number(headers.get("X-RateLimit-Reset"))
    if value is None:
        return None
    seconds = _seconds_until(value, headers, clock) if value >= _EPOCH_FROM else value
    return min(max(seconds or 0.0, 0.0), LIMIT_S)


def _seconds_until(instant: float | None, headers: Mapping[str, str], clock: Clock) -> float | None:
    if instant is None:
        return None
    server_now = http_instant(headers.get("Date", ""))
    return instant - (clock.now().timestamp() if server_now is None else server_now)


def _number(text: str | None) -> float | None:
    """Digits only: no sign, no exponent, no NaN."""
    return float(text.strip()[:18]) if text is not None and text.strip().isascii() and text.strip().isdigit() else None


def http_instant(text: str) -> float | None:
    """An HTTP date as seconds since the epoch; None where it is none."""
    try:
        parsed: datetime = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return parsed.replace(tzinfo=parsed.tzinfo or UTC).timestamp()
