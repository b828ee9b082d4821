"""The stage's own way out of this box: where `stage.wall` leads, through which libmpv, the browser and the resolver go."""

from __future__ import annotations

import os

from player.config import Config
from player.core.egress import PROXY_VARIABLES, WayOut
from player.dirs import Dirs
from player.runtime.fault_page import FaultPage
from player.way_out import way_out_as_can_be


def own_way_out(config: Config, dirs: Dirs, faults: FaultPage) -> WayOut:
    """As configured, or as much of it as can be read; libmpv, in this process, gets it from us and not from the environment."""
    dirs.stage_runtime.mkdir(mode=0o700, parents=True, exist_ok=True)
    found = way_out_as_can_be(
        config, os.environ, dirs.stage_runtime, lambda error: faults.report(error.key, "network_file", str(error))
    )
    for name in PROXY_VARIABLES:  # which would lead libmpv past the wall
        os.environ.pop(name, None)
    return found
