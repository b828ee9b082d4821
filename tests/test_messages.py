"""The words between agent and stage: everything that can be said is heard the same, everything else is refused."""

from __future__ import annotations

import json
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from player.core.faults import Fault
from player.core.ports.stage import (
    AnyRequest,
    AppletSaid,
    LogLines,
    NowPlaying,
    PictureFormat,
    PinEntered,
    ReadLog,
    Reread,
    ScreenPicture,
    StageStatus,
    TakePicture,
)
from player.errors import ContentError
from player.messages import (
    WORDS,
    Answered,
    Asked,
    NotUnderstood,
    PassedOver,
    RequestRefused,
    answer_to,
    answered,
    decode,
    encode,
    encode_request,
)

seconds = st.none() | st.floats(0, 1e9)
playing = st.builds(NowPlaying, *[st.text(max_size=9)] * 5, seconds, seconds)
faults = st.builds(Fault, st.text(max_size=9), st.text(max_size=40), st.floats(0, 4e9))
numbers = st.integers(0, 2**40)
messages = st.one_of(
    st.builds(RequestRefused, numbers, st.text(max_size=40)),
    st.builds(PinEntered, st.text(max_size=32)),
    st.builds(AppletSaid, st.text(max_size=32), st.dictionaries(st.text(max_size=8), st.integers(0, 9), max_size=3)),
    st.builds(
        StageStatus,
        items=st.lists(playing, max_size=3).map(tuple),
        faults=st.lists(faults, max_size=3).map(tuple),
        pids=st.dictionaries(st.text(max_size=8), st.integers(0, 2**22), max_size=3),
    ),
)


def _objects(kind):
    """A command is any JSON object."""
    return {"command": st.dictionaries(st.text(max_size=8), st.none() | st.text(max_size=8))} if "command" in kind.__slots__ else {}


requests = st.one_of(
    [
        st.builds(kind, **{name: st.floats(0, 1e9) for name in ("seconds", "wait_s") if name in kind.__slots__}, **_objects(kind))
        for kind in WORDS.values()
    ]
)
pictures = st.builds(ScreenPicture, st.binary(max_size=40), *[st.integers(0, 2**16)] * 2, st.sampled_from(PictureFormat))


def is_one_line(line: bytes) -> bool:
    return line.endswith(b"\n") and line.count(b"\n") == 1


@given(messages)
def test_what_is_said_is_one_line_and_heard_as_it_was_said(message):
    line = encode(message)
    assert is_one_line(line)
    assert decode(line) == message


@given(numbers, requests)
def test_what_is_asked_is_one_line_and_heard_as_it_was_asked(number, request):
    line = encode_request(number, request)
    assert is_one_line(line)
    assert decode(line) == Asked(number, request)


@given(
    st.one_of(
        st.tuples(st.just(TakePicture()), pictures),
        st.tuples(st.just(ReadLog()), st.builds(LogLines, st.lists(st.text(max_size=9)).map(tuple))),
        st.tuples(st.just(Reread()), st.none()),
    )
)
def test_what_is_answered_is_one_line_and_heard_as_what_the_request_promises(case):
    request, answer = case
    line = encode(answered(7, answer))
    assert is_one_line(line)
    heard = decode(line)
    assert isinstance(heard, Answered)
    assert (heard.number, answer_to(request, heard)) == (7, answer)


@pytest.mark.parametrize("result", [{}, {"image": "§", "width": 1, "height": 1, "format": "png"}, {"image": "", "width": "x"}])
def test_a_picture_that_is_none_is_refused(result: dict):
    heard = decode(json.dumps({"kind": "Answer", "body": {"id": 1, "result": result}}).encode())
    with pytest.raises(ContentError, match="socket between agent and stage"):
        answer_to(TakePicture(), heard)


def test_every_request_has_one_word():
    assert set(WORDS.values()) == set(get_args(AnyRequest))


def test_a_request_of_another_version_is_known_by_its_number_and_other_messages_by_their_kind():
    for args in ('"op":"dance"', '"op":"play"', '"op":"play","args":[]'):
        heard = decode(b'{"kind":"Request","body":{"id":3,%s}}' % args.encode())
        assert isinstance(heard, NotUnderstood)
        assert heard.number == 3
    assert decode(b'{"kind":"Song","body":[1]}') == PassedOver("Song")


@pytest.mark.parametrize("word", ["state", "cover"])
def test_a_status_with_a_word_of_another_version_is_passed_over(word: str):
    assert decode(b'{"kind":"StageStatus","body":{"%s":"dancing"}}' % word.encode()) == PassedOver("StageStatus")


def test_words_that_this_side_does_not_know_yet_are_passed_over():
    assert decode(b'{"kind":"PinEntered","body":{"pin":"1","by":"touch"},"more":1}\n') == PinEntered("1")


@pytest.mark.parametrize(
    "line",
    [b"", b"\n", b"x", b"{}", b"[]", b"5", b"null", b'"Request"', b'{"kind":"Request"}', b'{"body":{}}', b'{"kind":[],"body":{}}',
     b'{"kind":"Exit"}', b'{"kind":"Request","body":{"op":"x"}}', b'{"kind":"Request","body":{"id":"1","op":"x"}}',
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
