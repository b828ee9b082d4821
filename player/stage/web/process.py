"""Chromium as a process: started on its debugging pipe, giving way to what plays, and ended with everything it started.

`setpriv --pdeathsig` ends it with the thread that started it, which is the main one of who looks after it (`web.steward`).
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from pathlib import Path

from player.errors import BoxError
from player.stage.web import island
from player.stage.web.chromium import PIPED
from player.stage.web.quarters import Pipes, Quarters, Tenant

STOP_S = 2.0
GIVING_WAY = ("nice", "-n", "10")  # a page that is loaded takes no time from a clip that plays
_PIPE = 'ulimit -d "$1"; shift; exec "$@" 3<&0 4>&1 </dev/null >/dev/null'  # Chromium reads commands at 3 and answers at 4


Admit = Callable[[socket.socket], contextlib.AbstractAsyncContextManager[None]]  # lets through at a door, as long as it is open


@contextlib.asynccontextmanager
async def piped(
    quarters: Quarters,
    program: str,
    flags: Sequence[str],
    environment: Mapping[str, str],
    display: Path,
    admit: Admit | None,
    most: int,
) -> AsyncIterator[tuple[Tenant, Pipes]]:
    """The browser itself; it is ended at the end. With `admit` it lives on an island. Raises BoxError.

    `display` is the compositor's socket. `most`: bytes of writable memory that each of its processes may ask for (RLIMIT_DATA); a
    page that wants more fails alone.
    """
    words = ["setpriv", "--pdeathsig", "KILL", *GIVING_WAY, "sh", "-c", _PIPE, "sh", str(most // 1024), program, *flags, *PIPED]
    async with contextlib.AsyncExitStack() as stack:
        ferry, handed = stack.enter_context(island.Ferry()), stack.enter_context(_drawing_at(display))
        if admit:
            words, handed = island.command(words), handed | ferry.handed
        browser, pipes = await quarters.speak_with(words, environment, handed)
        stack.callback(pipes.close)
        stack.push_async_callback(end, browser)
        if admit:
            await stack.enter_async_context(admit(await ferry.door()))
        yield browser, pipes


@contextlib.asynccontextmanager
async def asking(
    quarters: Quarters, program: str, flags: Sequence[str], environment: Mapping[str, str], display: Path
) -> AsyncIterator[None]:
    """A second call, which hands its wish to the browser that runs; it ends by itself, at the latest at the end."""
    with _drawing_at(display) as handed:
        caller = await quarters.start([*GIVING_WAY, program, *flags], environment, handed)
    try:
        yield
    finally:
        await end(caller)


@contextlib.contextmanager
def _drawing_at(display: Path) -> Iterator[dict[str, int]]:
    """What a process that draws there inherits: its line to the compositor, whose socket need not be within its reach.

    Libwayland takes the line's number from that variable. Raises BoxError where no compositor listens.
    """
    with socket.socket(socket.AF_UNIX) as line:
        try:
            line.connect(str(display))
        except OSError as error:
            raise BoxError("browser", f"no compositor listens at {display} ({error.strerror})") from error
        yield {"WAYLAND_SOCKET": line.fileno()}


async def end(tenant: Tenant) -> None:
    """Ends a process that still runs, with everything it started; where nobody tells of its end, the end of the stay will do."""
    for send in (tenant.terminate, tenant.kill):
        send()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(STOP_S):
                await tenant.wait()
                return
