"""How much a stream's playlist may hold before what plays streams gets to read it (pure).

FFmpeg reads a playlist to its end, however far that is, keeps each line as an address written out in full (twice, where there is
a key), and opens the playlists of all variants before the first picture. What is one is known by its first bytes, as FFmpeg knows
it, whatever its server calls it.
"""

from __future__ import annotations

ENOUGH = 512  # bytes by which a playlist is known
MOST_BYTES = 4 * 1024 * 1024
MOST_PATH = 2048  # of the address: all addresses in it may begin with that
_MOST_LINES = 100_000  # a day of segments of two seconds
_MOST_VARIANTS = 400  # a tag that ends counts as well
_VARIANTS = (b"#ext-x-stream-inf:", b"#ext-x-i-frame-stream-inf:", b"#ext-x-media:", b"representation")


def may_be_playlist(start: bytes) -> bool:
    """By the first bytes of an answer, of `ENOUGH` as many as there are: one of HLS, or a manifest of DASH; blanks tell nothing."""
    told = start.lstrip(b"\xef\xbb\xbf \t\r\n\0")
    return start.startswith(b"#EXTM3U") or told[:1] in (b"<", b"") or b"<mpd" in start[:ENOUGH].lower()


def too_much(text: bytes) -> str | None:
    """What a whole playlist has too much of, as the end of a sentence; None where it has not. Takes some milliseconds."""
    if len(text) > MOST_BYTES:
        return f"more than {MOST_BYTES} bytes"
    lines = sum(text.count(end) for end in (b"\n", b"\r", b"\0", b"<")) - text.count(b"\r\n")
    if lines > _MOST_LINES:
        return f"more than {_MOST_LINES} lines"
    small = text.lower()
    return f"more than {_MOST_VARIANTS} variants" if sum(small.count(word) for word in _VARIANTS) > _MOST_VARIANTS else None
