"""An update whose verdict the power took away is judged after the next boot, by the version before.

While an update is installed, `venv.before` leads to the version that ran until then. It goes with the verdict: the new version
stayed up, or the link was moved back. A boot that finds it still there has `signage-trial.service` run this module with that
version's own interpreter, since the new one may not run at all. What is left is a link: a power cut at any step leaves one of both.
"""

from __future__ import annotations

import logging
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from player.core.trial import TrialEnd, UnitSeen, verdict
from player.folders import sync_folder

log = logging.getLogger(__name__)
INSTALLED = Path("/opt/signage-player")
RUNTIME = (Path("/run/signage-player"), Path("/run/signage-stage"))
UNITS = ("signage-compositor", "signage-stage", "signage-agent")
RESTART = ("systemctl", "restart", "--no-block", *UNITS)
LOOK_S = 2.0


class Releases:
    """The versions below `base`: `venv` leads to the one that runs, `venv.before` (`kept`) to the one to go back to."""

    def __init__(self, base: Path = INSTALLED) -> None:
        self._base, self._link, self.kept = base, base / "venv", base / "venv.before"

    @property
    def running(self) -> Path | None:
        """Where the link of the running version leads; None: there is none."""
        return self._link.readlink() if self._link.is_symlink() else None

    @property
    def on_trial(self) -> bool:
        """Whether nobody has judged the running version yet."""
        return self.kept.exists() and self.kept.readlink() != self.running

    def begin(self) -> None:
        """From here on the running version, where there is one, is the one to go back to. Raises OSError."""
        if self.running is not None:
            self._lead(self.kept, self.running)

    def judged(self) -> None:
        """The running version is the one that stays. Raises OSError."""
        if self.kept.is_symlink():
            self.kept.unlink()
            sync_folder(self._base)

    def take_back(self) -> None:
        """The version that ran when the trial began runs with the next start of the units. Raises OSError."""
        self._lead(self._link, self.kept.readlink())
        self.judged()

    def _lead(self, link: Path, to: Path) -> None:
        following = link.with_name(f"{link.name}.next")
        following.unlink(missing_ok=True)
        following.symlink_to(to)
        following.replace(link)
        sync_folder(self._base)


def units() -> list[UnitSeen]:
    """The player's units as systemd tells of them."""
    return [_unit(name) for name in UNITS]


def _unit(name: str) -> UnitSeen:
    command = ["systemctl", "show", "-p", "ActiveState,MainPID,NRestarts", f"{name}.service"]
    said = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, timeout=60).stdout
    told = dict(line.split("=", 1) for line in said.splitlines() if "=" in line)
    return UnitSeen(told.get("ActiveState") == "active", int(told.get("MainPID") or 0), int(told.get("NRestarts") or 0))


def start_again(runtime: Sequence[Path] = RUNTIME, restart: Sequence[str] = RESTART) -> None:
    """Starts the units anew, which are not to wait for what the version before this one has counted of its own ends."""
    for folder in runtime:
        for count in folder.glob("*.starts"):
            count.unlink(missing_ok=True)
    subprocess.run(restart, check=False)


def judge(
    releases: Releases,
    look: Callable[[], Sequence[UnitSeen]],
    restart: Callable[[], None],
    *,
    now: Callable[[], float] = time.monotonic,
    wait: Callable[[float], None] = time.sleep,
) -> TrialEnd:
    """Looks until it is known whether the running version stays, and goes back to the one before where it does not."""
    if not releases.on_trial:  # the power went before the link was moved
        releases.judged()
        return TrialEnd.STAYS
    began = since = now()
    before = look()
    while True:
        wait(LOOK_S)
        seen = look()
        since = since if seen == before else now()
        before = seen
        known = verdict(seen, now() - since, now() - began)
        if known is TrialEnd.STAYS:
            releases.judged()
        elif known is TrialEnd.GOES:
            releases.take_back()
            restart()
        if known is not TrialEnd.OPEN:
            return known


SENTENCES = {
    TrialEnd.STAYS: "the version whose update a power cut interrupted stays up, and stays",
    TrialEnd.GOES: "the version whose update a power cut interrupted does not stay up; the version before is started again",
}

if __name__ == "__main__":
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(levelname)s %(message)s")
    log.info("%s", SENTENCES[judge(Releases(), units, start_again)])
