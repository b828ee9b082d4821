"""The words between agent and stage: everything that can be said is heard the same, everything else is refused."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from player.core.faults import Fault
from player.core.ports.stage import Answer, NowPlaying, PinEntered, Request, StageStatus
from player.errors import ContentError
from player.messages import decode, encode

values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=10,
)
objects = st.dictionaries(st.text(max_size=8), values, max_size=4)
seconds = st.none() | st.floats(0, 1e9)
playing = st.builds(NowPlaying, *[st.text(max_size=9)] * 5, seconds, seconds)
faults = st.builds(Fault, st.text(max_size=9), st.text(max_size=40), st.floats(0, 4e9))
messages = st.one_of(
    st.builds(Request, st.integers(0, 2**40), st.text(max_size=12), objects),
    st.builds(Answer, st.integers(0, 2**40), objects, st.none() | st.text(max_size=40)),
    st.builds(PinEntered, st.text(max_size=32)),
    st.builds(
        StageStatus,
        items=st.lists(playing, max_size=3).map(tuple),
        faults=st.lists(faults, max_size=3).map(tuple),
        pids=st.dictionaries(st.text(max_size=8), st.integers(0, 2**22), max_size=3),
    ),
)


@given(messages)
def test_what_is_said_is_one_line_and_heard_as_it_was_said(message):
    line = encode(message)
    assert line.endswith(b"\n")
    assert line.count(b"\n") == 1
    assert decode(line) == message


def test_words_that_this_side_does_not_know_yet_are_passed_over():
    assert decode(b'{"kind":"PinEntered","body":{"pin":"1","by":"touch"},"more":1}\n') == PinEntered("1")


@pytest.mark.parametrize(
    "line",
    [b"", b"\n", b"x", b"{}", b"[]", b"5", b"null", b'"Request"', b'{"kind":"Request"}', b'{"body":{}}', b'{"kind":[],"body":{}}',
     b'{"kind":"Exit","body":{}}', b'{"kind":"Request","body":{"op":"x"}}', b'{"kind":"Request","body":{"id":"1","op":"x"}}',
     b'{"kind":"PinEntered","body":{"pin":1234}}', b'{"kind":"PinEntered","body":null}', b"\xff\xfe",
     b'{"kind":"PinEntered","body":{"pin":"\xff"}}'],
)  # fmt: skip
def test_n17_anything_else_is_refused_with_one_kind_of_error(line: bytes):
    with pytest.raises(ContentError) as caught:
        decode(line)
    assert caught.value.code == "bad_message"
    assert "socket between agent and stage" in str(caught.value)


@given(st.binary(max_size=200))
def test_n17_no_bytes_ever_raise_anything_else(line: bytes):
    try:
        decode(line)
    except ContentError:
        return
    json.loads(line)


def test_n17_a_line_nested_beyond_reason_is_refused():
    with pytest.raises(ContentError):
        decode(b'{"kind":"Request","body":{"id":1,"op":"x","args":{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}}}")
