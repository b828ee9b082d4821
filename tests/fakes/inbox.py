"""A `core.ports.ServerInbox` that remembers what it was told."""

from __future__ import annotations

from typing import TypeVar

from player.core.ports.server import ServerEvent

E = TypeVar("E")


class FakeInbox:
    """`events` in the order in which they came."""

    def __init__(self) -> None:
        self.events: list[ServerEvent] = []

    async def put(self, event: ServerEvent) -> None:
        self.events.append(event)

    def of(self, kind: type[E]) -> list[E]:
        """Those of one kind."""
        return [event for event in self.events if isinstance(event, kind)]
