"""Proof of play: the event's fields, its id, and a chain that shows every edit and gap."""

from __future__ import annotations

import uuid
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from player.core.content import Item, Layout, Playlist, full_screen
from player.core.cues import Moment, PlayRecord, PlayResult
from player.core.kinds import Kind
from player.core.proof import GENESIS, event, lost_before, uuid7, verify
from tests.fakes.programmes import manifest_of

ITEM = Item("7", "5", "Été – Promo", Kind.VIDEO, 0, file_hash="abc123", schedule_id="3")


def chain(length: int) -> list[dict]:
    events, prev = [], GENESIS
    for n in range(length):
        began, ended = Moment(n * 10.0, 1_700_000_000.5 + n * 10), Moment(n * 10.0 + 8, 1_700_000_008.5 + n * 10)
        record = PlayRecord(ITEM, began, ended, 8.0, PlayResult.COMPLETE)
        made = event(
            record,
            seq=n + 1,
            dice=bytes([n] * 10),
            prev=prev,
            lost=0,
            playlist_id="1",
            zone="main",
            screen_on=True,
            clock_synced=True,
        )
        events.append(made)
        prev = events[-1]["hash"]
    return events


def test_an_event_says_what_the_contract_lists():
    made = chain(1)[0]
    assert made["started_at"] == "2023-11-14T22:13:20.500Z"
    assert (made["duration_ms"], made["planned_ms"], made["result"], made["clock"]) == (8000, 8000, "complete", "synced")
    assert (made["item_id"], made["content_id"], made["file_hash"], made["schedule_id"], made["zone"]) == (
        "7",
        "5",
        "abc123",
        "3",
        "main",
    )
    assert "campaign_id" not in made
    assert made["prev"] == GENESIS


def test_an_id_goes_back_as_the_server_wrote_it():
    numbers = ("item_id", "content_id", "playlist_id", "schedule_id")
    moment = Moment(0.0, 1_700_000_000.0)

    def made(item: Item) -> dict:
        record = PlayRecord(item, moment, moment, 1.0, PlayResult.COMPLETE)
        return event(
            record, seq=1, dice=bytes(10), prev=GENESIS, lost=0, playlist_id="1", zone="main", screen_on=True, clock_synced=True
        )

    numbered = made(replace(ITEM, numbers=numbers, server="adcast-1", campaign_id="9"))
    assert [numbered[name] for name in (*numbers, "campaign_id", "server")] == [7, 5, 1, 3, "9", "adcast-1"]
    page = made(replace(ITEM, id="7/2", content_id="-5", numbers=numbers))
    assert (page["item_id"], page["content_id"]) == ("7/2", -5)
    assert [made(ITEM)[name] for name in numbers] == ["7", "5", "1", "3"]


def test_a_whole_chain_has_no_breaks_wherever_it_begins():
    assert verify(chain(5)) == []
    assert verify(chain(5)[2:]) == []
    assert verify([]) == []


@given(st.integers(0, 4), st.sampled_from(["name", "started_at", "duration_ms", "result"]))
def test_any_edit_shows(index, key):
    events = chain(5)
    events[index][key] = "edited"
    assert [b.seq for b in verify(events)] == [index + 1]


def test_a_missing_event_and_a_foreign_one_show():
    events = chain(5)
    assert [b.reason for b in verify(events[:2] + events[3:])] == ["events are missing between 2 and 4"]
    forged = event(
        PlayRecord(ITEM, Moment(0, 0), Moment(1, 1), 0, PlayResult.FAILED, "x"),
        seq=3, dice=b"y" * 10, prev="f" * 64, lost=0, playlist_id="1", zone="main", screen_on=False, clock_synced=False,
    )  # fmt: skip
    assert [b.seq for b in verify([*events[:2], forged, *events[3:]])] == [3, 4]


def after_a_gap(events: list[dict], lost: int, seq: int) -> dict:
    moment = Moment(0.0, 1_700_000_900.0)
    return event(
        PlayRecord(ITEM, moment, moment, 8.0, PlayResult.COMPLETE), seq=seq, dice=bytes(10), prev=events[-1]["hash"], lost=lost,
        playlist_id="1", zone="main", screen_on=True, clock_synced=True,
    )  # fmt: skip


def test_plays_that_the_box_says_it_lost_are_no_break_and_only_so_many():
    events = chain(3)
    assert verify([*events, after_a_gap(events, 4, 8)]) == []
    assert [b.reason for b in verify([*events, after_a_gap(events, 4, 9)])] == ["events are missing between 3 and 9"]
    edited = {**after_a_gap(events, 4, 8), "lost": 5, "seq": 9}
    assert [b.reason for b in verify([*events, edited])] == ["the event was altered: its hash does not match its content"]
    assert [lost_before({"lost": value}) for value in (4, 0, -1, "4", True, None)] == [4, 0, 0, 0, 0, 0]


@given(st.integers(0, 2**48 - 1), st.binary(min_size=10, max_size=10))
def test_ids_are_uuids_of_version_7_that_sort_by_time(milliseconds, dice):
    made = uuid.UUID(uuid7(milliseconds, dice))
    assert (made.version, made.variant) == (7, uuid.RFC_4122)
    assert made.int >> 80 == milliseconds


def test_a_manifest_knows_its_items():
    playlist = Playlist("1", "Lobby", (ITEM,))
    assert manifest_of(full_screen(playlist)).items == (ITEM,)
    assert manifest_of(Layout("l", 10, 10)).items == ()
    assert str(ITEM) == "'Été – Promo' (video 5)"
