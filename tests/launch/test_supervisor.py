"""`player.launch.supervisor` and `player.launch.start`, with real processes."""

from __future__ import annotations

import itertools
import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from player.config import Config
from player.dirs import Dirs
from player.errors import AlreadyRunning, StorageError
from player.launch.start import check_length, child_settings, make_folders, only_one
from player.launch.supervisor import STOP_S, daemons, how_it_ended
from tests.fakes.running import alive, until

DRIVER = """
import os, sys
from player.launch.supervisor import Daemon, Supervisor
daemons = [{daemons}]
sys.exit(Supervisor(daemons, environment=os.environ, account=None, say=lambda text: print(text, flush=True)).run())
"""
NAP = "['sh', '-c', 'echo $$ >> {folder}/{name}.pids; exec sleep 60']"


class Run:
    """A supervisor in a process of its own, with children that write their pid into `NAME.pids`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.process: subprocess.Popen[str] | None = None

    def start(self, *entries: str) -> subprocess.Popen[str]:
        made = [entry.replace("NAP", NAP).format(folder=self.folder, name=entry.split("'")[1]) for entry in entries]
        out = (self.folder / "log").open("w")
        script = textwrap.dedent(DRIVER).format(daemons=", ".join(made))
        self.process = subprocess.Popen([sys.executable, "-c", script], stdout=out, stderr=subprocess.STDOUT, text=True)
        out.close()
        return self.process

    def pids(self, name: str) -> list[int]:
        path = self.folder / f"{name}.pids"
        return [int(line) for line in path.read_text().split()] if path.exists() else []

    @property
    def log(self) -> str:
        return (self.folder / "log").read_text()


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Run]:
    runs = Run(tmp_path)
    yield runs
    if runs.process:
        runs.process.terminate()
        runs.process.wait(20)


def test_a_killed_child_is_started_again_alone_and_the_log_says_so(run: Run) -> None:
    run.start("Daemon('stage', NAP)", "Daemon('compositor', NAP, outlives=True)")
    first = until(lambda: run.pids("stage"), "stage")[0]
    other = until(lambda: run.pids("compositor"), "compositor")
    os.kill(first, signal.SIGKILL)
    second = until(lambda: run.pids("stage")[1:], "second stage")[0]
    until(lambda: run.log, "log")
    assert f"the stage (pid {first}) was killed by SIGKILL; started again as pid {second}" in run.log
    assert "tried again in" not in run.log, "at once"
    assert run.pids("compositor") == other
    assert alive(other[0])


def test_who_is_killed_soon_after_its_start_is_back_without_a_pause_until_that_goes_on_and_on(run: Run) -> None:
    run.start("Daemon('stage', NAP, first_s=600, limit_s=600)")
    killed: list[int] = []

    def all_killed() -> bool:
        for pid in run.pids("stage")[len(killed) :]:
            os.kill(pid, signal.SIGKILL)
            killed.append(pid)
        return "tried again in 600 s" in run.log

    until(all_killed, "the pause", 60)
    assert len(killed) > 10


def test_p4_who_keeps_dying_is_tried_ever_more_slowly_and_never_given_up(run: Run) -> None:
    run.start("Daemon('agent', ['sh', '-c', 'date +%s%N >> {folder}/{name}.pids; exit 7'], first_s=0.02, limit_s=0.3)")
    tries = until(lambda: run.pids("agent") if len(run.pids("agent")) >= 8 else None, "eight tries")
    pauses = [(later - earlier) / 1e9 for earlier, later in itertools.pairwise(tries)]
    assert all(pause >= least for pause, least in zip(pauses, (0.02, 0.04, 0.08, 0.16, 0.3, 0.3, 0.3), strict=False)), pauses
    assert "ended with exit code 7" in run.log


def test_a_program_that_is_not_there_is_said_and_tried_again(run: Run) -> None:
    process = run.start("Daemon('stage', ['/nonexistent/program'], first_s=1.0)")
    until(lambda: "the stage cannot be started" in run.log, "the sentence")
    assert process.poll() is None


def test_the_waiting_one_starts_when_the_stage_says_it_shows_something(run: Run) -> None:
    tell = "import os,socket,time; s=socket.socket(1, 2); s.connect(chr(0)+os.environ['NOTIFY_SOCKET'][1:])"
    run.start(
        f"Daemon('stage', [sys.executable, '-c', {(tell + '; s.send(b' + repr('READY=1') + '); time.sleep(60)')!r}], tells=True)",
        "Daemon('agent', NAP, waits_s=600)",
    )
    until(lambda: run.pids("agent"), "agent", 20)


def test_the_waiting_one_starts_after_its_time_when_nothing_is_said(run: Run) -> None:
    run.start("Daemon('stage', NAP, tells=True)", "Daemon('agent', NAP, waits_s=2)")
    stage = until(lambda: run.pids("stage"), "stage")
    agent = until(lambda: run.pids("agent"), "agent")
    begun = [psutil.Process(pid).create_time() for pid in (*stage, *agent)]
    assert begun[1] - begun[0] > 1.0, "of the two seconds that it waits from when the stage is to begin"
    assert stage == run.pids("stage")


def test_p7_who_gives_no_sign_of_life_or_does_not_come_up_is_ended_and_nobody_else_is(run: Run) -> None:
    """Two say that they are ready and nothing more, of which one is stopped; one never comes up; one asks for more time to come up,
    one has time enough, and one goes on living."""
    words = "import os,signal,socket,time; s=socket.socket(1, 2); s.connect(chr(0)+os.environ['NOTIFY_SOCKET'][1:])"
    pid = "open('{folder}/{name}.pids', 'a').write(str(os.getpid()) + chr(10))"

    def daemon(name: str, then: str, signs_s: float = 4.0, begins_s: float = 60.0) -> str:
        code = "; ".join((words, pid.format(folder=run.folder, name=name), then))
        return f"Daemon('{name}', [sys.executable, '-c', {code!r}], signs_s={signs_s}, begins_s={begins_s})"

    ready, nap = "s.send(b'READY=1')", "time.sleep(60)"
    living = 'exec(\'while True: s.send(b"READY=1"); s.send(b"WATCHDOG=1"); time.sleep(0.05)\')'
    run.start(
        daemon("silent", f"{ready}; {nap}"),
        daemon("stopped", f"signal.signal(signal.SIGTERM, signal.SIG_IGN); {ready}; os.kill(os.getpid(), signal.SIGSTOP)"),
        daemon("starting", f"s.send(b'STATUS=it takes its time'); {nap}", signs_s=2.0),
        daemon("living", living, signs_s=3.0),
        daemon("never up", nap, begins_s=4.0),
        daemon("slow", f"s.send(b'EXTEND_TIMEOUT_USEC=60000000'); {nap}", begins_s=3.0),
    )
    until(lambda: all(len(run.pids(name)) >= 2 for name in ("silent", "stopped", "never up")), "the end of the three", 20)
    assert [len(run.pids(name)) for name in ("starting", "living", "slow")] == [1, 1, 1]
    assert f"the never up (pid {run.pids('never up')[0]}) did not come up in time" in run.log
    for name in ("silent", "stopped"):
        first, second = run.pids(name)[:2]
        assert f"the {name} (pid {first}) gave no sign of life for 4 s" in run.log
        until(
            lambda name=name, second=second: (
                f"the {name} (pid {run.pids(name)[0]}) was killed by SIGKILL; started again as pid {second}" in run.log
            ),
            name,
        )


def test_p10_sigterm_ends_everything_and_the_compositor_last(run: Run) -> None:
    stop = "trap 'echo {name} >> {folder}/order; exit 0' TERM; echo $$ >> {folder}/{name}.pids; while :; do sleep 0.05; done"
    process = run.start(
        f"Daemon('compositor', ['sh', '-c', {stop!r}], outlives=True)",
        f"Daemon('stage', ['sh', '-c', {stop!r}])",
    )
    until(lambda: run.pids("stage") and run.pids("compositor"), "both")
    time.sleep(0.1)
    process.terminate()
    assert process.wait(20) == 0
    assert (run.folder / "order").read_text().split() == ["stage", "compositor"]


def test_p10_who_ignores_sigterm_is_killed_before_five_seconds_are_over(run: Run) -> None:
    process = run.start(
        "Daemon('stage', ['sh', '-c', 'trap : TERM; echo $$ >> {folder}/{name}.pids; while :; do sleep 1; done'])",
        "Daemon('compositor', NAP, outlives=True)",
    )
    pid = until(lambda: run.pids("stage"), "stage")[0]
    process.send_signal(signal.SIGINT)
    assert process.wait(20) == 0
    assert not alive(pid)
    assert STOP_S < 5


def test_p8_children_die_with_the_supervisor(run: Run) -> None:
    process = run.start("Daemon('stage', NAP)", "Daemon('compositor', NAP)")
    pids = until(lambda: run.pids("stage") and run.pids("stage") + run.pids("compositor"), "both")
    process.kill()
    process.wait(20)
    until(lambda: not any(alive(pid) for pid in pids), "their end")


def test_p8_what_a_dead_child_left_behind_is_ended(run: Run) -> None:
    run.start("Daemon('stage', ['sh', '-c', 'sleep 60 & echo $! >> {folder}/left; echo $$ >> {folder}/{name}.pids; wait'])")
    pid = until(lambda: run.pids("stage"), "stage")[0]
    left = int((run.folder / "left").read_text().split()[0])
    os.kill(pid, signal.SIGKILL)
    until(lambda: not alive(left), "the end of the grandchild")


def test_backends_without_a_compositor_start_none() -> None:
    names = {backend: [daemon.name for daemon in daemons(backend, None)] for backend in ("auto", "single", "none")}
    assert names == {"auto": ["compositor", "stage", "agent"], "single": ["stage", "agent"], "none": ["stage", "agent"]}
    assert [daemon.name for daemon in daemons("sway", None, agent=False)] == ["compositor", "stage"]
    assert list(daemons("none", "/etc/x.toml")[0].command[-2:]) == ["--config", "/etc/x.toml"]


def test_how_a_process_ended_is_said_in_words() -> None:
    assert how_it_ended(-9) == "was killed by SIGKILL"
    assert how_it_ended(-250) == "was killed by signal 250"
    assert how_it_ended(3) == "ended with exit code 3"


def folders(base: Path) -> Dirs:
    return Dirs(state=base / "state", cache=base / "state/cache", runtime=base / "run", stage_runtime=base / "run")


def test_x3_folders_are_made_for_their_owner_alone(tmp_path: Path) -> None:
    dirs = folders(tmp_path)
    make_folders(dirs, None)
    assert {folder.stat().st_mode & 0o777 for folder in (dirs.state, dirs.cache, dirs.runtime, dirs.stage)} == {0o700}


def test_x3_a_file_where_a_folder_should_be_is_refused_with_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("")
    with pytest.raises(StorageError, match=r"cannot be made|is not a folder"):
        make_folders(folders(tmp_path), None)


def test_a_runtime_folder_too_long_for_sockets_is_refused_with_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="is too long for the sockets in it"):
        check_length(folders(tmp_path / ("x" * 110)))


def test_children_are_told_the_folders_as_resolved_here(tmp_path: Path) -> None:
    settings = child_settings(folders(tmp_path), {"PATH": "/bin", "SIGNAGE__STORAGE__STATE_DIR": "elsewhere"}, None)
    assert settings["SIGNAGE__STORAGE__STATE_DIR"] == str(tmp_path / "state")
    assert settings["SIGNAGE__STAGE__RUNTIME_DIR"] == str(tmp_path / "run")
    assert Config().stage.runtime_dir == ""


def test_p9_a_second_player_on_the_same_folder_ends_with_a_clear_sentence(tmp_path: Path) -> None:
    hold = "from pathlib import Path; from player.launch.start import only_one; import sys, time\n"
    hold += "with only_one(Path(sys.argv[1])):\n    print('held', flush=True); time.sleep(60)"
    with subprocess.Popen([sys.executable, "-c", hold, str(tmp_path / "run.lock")], stdout=subprocess.PIPE) as holder:
        try:
            assert holder.stdout
            assert holder.stdout.readline() == b"held\n"
            environment = {
                **os.environ,
                "SIGNAGE__STORAGE__STATE_DIR": str(tmp_path),
                "SIGNAGE__STORAGE__RUNTIME_DIR": str(tmp_path / "run"),
                "SIGNAGE__STAGE__BACKEND": "none",
            }
            command = [sys.executable, "-m", "player", "run"]
            second = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=10, check=False)
            assert second.returncode == 1
            assert f"another player runs already with {tmp_path}; stop it first" in second.stderr
        finally:
            holder.kill()


def test_p9_the_lock_is_free_the_moment_its_holder_is_gone(tmp_path: Path) -> None:
    hold = "from pathlib import Path; from player.launch.start import only_one; import os, sys, subprocess\n"
    hold += "with only_one(Path(sys.argv[1])):\n    subprocess.Popen(['sleep', '1'], close_fds=False); os._exit(0)"
    subprocess.run([sys.executable, "-c", hold, str(tmp_path / "run.lock")], check=True, timeout=10)
    with only_one(tmp_path / "run.lock"):
        pass


def test_p9_a_lock_that_is_held_is_waited_for_a_moment(tmp_path: Path) -> None:
    hold = "from pathlib import Path; from player.launch.start import only_one; import sys, time\n"
    hold += "with only_one(Path(sys.argv[1])):\n    print('held', flush=True); sys.stdin.readline(); time.sleep(0.3)"
    command, pipe = [sys.executable, "-c", hold, str(tmp_path / "run.lock")], subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe) as holder:
        assert holder.stdin
        assert holder.stdout
        holder.stdout.readline()
        with pytest.raises(AlreadyRunning), only_one(tmp_path / "run.lock"):
            pass
        holder.stdin.close()
        with only_one(tmp_path / "run.lock", wait_s=20.0):
            pass
