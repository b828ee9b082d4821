"""Spotwatch's messages read: all forms, all forms of time, and what is none."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from player.cms.triggers.spotwatch.words import Illegible, ReadBroadcast, instant_of, messages_of, read
from player.core.triggers import Broadcast
from tests.fakes.spotwatch import message, pushed

BERLIN, BASE = ZoneInfo("Europe/Berlin"), "https://api.spotwatch.example"
DETECTED = datetime(2024, 9, 13, 13, 1, 30, tzinfo=UTC).timestamp()


def reading(said: Any) -> ReadBroadcast | Illegible:
    return read(said, BERLIN, 5.0, BASE)


def broadcast(said: Any) -> Broadcast:
    found = reading(said)
    assert isinstance(found, ReadBroadcast), found
    return found.broadcast


def test_a_message_as_the_document_shows_it():
    assert reading(pushed(message(), token="t")) == ReadBroadcast(
        Broadcast(
            "spotwatch", "895797", "1843718744355554", "alfa romeo", "giulia", ("mobility",), "sport1", "de", "american chopper",
            ("report", "dokumentation"), 20.0, False, DETECTED, 5.0, f"{BASE}/9dgnbp81g6jndapeazyy",
        ),
        lacks_ad=False,
    )  # fmt: skip


def test_a_push_a_queue_a_list_and_one_by_itself_are_told_apart():
    one = pushed(message())
    for body in (one, [one], {"messages": [one]}):
        assert list(messages_of(body)) == [one]
    assert broadcast(message()) == broadcast(one), "recorded without what was around it"
    assert list(messages_of({"messages": []})) == []


@pytest.mark.parametrize(
    "said", ["2024-09-13T13:01:30Z", "2024-09-13T15:01:30+02:00", 1726232490, "1726232490", "2024-09-13 15:01:30"]
)
def test_every_form_of_time_is_the_same_instant(said: Any):
    assert broadcast(message(detected=said)).detected_at == DETECTED


def test_a_wall_clocks_time_is_in_the_keys_zone_summer_and_winter():
    assert instant_of("2024-12-01 12:00:00", BERLIN) == datetime(2024, 12, 1, 11, tzinfo=UTC).timestamp()
    assert instant_of("2024-07-01 12:00:00", ZoneInfo("Europe/London")) == datetime(2024, 7, 1, 11, tzinfo=UTC).timestamp()
    assert instant_of("2024-13-45 99:00:00", BERLIN) is None


def test_the_smallest_picture_of_it_is_taken():
    pictures = {"image": {"preview": "/large", "preview_xs": "/small"}}
    assert broadcast(message(media=pictures)).preview == f"{BASE}/small"


def test_an_advertisement_by_its_id_alone_is_asked_for():
    bare = message() | {"ad": 1843718744355554}
    found = reading(pushed(bare))
    assert isinstance(found, ReadBroadcast)
    assert (found.lacks_ad, found.broadcast.brand, found.broadcast.ad_id) == (True, "", "1843718744355554")
    told = bare | {"broadcast": bare["broadcast"] | {"ad_brand": "fiat", "ad_categories": ["cars"], "ad_duration": 10}}
    found = reading(told)
    assert isinstance(found, ReadBroadcast)
    assert (found.lacks_ad, found.broadcast.brand, found.broadcast.duration_s) == (False, "fiat", 10.0)
    found = reading(message() | {"ad": {"brand": "fiat", "categories": ["cars"]}})
    assert isinstance(found, ReadBroadcast)
    assert (found.lacks_ad, found.broadcast.brand) == (True, "fiat"), "its length did not come with it"
    assert reading(message() | {"ad": None, "broadcast": {"id": 5}}) == ReadBroadcast(
        Broadcast("spotwatch", "5", detected_at=DETECTED, received_at=5.0), lacks_ad=False
    )


@pytest.mark.parametrize(
    ("said", "because"),
    [
        (None, "it is no object"), ("text", "it is no object"), ([1], "it is no object"), (pushed("x"), "it holds no message"),
        (pushed({}), "its broadcast has no id"), (pushed(message() | {"broadcast": [1]}), "its broadcast has no id"),
        (pushed(message() | {"broadcast": {"id": {"a": 1}}}), "its broadcast has no id"),
        (pushed(message(detected="yesterday")), "the time of its detection cannot be read"),
        (pushed(message(detected=10**30)), "the time of its detection cannot be read"),
    ],
)  # fmt: skip
def test_what_is_no_broadcast_says_why(said: Any, because: str):
    assert reading(said) == Illegible(because)


def test_another_sort_of_message_is_told_by_its_name():
    assert reading({"push_type": "weather", "message": {}}) == Illegible("", "weather")
    assert reading({"push_type": None}) == Illegible("", "None")


@pytest.mark.parametrize(
    "ad",
    [
        {"brand": None, "categories": None, "duration": None, "media": None},
        {"brand": {"x": 1}, "categories": "food", "duration": "long", "self_promo": "maybe", "media": []},
        {"brand": "b" * 100_000, "categories": ["c"] * 5000, "media": {"image": {"preview": "https://elsewhere.example/x"}}},
        {"media": {"image": {"preview": "//elsewhere.example/x"}}}, {"media": {"image": None}},
    ],
)  # fmt: skip
def test_what_is_odd_about_an_advertisement_costs_that_alone(ad: dict[str, Any]):
    found = broadcast(message(**ad))
    assert (found.id, found.channel, found.preview) == ("895797", "sport1", "")
    assert len(found.brand) <= 300
    assert len(found.category) <= 50
