"""Looking after the compositor: what a look finds, and that exactly who listens at the socket is ended."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from player.compositor.hang import RECORD, end, look, read_hangs, start_looking
from player.core.hangs import Answer, Hangs

LISTENER = """
import signal, socket, struct, sys
answer = struct.pack("=6sII", b"i3-ipc", 2, 7) + b"{}"
signal.signal(signal.SIGTERM, signal.SIG_IGN if sys.argv[2] == "deaf" else signal.SIG_DFL)
with socket.socket(socket.AF_UNIX) as listener:
    listener.bind(sys.argv[1])
    listener.listen(3)
    print("up", flush=True)
    while sys.argv[2] == "answers":
        with listener.accept()[0] as caller:
            caller.recv(64)
            caller.send(answer)
    while True:
        signal.pause()
"""


@pytest.fixture
def listeners(runtime_dir: Path) -> Iterator[list[subprocess.Popen[str]]]:
    """Processes in a compositor's place, ended with the test."""
    made: list[subprocess.Popen[str]] = []
    yield made
    for process in made:
        process.kill()
        process.communicate()


def listen(made: list[subprocess.Popen[str]], path: Path, manner: str) -> subprocess.Popen[str]:
    process = subprocess.Popen([sys.executable, "-c", LISTENER, str(path), manner], stdout=subprocess.PIPE, text=True)
    made.append(process)
    assert process.stdout
    assert process.stdout.readline() == "up\n"
    return process


def test_a_look_tells_an_answer_from_silence_and_from_nobody(runtime_dir, listeners):
    assert look(runtime_dir / "none.sock", 1) is Answer.NOBODY
    listen(listeners, runtime_dir / "answers.sock", "answers")
    assert look(runtime_dir / "answers.sock", 10) is Answer.GIVEN
    listen(listeners, runtime_dir / "silent.sock", "silent")
    assert look(runtime_dir / "silent.sock", 0.1) is Answer.NONE
    listeners[-1].kill()
    listeners[-1].wait()
    assert look(runtime_dir / "silent.sock", 10) is Answer.NOBODY


def test_a_full_queue_is_silence_too_and_its_owner_is_found_by_the_other_socket(runtime_dir, listeners):
    with socket.socket(socket.AF_UNIX) as wayland:
        wayland.bind(str(runtime_dir / "wayland-1.lock"))  # not a socket of sway's: its name ends otherwise
        silent = listen(listeners, runtime_dir / "sway.sock", "silent")
        assert [look(runtime_dir / "sway.sock", 0.05) for _ in range(8)] == [Answer.NONE] * 8
        assert end(runtime_dir / "sway.sock") is None
        assert silent.poll() is None
        (runtime_dir / "wayland-1.lock").unlink()
    shared = listen(listeners, runtime_dir / "wayland-1", "silent")
    assert end(runtime_dir / "sway.sock") == shared.pid


@pytest.mark.parametrize(("manner", "by"), [("silent", signal.SIGTERM), ("deaf", signal.SIGKILL)])
def test_who_listens_is_ended_gently_and_after_a_second_by_force(runtime_dir, listeners, manner, by):
    silent = listen(listeners, runtime_dir / "sway.sock", manner)
    assert end(runtime_dir / "sway.sock") == silent.pid
    assert silent.wait(5) == -by


def test_who_is_stopped_is_ended_counted_and_recorded_from_a_thread(runtime_dir, listeners):
    (runtime_dir / RECORD).write_text("{half")
    (runtime_dir / "compositor.json").touch()
    silent = listen(listeners, runtime_dir / "sway.sock", "answers")
    os.kill(silent.pid, signal.SIGSTOP)
    start_looking(runtime_dir / "sway.sock", lambda: 1000.0)
    assert silent.wait(30) == -signal.SIGKILL
    assert read_hangs(runtime_dir / "sway.sock") == Hangs(1, 1000.0)


def test_a_damaged_record_tells_of_none(runtime_dir):
    for content in (b"", b"[1]", b'{"count": "many"}', b"\xff"):
        (runtime_dir / RECORD).write_bytes(content)
        assert read_hangs(runtime_dir / "sway.sock") == Hangs()
