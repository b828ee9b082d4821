"""Children that open files, one for each, forked by one process: what becomes of the others where one of them means harm."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from player.core.kinds import Kind
from player.errors import ContentError
from player.media.prepare.children import Children
from player.media.prepare.parent import Job, Prepared, encoded, prepare
from tests.fakes.files import slow_picture
from tests.fakes.running import alive, eventually

PANEL = (640, 360)
WITHIN_S = 20.0

# A process that forks children as the real one does; what they do is in the name of their job.
FORKING = """
import os, subprocess, sys, time
from player.media.prepare.nursery import Nursery

def answer(job):
    match job.name.split():
        case ["say", word]:
            os.write(1, word.encode() + b"\\n")
        case ["ask"]:
            os.write(1, f"{len(os.read(0, 100))} bytes came; {' '.join(sorted(os.listdir('/proc/self/fd')))}\\n".encode())
        case ["twice"]:
            os.write(1, b"first\\nsecond\\n")
        case ["long"]:
            os.write(1, b"x" * 60_000)
            os.write(1, b"x" * 60_000 + b"\\n")
        case ["half"]:
            os.write(1, b"half")
        case ["crash"]:
            os.abort()
        case ["raise"]:
            raise RuntimeError
        case ["leave"]:
            left = subprocess.Popen(["sleep", "60"], stdout=subprocess.DEVNULL)
            os.write(1, b"%d\\n" % left.pid)
        case ["stay"]:
            os.write(1, b"%d\\n" % os.getpid())
            time.sleep(60)
        case ["parent"]:
            os.kill(os.getppid(), 9)
            time.sleep(60)

Nursery(answer, 20).serve()
"""


class Forking:
    """Such a process, asked line by line."""

    def __init__(self) -> None:
        self._process = subprocess.Popen([sys.executable, "-c", FORKING], stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def ask(self, name: str) -> str:
        """What is answered about a job of that name; "" where it ended instead."""
        self.tell(name)
        assert self._process.stdout
        return self._process.stdout.readline().decode().removesuffix("\n")

    def tell(self, name: str) -> None:
        assert self._process.stdin
        self._process.stdin.write(encoded(Job("/none", Kind.PACKAGE, name, "/none", PANEL, 20)))
        self._process.stdin.flush()

    @property
    def children(self) -> list[str]:
        return Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children").read_text().split()

    def end(self) -> int:
        """How it ended, asked to."""
        self._process.terminate()
        return self._process.wait(20)

    def close(self) -> None:
        self._process.kill()
        self._process.communicate()


@pytest.fixture
def forking() -> Iterator[Forking]:
    one = Forking()
    yield one
    one.close()


def test_each_file_has_a_child_of_its_own_and_the_first_line_of_it_counts(forking: Forking):
    """What one says besides is not taken for the next one's word."""
    asked = ["say yes", "twice", "say no", "half", "long", "say on", "crash", "raise", "say end"]
    told = [forking.ask(name) for name in asked]
    assert told == ["0 yes", "0 first", "0 no", "0 ", "0 ", "0 on", "-6 ", "1 ", "0 end"]
    assert not forking.children


def test_a_child_has_nothing_open_of_what_forked_it(forking: Forking):
    assert [forking.ask("ask") for _ in range(2)] == ["0 0 bytes came; 0 1 2 3"] * 2, "what lists them is the fourth"


async def test_what_a_child_started_goes_with_it(forking: Forking):
    status, left = forking.ask("leave").split()
    assert status == "0"
    await eventually(lambda: not alive(int(left)), WITHIN_S)
    assert forking.ask("say on") == "0 on"


async def test_a_child_ends_with_what_forked_it(forking: Forking):
    forking.tell("stay")
    child = (await eventually(lambda: forking.children))[0]
    await eventually(lambda: os.getsid(int(child)) == int(child), WITHIN_S)
    assert forking.end() == 0
    await eventually(lambda: not alive(int(child)), WITHIN_S)


async def test_many_files_are_opened_by_children_of_one_process_and_nothing_is_left(tmp_path: Path):
    forked_by = set()
    async with Children() as children:
        for number in range(3):
            done = await looked_at(children, tmp_path, picture(tmp_path / f"{number}.png", number))
            assert (done.width, done.height) == (40 + number, 30)
            forked_by |= set(below())
    assert len(forked_by) == 1
    assert not below()


async def test_a_file_that_ends_its_child_costs_itself(tmp_path: Path):
    """Each child has its own measure of time and memory."""
    slow, good = tmp_path / "slow.gif", picture(tmp_path / "good.png", 1)
    slow_picture(slow)
    job = Job(str(slow), Kind.IMAGE, "slow", str(tmp_path / "made"), PANEL, cpu_s=1, sha256="ab" * 32)
    async with Children() as children:
        await looked_at(children, tmp_path, good)
        forked_by = below()
        outcome = await children.ask(encoded(job))
        assert (outcome.status in (-signal.SIGXCPU, -signal.SIGKILL), outcome.line) == (True, b"\n")
        assert (await looked_at(children, tmp_path, good)).width == 41
        assert below() == forked_by


async def test_a_file_that_takes_too_long_costs_itself_and_what_forked_its_child(tmp_path: Path):
    slow, good = tmp_path / "slow.gif", picture(tmp_path / "good.png", 1)
    slow_picture(slow)
    async with Children() as children:
        with pytest.raises(ContentError, match="longer than"):
            await looked_at(children, tmp_path, slow, deadline_s=0.4)
        assert not below()
        assert (await looked_at(children, tmp_path, good)).width == 41


async def test_two_at_once_do_not_wait_for_each_other_and_one_of_two_is_kept(tmp_path: Path):
    async with Children() as children:
        some = [picture(tmp_path / f"{number}.png", number) for number in range(2)]
        await asyncio.gather(*(looked_at(children, tmp_path, one) for one in some))
        assert len(below()) == 1


async def test_what_opens_foreign_files_is_told_nothing_of_what_the_agent_was_told(tmp_path: Path):
    async with Children() as children:
        await looked_at(children, tmp_path, picture(tmp_path / "good.png", 1))
        assert names_told(below()[0]) <= {b"", b"PATH", b"LANG", b"MALLOC_ARENA_MAX"}
    assert len(os.environ) > 3, "of which there is more"


async def test_where_what_forks_them_is_gone_another_is_started(tmp_path: Path):
    good = picture(tmp_path / "good.png", 1)
    async with Children(idle_s=0.05) as children:
        await looked_at(children, tmp_path, good)
        await eventually(lambda: not below(), WITHIN_S)  # nothing was asked for so long
        await looked_at(children, tmp_path, good)
    async with Children() as children:
        await looked_at(children, tmp_path, good)
        os.kill(int(below()[0]), signal.SIGKILL)
        assert (await looked_at(children, tmp_path, good)).width == 41


def picture(path: Path, number: int) -> Path:
    Image.new("RGB", (40 + number, 30), "red").save(path)
    return path


async def looked_at(children: Children, folder: Path, source: Path, deadline_s: float = 60) -> Prepared:
    return await prepare(source, Kind.IMAGE, source.name, folder / "cache", PANEL, deadline_s=deadline_s, children=children)


def below() -> list[str]:
    """This process's children that fork others and live."""
    pids = [pid for task in Path("/proc/self/task").iterdir() for pid in (task / "children").read_text().split()]
    return [pid for pid in pids if b"player.media.prepare.nursery" in command_of(pid)]


def names_told(pid: str) -> set[bytes]:
    """Of what stands in its environment."""
    return {one.partition(b"=")[0] for one in Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")}


def command_of(pid: str) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""
