"""The servers, one folder an API; a vendor's words stop there. The rest knows `core.ports.server` and this page.

A server is one folder with a `connection.connect`, and one row in `KINDS`.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager, nullcontext

from player.config import CmsConfig
from player.core.ports.box import Clock
from player.core.ports.server import Connection, Device, no_connection
from player.errors import ConfigError

KINDS: Mapping[str, str] = {"adcast": "player.cms.adcast"}


def connect(cms: CmsConfig, device: Device, clock: Clock) -> AbstractAsyncContextManager[Connection]:
    """The server that is configured; without one nothing is built. Only the room of its kind is imported."""
    if not cms.url:
        return nullcontext(no_connection("no server is configured (cms.url)"))
    room = importlib.import_module(f"{KINDS[cms.kind]}.connection")
    connection: AbstractAsyncContextManager[Connection] = room.connect(cms, device, clock)
    return connection


def check(cms: CmsConfig) -> None:
    """Raises ConfigError for a kind that this version does not speak."""
    if cms.kind not in KINDS:
        spoken = ", ".join(KINDS)
        raise ConfigError("the configuration", "cms.kind", f'"{cms.kind}" is not spoken by this version; it speaks: {spoken}')
