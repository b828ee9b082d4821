"""Pusher's protocol, the client's side: what each message means, and what a closing code means for the next line."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import pytest

from player.cms.push import Again
from player.cms.spot import pusher

MINE = pusher.channels_of("16", "3")


def test_the_address_of_a_line():
    assert pusher.address("wss://push.example/", "k/1", "1.0") == (
        "wss://push.example/app/k%2F1?protocol=7&client=signage-player&version=1.0"
    )


def test_a_player_listens_on_its_own_channel_and_its_groups():
    assert MINE == ("private-player.16", "private-player-group.3")
    assert pusher.channels_of("16", None) == ("private-player.16",)


def said(event: str, content: Any = None, channel: str = "private-player.16") -> dict[str, Any]:
    return {"event": event, "channel": channel, "data": content}


ORDER = {"command_id": 7, "command": "reboot"}


@pytest.mark.parametrize(
    ("message", "meant"),
    [
        (said("pusher:connection_established", '{"socket_id": "1.2", "activity_timeout": 30}'), pusher.LineOpened("1.2", 30.0)),
        (said("pusher:connection_established", {"socket_id": "1.2", "activity_timeout": 9999}), pusher.LineOpened("1.2", 300.0)),
        (said("pusher:connection_established"), pusher.LineOpened("", 120.0)),
        (said("pusher_internal:subscription_succeeded", "{}"), pusher.ChannelOpened("private-player.16")),
        (said("pusher:subscription_error", {"error": "no"}), pusher.ChannelRefused("private-player.16", "no")),
        (said("pusher:subscription_error", {"status": 401}), pusher.ChannelRefused("private-player.16", "401")),
        (said("pusher:subscription_error", []), pusher.ChannelRefused("private-player.16", "no reason is given")),
        (said("pusher:subscription_error", {"error": "x" * 9999}), pusher.ChannelRefused("private-player.16", "x" * pusher.REASON)),
        (said("pusher:subscription_error", {"error": "no"}, "any-other"), None),
        (said("pusher_internal:subscription_succeeded", "{}", "any-other"), None),
        (said("pusher:ping"), pusher.PingHeard()),
        (said("pusher:pong"), None),
        (said("pusher:error", {"code": 4301}), pusher.SomethingMissed()),
        (said("pusher:error", {"code": "4004", "message": "over quota"}), pusher.PusherComplains(4004, "over quota")),
        (said("pusher:error", "x"), pusher.PusherComplains(0, "")),
        (said("player.command", json.dumps(ORDER)), pusher.CommandPushed(ORDER)),
        (said("player.command", ORDER, "private-player-group.3"), pusher.CommandPushed(ORDER)),
        (said("player.command", ORDER, "private-player.17"), None),
        (said("player.command", ORDER, ""), None),
        (said("something.else", ORDER), None),
        ({}, None),
        ({"event": ["player.command"], "channel": {}, "data": 3}, None),
    ],
)
def test_what_a_message_means(message: dict[str, Any], meant: pusher.PusherEvent | None):
    assert pusher.heard(message, MINE) == meant


@pytest.mark.parametrize(
    ("codes", "again"),
    [
        *((range(begins, begins + 100), again) for begins, again in
          ((4000, Again.TOMORROW), (4100, Again.AFTER_A_PAUSE), (4200, Again.AT_ONCE))),
        ((1000, 1006, 1009, 3999, 4300, None), Again.AFTER_A_PAUSE),
    ],
)  # fmt: skip
def test_what_each_closing_code_means_for_the_next_line(codes: Iterable[int | None], again: Again):
    assert {pusher.verdict(code) for code in codes} == {again}
