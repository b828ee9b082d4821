"""The stage's line to the curtain: one that answers stays, one that says nothing any more is ended."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from player.core.curtain import Behind
from player.stage.backends.curtain_line import CurtainLine
from tests.fakes.running import eventually, running

# It answers as many words as it is told, and then hears without a word.
CURTAIN = """
import pathlib, socket, sys
listener = socket.socket(socket.AF_UNIX)
listener.bind(sys.argv[1])
listener.listen()
line, answers = listener.accept()[0], int(sys.argv[2])
heard = 0
while words := line.recv(64):
    for _ in words.split():
        heard += 1
        pathlib.Path(sys.argv[3]).write_text(str(heard))
        if heard <= answers:
            line.send(b".")
"""


class Curtain:
    """A process in the curtain's place."""

    def __init__(self, folder: Path, answers: int) -> None:
        self.path, self._heard = folder / "curtain.sock", folder / "heard"
        self.process = subprocess.Popen([sys.executable, "-c", CURTAIN, str(self.path), str(answers), str(self._heard)])

    def heard(self) -> int:
        return int(self._heard.read_text() or 0) if self._heard.exists() else 0


@pytest.fixture
def curtain(runtime_dir: Path) -> Iterator[Curtain]:
    made = Curtain(runtime_dir, answers=2)
    yield made
    made.process.kill()
    made.process.wait(10)


async def test_a_curtain_that_gives_no_answer_is_ended_and_one_that_owes_none_is_not(curtain: Curtain):
    line = CurtainLine(curtain.path, answer_s=3.0)
    line.tell(Behind.STILL)  # while it is closed nothing is said, and nothing awaited
    async with running(line.run()):
        await eventually(lambda: line.times_opened == 1, 20)
        for number in (1, 2):
            line.tell(Behind.STILL)
            await eventually(lambda number=number: curtain.heard() == number, 20)
        await asyncio.sleep(3.5)  # silence, in which nothing was asked
        assert curtain.process.poll() is None
        line.tell(Behind.BLACK)
        await eventually(lambda: curtain.process.poll() is not None, 20)
    assert curtain.process.returncode == -signal.SIGKILL
