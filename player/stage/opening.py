"""How the stage comes to its screen: sway, one window, or none, as `stage.backend` says; what is not used is not imported."""

from __future__ import annotations

import asyncio
import functools
import time

from player.config import Config, StageConfig
from player.core.egress import WayOut
from player.core.faults import FaultBook
from player.core.ports.screen import Compositor
from player.dirs import Dirs
from player.runtime.clock import SystemClock
from player.runtime.fault_page import FaultPage
from player.runtime.tasks import Latest
from player.stage.backends.null import NullCompositor, NullScreen
from player.stage.places import Places
from player.stage.screen import Screen
from player.stage.wall import Wall

COMPOSITOR_LIMIT_S = 20.0


def _size(config: StageConfig) -> tuple[int, int]:
    width, height = (config.size or "1920x1080").split("x")
    return int(width), int(height)


async def open_screen(
    config: Config, dirs: Dirs, faults: FaultBook, way_out: Latest[WayOut], wall: Wall, places: Places
) -> tuple[Compositor, Screen]:
    """The compositor and the screen for the configured backend; the screen goes out through the `wall`, and under sway what has a
    head start by `places` is being loaded already."""
    if config.stage.backend == "none":
        null = NullCompositor(_size(config.stage))
        return null, NullScreen(null)
    if config.stage.backend == "single":
        from player.stage.backends.single_compositor import open_single
        from player.stage.video.gate import Gate

        gate = Gate(wall.admits, FaultPage(faults, SystemClock(), "gate"))
        return await open_single(config.stage, wall.for_streams, gate, wall.why)
    from player.compositor.hang import start_looking
    from player.compositor.sway import Sway, announced
    from player.stage.backends.sway import SwayScreen

    start_looking(dirs.sway_socket, time.time)
    session = await announced(dirs.sway_socket, COMPOSITOR_LIMIT_S)
    sway = Sway(dirs.sway_socket, session, COMPOSITOR_LIMIT_S)
    screen = SwayScreen(session, config.stage, dirs, way_out, wall, functools.partial(FaultPage, faults, SystemClock()))
    await asyncio.gather(sway.greet(), screen.begin(places.head_start))
    return sway, screen
