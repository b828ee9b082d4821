"""The servers and the sources of triggers, one folder an API; a vendor's words stop there. The rest knows ports and this page.

A server is one folder and one row in `_BUILT_IN`: its `keys.Keys` are its own table of the configuration, its `connection.connect`
makes the `Connection`. Only the folder of the kind that is used is imported. What else is to be written: a test beside AdCast's
that derives from `tests/cms/contract.py`, a line for each of its own keys in `config.example.toml` and the README, and what answers
for it in `player/demo`, with a row in `demonstration.ROOMS`.

A source of triggers is one folder below `triggers` and one row in `TRIGGER_SOURCES`; its `recorded.recorded` reads messages that
somebody has kept.

A package of somebody else's adds a kind of server likewise: beside this player in its environment, with a `ServerRow` of its own as
an entry point of the group `signage_player.cms`, named like the kind. `tests/fixtures/billboard` is a small one, whole.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Mapping
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from player.config import CmsConfig, Section, TriggerSourceConfig
from player.config_kinds import Kinds
from player.errors import ConfigError

if TYPE_CHECKING:  # whoever reads the configuration imports this page, and the first frame waits for some of those
    from player.cms.triggers.files import TriggerFiles
    from player.core.egress import WayOut
    from player.core.ports.box import Clock
    from player.core.ports.server import Connection, Device
    from player.core.ports.triggers import Misread, OtherSort, Triggered, TriggerSource

NONE = "no server is configured (cms.url)"
GROUP = "signage_player.cms"


@dataclass(frozen=True, slots=True)
class ServerRow:
    """A kind of server: the package of its adapter, the keys of [cms] that it cannot be without, and a path of its API that
    answers JSON to anybody's GET, if only that it wants to know who asks: `doctor` tells by it an API from a page ("": no API)."""

    package: str
    needs: tuple[str, ...]
    answers_at: str

    def keys(self) -> type[Section]:
        """The class of its own table of the configuration."""
        found: type[Section] = importlib.import_module(f"{self.package}.keys").Keys
        return found

    def connect(
        self, cms: CmsConfig, own: Section, device: Device, clock: Clock, way_out: WayOut
    ) -> AbstractAsyncContextManager[Connection]:
        """Its adapter, made from the configuration. Raises ConfigError."""
        room = importlib.import_module(f"{self.package}.connection")
        connection: AbstractAsyncContextManager[Connection] = room.connect(cms, own, device, clock, way_out)
        return connection


_BUILT_IN = {
    "adcast": ServerRow("player.cms.adcast", needs=("url",), answers_at="/api/device/playlist"),
    "spot": ServerRow("player.cms.spot", needs=("url", "token", "device"), answers_at="/api/v1/players"),
    "screenzzie": ServerRow("player.cms.screenzzie", needs=("url", "token"), answers_at="/api/v1/me"),
    "folder": ServerRow("player.cms.folder", needs=(), answers_at=""),
}


class _Servers(Mapping[str, ServerRow]):
    """Those of this package first; others are looked for only where a name is none of these."""

    def __getitem__(self, name: str) -> ServerRow:
        if name in _BUILT_IN:
            return _BUILT_IN[name]
        return _loaded(name, _added()[name])

    def __iter__(self) -> Iterator[str]:
        return iter({**_BUILT_IN, **_added()})

    def __len__(self) -> int:
        return len({*_BUILT_IN, *_added()})

    def __contains__(self, name: object) -> bool:
        return name in _BUILT_IN or name in _added()


@cache
def _added() -> Mapping[str, Any]:
    """The entry points of other packages by their names."""
    from importlib.metadata import entry_points

    return {one.name: one for one in entry_points(group=GROUP) if one.name not in _BUILT_IN}


def _loaded(name: str, entry_point: Any) -> ServerRow:
    """Raises ConfigError where the package is broken."""
    try:
        row = entry_point.load()
    except (ImportError, AttributeError) as error:
        raise ConfigError(f"the package behind {entry_point.value}", "", f'its kind "{name}" cannot be loaded: {error}') from error
    if not isinstance(row, ServerRow):
        raise ConfigError(f"the package behind {entry_point.value}", "", f'its kind "{name}" is no player.cms.ServerRow')
    return row


@dataclass(frozen=True, slots=True)
class TriggerRow:
    """A kind of source of triggers: the package of its adapter."""

    package: str

    def keys(self) -> type[TriggerSourceConfig]:
        """The class of its own table of the configuration."""
        found: type[TriggerSourceConfig] = importlib.import_module(f"{self.package}.keys").Keys
        return found

    def connect(
        self, own: TriggerSourceConfig, public_url: str, clock: Clock, way_out: WayOut
    ) -> AbstractAsyncContextManager[TriggerSource]:
        """Its adapter, made from the configuration. Raises ConfigError."""
        room = importlib.import_module(f"{self.package}.connection")
        source: AbstractAsyncContextManager[TriggerSource] = room.connect(own, public_url, clock, way_out)
        return source

    def recorded(self, found: Any, own: TriggerSourceConfig) -> Iterator[Triggered | OtherSort | Misread]:
        """What messages of its tell that somebody has kept; `found`: JSON, decoded."""
        told: Iterator[Triggered | OtherSort | Misread] = importlib.import_module(f"{self.package}.recorded").recorded(found, own)
        return told


SERVERS: Mapping[str, ServerRow] = _Servers()
TRIGGER_SOURCES = {"spotwatch": TriggerRow("player.cms.triggers.spotwatch")}
KINDS = Kinds(SERVERS, TRIGGER_SOURCES)


def trigger_files(folder: str) -> TriggerFiles:
    """The files of this machine that triggers name, below `folder`."""
    from player.cms.triggers.files import TriggerFiles

    return TriggerFiles(folder)


def place_of(cms: CmsConfig, own: Section | None) -> str:
    """Where the server is, for people and for the name of what is kept of it: its address, or what its own table names."""
    return cms.url or str(getattr(own, "place", ""))


def connect(
    cms: CmsConfig, own: Section | None, device: Device, clock: Clock, way_out: WayOut
) -> AbstractAsyncContextManager[Connection]:
    """The server that is configured, `own` being its kind's table; without one nothing is built. Raises ConfigError."""
    if own is None:
        from player.core.ports.server import no_connection

        return nullcontext(no_connection(NONE))
    return SERVERS[cms.kind].connect(cms, own, device, clock, way_out)
