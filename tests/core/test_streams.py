"""`player.core.streams`: what of a stream's address reaches the player of streams."""

from __future__ import annotations

from urllib.parse import parse_qsl, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from player.core.streams import opened_at, port_of, rtmp_application


@pytest.mark.parametrize(
    ("url", "opened"),
    [
        ("https://cdn.example/live.m3u8?token=a", "https://cdn.example/live.m3u8?token=a"),
        ("rtsp://u:p%40@cam:554/live?channel=1&subtype=0", "rtsp://u:p%40@10.0.0.1:554/live?channel=1&subtype=0"),
        ("rtsp://cam/live?udp", "rtsp://10.0.0.1/live"),
        ("rtsp://cam/live?a=1&multicast&TCP&listen=1", "rtsp://10.0.0.1/live?a=1"),
        ("rtsp://cam/live?a=1?udp", "rtsp://10.0.0.1/live?a=1%3Fudp"),
        ("rtmp://cam/app/stream?key=a&listen=1", "rtmp://10.0.0.1/app/stream?key=a&listen=1"),
        ("srt://cam:9000", "srt://10.0.0.1:9000?mode=caller"),
        ("srt://cam:9000?mode=caller&streamid=a/b", "srt://10.0.0.1:9000?mode=caller&streamid=a/b"),
        ("srt://cam:9000?mode=listener&passphrase=x&rcvbuf=99999999", "srt://10.0.0.1:9000?mode=caller&passphrase=x"),
        ("srt://cam:9000?latency=200000", "srt://10.0.0.1:9000?mode=caller&latency=200000"),
        ("srt://cam:9000?latency=8000001", "srt://10.0.0.1:9000?mode=caller"),
        ("srt://cam:9000?latency=00000000009999999999", "srt://10.0.0.1:9000?mode=caller"),
        ("udp://@cam:1234?fifo_size=999999999&localaddr=1.2.3.4",
         "udp://10.0.0.1:1234?fifo_size=28672&buffer_size=1048576&overrun_nonfatal=1"),
        ("rtp://cam:5004?localrtpport=22", "rtp://10.0.0.1:5004"),
        ("file:///etc/passwd", "file:///etc/passwd"),
    ],
)  # fmt: skip
def test_a_stream_is_opened_at_the_address_that_was_checked_with_what_may_pass(url: str, opened: str):
    assert opened_at(url, "10.0.0.1") == opened


@pytest.mark.parametrize(
    ("url", "port"),
    [
        ("rtsp://cam/live", 554),
        ("rtmp://cam/a/b", 1935),
        ("rtsp://cam:8554/live", 8554),
        ("srt://cam:9000", 9000),
        ("srt://cam", 0),
    ],
)
def test_the_port_of_a_stream_is_that_of_its_scheme_where_it_names_none(url: str, port: int):
    assert port_of(url) == port


def test_an_address_of_ipv6_is_bracketed():
    assert opened_at("rtsp://cam/live", "fd00::1") == "rtsp://[fd00::1]/live"


@given(
    st.lists(st.tuples(st.sampled_from(["mode", "streamid", "latency", "listen", "rcvbuf", "a"]), st.text("ab=?&;%0", max_size=5)))
)
def test_srt_is_a_caller_whatever_is_asked(pairs: list[tuple[str, str]]):
    query = "&".join(f"{name}={value}" for name, value in pairs)
    found = parse_qsl(urlsplit(opened_at(f"srt://cam:9000?{query}", "10.0.0.1")).query, keep_blank_values=True)
    assert found[0] == ("mode", "caller")
    assert {name for name, _ in found[1:]} <= {"streamid", "latency"}


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("rtmp://live.example/app", "rtmp://live.example:1935/app"),
        ("rtmp://live.example/app/stream", "rtmp://live.example:1935/app"),
        ("rtmp://live.example:19350/app/one/stream?key=a", "rtmp://live.example:19350/app/one"),
        ("rtmp://live.example/app/mp4:a/b", "rtmp://live.example:1935/app"),
        ("rtmp://[::1]/app/s", "rtmp://[::1]:1935/app"),
    ],
)
def test_a_server_of_many_names_is_told_its_name(url: str, told: str):
    assert rtmp_application(url) == told
