"""The servers of this box: the one it belongs to and its fallback, each with its folder and its connection.

A page of the agent's composition root: here the table of kinds is asked, and nowhere else in the agent.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path

from player import cms
from player.agent.fallback import Fallback
from player.agent.server_folder import NONE, ServerFolder, open_folder
from player.config import CmsConfig, Config
from player.core.brief import CardFacts
from player.core.egress import WayOut
from player.core.ports.box import Clock
from player.core.ports.server import Connection, Device
from player.runtime.fault_page import FaultPage


class Servers:
    """Those of `config`, with folders below `state`; `cards` as in `open_folder`. Raises StorageError.

    `folder` is what belongs to the server, `place` where it is, for people. `uuid` is this box, where a server has no name for it.
    """

    def __init__(self, config: Config, state: Path, uuid: str, cards: CardFacts, clock: Clock, way_out: WayOut) -> None:
        self._config, self._state, self._uuid, self._cards = config, state, uuid, cards
        self._clock, self._way_out = clock, way_out
        self.place = cms.place_of(config.cms, config.server)
        self.folder = self._folder(config.cms, config.cms.kind if config.server else NONE, self.place)

    def _folder(self, given: CmsConfig, kind: str, place: str) -> ServerFolder:
        return open_folder(self._state, kind, place, given.device or self._uuid, self._cards, CmsConfig().kind)

    async def connect(self, stack: AsyncExitStack, device: Device) -> Connection:
        """To the server, until the end of `stack`; `device` is what it may ask of this box. Without one: of nothing."""
        config = self._config
        return await stack.enter_async_context(cms.connect(config.cms, config.server, device, self._clock, self._way_out))

    async def open_fallback(
        self, stack: AsyncExitStack, device: Device, *, faults: FaultPage, hurry: Callable[[], None]
    ) -> Fallback | None:
        """The second source, if there is one; it gets no commands, so that it is told no results. Raises StorageError."""
        given, own = self._config.fallback, self._config.fallback_server
        if own is None:
            return None
        place = cms.place_of(given, own)
        folder = self._folder(given, given.kind, place)
        seen = replace(
            device, key=folder.key, paired=folder.facts.paired, results=tuple, heartbeat_interval=lambda: given.heartbeat_interval
        )
        connection = await stack.enter_async_context(cms.connect(given, own, seen, self._clock, self._way_out))
        return Fallback(connection, folder, place, after_s=given.after, clock=self._clock, faults=faults, hurry=hurry)
