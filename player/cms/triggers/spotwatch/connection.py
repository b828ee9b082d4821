"""A connection to Spotwatch, made from the configuration."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from zoneinfo import ZoneInfo

from player.cms.http import ServerHttp
from player.cms.pace import Budget
from player.cms.triggers.spotwatch.api import SpotwatchApi
from player.cms.triggers.spotwatch.keys import Keys
from player.cms.triggers.spotwatch.source import Spotwatch
from player.core.egress import WayOut
from player.core.ports.box import Clock
from player.runtime.sessions import open_session


@contextlib.asynccontextmanager
async def connect(given: Keys, public_url: str, clock: Clock, way_out: WayOut) -> AsyncIterator[Spotwatch]:
    """Nothing is asked yet. Raises ConfigError where a file that the configuration names cannot be read."""
    key = given.secret()
    reached_at = public_url if given.receive == "webhook" else ""
    async with open_session(way_out) as session:
        http = ServerHttp(
            session, given.url, way_out, clock=clock, secrets=(key,), headers={"Authorization": f"key {key}"}, budget=Budget(clock)
        )
        yield Spotwatch(SpotwatchApi(http), given.url.rstrip("/"), reached_at, ZoneInfo(given.zone), clock)
