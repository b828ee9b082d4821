"""An export that holds, and everything that does not: cut, altered, unsigned, or not to be read in one way only."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from player.core.proof import closing, digest
from player.core.proofcheck import check
from tests.core.test_proof import after_a_gap, chain


def signed(record: Mapping[str, Any]) -> bool:
    """As if a signature by the key were the hash itself."""
    return record.get("signature") == record.get("hash")


def export(events: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    end = closing(len(events), events[0]["hash"], events[-1]["hash"], 1_700_000_100.0)
    return [{**record, "signature": record["hash"]} for record in (*events, end)]


def lines(records: Sequence[Mapping[str, Any]]) -> list[bytes]:
    return [json.dumps(record).encode() + b"\n" for record in records]


def breaks(records: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
    return check(lines(records), signed).breaks


def test_a_whole_export_holds_and_says_what_was_checked():
    checked = check(lines(export(chain(3))), signed)
    assert str(checked) == (
        "3 events, 2023-11-14T22:13:20.500Z to 2023-11-14T22:13:48.500Z: the chain holds; 3 signatures checked; "
        "closing record checked"
    )
    assert str(check([], None)) == (
        "0 events, none: the chain holds; 0 signatures not checked: give their public key with --key; "
        "no closing record: what may be missing at the end is not known"
    )


def test_plays_that_the_box_lost_by_its_own_word_are_told_and_no_break():
    events = chain(2)
    records = export([*events, after_a_gap(events, 4, 7)])
    checked = check(lines(records), signed)
    assert "the chain holds; 4 plays were lost, as the box says itself;" in str(checked)
    assert breaks([{**record, "lost": "4"} if record.get("lost") else record for record in records])[0] == (
        "line 3: its lost is not a whole number"
    )


def test_every_event_must_carry_the_keys_signature():
    records = export(chain(3))
    del records[1]["signature"]
    records[2]["signature"] = "another's"
    assert breaks(records) == ("event 2: it is not signed", "event 3: its signature is not by this key")
    assert check(lines(records), None).breaks == ()


def test_a_signed_start_with_an_invented_rest_does_not_hold():
    events = chain(4)
    records = [*export(events[:2])[:2], *events[2:], closing(4, events[0]["hash"], events[3]["hash"], 0.0)]
    assert breaks(records) == ("event 3: it is not signed", "event 4: it is not signed", "the closing record: it is not signed")


def test_a_cut_beginning_or_end_shows():
    records = export(chain(4))
    counts = "the closing record: it counts 4 events, and there are 3"
    names = "the closing record: it names another first or last event"
    assert breaks(records[1:]) == (counts, names)
    assert breaks([*records[:3], records[4]]) == (counts, names)
    assert breaks(records[:3]) == ("the end: there is no closing record; events may be missing there",)
    assert breaks(records[4:]) == ("the closing record: it counts 4 events, and there are 0", names)


def test_an_altered_closing_record_shows():
    records = export(chain(2))
    records[-1]["closed_at"] = "2030-01-01T00:00:00.000Z"
    assert breaks(records) == ("the closing record: it was altered: its hash does not match its content",)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b'{"seq": 1, "seq": 2}', 'line 1: "seq" stands twice in it'),
        (b'{"seq": 1.0}', "line 1: it holds 1.0, which is not a whole number"),
        (b'{"duration_ms": NaN}', "line 1: it holds NaN, which is not a whole number"),
        (b'{"seq": true}', "line 1: its seq is not a whole number"),
        (b'{"seq": "1"}', "line 1: its seq is not a whole number"),
        (b'{"hash": 5}', "line 1: its hash is not a text"),
        (b"[" * 100_000, "line 1: it is nested too deeply"),
        (b"\xff\xfe", "line 1: it is not UTF-8 text"),
        (b"[1]", "line 1: it is not an event; expected what `proof export --format jsonl` writes"),
        (b"seq,id", "line 1: it is not JSON; expected what `proof export --format jsonl` writes"),
    ],
)
def test_what_could_be_read_in_two_ways_is_a_break_and_not_a_trace(line: bytes, reason: str):
    assert check([line], None).breaks == (reason,)


def test_a_number_of_ten_thousand_digits_is_a_break():
    assert len(check([b'{"seq": ' + b"1" * 10_000 + b"}"], None).breaks) == 1


def test_half_a_character_and_an_event_without_a_number_are_breaks():
    event = {"name": "\ud800", "hash": "x"}
    assert "event 0: the event was altered: its hash does not match its content" in breaks([event])
    assert digest({"seq": 1}) != digest({"seq": 2})
