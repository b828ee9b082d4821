"""The browser's island: there is one way off it, through the wall, whatever a process there tries."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import socket
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from player.core.address_policy import beside
from player.errors import BoxError
from player.runtime.programs import run_program
from player.runtime.tasks import Latest
from player.stage.wall import Wall
from player.stage.web import island, landing
from player.stage.web.browser import BrowserProcess
from player.stage.web.known import BrowserFacts, Known
from tests.fakes.browsers import browser_process
from tests.fakes.faults import fault_page
from tests.fakes.names import FakeNames
from tests.fakes.neighbour import neighbour
from tests.fakes.running import running
from tests.fakes.server import scripted_server
from tests.fakes.way_out import STRAIGHT

# What a browser that somebody has taken over might do.
PROGRAM = """
import json, os, socket, sys, threading
port, url = int(sys.argv[1]), sys.argv[2]
for host in ('127.0.0.1', '::1', '10.0.0.1', '8.8.8.8'):
    for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
        try:
            with socket.socket(socket.AF_INET6 if ':' in host else socket.AF_INET, kind) as tried:
                tried.settimeout(1)
                tried.connect((host, port))
                tried.send(b'x')
        except OSError:
            pass
def asked(url):
    with socket.create_connection(('192.0.2.1', 8080)) as door:
        door.sendall(f'GET {url} HTTP/1.1\\r\\n\\r\\n'.encode())
        return b''.join(iter(lambda: door.recv(1000), b'')).decode()
rights = [line for line in open('/proc/self/status') if line.startswith('CapEff')][0].split()[1]
answers = [asked(url), asked(f'http://127.0.0.1:{port}/')]
over, started = threading.Event(), 0
try:
    while started < 2000:
        threading.Thread(target=over.wait).start()
        started += 1
except RuntimeError:
    over.set()
print(json.dumps([*answers, rights, os.getpid(), started]))
"""


async def test_l4_a_process_on_the_island_reaches_the_wall_and_nothing_else():
    names = FakeNames()
    names.on("cms.test", ["127.0.0.1"])
    async with scripted_server() as server, neighbour() as other:
        server.on("/", {"from": "the server"})
        url = server.url.replace("127.0.0.1", "cms.test")
        with contextlib.closing(Wall(STRAIGHT, beside(url), names)) as wall, island.Ferry() as ferry:
            (variable, handed), *_ = ferry.handed.items()
            process = await asyncio.create_subprocess_exec(
                *island.command((sys.executable, "-c", PROGRAM, str(other.port), f"{url}/")),
                env={**os.environ, variable: str(handed)}, pass_fds=(handed,), stdout=asyncio.subprocess.PIPE,
            )  # fmt: skip
            door = await ferry.door()
            async with asyncio.timeout(60), running(wall.run()), wall.also_at(door):
                said, _ = await process.communicate()
        good, bad, rights, pid, started = json.loads(said)
        assert '{"from": "the server"}' in good
        assert bad.startswith("HTTP/1.1 403 ")
        assert other.reached == []
        assert int(rights, 16) == 0, "it kept no right over the namespace"
        assert pid == process.pid, "it is the process that was started"
        assert 100 < started < landing.TASKS, "its tasks have an end of their own"


async def test_where_no_island_is_made_nobody_waits_for_its_door():
    with island.Ferry() as ferry, pytest.raises(BoxError, match="no network of its own"):
        await ferry.door()
    with pytest.raises(BoxError, match="unshare cannot be started"):
        await island.try_one(partial(run_program, "browser"), {"PATH": "/nowhere"})


@pytest.fixture
def display(runtime_dir: Path) -> Iterator[str]:
    """A compositor's socket, behind which nobody draws."""
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(runtime_dir / "wayland-9"))
        listening.listen()
        yield str(runtime_dir / "wayland-9")


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Puts these scripts, by their names, before the programs of this system."""

    def put(**scripts: str) -> None:
        for name, script in scripts.items():
            (tmp_path / name).write_text(f"#!/bin/sh\n{script}\n")
            (tmp_path / name).chmod(0o755)
        monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")

    return put


async def test_what_is_known_of_the_browser_is_asked_once_a_program_and_again_when_it_did_not_start(
    tmp_path: Path, programs: Callable[..., None]
):
    programs(browser=f"echo asked >> {tmp_path}/asked; echo Chromium 150.0.0.0", unshare="exit 0")
    program, path, environment = str(tmp_path / "browser"), tmp_path / "known", dict(os.environ)

    async def known() -> tuple[Known, int]:
        facts = BrowserFacts(path, fault_page(), apart=True)
        return await facts.of(program, partial(run_program, "browser"), environment), len((tmp_path / "asked").read_text().split())

    whole = Known("Chromium 150.0.0.0\n", apart=True)
    assert [await known(), await known()] == [(whole, 1), (whole, 1)]
    path.write_text("nonsense")
    assert await known() == (whole, 2)
    os.utime(program, (1, 1))  # an update
    assert [await known(), await known()] == [(whole, 3), (whole, 3)]
    BrowserFacts(path, fault_page(), apart=True).forget()
    programs(unshare="exit 1")
    without = Known("Chromium 150.0.0.0\n", apart=False)
    assert [await known(), await known()] == [(without, 4), (without, 5)]


async def test_a_system_without_islands_is_told_of_and_the_browser_is_started(
    runtime_dir: Path, display: str, tmp_path: Path, programs: Callable[..., None]
):
    programs(
        unshare="echo unshare: not permitted >&2; exit 1",
        browser=f'[ "$1" = --version ] && echo Chromium 150.0.0.0 && exit; echo "$@" > {tmp_path}/started',
    )
    faults = fault_page()
    with contextlib.closing(Wall(STRAIGHT, beside(""), FakeNames())) as wall:
        process = browser_process(
            runtime_dir, display, way_out=Latest(wall.for_pages), faults=faults, program=str(tmp_path / "browser"),
            admit=wall.also_at,
        )  # fmt: skip
        with pytest.raises(BoxError, match="it ended while starting"):
            await asyncio.gather(process.run(), _asks_for_a_window(process))
    assert [(fault.code, "unshare: not permitted" in fault.message) for fault in faults.faults] == [("browser_island", True)]
    assert "--proxy-server=127.0.0.1:" in (tmp_path / "started").read_text()


async def test_what_could_not_start_is_not_known_any_more(
    runtime_dir: Path, display: str, tmp_path: Path, programs: Callable[..., None]
):
    programs(browser='[ "$1" = --version ] && echo Chromium 150.0.0.0', unshare="exit 0")
    with contextlib.closing(Wall(STRAIGHT, beside(""), FakeNames())) as wall:
        process = browser_process(
            runtime_dir, display, way_out=Latest(wall.for_pages), program=str(tmp_path / "browser"),
            admit=wall.also_at,
        )  # fmt: skip
        process._wanted.set()
        facts_file(runtime_dir).write_text("of before")
        with pytest.raises(BoxError, match="no network of its own"):
            await process.run()
    assert not facts_file(runtime_dir).exists()


def facts_file(folder: Path) -> Path:
    return folder / "browser.known"


async def _asks_for_a_window(process: BrowserProcess) -> None:
    with contextlib.suppress(BoxError):
        await process.open("main-a", "")
