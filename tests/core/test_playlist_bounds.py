"""Playlists of streams: known by their first bytes, and bounded by bytes, lines and variants."""

from __future__ import annotations

import pytest

from player.core.playlist_bounds import MOST_BYTES, may_be_playlist, too_much

HEAD = b"#EXTM3U\n"
MPD = b'<?xml version="1.0"?>\n<MPD xmlns="urn:mpeg:dash:schema:mpd:2011">%s</MPD>'
SEGMENT, VARIANT = b"#EXTINF:2,\na.ts\n", b"#EXT-X-STREAM-INF:BANDWIDTH=1\na.m3u8\n"


@pytest.mark.parametrize(
    ("start", "is_one"),
    [
        (HEAD, True), (MPD, True), (b"\xef\xbb\xbf \r\n" + MPD, True), (b"<!DOCTYPE MPD>", True), (b"a" * 99 + b"<mPd", True),
        (b"", True), (b" " * 9, True), (b"G@\x00\x10", False), (b"\x00\x00\x00\x1cftypiso5", False),
        (b"--frame\r\nContent-Type: image/jpeg", False), (b"FLV\x01", False), (b"#EXT", False),
    ],
)  # fmt: skip
def test_a_playlist_is_known_by_its_first_bytes(start: bytes, is_one: bool):
    assert may_be_playlist(start) is is_one


@pytest.mark.parametrize(
    ("text", "of"),
    [
        (HEAD + SEGMENT * 49_999, None),
        (HEAD + SEGMENT.replace(b"\n", b"\r\n") * 49_999, None),
        (HEAD + SEGMENT * 50_001, "100000 lines"),
        (HEAD + SEGMENT.replace(b"\n", b"\r") * 50_001, "100000 lines"),
        (HEAD + SEGMENT.replace(b"\n", b"\0") * 50_001, "100000 lines"),
        (HEAD + VARIANT * 400, None),
        (HEAD + VARIANT * 401, "400 variants"),
        (HEAD + b'#EXT-X-MEDIA:TYPE=AUDIO,URI="a"\n' * 401, "400 variants"),
        (MPD % (b'<x:Representation id="1"/>' * 401), "400 variants"),
        (MPD % (b'<S d="1"/>' * 100_000), "100000 lines"),
        (HEAD + b"a" * MOST_BYTES, f"{MOST_BYTES} bytes"),
        (MPD % b'<S d="1" r="999999"/><S d="2" r="-1"/>', None),
        (MPD % b'<S d="1" r="1000001"/>', "1000000 segments"),
        (MPD % (b"<S d='1'\nR = ' +700000'/>" * 2), "1000000 segments"),
        (MPD % b'<S d="1"x:r="2147483647"/>', "1000000 segments"),
        (MPD % b'<S d="1" r="1&#48;00000000"/>', "1000000 segments"),
    ],
)
def test_what_a_playlist_has_too_much_of_is_said(text: bytes, of: str | None):
    assert too_much(text) == (of and f"more than {of}")


@pytest.mark.parametrize(
    ("text", "has"),
    [
        (MPD % b"", None),
        (b"\xef\xbb\xbf<?xml version='1.0' encoding='utf-8' ?>" + MPD[22:] % b"", None),
        (b"<?xml version='1.0' encoding='UTF-7'?><MPD/>", "other letters than UTF-8"),
        (b"<!--<MPD>-->" + (MPD % b"").decode().encode("utf-16"), "other letters than UTF-8"),
        (b"<!DOCTYPE html><title>Not found</title>", None),
        (b'<!DOCTYPE MPD SYSTEM "a.dtd"><MPD/>', "a document type of its own"),
        (HEAD + b"<!ENTITY r='1234567'\0", None),
    ],
)
def test_a_manifest_is_to_say_what_it_says(text: bytes, has: str | None):
    assert too_much(text) == has
