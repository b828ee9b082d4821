"""What the stage does while its configuration cannot be read: it tells of it, and waits until somebody has mended it."""

from __future__ import annotations

import asyncio

from player.config_reader import Unreadable
from player.core.problem import Problem
from player.runtime.fault_page import FaultPage

LOOK_S = 5.0


def problem_of(unreadable: Unreadable | None, faults: FaultPage) -> Problem | None:
    """What is told on the screen, and as a fault; None where it could be read."""
    if unreadable is None:
        return None
    faults.report("", "config", str(unreadable.error), count=1)
    return Problem("config", str(unreadable.error))


async def until_mended(unreadable: Unreadable | None) -> None:
    """Returns when it can be read again; never where it could be from the beginning."""
    if unreadable is None:
        await asyncio.Event().wait()
    while unreadable and not await asyncio.to_thread(unreadable.is_mended):  # noqa: ASYNC110 - a file says nothing of itself
        await asyncio.sleep(LOOK_S)
