"""A compositor that hangs, under `run`: it comes back with content, whether the stage was there already or is just starting."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import struct
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from player.compositor.hang import RECORD
from tests.fakes.running import eventually
from tests.stage.conftest import Running, StageBox

pytestmark = pytest.mark.stage
RUN = """
from player import cms, config_reader, dirs
from player.launch import start
found = config_reader.load(None, cms.KINDS)
start.run(found, dirs.resolve_dirs(found), None, agent=False)
"""


@pytest.fixture
async def supervised(runtime_dir: Path) -> AsyncIterator[StageBox]:
    """A box whose two drawing daemons a supervisor keeps alive, red on screen."""
    async with Running(StageBox(runtime_dir)) as box:
        box.publish(box.picture("red", 600))
        with (box.dirs.runtime / "stage.log").open("ab") as log:
            process = await asyncio.create_subprocess_exec(sys.executable, "-c", RUN, env=box.environment, stderr=log, stdout=log)
        await box.until_seen("red", limit_s=30)
        yield box
        process.terminate()
        await process.wait()


def sway_of(box: StageBox) -> int:
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(str(box.dirs.sway_socket))
        pid, _, _ = struct.unpack("iII", connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))
    return int(pid)


def gone(pid: int) -> bool:
    return not Path(f"/proc/{pid}").exists()


async def test_a_compositor_that_hangs_comes_back_with_content_and_it_is_told(supervised: StageBox):
    hung = sway_of(supervised)
    os.kill(hung, signal.SIGSTOP)
    await eventually(lambda: gone(hung), 30)
    told = await supervised.until(lambda status: any(fault.code == "compositor_hung" for fault in status.faults), 30)
    assert [fault.count for fault in told.faults if fault.code == "compositor_hung"] == [1]
    await supervised.until_seen("red", limit_s=30)


async def test_a_stage_that_starts_beside_a_compositor_that_hangs_has_it_started_again(supervised: StageBox):
    hung = sway_of(supervised)
    before = await supervised.until(lambda _: True)
    os.kill(hung, signal.SIGSTOP)
    os.kill(before.pids["stage"], signal.SIGKILL)
    await eventually(lambda: gone(hung), 40)
    await supervised.until(lambda status: status.started_at > before.started_at, 30)
    await supervised.until_seen("red", limit_s=30)
    assert (supervised.dirs.runtime / RECORD).exists()
