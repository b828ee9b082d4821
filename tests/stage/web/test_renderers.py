"""Renderers are found below the browser alone, whatever else runs, and measured by what they touch."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator

import pytest

from player.stage.web.renderers import end_renderer, held_by, renderers_of
from tests.fakes.running import alive, eventually

MIB = 1024 * 1024
HOLDS = """
import sys, time
held = bytearray(int(sys.argv[1]))
for at in range(0, len(held), 4096): held[at] = 1
time.sleep(600)
"""
# The browser itself is no renderer, nor is its other child; what draws is started by one that it started.
TREE = f"""
import subprocess, sys, time
def start(*words): subprocess.Popen([sys.executable, '-c', *words])
if sys.argv[1] == 'zygote':
    for size in (64, 8):
        start({HOLDS!r}, str(size << 20), '--type=' + 'renderer')
else:
    start(sys.argv[2], 'zygote')
    start({HOLDS!r}, str(64 << 20), '--type=' + 'gpu-process')
time.sleep(600)
"""


@pytest.fixture
def browser() -> Iterator[int]:
    with subprocess.Popen(
        [sys.executable, "-c", TREE, "browser", TREE], stdout=subprocess.DEVNULL, start_new_session=True
    ) as process:
        yield process.pid
        os.killpg(process.pid, 9)


async def test_who_draws_is_found_measured_and_ended_and_nobody_else(browser: int):
    def sizes() -> list[int]:
        return sorted(size // MIB for size in held_by(renderers_of(browser)).values())

    await eventually(lambda: len(found := sizes()) == 2 and 64 <= found[1] < 90 and 8 <= found[0] < 40, 20)
    assert held_by(renderers_of(os.getpid())).keys() == held_by(renderers_of(browser)).keys(), "the browser is this process's"
    large, small = sorted(held_by(renderers_of(browser)), key=held_by(renderers_of(browser)).__getitem__, reverse=True)
    end_renderer(large)
    await eventually(lambda: not alive(large), 20)
    end_renderer(large)
    assert alive(small)
    assert alive(browser)


def test_of_a_browser_that_is_gone_there_are_none():
    with subprocess.Popen(["true"]) as gone:
        gone.wait()
    assert held_by(renderers_of(gone.pid)) == {}
