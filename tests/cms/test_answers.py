"""The body of an answer: the same whatever pieces it comes in."""

from __future__ import annotations

import hashlib
import tracemalloc

from hypothesis import given
from hypothesis import strategies as st

from player.cms.answers import AnswerBody


def body_in(pieces: list[bytes]) -> AnswerBody:
    body = AnswerBody()
    for piece in pieces:
        body.add(piece)
    return body


@given(st.lists(st.integers(0, 40_000), max_size=8))
def test_it_is_the_same_in_whatever_pieces_it_comes(lengths: list[int]):
    pieces = [bytes([number]) * length for number, length in enumerate(lengths)]
    body, whole = body_in(pieces), b"".join(pieces)
    assert (body.size, body.digest()) == (len(whole), hashlib.sha256(whole).digest())
    assert body.whole() == whole


def test_byte_by_byte_it_takes_no_more_memory():
    pieces = [bytes([number % 256]) for number in range(100_000)]
    tracemalloc.start()
    body = body_in(pieces)
    taken, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert body.size == 100_000
    assert taken < 150_000
