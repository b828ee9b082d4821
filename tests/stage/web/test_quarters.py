"""Where the browser lives: `player.stage.web.quarters` and its steward, with real processes on a real line."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from player.errors import BoxError
from player.runtime.tasks import keep_running
from player.stage.web.bounds import keep_rooms_small
from player.stage.web.process import end
from player.stage.web.quarters import Quarters, stay
from player.stage.web.rooms import Rooms
from tests.fakes.browsers import browser_process
from tests.fakes.faults import fault_page
from tests.fakes.quarters import unit_at
from tests.fakes.running import alive, eventually, running

HERE = {"PATH": os.environ["PATH"], "WHO": "lodger"}
SPEAKS = """
import os, sys, time
print(sys.stdin.readline().strip(), os.environ["WHO"], os.read(int(os.environ["HANDED"]), 100).decode(), flush=True)
print("oh", file=sys.stderr, flush=True)
time.sleep(600)
"""
DRAWS = """
import subprocess, sys, time
subprocess.Popen([sys.executable, '-c', 'import time; held = bytearray(b"x" * (32 << 20)); time.sleep(600)', '--type=renderer'])
time.sleep(600)
"""


@pytest_asyncio.fixture(params=["a child", "a unit"])
async def quarters(request: pytest.FixtureRequest, runtime_dir: Path) -> AsyncIterator[Quarters]:
    """Both sorts."""
    folder = runtime_dir / "browser"
    if request.param == "a child":
        async with stay(None, folder) as found:
            yield found
        return
    folder.mkdir()
    async with unit_at(runtime_dir / "door", folder), stay(runtime_dir / "door", runtime_dir / "elsewhere") as found:
        yield found


async def test_what_is_started_there_is_spoken_with_inherits_what_it_is_handed_and_is_ended(quarters: Quarters):
    mine, theirs = socket.socketpair()
    with mine, theirs:
        mine.sendall(b"handed")
        process, pipes = await quarters.speak_with((sys.executable, "-c", SPEAKS), HERE, {"HANDED": theirs.fileno()})
    pipes.told.write(b"hello\n")
    async with asyncio.timeout(20):
        assert await pipes.said.readline() == b"hello lodger handed\n"
        assert await pipes.complained.readline() == b"oh\n"
        assert process.returncode is None
        assert alive(process.pid)
        await end(process)
        assert (process.returncode, await pipes.said.read()) == (-signal.SIGTERM, b"")
    pipes.close()


async def test_what_is_asked_there_answers_and_what_cannot_be_started_says_why(quarters: Quarters):
    ran = await quarters.run(("sh", "-c", "tr a-z A-Z; echo no >&2; exit 3"), HERE, package="dash", within_s=20, told=b"yes")
    assert (ran.code, ran.said, ran.complained) == (3, "YES", "no")
    ran = await quarters.run(("sh", "-c", "echo all"), HERE, package="dash", within_s=20, told=b"what it does not read")
    assert (ran.code, ran.said) == (0, "all\n")
    with pytest.raises(BoxError, match=r"nowhere cannot be started .*apt install nothing"):
        await quarters.run(("nowhere",), HERE, package="nothing", within_s=20)
    with pytest.raises(BoxError, match="sleep did not answer"):
        await quarters.run(("sleep", "600"), HERE, package="coreutils", within_s=0.1)


async def test_where_nobody_can_look_after_it_that_is_said(tmp_path: Path):
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(BoxError, match=r"nobody can look after it here \(Not a directory"):
        await stay(None, tmp_path / "file" / "browser").__aenter__()


async def test_profiles_are_furnished_measured_and_thrown_away_there(quarters: Quarters):
    await quarters.furnish("room-1")
    assert (quarters.folder / "room-1" / "Preferences").exists()
    assert (await quarters.measure()).keys() == {"room-1"}
    await quarters.remove({"room-1"})
    assert await quarters.measure() == {}


async def test_a_page_there_is_measured_and_ended(quarters: Quarters):
    browser = await quarters.start((sys.executable, "-c", DRAWS), HERE, {})
    async with asyncio.timeout(20):
        while max((found := await quarters.held(await quarters.renderers(browser.pid))).values(), default=0) < 32 << 20:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    (page,) = found
    quarters.post("end_renderer", pid=page)
    await eventually(lambda: not alive(page))
    assert alive(browser.pid)


@pytest.mark.parametrize("unit", [False, True])
async def test_what_was_started_ends_with_the_stay_and_with_who_looks_after_it(runtime_dir: Path, unit: bool):
    folder, door = runtime_dir / "browser", runtime_dir / "door"
    folder.mkdir()
    async with contextlib.AsyncExitStack() as stack:
        stewards = await stack.enter_async_context(unit_at(door, folder)) if unit else []
        async with stay(door if unit else None, folder) as quarters:
            first = await quarters.start(("sleep", "600"), HERE, {})
            assert alive(first.pid)
        await eventually(lambda: not alive(first.pid))
        async with stay(door if unit else None, folder) as quarters:
            bound = ("setpriv", "--pdeathsig", "KILL", "sleep", "600")  # as the browser is
            second = await quarters.start(bound, HERE, {})
            await eventually(lambda: Path(f"/proc/{second.pid}/comm").read_text() == "sleep\n")  # which is bound by then
            os.kill(stewards[-1].pid if unit else parent_of(second.pid), signal.SIGKILL)
            async with asyncio.timeout(20):
                await second.wait()
            with pytest.raises(BoxError, match="who looks after it"):
                await quarters.measure()
        await eventually(lambda: not alive(second.pid))


def parent_of(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


async def test_a_unit_that_is_not_there_and_one_that_says_nothing_of_sense_are_named(runtime_dir: Path):
    with pytest.raises(BoxError, match=r"signage-browser\.socket"):
        async with stay(runtime_dir / "door", runtime_dir):
            pass
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listening:
        listening.bind(str(runtime_dir / "door"))
        listening.listen()
        entering = asyncio.ensure_future(stay(runtime_dir / "door", runtime_dir).__aenter__())
        line, _ = await asyncio.to_thread(listening.accept)
        with line:
            line.send(b"nonsense")
            with pytest.raises(BoxError, match="is gone"):
                await entering


async def test_a_unit_that_does_not_start_is_a_fault_until_it_does(runtime_dir: Path):
    door, faults = runtime_dir / "door", fault_page()
    browser = browser_process(runtime_dir, "wayland-none", door=door, faults=faults)
    async with running(keep_running("browser", browser.run)):
        for _ in range(2):
            with pytest.raises(BoxError, match=r"signage-browser\.socket"):
                await browser.open("board", "")
        assert [fault.code for fault in faults.faults] == ["browser_unit"]
        async with unit_at(door, runtime_dir):
            await eventually(lambda: faults.faults == ())


async def test_a_browser_ends_when_its_own_disk_is_full_and_no_sooner(quarters: Quarters):
    rooms = Rooms(room_limit=1, all_limit=1)
    browser = await quarters.start(("sleep", "600"), HERE, {})
    assert 0 < await quarters.free() < 1 << 60
    async with running(keep_rooms_small(rooms, quarters, lambda: (), browser, least=0)):
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.3):
                await browser.wait()
    await asyncio.gather(keep_rooms_small(rooms, quarters, lambda: (), browser, least=1 << 60), browser.wait())
    assert browser.returncode == -signal.SIGTERM
