"""Loops that run for ever, run for the length of a test; waiting for what comes; and whether a process still runs."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import itertools
import os
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from pathlib import Path
from typing import Any

_PORTS = (20_000 + (os.getpid() * 97 + number) % 12_000 for number in itertools.count())
ENDS_WITH_US = ("setpriv", "--pdeathsig", "TERM")  # before a command: tests that are killed leave none of it behind


@contextlib.asynccontextmanager
async def running(*works: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """Runs them beside the body; one that fails fails the test."""
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(work, name=f"under test: {work.__qualname__}") for work in works]
        yield
        for task in tasks:
            task.cancel()


async def eventually(check: Callable[[], Any], within_s: float = 20.0) -> Any:
    """The first true answer of `check`; fails after `within_s`."""
    async with asyncio.timeout(within_s):
        while not (found := check()):  # noqa: ASYNC110 - what is waited for is another's state
            await asyncio.sleep(0.005)
    return found


def until(check: Callable[[], Any], what: str, within_s: float = 20.0) -> Any:
    """As `eventually`, without a loop; fails with the name of what was waited for."""
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        if found := check():
            return found
        time.sleep(0.01)
    raise AssertionError(f"{what}: not within {within_s} s")


async def bound(listen: Callable[[], Awaitable[Any]]) -> None:
    """Listens again at a port that was given up before, once whoever was lent it by the system meanwhile has gone."""
    async with asyncio.timeout(20):
        while True:
            try:
                await listen()
            except OSError as error:
                if error.errno != errno.EADDRINUSE:
                    raise
            else:
                return
            await asyncio.sleep(0.1)


def free_port(kind: socket.SocketKind = socket.SOCK_STREAM, host: str = "127.0.0.1") -> int:
    """One that nobody has, below those that the kernel lends to outgoing connections: nobody is given it before it is bound."""
    while True:
        with socket.socket(socket.AF_INET, kind) as probe, contextlib.suppress(OSError):
            probe.bind((host, port := next(_PORTS)))
            return port


def listens(path: Path) -> bool:
    """Whether somebody answers at that Unix socket."""
    with socket.socket(socket.AF_UNIX) as caller:
        return caller.connect_ex(str(path)) == 0


def listens_at(port: int) -> bool:
    """Whether somebody does at that port of TCP, without a connection to it, which would be its only one."""
    table = Path("/proc/net/tcp").read_text(encoding="ascii").splitlines()
    return any(line.split()[1].endswith(f":{port:04X}") and line.split()[3] == "0A" for line in table)


def alive(pid: int) -> bool:
    """Whether it is there, and not ended and waited for by nobody."""
    try:
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return False
