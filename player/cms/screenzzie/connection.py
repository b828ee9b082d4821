"""A connection to a Screenzzie server, made from the configuration."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator

from player.cms.http import ServerHttp
from player.cms.screenzzie.adapter import Screenzzie
from player.cms.screenzzie.calls import Calls
from player.cms.screenzzie.keys import Keys
from player.cms.screenzzie.rhythm import ScreenzzieRhythm
from player.config import CmsConfig
from player.core.egress import WayOut
from player.core.ports.box import Absent, Clock
from player.core.ports.server import ByRhythm, Connection, Device
from player.runtime.sessions import open_session

READ_ONLY = "Screenzzie's API only gives"


@contextlib.asynccontextmanager
async def connect(cms: CmsConfig, _: Keys, device: Device, clock: Clock, way_out: WayOut) -> AsyncIterator[Connection]:
    """Nothing is asked yet. Raises ConfigError where a file that the configuration names cannot be read."""
    token = cms.secret("token")
    async with open_session(way_out) as session:
        bearer = {"Authorization": f"Bearer {token}"}
        http = ServerHttp(session, cms.url, way_out, clock=clock, secrets=(device.uuid, token), headers=bearer, budget=None)
        api = Screenzzie(Calls(http), device=cms.device, key=device.key, clock=clock)
        yield Connection(
            rhythm=ScreenzzieRhythm(api, device, clock),
            content=api,
            commands=Absent("commands", "Screenzzie gives none"),
            telemetry=Absent("telemetry", READ_ONLY),
            results=Absent("results", "Screenzzie gives no commands"),
            plays=Absent("plays", f"{READ_ONLY}; `signage-player proof export` has them"),
            screenshots=Absent("screenshots", READ_ONLY),
            settings=ByRhythm("in the screen"),
            alerts=Absent("alerts", "Screenzzie has none"),
            updates=Absent("updates", "Screenzzie has none"),
        )
