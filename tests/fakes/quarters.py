"""What systemd does for `signage-browser.socket`: each connection is the line of a steward of its own."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import sys
from collections.abc import AsyncIterator
from pathlib import Path

from player.stage.web import steward
from tests.fakes.running import running


@contextlib.asynccontextmanager
async def unit_at(door: Path, folder: Path) -> AsyncIterator[list[asyncio.subprocess.Process]]:
    """Listens there; the stewards that were started. Their browsers' folder is `folder`, which is there."""
    started: list[asyncio.subprocess.Process] = []
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listening:
        listening.setblocking(False)
        listening.bind(str(door))
        listening.listen()

        async def let_in() -> None:
            while True:
                line, _ = await asyncio.get_running_loop().sock_accept(listening)
                line.setblocking(True)
                with line:
                    words = (sys.executable, "-I", "-B", "-m", steward.__name__, str(folder))
                    started.append(await asyncio.create_subprocess_exec(*words, stdin=line.fileno()))

        async with running(let_in()):
            try:
                yield started
            finally:
                for process in started:
                    with contextlib.suppress(ProcessLookupError):
                        process.kill()
                    await process.wait()
