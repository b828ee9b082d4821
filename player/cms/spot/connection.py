"""A connection to a Spot server, made from the configuration."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from urllib.parse import urlsplit

from player.cms.http import ServerHttp
from player.cms.pace import Budget
from player.cms.push import KeepLine, Talk, Trouble, keep_line
from player.cms.spot import pusher
from player.cms.spot.adapter import Spot
from player.cms.spot.api import SpotApi
from player.cms.spot.keys import Keys
from player.cms.spot.rhythm import SpotRhythm
from player.config import CmsConfig
from player.config_reader import is_private
from player.core.egress import WayOut
from player.core.ports.box import Absent, Clock
from player.core.ports.server import ByRhythm, Connection, Device
from player.errors import ConfigError
from player.runtime.sessions import open_session


@contextlib.asynccontextmanager
async def connect(cms: CmsConfig, own: Keys, device: Device, clock: Clock, way_out: WayOut) -> AsyncIterator[Connection]:
    """Nothing is asked yet. Raises ConfigError where a file that the configuration names cannot be read, or a key is wrong."""
    token = cms.secret("token")
    line = _line(cms, own, device, clock, way_out)
    async with open_session(way_out) as session:
        http = ServerHttp(
            session, cms.url, way_out, clock=clock, secrets=(device.uuid, token), budget=Budget(clock),
            headers={"Authorization": f"Bearer {token}"},
        )  # fmt: skip
        spot = Spot(SpotApi(http, device.upload), device=cms.device, key=device.key, clock=clock)
        yield Connection(
            rhythm=SpotRhythm(spot, device, clock, keep_line=line),
            content=spot,
            commands=ByRhythm("by its push, and fetched each minute" if line else "fetched each minute"),
            telemetry=ByRhythm("in a heartbeat, where the server takes one"),
            results=spot,
            plays=spot,
            screenshots=spot,
            settings=ByRhythm("with the player's row"),
            alerts=Absent("alerts", "Spot has none"),
            updates=Absent("updates", "Spot has none"),
        )


def _line(cms: CmsConfig, own: Keys, device: Device, clock: Clock, way_out: WayOut) -> KeepLine | None:
    """What keeps the line of the push open; None where none is configured. Raises ConfigError."""
    if not own.push_url and not own.push_key:
        return None
    if not own.push_key:
        raise ConfigError("the configuration", "spot.push_key", "spot.push_url goes with the key of its application")
    try:
        parts = urlsplit(own.push_url)
        host = parts.hostname or ""
    except ValueError:
        host = ""
    if not host or parts.scheme not in ("ws", "wss"):
        problem = f'expected an address such as "wss://push.example.com", found "{own.push_url}"'
        raise ConfigError("the configuration", "spot.push_url", problem)
    if parts.scheme == "ws" and not cms.allow_plain_http and not is_private(host):
        problem = "ws is for loopback and private addresses only; use wss, or set cms.allow_plain_http = true"
        raise ConfigError("the configuration", "spot.push_url", problem)
    url = pusher.address(own.push_url, own.push_key, device.version)

    async def keep(talk: Talk, trouble: Trouble) -> None:
        await keep_line(url, way_out, clock, talk, ping_s=None, trouble=trouble)

    return keep
