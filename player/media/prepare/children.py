"""The children that open foreign files: one for each file, forked by a process that has loaded the decoders and waits a while.

Loading them takes longer than most pictures do, so that is done once for many. A child that dies costs its file alone. Where one
takes too long, or nobody waits for it any more, what forked it goes with it, and the next file has another.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process
from dataclasses import dataclass
from types import TracebackType
from typing import Self

LONGEST_LINE = 64 * 1024  # of what a child may answer, in bytes
IDLE_S, END_S = 10.0, 2.0


@dataclass(frozen=True, slots=True)
class ChildOutcome:
    """What became of a child: its exit status, negative for a signal, and the first line that it wrote; b"" for none."""

    status: int
    line: bytes


class Children:
    """`async with` ends them, and what forks them; that ends by itself when nothing was asked for `idle_s` seconds."""

    def __init__(self, idle_s: float = IDLE_S) -> None:
        self._idle_s = idle_s
        self._waiting: Process | None = None  # for the next file; it may have ended by itself since

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        waiting, self._waiting = self._waiting, None
        if waiting:
            await _end(waiting)

    async def ask(self, question: bytes) -> ChildOutcome:
        """Has a child of its own answer one line. Cancelled, it leaves nothing running."""
        nursery, self._waiting = self._waiting, None
        ended = await self._asked(nursery, question) if nursery and nursery.returncode is None else None
        return ended or await self._asked(await _started(self._idle_s), question) or ChildOutcome(-signal.SIGKILL, b"")

    async def _asked(self, nursery: Process, question: bytes) -> ChildOutcome | None:
        """None where what forks children has ended; where it has not, it waits for the next file."""
        async with contextlib.AsyncExitStack() as stack:
            stack.push_async_callback(_end, nursery)
            ended = await _answer(nursery, question)
            if ended and self._waiting is None:
                self._waiting = nursery
                stack.pop_all()
        return ended


async def _started(idle_s: float) -> Process:
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-I",
        "-m",
        "player.media.prepare.nursery",
        str(idle_s),
        stdin=PIPE,
        stdout=PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        start_new_session=True,
        limit=2 * LONGEST_LINE,
        env={"PATH": os.environ.get("PATH", os.defpath), "LANG": "C.UTF-8", "MALLOC_ARENA_MAX": "2"},
    )


async def _answer(nursery: Process, question: bytes) -> ChildOutcome | None:
    if nursery.stdin is None or nursery.stdout is None:
        return None
    with contextlib.suppress(ConnectionError):
        nursery.stdin.write(question)
        await nursery.stdin.drain()
    line = await nursery.stdout.readline()
    if not line.endswith(b"\n"):
        return None
    status, _, told = line.partition(b" ")
    return ChildOutcome(int(status), told)


async def _end(nursery: Process) -> None:
    """It ends the child that it has, and itself."""
    if nursery.returncode is not None:
        return
    with contextlib.suppress(ProcessLookupError):
        os.kill(nursery.pid, signal.SIGTERM)
    try:
        async with asyncio.timeout(END_S):
            await nursery.wait()
    except TimeoutError:
        with contextlib.suppress(ProcessLookupError):
            os.kill(nursery.pid, signal.SIGKILL)
        await nursery.wait()
