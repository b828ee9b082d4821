"""Chromium as a process: started on its debugging pipe, giving way to what plays, and ended with everything it started.

`setpriv --pdeathsig` ends it with the thread that started it, which therefore has to be the event loop's main thread.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from pathlib import Path

from player.errors import BoxError
from player.stage.web.cdp import MESSAGE_LIMIT, Cdp
from player.stage.web.chromium import PIPED
from player.stage.web.island import Ferry

STOP_S = 2.0
GIVING_WAY = ("nice", "-n", "10")  # a page that is loaded takes no time from a clip that plays
OOM_SCORE_ADJ = 500  # when memory runs out a page goes, and not the player
_PIPE = 'ulimit -d "$1"; shift; exec "$@" 3<&0 4>&1 </dev/null >/dev/null'  # Chromium reads commands at 3 and answers at 4


Admit = Callable[[socket.socket], contextlib.AbstractAsyncContextManager[None]]  # lets through at a door, as long as it is open


@contextlib.asynccontextmanager
async def piped(
    program: str, flags: Sequence[str], environment: Mapping[str, str], admit: Admit | None, most: int
) -> AsyncIterator[asyncio.subprocess.Process]:
    """The browser itself, for `commands_of`; it is ended at the end. With `admit` it lives on an island. Raises BoxError.

    `most`: bytes of writable memory that each of its processes may ask for (RLIMIT_DATA); a page that wants more fails alone.
    """
    words = ["setpriv", "--pdeathsig", "KILL", *GIVING_WAY, "sh", "-c", _PIPE, "sh", str(most // 1024), program, *flags]
    async with contextlib.AsyncExitStack() as stack:
        ferry = stack.enter_context(Ferry())
        process = await asyncio.create_subprocess_exec(
            *(ferry.command([*words, *PIPED]) if admit else [*words, *PIPED]), env=environment,
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
            limit=MESSAGE_LIMIT, start_new_session=True, pass_fds=(ferry.handed,) if admit else (),
        )  # fmt: skip
        stack.push_async_callback(end, process)
        if admit:
            await stack.enter_async_context(admit(await ferry.door()))
        yield process


@contextlib.asynccontextmanager
async def asking(program: str, flags: Sequence[str], environment: Mapping[str, str]) -> AsyncIterator[None]:
    """A second call, which hands its wish to the browser that runs; it ends by itself, at the latest at the end."""
    process = await asyncio.create_subprocess_exec(
        *GIVING_WAY, program, *flags, env=environment,
        stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    try:
        yield
    finally:
        await end(process)


def commands_of(process: asyncio.subprocess.Process) -> Cdp:
    """Its debugging pipe. Raises BoxError."""
    if process.stdout is None or process.stdin is None:
        raise BoxError("browser", "it was started without its pipes")
    return Cdp(process.stdout, process.stdin)


def give_way(pid: int) -> None:
    """When memory runs out. Not before it is up: Chromium sets its own at the start."""
    with contextlib.suppress(OSError):
        Path(f"/proc/{pid}/oom_score_adj").write_text(str(OOM_SCORE_ADJ), encoding="ascii")


async def end(process: asyncio.subprocess.Process) -> None:
    """Ends a process that still runs, with everything it started when it leads a session of its own."""
    if process.returncode is not None:
        return
    with contextlib.suppress(ProcessLookupError):
        process.terminate()
    try:
        async with asyncio.timeout(STOP_S):
            await process.wait()
    except TimeoutError:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()
