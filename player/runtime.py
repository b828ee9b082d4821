"""What every daemon needs from the operating system's side of time and life: clock, tasks that are kept running, sd_notify.

House rules 9 to 12: one TaskGroup, every task named; what may end the process is named, the rest runs under `keep_running`,
which holds the one broad `except`; durations are monotonic, instants aware UTC.
"""

from __future__ import annotations

import asyncio
import contextlib
import faulthandler
import logging
import os
import random
import signal
import socket
import sys
import time
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime
from typing import Generic, TypeVar

from player.errors import SignageError

log = logging.getLogger(__name__)
T = TypeVar("T")

LAG_PROBE_S = 1.0
KEPT_LINES, LONGEST_LINE = 200, 500
STALL_S = 2.0


class SystemClock:
    """The real `core.ports.box.Clock`."""

    def now(self) -> datetime:
        """This instant, aware UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Seconds that only grow, counted while suspended too."""
        return time.clock_gettime(time.CLOCK_BOOTTIME)


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


def sd_notify(message: str) -> None:
    """Tells systemd (`READY=1`, `WATCHDOG=1`, `STATUS=…`), where there is one; see sd_notify(3)."""
    address = os.environ.get("NOTIFY_SOCKET")
    if not address:
        return
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as out:
        out.connect("\0" + address[1:] if address.startswith("@") else address)
        out.sendall(message.encode())


def watchdog_interval() -> float | None:
    """Half of systemd's `WatchdogSec` in seconds, or None where no watchdog listens."""
    microseconds = os.environ.get("WATCHDOG_USEC")
    return int(microseconds) / 2e6 if microseconds else None


async def feed_watchdog() -> None:
    """Tells systemd, for ever, that the loop turns in time (fault P7). A loop that lags by half of `WatchdogSec` is not fed.

    A stall that ends by itself is one line in the log; one that lasts ends with SIGABRT, which writes where it happened.
    """
    interval = watchdog_interval() or 10.0
    probe, lag = min(LAG_PROBE_S, interval), 0.0
    while True:
        if lag < interval:
            sd_notify("WATCHDOG=1")
        began = time.monotonic()
        await asyncio.sleep(probe)
        lag = time.monotonic() - began - probe
        if lag > STALL_S:
            log.warning("the event loop stood still for %.1f s; something in this process blocked it", lag)


def child_environment() -> dict[str, str]:
    """The environment for children: ours, less what only the daemon itself may use to speak to systemd."""
    return {k: v for k, v in os.environ.items() if k not in ("NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID")}


class RecentLines(logging.Handler):
    """Keeps the last lines, for whoever asks from afar; a long one is cut."""

    def __init__(self) -> None:
        super().__init__()
        self.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
        self.lines: deque[str] = deque(maxlen=KEPT_LINES)

    def emit(self, record: logging.LogRecord) -> None:
        """Takes one in."""
        self.lines.append(self.format(record)[:LONGEST_LINE])


def recent_lines() -> list[str]:
    """What this process has logged lately, oldest first; empty before `set_up_logging`."""
    kept = (handler for handler in logging.getLogger().handlers if isinstance(handler, RecentLines))
    return [line for handler in kept for line in handler.lines]


def set_up_logging(level: str = "INFO") -> None:
    """Lines on stderr; under journald without a time of our own, since the journal has one. A crash writes where it happened."""
    faulthandler.enable()
    under_journal = "JOURNAL_STREAM" in os.environ
    layout = "%(levelname)s %(name)s: %(message)s" if under_journal else "%(asctime)s %(levelname)-7s %(name)s: %(message)s"
    logging.basicConfig(level=level, format=layout, handlers=[logging.StreamHandler(sys.stderr), RecentLines()], force=True)
