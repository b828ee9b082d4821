"""Where a line may end: after blanks and hyphens, between ideographs, before a Thai leading vowel. Pure.

The rules of Unicode's line breaking (UAX #14) that signs need; other scripts without blanks between words break between
characters when a line is full.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator

MAX_CHARACTERS = 2500  # more than any screen holds at a size that can be read
_NOT_AT_START = frozenset("、。，．・：；？！ー）］｝〕〉》」』】’”々ゝゞぁぃぅぇぉっゃゅょァィゥェォッャュョ%)]},.!?:;/")
_NOT_AT_END = frozenset("（［｛〔〈《「『【‘“([{")
_THAI_LEADING = frozenset("เแโใไເແໂໃໄ")  # a vowel written before its syllable: a line may end before it
_BREAK_AFTER = frozenset("-/–—\u200b\u00ad")


def cleaned(text: str) -> str:
    """No control characters, one blank at a time, line ends kept; never longer than a screen holds."""
    lines = text[: MAX_CHARACTERS * 2].replace("\r\n", "\n").replace("\r", "\n").split("\n")
    plain = ("".join(c if c.isprintable() or c in "\u200b\u200c\u200d\u00ad" else " " for c in line) for line in lines)
    return "\n".join(" ".join(line.split()) for line in plain).strip("\n")[:MAX_CHARACTERS]


def pieces(paragraph: str) -> Iterator[str]:
    """What stays together on a line: words with the blank after them, single ideographs with their punctuation."""
    piece = ""
    for cluster in clusters(paragraph):
        if piece and _may_break(piece[-1], cluster[0]):
            yield piece
            piece = ""
        piece += cluster
    if piece:
        yield piece


def _may_break(before: str, after: str) -> bool:
    if after == " " or after in _NOT_AT_START or before in _NOT_AT_END:
        return False
    if before == " " or before in _BREAK_AFTER or after in _THAI_LEADING:
        return True
    return _is_wide(before) or _is_wide(after)


def _is_wide(char: str) -> bool:
    """Ideographs and kana: lines may break between any two. Hangul has words."""
    return unicodedata.east_asian_width(char) in ("W", "F") and not "\uac00" <= char <= "\ud7a3"


def clusters(text: str) -> Iterator[str]:
    """Base characters with their marks."""
    cluster = ""
    for char in text:
        joined = unicodedata.category(char)[0] == "M" or char in "\u200c\u200d" or cluster.endswith("\u200d")
        if cluster and not joined:
            yield cluster
            cluster = ""
        cluster += char
    if cluster:
        yield cluster
