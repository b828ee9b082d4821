"""A connection to an AdCast server, made from the configuration."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator

from player.cms.adcast.adapter import AdCast
from player.cms.adcast.hints import PING_S, Hints, address
from player.cms.adcast.keys import Keys
from player.cms.adcast.operator_calls import OperatorCalls
from player.cms.adcast.rhythm import AdCastRhythm
from player.cms.http import ServerHttp
from player.cms.push import Talk, Trouble, keep_line
from player.config import CmsConfig
from player.core.egress import WayOut
from player.core.ports.box import Clock
from player.core.ports.server import ByRhythm, Connection, Device
from player.runtime.sessions import open_session

POLLS_A_PLAN = 10  # the schedules are for the time when the server is away: most polls can do without them


@contextlib.asynccontextmanager
async def connect(cms: CmsConfig, _: Keys, device: Device, clock: Clock, way_out: WayOut) -> AsyncIterator[Connection]:
    """Nothing is asked yet. Raises ConfigError where a file that the configuration names cannot be read."""
    license_key, token = cms.secret("license_key"), cms.secret("token")

    async def keep(talk: Talk, trouble: Trouble) -> None:
        url, first_s = address(cms.url), cms.heartbeat_interval  # lines that broke together come back one by one
        await keep_line(url, way_out, clock, talk, ping_s=PING_S, trouble=trouble, first_s=first_s)

    async with open_session(way_out) as session:
        http = ServerHttp(session, cms.url, way_out, clock=clock, secrets=(device.uuid, license_key), budget=None)
        bearer = {"Authorization": f"Bearer {token}"}
        signed_in = ServerHttp(session, cms.url, way_out, clock=clock, secrets=(device.uuid, token), headers=bearer, budget=None)
        api = AdCast(
            http, uuid=device.uuid, key=device.key, clock=clock, model=device.model, os_version=device.os_version,
            app_version=device.version, license_key=license_key,
            operator=OperatorCalls(signed_in, clock, POLLS_A_PLAN * cms.poll_interval) if token else None,
        )  # fmt: skip
        answered, hints = ByRhythm("in the heartbeat's answer, at once where it is pushed"), Hints(device.uuid, clock, keep)
        yield Connection(
            rhythm=AdCastRhythm(api, device, clock, register_s=register_s(cms.poll_interval), hints=hints),
            content=api,
            commands=answered,
            telemetry=ByRhythm("in the heartbeat"),
            results=api,
            plays=api,
            screenshots=api,
            settings=answered,
            alerts=answered,
            updates=answered,
        )


def register_s(poll_s: float) -> float:
    """How often a box that is not paired introduces itself (contract §3.2); a short poll is meant, and has a short quarter."""
    return max(5.0, poll_s / 4) if poll_s >= 20 else poll_s / 4
