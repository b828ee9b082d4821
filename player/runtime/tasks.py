"""Tasks that are kept running, and what ends a daemon (house rules 9 and 10): one TaskGroup, every task named.

What may end the process is named; the rest runs under `keep_running`. What such a loop does for somebody, one request after the
other, is done under `Mistakes`: then a mistake costs that request alone. These two hold the broad `except`s.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
import signal
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Generic, TypeVar

from player.errors import SignageError, Stumbled

log = logging.getLogger(__name__)


T = TypeVar("T")


class Latest(Generic[T]):
    """One value that many watch: readers wait for the next change and see only the newest."""

    def __init__(self, value: T) -> None:
        self.value = value
        self._changed = asyncio.Event()

    def set(self, value: T) -> None:
        """Replaces the value; equal values wake nobody."""
        if value == self.value:
            return
        self.value = value
        self.wake()

    def wake(self) -> None:
        """Wakes every watcher, the value unchanged."""
        self._changed.set()
        self._changed = asyncio.Event()

    async def wait(self, timeout_s: float | None = None) -> T:
        """The value after its next change, or as it is when `timeout_s` has passed."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                await self._changed.wait()
        return self.value


class Shutdown(Exception):
    """Raised inside the root TaskGroup to end the daemon cleanly."""


def backoff(attempt: int, *, first_s: float = 1.0, limit_s: float = 300.0) -> float:
    """Full-jitter exponential pause before retry `attempt` (0 is the first): uniform in (0, min(limit, first * 2^attempt)]."""
    return random.uniform(0.1, 1.0) * min(limit_s, first_s * 2.0 ** min(attempt, 20))  # noqa: S311 - spread, not secrecy


def jittered(interval_s: float, spread: float = 0.1) -> float:
    """`interval_s`, spread by plus or minus `spread`, so that ten thousand boxes do not call in step."""
    return interval_s * random.uniform(1 - spread, 1 + spread)  # noqa: S311 - spread, not secrecy


async def keep_running(name: str, work: Callable[[], Awaitable[None]], *, limit_s: float = 60.0) -> None:
    """Runs `work` for ever: a failure is logged once with its trace and the work begins again after a growing pause."""
    attempt = 0
    while True:
        began = time.monotonic()
        try:
            await work()
        except (asyncio.CancelledError, Shutdown):
            raise
        except SignageError as error:
            log.warning("%s: %s", name, error)
        except Exception:
            log.exception("%s failed and starts again", name)
        attempt = 0 if time.monotonic() - began > limit_s else attempt + 1
        await asyncio.sleep(backoff(attempt, first_s=0.5, limit_s=limit_s))


class Mistakes:
    """Has an exception that nobody foresaw cost what it happened in alone; each is told once with its trace."""

    def __init__(self) -> None:
        self._told: set[tuple[str, type[Exception]]] = set()

    @contextlib.contextmanager
    def kept_to(self, what: str) -> Iterator[None]:
        """Around what is done for one request; `what` is one of few names. What takes too long is the caller's to judge.

        Raises what was foreseen as it is, and Stumbled instead of everything else.
        """
        try:
            yield
        except (SignageError, TimeoutError):
            raise
        except Exception as mistake:
            if (what, type(mistake)) not in self._told:
                self._told.add((what, type(mistake)))
                log.exception("%s: a mistake of the player's own, which is told once", what)
            raise Stumbled(what, mistake) from mistake


@contextlib.asynccontextmanager
async def stopping_on_signals() -> AsyncIterator[asyncio.Event]:
    """An event that SIGTERM and SIGINT set."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    try:
        yield stop
    finally:
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(number)


async def until_stopped(stop: asyncio.Event) -> None:
    """The root TaskGroup's last task: ends the group when a signal came."""
    await stop.wait()
    raise Shutdown
