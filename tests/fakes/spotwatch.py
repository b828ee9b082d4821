"""Spotwatch's messages as its document shows them, and an inbox that remembers what it was told."""

from __future__ import annotations

from typing import Any, TypeVar

from player.core.ports.triggers import TriggerEvent

E = TypeVar("E")


def message(number: int = 895797, detected: Any = "2024-09-13T13:01:30Z", **ad: Any) -> dict[str, Any]:
    """What a push says of one showing; `ad`: more of its advertisement."""
    return {
        "broadcast": {
            "id": number, "time": "2024-09-13T13:01:28Z", "region": "de", "channel": "sport1", "ad": 1843718744355554,
            "block": 110529, "blockindex": 0, "program": "american chopper", "genre": "report", "subgenre": "dokumentation",
        },
        "timings": {"start": "2024-09-13T13:01:28Z", "end": "2024-09-13T13:01:48Z", "detected": detected},
        "ad": {"id": 1843718744355554, "brand": "alfa romeo", "description": "giulia", "categories": ["mobility"], "duration": 20,
               "self_promo": False, "media": {"image": {"preview": "/9dgnbp81g6jndapeazyy"}}, **ad},
    }  # fmt: skip


def pushed(said: Any, **more: Any) -> dict[str, Any]:
    """A push, or an entry of the queue."""
    return {"push_type": "broadcast", "message": said, **more}


class FakeTriggerInbox:
    """`events` in the order in which they came."""

    def __init__(self) -> None:
        self.events: list[TriggerEvent] = []

    async def put(self, event: TriggerEvent) -> None:
        self.events.append(event)

    def of(self, kind: type[E]) -> list[E]:
        return [event for event in self.events if isinstance(event, kind)]
