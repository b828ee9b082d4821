"""What runs where a decoder runs, and means harm: the real child gives up what it does, and then everything is tried."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from player.core.kinds import Kind
from player.media.prepare.parent import Job, encoded

# What a decoder that was taken over would try. Each line answers "" where it is let, else the kernel's refusal.
HOSTILE = """
import ctypes, json, os, socket, subprocess, sys
from pathlib import Path
import msgspec
from player.media.prepare.child import give_up
from player.media.prepare.parent import Job

job, other, agent = msgspec.json.decode(sys.argv[1], type=Job), Path(sys.argv[2]), int(sys.argv[3])
libc = ctypes.CDLL(None, use_errno=True)

def call(number, *arguments):
    if libc.syscall(number, *arguments) < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))

def run(*command):
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise OSError(0, done.stderr.strip() or "it failed")

source, folder = Path(job.source), Path(job.folder)
tries = {
    "its own file": lambda: source.read_bytes(),
    "its own folder": lambda: (folder / "made").write_text("made"),
    "a program": lambda: run("ffprobe", "-version"),
    "a socket": lambda: socket.socket(),
    "a socket of the box": lambda: socket.socket(socket.AF_UNIX),
    "netlink": lambda: socket.socket(socket.AF_NETLINK, socket.SOCK_RAW),
    "the users": lambda: Path("/etc/passwd").read_text(),
    "another file": lambda: other.read_text(),
    "another file's folder": lambda: os.listdir(other.parent),
    "its own file changed": lambda: source.write_text("changed"),
    "what was made of others": lambda: (folder.parents[1] / "prepared" / "planted").write_text("planted"),
    "a file elsewhere": lambda: other.with_name("planted").write_text("planted"),
    "another file removed": lambda: other.unlink(),
    "what the agent knows": lambda: Path(f"/proc/{agent}/environ").read_bytes(),
    "the agent's memory": lambda: call(PTRACE, 16, agent, 0, 0),
    "io_uring": lambda: call(425, 8, ctypes.create_string_buffer(256)),
    "another file by a program": lambda: run("cat", str(other)),
}
missing, answers = give_up(job), {}
for name, attempt in tries.items():
    try:
        attempt()
        answers[name] = ""
    except OSError as error:
        answers[name] = error.strerror or str(error)
print(json.dumps([missing, answers]))
"""
PTRACE = {"x86_64": 101, "aarch64": 117}
OURS = {"its own file", "its own folder", "a program"}


@pytest.fixture(scope="module")
def tried(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What became of each attempt; nothing of the walls is missing."""
    here = tmp_path_factory.mktemp("walls")
    (here / "media").mkdir()
    source, other = here / "media" / "picture", here / "media" / "secret"
    source.write_text("a picture")
    other.write_text("not for decoders")
    job = Job(str(source), Kind.IMAGE, "picture", str(here / "prepared-making" / "1"), (640, 360), 20)
    (here / "prepared").mkdir()
    script = HOSTILE.replace("PTRACE", str(PTRACE[os.uname().machine]))
    command = (sys.executable, "-I", "-c", script, encoded(job).decode(), str(other), str(os.getpid()))
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=60)
    assert done.stdout, done.stderr
    missing, answers = json.loads(done.stdout)
    assert missing == []
    assert (source.read_text(), other.read_text()) == ("a picture", "not for decoders")
    assert not other.with_name("planted").exists()
    return answers


def test_a_decoder_has_its_file_its_folder_and_the_programs_that_it_needs(tried: dict[str, str]) -> None:
    assert {name: tried[name] for name in OURS} == dict.fromkeys(OURS, "")


def test_a_decoder_that_was_taken_over_has_nothing_else(tried: dict[str, str]) -> None:
    assert [name for name, refusal in tried.items() if not refusal and name not in OURS] == []
