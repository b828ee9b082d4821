"""What `signage-player demo` asks of an embedded server, whichever kind it is: one page a room that answers for it."""

from __future__ import annotations

import importlib
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Protocol

ROOMS = {
    "adcast": "AdCastDemonstration",
    "spot": "SpotDemonstration",
    "screenzzie": "ScreenzzieDemonstration",
    "folder": "FolderDemonstration",
}
Codes = Mapping[str, Callable[[], Awaitable[str]]]  # by the screen's name: waits for the pairing code on it, "" where it needs none


class Demonstration(Protocol):
    """An embedded server while it runs, and what makes players its own."""

    @property
    def url(self) -> str:
        """The base address, without a slash at its end."""

    @property
    def welcome(self) -> str:
        """How somebody who sits before the demonstration uses the server."""

    def environment(self, screen: str) -> Mapping[str, str]:
        """What makes a player the screen of that name: variables of its configuration, beside kind and address."""

    async def begin(self, codes: Codes) -> None:
        """Puts sample content there, and brings every screen to show it."""


def demonstration(kind: str, folder: Path, port: int) -> AbstractAsyncContextManager[Demonstration]:
    """The server of that kind, not yet running; `port` 0 takes a free one. Entering raises OSError where it cannot be used."""
    room = importlib.import_module(f"player.demo.{kind}.demonstration")
    made: AbstractAsyncContextManager[Demonstration] = getattr(room, ROOMS[kind])(folder, port)
    return made
