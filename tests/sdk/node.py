"""Node, as these tests run it."""

from __future__ import annotations

import asyncio
import contextlib


async def end(process: asyncio.subprocess.Process) -> None:
    """A script ends with its input; one that does not is killed."""
    assert process.stdin
    process.stdin.close()
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(10):
            await process.wait()
    if process.returncode is None:
        process.kill()
        await process.wait()
