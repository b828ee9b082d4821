"""How much a stream's playlist may hold before what plays streams gets to read it (pure).

FFmpeg reads a playlist to its end, however far that is, keeps each line as an address written out in full (twice, where there is
a key), opens the playlists of all variants, and of theirs, before the first picture, and counts the repeats of a manifest of DASH
one by one, whoever tells it to stop. What is one is known by its first bytes, as FFmpeg knows it, whatever its server calls it. A
manifest is to be read here as it is read there: in letters that are known, and without entities, which stand for other text.
"""

from __future__ import annotations

import re

ENOUGH = 512  # bytes by which a playlist is known
MOST_BYTES = 4 * 1024 * 1024
MOST_PATH = 2048  # of the address: all addresses in it may begin with that
_MOST_LINES = 100_000  # a day of segments of two seconds
_MOST_VARIANTS = 400  # a tag that ends counts as well
_MOST_REPEATS = 1_000_000
_REPEAT = re.compile(rb"""r(?<=[\s:"']r)\s*=\s*["']\s*\+?(\d*)([^"']*)""")
_LETTERS = re.compile(rb"""^\s*<\?xml[^>]*\sencoding\s*=\s*["'](?!utf-?8["']|us-ascii["']|iso-8859-1["'])""")
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
    if variants_in(text) > _MOST_VARIANTS:
        return f"more than {_MOST_VARIANTS} variants"
    small = text.lower()
    return _too_much_of_a_manifest(small) if b"<mpd" in small and not text.startswith(b"#EXTM3U") else None


def variants_in(text: bytes) -> int:
    """How many other playlists a playlist names, at most."""
    small = text.lower()
    return sum(small.count(word) for word in _VARIANTS)


def _too_much_of_a_manifest(small: bytes) -> str | None:
    if b"\0" in small or _LETTERS.match(small.removeprefix(b"\xef\xbb\xbf")):
        return "other letters than UTF-8"
    if b"<!entity" in small or b"<!doctype" in small:
        return "a document type of its own"
    repeats = [(int(found[1][:12] or b"0"), b"&" in found[2]) for found in _REPEAT.finditer(small)]
    is_more = sum(times for times, _ in repeats) > _MOST_REPEATS or any(hidden for _, hidden in repeats)
    return f"more than {_MOST_REPEATS} segments" if is_more else None
