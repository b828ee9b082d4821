"""The servers, one folder an API; a vendor's words stop there. The rest knows `core.ports.server` and this page.

A server is one folder and one row in `KINDS`: its `keys.Keys` are its own table of the configuration, its `connection.connect`
makes the `Connection`. Only the folder of the kind that is used is imported. What else is to be written: a test beside AdCast's
that derives from `tests/cms/contract.py`, and a line for each of its own keys in `config.example.toml` and the README.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass

from player.config import CmsConfig, Section
from player.core.egress import WayOut
from player.core.ports.box import Clock
from player.core.ports.server import Connection, Device, no_connection

NONE = "no server is configured (cms.url)"


@dataclass(frozen=True, slots=True)
class ServerRow:
    """A kind of server: the folder beside this page, the keys of [cms] that it cannot be without, and a path of its API that
    answers JSON to anybody's GET, if only that it wants to know who asks: `doctor` tells by it an API from a page ("": no API)."""

    folder: str
    needs: tuple[str, ...]
    answers_at: str

    def keys(self) -> type[Section]:
        """Its own table."""
        found: type[Section] = importlib.import_module(f"{__name__}.{self.folder}.keys").Keys
        return found

    def connect(
        self, cms: CmsConfig, own: Section, device: Device, clock: Clock, way_out: WayOut
    ) -> AbstractAsyncContextManager[Connection]:
        """Its adapter, made from the configuration. Raises ConfigError."""
        room = importlib.import_module(f"{__name__}.{self.folder}.connection")
        connection: AbstractAsyncContextManager[Connection] = room.connect(cms, own, device, clock, way_out)
        return connection


KINDS: Mapping[str, ServerRow] = {
    "adcast": ServerRow("adcast", needs=("url",), answers_at="/api/device/playlist"),
    "spot": ServerRow("spot", needs=("url", "token", "device"), answers_at="/api/v1/players"),
    "screenzzie": ServerRow("screenzzie", needs=("url", "token"), answers_at="/api/v1/me"),
    "folder": ServerRow("folder", needs=(), answers_at=""),
}


def place_of(cms: CmsConfig, own: Section | None) -> str:
    """Where the server is, for people and for the name of what is kept of it: its address, or what its own table names."""
    return cms.url or str(getattr(own, "place", ""))


def connect(
    cms: CmsConfig, own: Section | None, device: Device, clock: Clock, way_out: WayOut
) -> AbstractAsyncContextManager[Connection]:
    """The server that is configured, `own` being its kind's table; without one nothing is built. Raises ConfigError."""
    if own is None:
        return nullcontext(no_connection(NONE))
    return KINDS[cms.kind].connect(cms, own, device, clock, way_out)
