"""Pusher's protocol 7, the client's side: a message in, what it means and what is to be said out. Pure.

Source: pusher.com's description of its channels protocol. Private channels are opened by a word of the server; a line on which
nothing was heard for its activity timeout is asked whether it is alive. `data` is JSON within JSON, or an object.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from player.cms.push import Again
from player.cms.wire import number, table, text

PING: Mapping[str, Any] = {"event": "pusher:ping", "data": {}}
PONG: Mapping[str, Any] = {"event": "pusher:pong", "data": {}}
TOO_LONG = 4301
REASON = 200  # characters
ACTIVITY_S, LONGEST_ACTIVITY_S = 120.0, 300.0


@dataclass(frozen=True, slots=True)
class LineOpened:
    """The line has a name, and is asked whether it lives when nothing came for so long."""

    socket_id: str
    activity_s: float


@dataclass(frozen=True, slots=True)
class ChannelOpened:
    """What is sent to this channel comes from now on."""

    channel: str


@dataclass(frozen=True, slots=True)
class ChannelRefused:
    """It does not open; why."""

    channel: str
    reason: str


@dataclass(frozen=True, slots=True)
class CommandPushed:
    """A command; `row` as `api.command_of` reads it."""

    row: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class PingHeard:
    """The other side asks whether we live."""


@dataclass(frozen=True, slots=True)
class SomethingMissed:
    """A message did not come as it was; what it said is to be fetched."""


@dataclass(frozen=True, slots=True)
class PusherComplains:
    """An error of the other side; `code` as `verdict` knows it, 0 where it named none."""

    code: int
    message: str


PusherEvent = (
    LineOpened | ChannelOpened | ChannelRefused | CommandPushed | PingHeard | SomethingMissed | PusherComplains
)  # fmt: skip


def address(push_url: str, key: str, version: str) -> str:
    """Where the line is opened."""
    return f"{push_url.rstrip('/')}/app/{quote(key, safe='')}?protocol=7&client=signage-player&version={quote(version)}"


def subscribe(channel: str, auth: str) -> Mapping[str, Any]:
    """Asks for a channel with the word that opens it."""
    return {"event": "pusher:subscribe", "data": {"channel": channel, "auth": auth}}


def channels_of(player: str, group: str | None) -> tuple[str, ...]:
    """The channels on which commands for this player come."""
    return (f"private-player.{player}", *((f"private-player-group.{group}",) if group else ()))


def heard(message: Mapping[str, Any], channels: tuple[str, ...]) -> PusherEvent | None:
    """What a message means; None where it means nothing to us. Our own `channels` count alone."""
    channel, content = text(message.get("channel")) or "", table(message.get("data"))
    match message.get("event"):
        case "pusher:connection_established":
            activity = number(content.get("activity_timeout")) or ACTIVITY_S
            return LineOpened(text(content.get("socket_id")) or "", min(max(activity, 1.0), LONGEST_ACTIVITY_S))
        case "pusher_internal:subscription_succeeded" if channel in channels:
            return ChannelOpened(channel)
        case "pusher:subscription_error" if channel in channels:
            reason = text(content.get("error")) or text(content.get("status")) or "no reason is given"
            return ChannelRefused(channel, reason[:REASON])
        case "pusher:ping":
            return PingHeard()
        case "pusher:error":
            code = int(number(content.get("code")) or 0)
            return SomethingMissed() if code == TOO_LONG else PusherComplains(code, text(content.get("message")) or "")
        case "player.command" if channel in channels:
            return CommandPushed(content)
        case _:
            return None


def verdict(code: int | None) -> Again:
    """What a code with which the other side ends the line means for the next one."""
    if code is not None and 4000 <= code <= 4099:
        return Again.TOMORROW
    if code is not None and 4200 <= code <= 4299:
        return Again.AT_ONCE
    return Again.AFTER_A_PAUSE
