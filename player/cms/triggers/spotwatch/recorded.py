"""Spotwatch's messages as somebody has kept them, for trying rules."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from zoneinfo import ZoneInfo

from player.cms.triggers.spotwatch.keys import Keys
from player.cms.triggers.spotwatch.words import ReadBroadcast, messages_of, read
from player.core.ports.triggers import Misread, OtherSort, Triggered


def recorded(found: Any, given: Keys) -> Iterator[Triggered | OtherSort | Misread]:
    """What they tell. `found`: a push, what a queue answered, a list of messages, or one."""
    for message in messages_of(found):
        told = read(message, ZoneInfo(given.zone), 0.0, "")
        if isinstance(told, ReadBroadcast):
            yield Triggered(told.broadcast)
        else:
            yield OtherSort(told.sort) if told.sort else Misread("bad_broadcast", told.reason)
