"""The agent as a process: `signage-player agent`. What it is made of stands in `app`."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Callable

from player.agent.app import Agent
from player.config import Config
from player.dirs import Dirs
from player.errors import SignageError
from player.identity import load_or_create
from player.runtime.logs import set_up_logging
from player.runtime.memory import hold_memory_small
from player.runtime.tasks import Shutdown
from player.way_out import read_way_out

log = logging.getLogger("player.agent")


async def _run(config: Config, dirs: Dirs, started: Callable[[], None]) -> None:
    async with Agent(config, dirs, load_or_create(dirs.state), read_way_out(config, os.environ), started) as agent:
        try:
            await agent.run()
        except* Shutdown:
            log.info("stopping")


def main(config: Config, dirs: Dirs, started: Callable[[], None]) -> int:
    """Until it is stopped, and with which code the process ends; `started` as for `Agent`."""
    set_up_logging(config.log.level, kept_in=dirs.runtime / "agent.log")
    hold_memory_small()
    code = 0
    try:
        asyncio.run(_run(config, dirs, started))
    except* SignageError as group:
        code = 1
        for error in group.exceptions:
            log.error("%s", error)
    return code
