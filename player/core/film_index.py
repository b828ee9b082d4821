"""How many samples the index of an MP4 that is streamed may name, read off as its bytes pass (pure).

FFmpeg makes an entry in memory of each sample that an index names, before the first picture and without a look whether it is told
to stop; twenty bytes name millions, again in each track. So the boxes of an answer are walked as FFmpeg walks them: in those that
it opens tables are looked for wherever they stand, the others, with the media, are passed over.
"""

from __future__ import annotations

import re

MOST_SAMPLES = 3_000_000  # eleven hours at 25 a second, with their sound; 200 MB in FFmpeg
_OPENED = frozenset(
    (
        b"moov", b"moof", b"trak", b"mdia", b"minf", b"stbl", b"mvex", b"traf", b"edts", b"udta", b"meta", b"ilst", b"sinf",
        b"schi", b"dinf", b"wave", b"tapt", b"free", b"skip", b"cmov", b"stsz", b"trun",
    )
)  # fmt: skip
_IS_LARGE = b"\0\0\0\1"  # instead of a length in four bytes one in eight follows the name
_SAMPLES = re.compile(rb"(?=(?<=\x00\x00\x00\x01)stsz.{16}(.{4})|stsz.{8}(.{4}))", re.DOTALL)  # of a track
_RUN = re.compile(rb"(?=(?<=\x00\x00\x00\x01)trun.{12}(.{4})|trun.{4}(.{4}))", re.DOTALL)  # of a fragment
_KEPT = 4 + 4 + 16 + 3  # the longest of these, but for its last byte
_ENDLESS = 1 << 63


class FilmIndex:
    """Of one answer, whose body it is fed piece by piece. What is no MP4 has no boxes that are opened."""

    def __init__(self) -> None:
        self._head = b""  # of the box that begins, as far as it is here
        self._left = 0  # bytes of the box at hand
        self._is_opened = False
        self._kept = b""  # the end of what was looked through
        self._of_tracks = self._of_fragment = 0

    def feed(self, piece: bytes) -> str | None:
        """What the index has too much of, as the end of a sentence, once that is known; None before."""
        at = 0
        while at < len(piece):
            if self._left:
                passing = piece[at : at + self._left]
                self._left -= len(passing)
                if self._is_opened and (much := self._look(passing)):
                    return much
            else:
                passing = piece[at : at + (16 if self._head[:4] == _IS_LARGE else 8) - len(self._head)]
                self._begin(self._head + passing)
            at += len(passing)
        return None

    def _begin(self, head: bytes) -> None:
        self._head = head
        if len(head) < (16 if head[:4] == _IS_LARGE else 8):
            return
        length, name, is_short = int.from_bytes(head[8:] or head[:4], "big"), head[4:8], len(head) == 8
        self._head, self._kept, self._of_fragment = b"", name, 0
        self._is_opened = name in _OPENED
        if length >= len(head):
            self._left = length - len(head)
        else:  # up to the end, or broken, and FFmpeg reads no further
            self._left, self._is_opened = _ENDLESS, self._is_opened and length == (0 if is_short else 8)

    def _look(self, passing: bytes) -> str | None:
        text, before = self._kept + passing, len(self._kept)
        if b"cmov" in text:
            return "its index packed"
        self._of_tracks += _named(_SAMPLES, text, before)
        self._of_fragment += _named(_RUN, text, before)
        self._kept = text[-_KEPT:]
        return f"more than {MOST_SAMPLES} samples" if self._of_tracks + self._of_fragment > MOST_SAMPLES else None


def _named(table: re.Pattern[bytes], text: bytes, before: int) -> int:
    """How many samples tables name whose numbers end behind the first `before` bytes."""
    numbers = [(found[kind], found.end(kind)) for found in table.finditer(text) if (kind := found.lastindex)]
    return sum(int.from_bytes(number, "big") for number, end in numbers if end > before)
