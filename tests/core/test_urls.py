"""Which addresses items may name."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from player.core.kinds import Kind
from player.core.urls import STREAMS, WEB, check_url, written_out

YOUTUBE = ("youtube.com", "youtu.be")


def refusal(url: str | None, kind: Kind, *, streams: tuple[str, ...] = ()) -> str | None:
    return check_url(url, kind, youtube_hosts=YOUTUBE, stream_hosts=streams)


@pytest.mark.parametrize(
    ("url", "kind"),
    [
        ("https://example.com/page?x=1", Kind.WEB),
        ("HTTP://example.com", Kind.WEB),
        ("rtsp://user:secret@10.0.0.5/stream", Kind.LIVESTREAM),
        ("srt://10.0.0.5:9000", Kind.LIVESTREAM),
        ("srt://10.0.0.5:9000?mode=caller&streamid=a", Kind.LIVESTREAM),
        ("udp://@239.1.1.1:1234", Kind.LIVESTREAM),
        ("rtp://[ff3e::1]:5004", Kind.LIVESTREAM),
        ("https://www.youtube.com/watch?v=abc", Kind.YOUTUBE),
        ("https://youtu.be/abc", Kind.YOUTUBE),
        ("https://youtube.com./watch?v=abc", Kind.YOUTUBE),
    ],
)
def test_an_address_of_the_kind_is_let_through(url: str, kind: Kind):
    assert refusal(url, kind) is None


@pytest.mark.parametrize(
    ("url", "kind", "word"),
    [
        (None, Kind.WEB, "no address"),
        ("", Kind.WEB, "no address"),
        ("file:///etc/passwd", Kind.WEB, '"file:///etc'),
        ("/etc/passwd", Kind.WEB, '"/etc/passwd"'),
        ("rtsp://example.com/", Kind.WEB, '"rtsp://ex'),
        ("javascript:alert(1)", Kind.WEB, '"javascript:'),
        ("https://", Kind.WEB, "no host"),
        ("https://user@example.com/", Kind.WEB, "user name"),
        ("https://[::1/", Kind.WEB, "cannot be read"),
        ("https://example.com:99999/", Kind.WEB, "cannot be read"),
        ("https://exam ple.com/", Kind.WEB, "blanks"),
        ("https://example.com/\x00", Kind.WEB, "control"),
        ("https://example.com/" + "a" * 5000, Kind.WEB, "longer"),
        ("srt://10.0.0.5:9000?mode=listener", Kind.LIVESTREAM, "does not wait to be called (mode=listener)"),
        ("srt://10.0.0.5:9000?mode=caller&mode=rendezvous", Kind.LIVESTREAM, "does not wait"),
        ("srt://:9000", Kind.LIVESTREAM, "no host"),
        ("udp://0.0.0.0:1234", Kind.LIVESTREAM, "a multicast group"),
        ("udp://10.0.0.5:1234", Kind.LIVESTREAM, "stage.stream_hosts"),
        ("rtp://0.0.0.0:5004", Kind.LIVESTREAM, "a multicast group"),
        ("rtp://224.evil.example:5004", Kind.LIVESTREAM, "a multicast group"),
        ("udp://224.0.0.251:5353", Kind.LIVESTREAM, "a multicast group"),
        ("https://youtube.com.evil.example/", Kind.YOUTUBE, "stage.youtube_hosts"),
        ("https://notyoutube.com/", Kind.YOUTUBE, "stage.youtube_hosts"),
    ],
)
def test_c9_an_address_that_must_not_be_opened_says_why(url: str | None, kind: Kind, word: str):
    assert word in (refusal(url, kind) or "")


@pytest.mark.parametrize(
    "url", ["edl://a", "lavf://x", "memory://x", "av://lavfi:movie=x", "fd://0", "mf://x", "archive://x", "tcp://h:1"]
)
@pytest.mark.parametrize("kind", [Kind.WEB, Kind.LIVESTREAM, Kind.YOUTUBE])
def test_c9_the_players_own_schemes_are_refused(url: str, kind: Kind):
    assert "allowed here" in (refusal(url, kind) or "")


def test_packets_come_from_a_listed_address_too():
    assert refusal("udp://10.0.0.5:1234", Kind.LIVESTREAM, streams=("10.0.0.5",)) is None


def test_stream_hosts_limit_streams_where_given():
    assert refusal("rtsp://cam.example.com/1", Kind.LIVESTREAM, streams=("example.com",)) is None
    assert "stage.stream_hosts" in (refusal("rtsp://example.org/1", Kind.LIVESTREAM, streams=("example.com",)) or "")


@given(st.text(max_size=60), st.sampled_from([Kind.WEB, Kind.LIVESTREAM, Kind.YOUTUBE]))
def test_c9_whatever_is_let_through_has_a_listed_scheme(url: str, kind: Kind):
    if refusal(url, kind) is None:
        assert url.split(":", 1)[0].lower() in (STREAMS if kind is Kind.LIVESTREAM else WEB)


@pytest.mark.parametrize(
    ("written", "asked"),
    [
        ("https://example.com/menu.html ", "https://example.com/menu.html"),
        ("\n https://example.com/", "https://example.com/"),
        ("https://example.com/to\nday", "https://example.com/today"),
        ("https://example.com/our menu.html", "https://example.com/our%20menu.html"),
        ("https://example.com/100%25 'x'", "https://example.com/100%25%20'x'"),
        ("https://example.com/über?wörter=a b#ö", "https://example.com/%C3%BCber?w%C3%B6rter=a%20b#%C3%B6"),
        ("https://example.com?a b", "https://example.com?a%20b"),
        ("https://example.com#a<b", "https://example.com#a%3Cb"),
        ("http://bücher.example:8080/x", "http://xn--bcher-kva.example:8080/x"),
        ("https://straße.example/", "https://xn--strae-oqa.example/"),
        ("https://me:x@bücher.example", "https://me:x@xn--bcher-kva.example"),
        ("rtsp://10.0.0.5/live one", "rtsp://10.0.0.5/live%20one"),
        ("http://[::1]:80/a", "http://[::1]:80/a"),
        ("file:///a b ", "file:///a b"),
        ("our menu", "our menu"),
        ("https://ü\u00ad..ö/", "https://ü\u00ad..ö/"),
    ],
)
def test_an_address_is_asked_for_as_a_browser_would(written: str, asked: str):
    assert written_out(written) == asked
    assert written_out(asked) == asked
