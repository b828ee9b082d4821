"""The index of an MP4 that passes: how many samples it names is known before FFmpeg has made room for them."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from player.core.film_index import MOST_SAMPLES, FilmIndex

MANY = MOST_SAMPLES // 4 + 1


def box(name: bytes, *parts: bytes, large: bool = False) -> bytes:
    body = b"".join(parts)
    if large:
        return struct.pack(">I4sQ", 1, name, 16 + len(body)) + body
    return struct.pack(">I4s", 8 + len(body), name) + body


def track(samples: int, *, large: bool = False) -> bytes:
    tables = box(b"stts", bytes(16)), box(b"stsz", bytes(4), struct.pack(">II", 100, samples), large=large)
    return box(b"trak", box(b"tkhd", bytes(84)), box(b"mdia", box(b"minf", box(b"stbl", *tables))))


def run(samples: int, *, large: bool = False) -> bytes:
    return box(b"moof", box(b"traf", box(b"tfhd", bytes(8)), box(b"trun", bytes(4), struct.pack(">I", samples), large=large)))


TYPE = box(b"ftyp", b"isom\0\0\2\0isom")
MOVIE = TYPE + box(b"moov", track(MANY), track(MANY))
MEDIA = box(b"mdat", track(MOST_SAMPLES + 1))


def said(body: bytes, size: int) -> str | None:
    index = FilmIndex()
    return next((much for at in range(0, len(body), size) if (much := index.feed(body[at : at + size]))), None)


@pytest.mark.parametrize("size", [1, 7, 64, 1 << 16])
@pytest.mark.parametrize(
    "body",
    [
        b"", MOVIE + MEDIA, MEDIA + MOVIE, TYPE + box(b"mdat", MEDIA, large=True) + MOVIE, MOVIE + b"\0\0\0\7moov" + MOVIE,
        TYPE + b"\0\0\0\1mdat" + bytes(7) + b"\7" + MOVIE * 2, MOVIE + run(MANY) * 9, TYPE + b"\0\0\0\0mdat" + MOVIE * 9,
        b"G@\0\x10" + MOVIE * 9, box(b"abcd", MOVIE * 9), TYPE + box(b"free") + MOVIE,
    ],
)  # fmt: skip
def test_what_has_an_index_of_usual_size_or_none_passes(body: bytes, size: int):
    assert said(body, size) is None


@pytest.mark.parametrize("size", [1, 7, 64, 1 << 16])
@pytest.mark.parametrize(
    "body",
    [
        MOVIE + MOVIE, TYPE + box(b"moov", *[track(MANY)] * 4), TYPE + box(b"moov", track(2**32 - 1)),
        TYPE + box(b"moov", *[track(MANY, large=True)] * 4), TYPE + box(b"moov", *[track(MANY)] * 4, large=True),
        TYPE + b"\0\0\0\0moov" + track(MANY) * 4, TYPE + b"\0\0\0\1moov" + bytes(7) + b"\x08" + track(MANY) * 4,
        MOVIE + run(MANY) + run(2 * MANY), MOVIE + run(2**31, large=True), TYPE + track(MANY) * 4,
        TYPE + box(b"udta", box(b"stsz", bytes(8), b"\xff\xff\xff\xff")), TYPE + box(b"free", *[track(MANY)] * 4),
        TYPE + box(b"stsz", bytes(8), b"\xff\xff\xff\xff"), TYPE + box(b"stsz", bytes(8), b"\xff\xff\xff\xff", large=True),
    ],
)  # fmt: skip
def test_an_index_that_names_too_many_samples_is_known_whatever_holds_it_and_however_it_comes(body: bytes, size: int):
    assert said(body + MEDIA, size) == f"more than {MOST_SAMPLES} samples"


@pytest.mark.parametrize("size", [1, 64])
def test_a_packed_index_is_refused(size: int):
    assert said(TYPE + box(b"moov", box(b"cmov", bytes(99))), size) == "its index packed"


@given(st.lists(st.binary(max_size=40)), st.sampled_from([b"", TYPE, b"\0\0\0\1moov"]))
def test_whatever_comes_is_passed_or_named(pieces: list[bytes], first: bytes):
    index = FilmIndex()
    assert {index.feed(piece) for piece in (first, *pieces)} <= {None, f"more than {MOST_SAMPLES} samples", "its index packed"}
