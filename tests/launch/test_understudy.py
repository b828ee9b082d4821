"""`player.launch.understudy`, with real processes: who follows whom, and how the one that waits ends."""

from __future__ import annotations

import os
import signal
import socket
import struct
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fakes.running import alive, until

STAGE = """
import os, signal, subprocess, sys, time
from player.core.allowance import Allowance
from player.launch.understudy import stand_by
from player.runtime.systemd import sd_notify
before = stand_by(lambda: print("follows", flush=True), forgiven=Allowance(2, 600.0), steady_s=float(sys.argv[1]))
signal.signal(signal.SIGTERM, (lambda *_: sys.exit(0)) if sys.argv[3:] else signal.SIG_DFL)
left = subprocess.Popen(["sleep", "600"])
if "NOTIFY_SOCKET" in os.environ:
    print("tells", os.environ["NOTIFY_SOCKET"], flush=True)
    sd_notify("READY=1")
print("stage", os.getpid(), left.pid, before or "first", flush=True)
while not os.path.exists(sys.argv[2]):
    time.sleep(0.01)
code = int(open(sys.argv[2]).read())
os.unlink(sys.argv[2])
os._exit(code)
"""
LONG = 600.0  # seconds: no stage of a test lives so long


class Standing:
    """A process that stands by, and the stages that it made."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.process: subprocess.Popen[bytes] | None = None

    def start(self, steady_s: float = 0.0, *more: str) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-c", STAGE, str(steady_s), str(self._folder / "code"), *more]
        with (self._folder / "log").open("w") as log:
            self.process = subprocess.Popen(command, stdout=log, start_new_session=True)
        return self.process

    def said(self) -> list[str]:
        return (self._folder / "log").read_text().splitlines()

    def stage(self, number: int) -> tuple[int, int, str]:
        """Its process id, that of what it started, and how the one before it ended."""

        def came() -> list[str]:
            return [line for line in self.said() if line.startswith("stage")][number - 1 :]

        _, pid, left, before = until(came, f"stage {number}")[0].split(" ", 3)
        return int(pid), int(left), before

    def end_by_itself(self, code: int) -> None:
        beside = self._folder / "code.part"
        beside.write_text(str(code))
        beside.rename(self._folder / "code")


@pytest.fixture
def standing(tmp_path: Path) -> Iterator[Standing]:
    made = Standing(tmp_path)
    yield made
    if made.process:
        made.process.kill()
        made.process.wait(10)


def test_whoever_is_killed_is_followed_by_another_that_knows_it_and_nothing_is_left_of_the_first(standing: Standing) -> None:
    process = standing.start()
    first, left, before = standing.stage(1)
    assert before == "first"
    os.kill(first, signal.SIGKILL)
    second, _, before = standing.stage(2)
    assert before == f"(process {first}) was killed by SIGKILL"
    until(lambda: not alive(left), "the end of what the first one started")
    os.kill(second, signal.SIGSEGV)
    assert standing.stage(3)[2] == f"(process {second}) was killed by SIGSEGV"
    assert standing.said().count("follows") == 2
    assert process.poll() is None


@pytest.mark.parametrize(("more", "code"), [(("in order",), 0), ((), -signal.SIGTERM)])
def test_whoever_lost_the_compositor_is_followed_and_nobody_follows_where_the_end_is_asked_for(
    standing: Standing, more: tuple[str, ...], code: int
) -> None:
    process = standing.start(LONG, *more)
    standing.stage(1)
    standing.end_by_itself(3)
    second, _, before = standing.stage(2)
    assert before.endswith("ended with exit code 3")
    process.terminate()
    assert process.wait(20) == code
    assert not alive(second)
    assert len(standing.said()) == 3, "two stages, one of which followed"


def test_whoever_is_killed_or_loses_it_soon_after_the_start_is_followed_as_often_as_is_forgiven(standing: Standing) -> None:
    process = standing.start(LONG)
    os.kill(standing.stage(1)[0], signal.SIGKILL)
    standing.stage(2)
    standing.end_by_itself(3)
    os.kill(standing.stage(3)[0], signal.SIGKILL)
    assert process.wait(20) == -signal.SIGKILL
    assert standing.said().count("follows") == 2


@pytest.mark.parametrize(("steady_s", "code"), [(0.0, 1), (0.0, 0)])
def test_whoever_ends_by_itself_ends_the_one_that_waits(standing: Standing, steady_s: float, code: int) -> None:
    process = standing.start(steady_s)
    standing.stage(1)
    standing.end_by_itself(code)
    assert process.wait(20) == code
    assert "follows" not in standing.said()


def test_one_that_dies_soon_after_the_start_is_told_of_as_it_died(standing: Standing) -> None:
    process = standing.start(LONG)
    os.kill(standing.stage(1)[0], signal.SIGSEGV)
    assert process.wait(20) == -signal.SIGSEGV


def test_a_stage_that_hangs_goes_with_the_one_that_waits(standing: Standing) -> None:
    process = standing.start()
    hangs, _, _ = standing.stage(1)
    os.kill(hangs, signal.SIGSTOP)
    process.kill()
    process.wait(20)
    until(lambda: not alive(hangs), "its end")


def heard(at: socket.socket) -> tuple[str, int]:
    """What was said, and by which process."""
    said, told, _, _ = at.recvmsg(4096, socket.CMSG_SPACE(12))
    return said.decode(), struct.unpack("3i", told[0][2])[0]


def test_what_a_stage_says_of_itself_comes_from_the_one_that_waits_and_nobody_else_is_passed_on(
    standing: Standing, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd, socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as stranger:
        systemd.settimeout(20)
        systemd.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        systemd.bind("")
        monkeypatch.setenv("NOTIFY_SOCKET", "@" + systemd.getsockname()[1:].decode())
        process = standing.start()
        first, _, _ = standing.stage(1)
        assert heard(systemd) == ("READY=1", process.pid)
        (told,) = [line.removeprefix("tells @") for line in standing.said() if line.startswith("tells")]
        stranger.sendto(b"STOPPING=1", "\0" + told)
        os.kill(first, signal.SIGKILL)
        standing.stage(2)
        assert heard(systemd) == ("READY=1", process.pid), "of the second, and nothing of the stranger's"


def test_a_stage_that_is_stopped_takes_the_watchdogs_signal_at_once(standing: Standing) -> None:
    process = standing.start()
    os.kill(standing.stage(1)[0], signal.SIGSTOP)
    process.send_signal(signal.SIGQUIT)
    assert process.wait(20) == -signal.SIGQUIT
