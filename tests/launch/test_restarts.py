"""A daemon that keeps ending early waits longer and longer, and one that lived waits no more (fault P4)."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from player.launch.restarts import PATIENCE, STEADY_S, hold_back


class Life:
    """Starts of one daemon in a folder, on a clock of its own."""

    def __init__(self, daemon: str, folder: Path) -> None:
        self.daemon, self.at = daemon, 1000.0
        self.environment = {"INVOCATION_ID": "1", PATIENCE[daemon].folder: str(folder)}
        self.waited: list[float] = []

    def _wait(self, seconds: float) -> None:
        self.waited.append(seconds)
        self.at += seconds

    def start(self, lives_s: float = 0.1) -> float:
        """How long it waited; then it lives that long."""
        self.waited = []
        hold_back(self.daemon, self.environment, now=lambda: self.at, wait=self._wait)
        self.at += lives_s
        return sum(self.waited)


@pytest.mark.parametrize(("daemon", "limit"), [("agent", 120.0), ("stage", 10.0), ("compositor", 10.0)])
def test_p4_the_pause_doubles_up_to_its_limit_and_it_is_never_given_up(daemon: str, limit: float, tmp_path: Path):
    life = Life(daemon, tmp_path)
    first = PATIENCE[daemon].first_s
    pauses = [life.start() for _ in range(40)]
    assert pauses[:5] == [0, 0, 2 * first, 4 * first, 8 * first]
    assert pauses[-20:] == [limit] * 20
    assert pauses == sorted(pauses)


def test_p4_one_that_lived_starts_at_once_again(tmp_path: Path):
    life = Life("agent", tmp_path)
    for _ in range(5):
        life.start()
    assert life.start(lives_s=STEADY_S) > 0
    assert life.start() == 0
    assert life.start() == 0
    assert life.start() > 0


def test_p4_who_ends_one_that_waits_has_mended_something_and_it_starts_at_once(tmp_path: Path):
    program = 'from player.launch.restarts import hold_back; hold_back("agent"); print("started")'
    environment = os.environ | {"INVOCATION_ID": "1", PATIENCE["agent"].folder: str(tmp_path)}
    (tmp_path / "agent.starts").write_text(f"9 {time.monotonic()}")
    with subprocess.Popen([sys.executable, "-c", program], env=environment, stderr=subprocess.PIPE, text=True) as waiting:
        assert waiting.stderr is not None
        assert "10 starts of the agent ended" in waiting.stderr.readline()
        until_caught(waiting.pid, signal.SIGTERM)
        waiting.terminate()
        assert waiting.wait(20) == 0
    again = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, timeout=20, check=True)
    assert (again.stdout, again.stderr) == ("started\n", "")


def until_caught(pid: int, number: signal.Signals) -> None:
    """Waits until that process has a handler for the signal."""
    for _ in range(2000):
        status = Path(f"/proc/{pid}/status").read_text()
        if int(status.partition("SigCgt:")[2].split()[0], 16) >> (number - 1) & 1:
            return
        time.sleep(0.01)
    raise AssertionError(f"it does not catch {number.name}")


@pytest.mark.parametrize("left", ["", "nonsense", "7", "-3 x", "9 99999999"])
def test_a_count_that_says_nothing_delays_nobody(left: str, tmp_path: Path):
    (tmp_path / "stage.starts").write_text(left)
    assert Life("stage", tmp_path).start() == 0


def test_without_systemd_or_without_the_folder_nothing_is_counted(tmp_path: Path):
    for environment in ({PATIENCE["stage"].folder: str(tmp_path)}, {"INVOCATION_ID": "1"}):
        for _ in range(3):
            hold_back("stage", environment, wait=lambda _: pytest.fail("it waited"))
    assert list(tmp_path.iterdir()) == []
    hold_back("stage", {"INVOCATION_ID": "1", PATIENCE["stage"].folder: str(tmp_path / "missing")})


def test_p4_a_configuration_that_cannot_work_is_not_tried_ten_times_a_second(tmp_path: Path):
    (tmp_path / "config.toml").write_text('[stage]\nbackend = "none"\n')
    environment = {**os.environ, "INVOCATION_ID": "1", "SIGNAGE__STAGE__RUNTIME_DIR": str(tmp_path)}
    command = [sys.executable, "-m", "player", "compositor", "--config", str(tmp_path / "config.toml")]
    starts = tmp_path / "compositor.starts"
    for _ in range(3):  # a busy machine may take longer than those three seconds to begin
        starts.write_text(f"2 {time.monotonic()}")
        done = subprocess.run(command, env=environment, check=False, capture_output=True, text=True, timeout=60)
        assert done.returncode == 1
        assert "stage.backend" in done.stderr
        if starts.read_text().split()[0] == "3":
            break
    assert "3 starts of the compositor ended within 3 s" in done.stderr
