"""A growing pause before a daemon that keeps ending soon after its start: it is tried for ever, and never spins (fault P4).

systemd starts a unit again after a fixed pause, short enough for one crash and far too short for a configuration that cannot work.
So each start leaves its count beside the sockets, in memory, known before the configuration is read. Who stops or restarts the unit
during such a pause has mended something: the count begins anew. What makes the picture counts as up after a few seconds: crashes of
its own that go on are for `core.crashes` and `core.renderer`, and one that is killed again and again must not stay away. Under
`signage-player run` the supervisor does all this instead; a daemon that a person starts by hand does not wait.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

STEADY_S, PICTURE_STEADY_S = 30.0, 3.0  # who lived this long starts again without a pause
STEPS = 20  # doublings that are counted
UNDER_SYSTEMD = "INVOCATION_ID"  # see systemd.exec(5)


@dataclass(frozen=True, slots=True)
class RestartPatience:
    """Seconds: the pause doubles from `first_s` to `limit_s`, until one lives for `steady_s`; `folder` names the variable with the
    folder of the count."""

    first_s: float
    limit_s: float
    steady_s: float
    folder: str

    def pause_s(self, ended_early: int) -> float:
        """Before the next start, after so many in a row that ended early. A single one is systemd's own short pause's."""
        return 0.0 if ended_early < 2 else min(self.limit_s, self.first_s * 2.0 ** min(ended_early - 1, STEPS))


PATIENCE = {
    "compositor": RestartPatience(0.1, 10.0, PICTURE_STEADY_S, "SIGNAGE__STAGE__RUNTIME_DIR"),
    "stage": RestartPatience(0.1, 10.0, PICTURE_STEADY_S, "SIGNAGE__STAGE__RUNTIME_DIR"),
    "agent": RestartPatience(2.0, 120.0, STEADY_S, "SIGNAGE__STORAGE__RUNTIME_DIR"),
}


def hold_back(
    daemon: str,
    environment: Mapping[str, str] = os.environ,
    *,
    now: Callable[[], float] = time.monotonic,
    wait: Callable[[float], None] = time.sleep,
) -> None:
    """Counts this start, and waits first when those before it ended early. Nothing outside systemd or without the folder."""
    patience = PATIENCE[daemon]
    folder = environment.get(patience.folder)
    if UNDER_SYSTEMD not in environment or not folder:
        return
    file = Path(folder) / f"{daemon}.starts"
    early, began = _read(file)
    early = early + 1 if began is not None and 0 <= now() - began < patience.steady_s else 0
    pause = patience.pause_s(early)
    if pause:
        _tell(daemon, early, pause, patience.steady_s)
        _wait_unless_ended(lambda: wait(pause), file)
    with contextlib.suppress(OSError):  # a full or missing folder is said by those who need it
        file.write_text(f"{early} {now()}")


def _wait_unless_ended(wait: Callable[[], None], file: Path) -> None:
    before = signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    try:
        wait()
    except SystemExit:
        file.unlink(missing_ok=True)
        raise
    finally:
        signal.signal(signal.SIGTERM, before)


def _read(file: Path) -> tuple[int, float | None]:
    """How many starts in a row ended early, and when the last one was; nothing where the file says nothing."""
    try:
        count, _, began = file.read_text().partition(" ")
        return max(0, int(count)), float(began)
    except (OSError, ValueError):
        return 0, None


def _tell(daemon: str, early: int, pause: float, steady_s: float) -> None:
    from player.runtime.logs import complain
    from player.runtime.systemd import sd_notify

    sentence = f"{early} starts of the {daemon} ended within {steady_s:.0f} s, the reason is above; it waits {pause:.1f} s"
    complain(sentence)
    sd_notify(f"EXTEND_TIMEOUT_USEC={int((pause + STEADY_S) * 1_000_000)}\nSTATUS={sentence}")
