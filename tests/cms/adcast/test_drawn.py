"""Tickers and clocks in AdCast's playlists: their text, feed, format and speed, and what is told when they have none."""

from __future__ import annotations

from urllib.parse import urljoin

import pytest

from player.cms.adcast.programme import Reader
from player.core.content import Item, Programme
from player.core.kinds import Kind


def read(**fields: object) -> Programme:
    def absolute(url: str) -> str:
        return urljoin("http://cms.example.com/", url)

    answer = {"playlist": {"id": 1, "items": [{"id": 7, "content_id": 9, "name": "Band", **fields}]}}
    return Reader("/p", 1.0, absolute, lambda content: f"http://cms.example.com/{content}", "k").programme(answer)


def item(**fields: object) -> Item:
    programme = read(**fields)
    assert programme.faults == ()
    assert programme.assets == ()
    return programme.layouts[0].regions[0].playlist.items[0]


def test_a_ticker_has_a_text_of_its_own():
    found = item(type="ticker", text="Open until eight", source_url="http://news.example/rss", speed="fast")
    assert (found.kind, found.text, found.url, found.speed, found.duration_s) == (Kind.TICKER, "Open until eight", None, 0.15, 60.0)


def test_a_ticker_has_a_feed():
    found = item(type="ticker", source_url="/feeds/news.xml", duration=0, text=" ")
    assert (found.text, found.url, found.speed, found.duration_s) == (None, "http://cms.example.com/feeds/news.xml", None, 60.0)


@pytest.mark.parametrize(
    ("fields", "form"), [({}, ""), ({"format": "%H.%M"}, "%H.%M"), ({"text": "%A"}, "%A"), ({"format": "x" * 999}, "x" * 200)]
)
def test_a_clock_has_a_format(fields: dict[str, str], form: str):
    found = item(type="clock", duration="20", **fields)
    assert (found.kind, found.text, found.url, found.speed, found.duration_s) == (Kind.CLOCK, form, None, None, 20.0)


@pytest.mark.parametrize(
    ("said", "speed"), [(0.5, 0.5), ("0.01", 0.01), (99, 1.0), (0.0001, 0.005), (0, None), (-1, None), ("warp", None), ([], None)]
)
def test_c14_a_speed_is_held_within_limits(said: object, speed: float | None):
    assert item(type="ticker", text="x", speed=said).speed == speed


@pytest.mark.parametrize("fields", [{}, {"text": ""}, {"source_url": "file:///etc/passwd"}, {"source_url": "rtsp://cam.example/1"}])
def test_c9_a_ticker_with_nothing_to_say_is_left_out_and_told(fields: dict[str, str]):
    programme = read(type="ticker", **fields)
    assert programme.layouts[0].regions[0].playlist.items == ()
    assert [(fault.code, fault.item_id) for fault in programme.faults] == [("bad_item", "7")]
    assert "neither a text nor the http address of a feed" in programme.faults[0].message
