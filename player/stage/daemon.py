"""The stage as a process: `signage-player stage`. What it is made of stands in `app`."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Callable

from player.config import Config
from player.config_reader import Unreadable
from player.core.faults import FaultBook
from player.device.host import kernel_clock_synced
from player.dirs import Dirs
from player.errors import SignageError
from player.runtime.clock import SystemClock
from player.runtime.fault_page import FaultPage
from player.runtime.logs import set_up_logging
from player.runtime.lookup import by_the_system
from player.runtime.memory import hold_memory_small
from player.runtime.tasks import Latest, Shutdown
from player.stage.app import Stage
from player.stage.crashes import last_death
from player.stage.opening import open_screen
from player.stage.places import Places
from player.stage.wall import Wall
from player.stage.way_out import own_way_out
from player.way_out import read_address_policy

log = logging.getLogger("player.stage")


async def _run(config: Config, dirs: Dirs, unreadable: Unreadable | None, started: Callable[[], None]) -> None:
    faults = FaultBook()
    wall = Wall(
        own_way_out(config, dirs, FaultPage(faults, SystemClock(), "network")), read_address_policy(config), by_the_system()
    )
    way_out = Latest(wall.for_pages)
    places = Places(dirs.stage_runtime / "places.json", last_death(dirs.stage_runtime))
    compositor, screen = await open_screen(config, dirs, faults, way_out, wall, places)
    stage = Stage(
        config, dirs, compositor, screen, faults, way_out, wall,
        kernel_synced=kernel_clock_synced, unreadable=unreadable, started=started,
    )  # fmt: skip
    stage.crashes.listen()
    asked_for = in_order = False
    try:
        await stage.run()
    except* Shutdown:
        asked_for = in_order = True
        log.info("stopping")
    except* SignageError:  # what it stands on failed
        asked_for = True
        raise
    finally:
        if not asked_for:
            stage.crashes.ended_unasked("it ended by an error of its own, which stands above in the log")
        if in_order:
            stage.stop()
        else:
            stage.break_off()


def main(config: Config, dirs: Dirs, unreadable: Unreadable | None, started: Callable[[], None], before: str) -> int:
    """`signage-player stage`; `unreadable` and `started` as for `Stage`. `before`: how the one ended that it follows at once."""
    set_up_logging(config.log.level, kept_in=dirs.stage_runtime / "stage.log")
    hold_memory_small()
    if before:
        log.warning("the stage %s; another one follows as process %d", before, os.getpid())
    code = 0
    try:
        asyncio.run(_run(config, dirs, unreadable, started))
    except* SignageError as group:
        code = 1
        for error in group.exceptions:
            log.error("%s", error)
    logging.shutdown()
    os._exit(code)  # windows go with the process; ending every decoder in order takes longer than a stop may
