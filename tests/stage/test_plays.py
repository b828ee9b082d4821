"""Proof of play on disks that refuse, after processes that died, and at its limits."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from player.core import proof
from player.core.content import Item
from player.core.cues import Moment, PlayRecord, PlayResult
from player.core.kinds import Kind
from player.journal_reader import read_journal, segments
from player.runtime.fault_page import FaultPage
from player.stage.plays import SYNC_LINES, WAITING_LIMIT, Plays
from tests.fakes.disk import files_no_larger_than, read_only
from tests.fakes.faults import fault_page

NOW = 1_790_000_000.0
DAY = 86400.0


def item(name: str) -> Item:
    return Item(name, f"c-{name}", name, Kind.IMAGE, 10.0)


def plays(
    folder: Path, *, days: int = 90, size: int = 1 << 30, at: float = NOW, faults: FaultPage | None = None, tail: Path | None = None
) -> Plays:
    return Plays(folder, tail=tail, keep_days=days, keep_bytes=size, wall=lambda: at, faults=faults or fault_page())


def show(journal: Plays, name: str = "red", times: int = 1) -> None:
    for n in range(times):
        shown = PlayRecord(item(name), Moment(n, NOW + n), Moment(n + 10, NOW + n + 10), 10.0, PlayResult.COMPLETE, None)
        journal.record(shown, playlist_id="p1", zone="main", screen_on=True, clock_synced=True)


def on_disk(folder: Path) -> list[dict]:
    return [body for _, body in read_journal(folder)]


# --- the chain


def test_every_play_is_on_disk_when_record_returns_and_the_chain_goes_on_after_reopening(tmp_path: Path):
    journal = plays(tmp_path / "j")
    show(journal, times=3)
    assert [event["seq"] for event in on_disk(tmp_path / "j")] == [1, 2, 3]
    journal.close()
    again = plays(tmp_path / "j")
    show(again, "blue", times=2)
    events = on_disk(tmp_path / "j")
    assert [event["seq"] for event in events] == [1, 2, 3, 4, 5]
    assert events[0]["prev"] == proof.GENESIS
    assert proof.verify(events) == []


def test_s7_the_chain_goes_on_after_a_torn_line(tmp_path: Path):
    journal = plays(tmp_path / "j")
    show(journal, times=3)
    journal.close()
    path = segments(tmp_path / "j")[0][1]
    path.write_bytes(path.read_bytes()[:-20])
    again = plays(tmp_path / "j")
    assert again.last_seq == 2
    show(again)
    assert [event["seq"] for event in on_disk(tmp_path / "j")] == [1, 2, 3]
    assert proof.verify(on_disk(tmp_path / "j")) == []


def test_p1_a_writer_killed_with_minus_nine_loses_no_play_that_it_recorded(tmp_path: Path):
    program = (
        "import sys; from pathlib import Path; from tests.stage.test_plays import plays, show\n"
        "journal = plays(Path(sys.argv[1]))\n"
        "while True: show(journal); print(journal.last_seq, flush=True)\n"
    )
    with subprocess.Popen([sys.executable, "-c", program, str(tmp_path / "j")], stdout=subprocess.PIPE, text=True) as writer:
        said = 0
        while said < 200:
            said = int(writer.stdout.readline())
        writer.send_signal(signal.SIGKILL)
        said = max([said, *(int(line) for line in writer.stdout if line.endswith("\n"))])
    journal = plays(tmp_path / "j")
    assert journal.last_seq >= said
    show(journal)
    assert proof.verify(on_disk(tmp_path / "j")) == []
    assert on_disk(tmp_path / "j")[0]["seq"] == 1


def test_plays_are_synced_at_ten_lines_or_a_minute_and_the_first_at_once(tmp_path: Path):
    journal = plays(tmp_path / "j")
    assert not journal.sync_is_due()
    show(journal)
    assert journal.sync_is_due(), "whoever waits for it is told nothing before"
    journal.sync()
    show(journal, times=SYNC_LINES - 1)
    assert not journal.sync_is_due()
    show(journal)
    assert journal.sync_is_due()
    journal.sync()
    assert not journal.sync_is_due()


# --- disks that refuse


def test_s2_on_a_full_disk_events_wait_in_memory_and_are_written_when_there_is_room(tmp_path: Path):
    faults = fault_page()
    journal = plays(tmp_path / "j", faults=faults)
    show(journal, times=2)
    room = segments(tmp_path / "j")[0][1].stat().st_size + 100
    with files_no_larger_than(room):
        show(journal, "blue", times=5)
        assert journal.last_seq == 2
        assert [(fault.code, fault.count) for fault in faults.faults] == [("proof_degraded", 5)]
        assert segments(tmp_path / "j")[0][1].stat().st_size == room - 100, "no half line stays behind"
    journal.write_waiting()
    assert faults.faults == ()
    assert [event["name"] for event in on_disk(tmp_path / "j")] == ["red", "red", *["blue"] * 5]
    assert proof.verify(on_disk(tmp_path / "j")) == []


def test_s3_a_read_only_folder_at_the_start_does_not_stop_the_stage(tmp_path: Path):
    before = plays(tmp_path / "j")
    show(before, times=2)
    before.close()
    faults = fault_page()
    with read_only(tmp_path / "j"):
        journal = plays(tmp_path / "j", faults=faults)
        show(journal, "blue", times=2)
        assert journal.last_seq == 2
        assert [fault.code for fault in faults.faults] == ["proof_degraded"]
        assert not journal.sync_is_due()
        journal.sync()
        journal.trim()
        journal.taken_through(1)
        journal.close()
    journal.write_waiting()
    assert [event["seq"] for event in on_disk(tmp_path / "j")] == [1, 2, 3, 4]
    assert proof.verify(on_disk(tmp_path / "j")) == []
    assert faults.faults == ()


def test_s2_what_memory_cannot_hold_either_is_counted_and_its_gap_shows_in_the_chain(tmp_path: Path):
    faults = fault_page()
    journal = plays(tmp_path / "j", faults=faults)
    show(journal)
    with files_no_larger_than(1):
        show(journal, times=WAITING_LIMIT + 3)
    journal.write_waiting()
    show(journal)
    assert [(fault.code, fault.count) for fault in faults.faults] == [("proof_dropped", 3)]
    journal.close()
    show(plays(tmp_path / "j"))
    events = on_disk(tmp_path / "j")
    assert [event["seq"] for event in events[-3:]] == [WAITING_LIMIT + n for n in (1, 5, 6)], "numbers go on after a start"
    assert [event.get("lost") for event in events[-3:]] == [None, 3, None]
    assert proof.verify(events) == []


def in_memory(folder: Path, count: int) -> Plays:
    """A stage with a tail whose last `count` plays neither the disk nor memory-backed storage took."""
    journal = plays(folder / "j", tail=folder / "run/plays.log")
    show(journal, times=2)
    journal.sync()
    with files_no_larger_than(16):
        show(journal, "blue", times=count)
    return journal


def test_s2_plays_in_memory_that_a_kill_took_are_counted_and_said_and_the_chain_goes_on(tmp_path: Path):
    in_memory(tmp_path, 5)
    faults = fault_page()
    again = plays(tmp_path / "j", tail=tmp_path / "run/plays.log", faults=faults)
    assert [(fault.code, fault.count) for fault in faults.faults] == [("proof_dropped", 5)]
    plays(tmp_path / "j", tail=tmp_path / "run/plays.log")  # killed before it had anything to write
    again = plays(tmp_path / "j", tail=tmp_path / "run/plays.log")
    show(again, times=2)
    events = on_disk(tmp_path / "j")
    assert [(event["seq"], event.get("lost")) for event in events] == [(1, None), (2, None), (8, 5), (9, None)]
    assert proof.verify(events) == []
    again.close()
    faults = fault_page()
    show(plays(tmp_path / "j", tail=tmp_path / "run/plays.log", faults=faults))
    assert on_disk(tmp_path / "j")[-1]["seq"] == 10
    assert faults.faults == ()


def test_s2_plays_in_memory_that_found_room_before_the_kill_are_not_lost(tmp_path: Path):
    in_memory(tmp_path, 5).write_waiting()
    faults = fault_page()
    show(plays(tmp_path / "j", tail=tmp_path / "run/plays.log", faults=faults))
    assert [event["seq"] for event in on_disk(tmp_path / "j")] == list(range(1, 9))
    assert faults.faults == ()


@pytest.mark.parametrize("content", [b"", b"\xff" * 12, b"\0" * 12, b"five"])
def test_s7_a_torn_number_of_plays_in_memory_counts_none(tmp_path: Path, content: bytes):
    in_memory(tmp_path, 5)
    (tmp_path / "run/plays.number").write_bytes(content)
    faults = fault_page()
    show(plays(tmp_path / "j", tail=tmp_path / "run/plays.log", faults=faults))
    assert [event["seq"] for event in on_disk(tmp_path / "j")] == [1, 2, 3]
    assert faults.faults == ()


def test_s2_plays_that_wait_in_the_tail_of_a_full_disk_are_a_fault_until_they_are_safe(tmp_path: Path):
    faults = fault_page()
    journal = plays(tmp_path / "j", faults=faults, tail=tmp_path / "tail.log")
    show(journal, times=SYNC_LINES)
    with files_no_larger_than(1000):
        journal.sync()
        journal.write_waiting()
        assert [(fault.code, fault.count) for fault in faults.faults] == [("proof_degraded", SYNC_LINES)]
    journal.sync()
    journal.write_waiting()
    assert faults.faults == ()
    assert len(on_disk(tmp_path / "j")) == SYNC_LINES
    assert proof.verify(on_disk(tmp_path / "j")) == []


def test_s2_a_stage_that_ends_on_a_full_disk_leaves_its_plays_in_the_tail_for_the_next(tmp_path: Path):
    journal = plays(tmp_path / "j", tail=tmp_path / "tail.log")
    show(journal, times=5)
    with files_no_larger_than(1000):
        journal.close()
    show(plays(tmp_path / "j", tail=tmp_path / "tail.log"))
    assert proof.verify(on_disk(tmp_path / "j")) == []
    assert len(on_disk(tmp_path / "j")) == 6


# --- limits


def test_n14_beyond_its_size_the_oldest_segments_go_counted_and_reported(tmp_path: Path):
    faults = fault_page()
    journal = plays(tmp_path / "j", size=600_000, faults=faults)
    show(journal, times=2000)
    firsts = [first for first, _ in segments(tmp_path / "j")]
    assert len(firsts) >= 3
    journal.trim()
    kept = on_disk(tmp_path / "j")
    assert sum(path.stat().st_size for _, path in segments(tmp_path / "j")) <= 600_000
    assert kept[-1]["seq"] == 2000
    journal.write_waiting()
    assert [(fault.code, fault.count) for fault in faults.faults] == [("proof_dropped", kept[0]["seq"] - 1)]
    assert proof.verify(kept) == []
    journal.trim()
    assert on_disk(tmp_path / "j") == kept, "within its limits nothing goes"


def test_n14_events_older_than_the_limit_go_but_never_the_segment_being_written(tmp_path: Path):
    journal = plays(tmp_path / "j", days=30)
    show(journal, times=700)
    paths = [path for _, path in segments(tmp_path / "j")]
    assert len(paths) >= 2
    for path in paths:
        os.utime(path, (NOW - 31 * DAY, NOW - 31 * DAY))
    journal.trim()
    assert [path for _, path in segments(tmp_path / "j")] == paths[-1:]


def test_what_a_server_has_is_kept_and_goes_without_a_fault_when_room_is_short(tmp_path: Path):
    faults = fault_page()
    show(plays(tmp_path / "j"), times=2000)
    journal = plays(tmp_path / "j", size=600_000, faults=faults)
    journal.taken_through(1990)
    assert on_disk(tmp_path / "j")[0]["seq"] == 1, "it is there for whoever counts for himself"
    journal.trim()
    assert on_disk(tmp_path / "j")[0]["seq"] > 1
    journal.write_waiting()
    assert faults.faults == ()
