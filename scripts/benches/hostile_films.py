"""A film that a hostile server streams: much memory of few bytes."""

from __future__ import annotations

import struct

TRACKS, SAMPLES = 8, 5_000_000  # of each, by one number
_UNIT = struct.pack(">9I", 0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 1 << 30)


def full_index() -> bytes:
    """An MP4 of some kilobytes, the index of which names forty million samples."""
    head = _full(b"mvhd", struct.pack(">IIIIIH", 0, 0, 25, 1000, 0x10000, 256), bytes(10), _UNIT, bytes(24), struct.pack(">I", 9))
    return _box(b"ftyp", b"isom\0\0\2\0isom") + _box(b"moov", head, *map(_track, range(1, TRACKS + 1))) + _box(b"mdat", bytes(4096))


def _track(number: int) -> bytes:
    size = struct.pack(">II", 160 << 16, 90 << 16)
    placed = _full(b"tkhd", struct.pack(">IIIII", 0, 0, number, 0, 1000), bytes(16), _UNIT, size, flags=7)
    coded = _box(b"mp4v", bytes(7), b"\1", bytes(16), struct.pack(">HH", 160, 90), bytes(14), b"\0\1", bytes(32), b"\0\x18\xff\xff")
    tables = (
        _full(b"stsd", struct.pack(">I", 1), coded), _full(b"stts", struct.pack(">III", 1, SAMPLES, 1)),
        _full(b"stsc", struct.pack(">IIII", 1, 1, SAMPLES, 1)), _full(b"stsz", struct.pack(">II", 100, SAMPLES)),
        _full(b"stco", struct.pack(">II", 1, 4000)),
    )  # fmt: skip
    clock = _full(b"mdhd", struct.pack(">IIIII", 0, 0, 25, SAMPLES, 0x55C4 << 16))
    is_video = _full(b"hdlr", bytes(4), b"vide", bytes(13))
    return _box(b"trak", placed, _box(b"mdia", clock, is_video, _box(b"minf", _box(b"stbl", *tables))))


def _box(name: bytes, *parts: bytes) -> bytes:
    body = b"".join(parts)
    return struct.pack(">I4s", 8 + len(body), name) + body


def _full(name: bytes, *parts: bytes, flags: int = 0) -> bytes:
    return _box(name, struct.pack(">I", flags), *parts)
