"""What a daemon says to systemd (sd_notify, the watchdog), and what its children do not inherit of it."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator

from player.core.egress import WayOut

log = logging.getLogger(__name__)


# What children need to find programs, screen, sound, fonts and words: no setting of ours, no secret, no way to speak to systemd.
_FOR_CHILDREN = (
    "PATH", "HOME", "USER", "LOGNAME", "LANG", "LANGUAGE", "TZ", "TMPDIR", "WAYLAND_DISPLAY", "DISPLAY", "XAUTHORITY",
    "SSL_CERT_FILE", "SSL_CERT_DIR", "MALLOC_ARENA_MAX",
)  # fmt: skip
_FAMILIES_FOR_CHILDREN = ("LC_", "XDG_", "PULSE_", "PIPEWIRE_", "ALSA_", "MESA_", "LIBGL_", "GALLIUM_", "LIBVA_", "FONTCONFIG_")
NOTIFY = "NOTIFY_SOCKET"
LAG_PROBE_S = 1.0
STALL_S = 2.0
START_LOOK_S, START_AGAIN_S = 10.0, 60.0  # between two looks at a start; what it is given from each that finds it at work
AT_WORK_S = 0.005  # of processor time between two looks: more than the looks themselves take


def sd_notify(message: str) -> None:
    """Tells systemd (`READY=1`, `WATCHDOG=1`, `STATUS=…`), where there is one; see sd_notify(3)."""
    address = os.environ.get(NOTIFY)
    if not address:
        return
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as out:
        out.connect("\0" + address[1:] if address.startswith("@") else address)
        out.sendall(message.encode())


@contextlib.contextmanager
def taking_its_time(look_s: float = START_LOOK_S) -> Iterator[Callable[[], None]]:
    """Asks systemd for more time while this process starts and is at work; gives what is to be called when it is up.

    On one busy processor a start can take minutes. One that does nothing (it waits for something that does not come) is given none
    beyond what its unit says. See EXTEND_TIMEOUT_USEC in sd_notify(3).
    """
    up = threading.Event()

    def look() -> None:
        spent = time.process_time()
        while not up.wait(look_s):
            before, spent = spent, time.process_time()
            if spent - before > AT_WORK_S:
                sd_notify(f"EXTEND_TIMEOUT_USEC={int(START_AGAIN_S * 1_000_000)}")

    looking = threading.Thread(target=look, name="start", daemon=True)
    looking.start()
    try:
        yield up.set
    finally:
        up.set()
        looking.join()


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


def child_environment(way_out: WayOut | None) -> dict[str, str]:
    """The environment for children: of ours what is named here and nothing else, and the `way_out`.

    None: the child has no business outside, and hears of no proxy.
    """
    ours = {name: value for name, value in os.environ.items() if name in _FOR_CHILDREN or name.startswith(_FAMILIES_FOR_CHILDREN)}
    return ours | dict(way_out.environment() if way_out else {})
