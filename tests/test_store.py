"""The two durable forms: what a reader sees after a clean stop, a torn line, a corrupt file and a newer format."""

from __future__ import annotations

import os
import threading
import zlib
from pathlib import Path

import pytest

from player.core.content import CardFacts
from player.errors import StorageError
from player.store import Journal, Snapshot, last_record, read_journal, segments


def test_a_snapshot_comes_back_as_it_was_written(tmp_path: Path):
    snapshot = Snapshot(tmp_path / "orders.json", CardFacts)
    assert snapshot.read() is None
    snapshot.write(CardFacts(paired=False, pairing_code="4A7X2B"))
    assert snapshot.read() == CardFacts(paired=False, pairing_code="4A7X2B")
    assert (tmp_path / "orders.json").stat().st_mode & 0o777 == 0o600
    assert [p.name for p in tmp_path.iterdir()] == ["orders.json"]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b"\0" * 40,
        b'{"format": 1, "body": {"paired": "perhaps"}}',
        b'{"format": 1, "body": {"server_name": "\xff"}}',
    ],
)
def test_s9_a_corrupt_snapshot_is_set_aside_and_counts_as_absent(tmp_path: Path, content: bytes):
    path = tmp_path / "orders.json"
    path.write_bytes(content)
    assert Snapshot(path, CardFacts).read() is None
    assert (tmp_path / "orders.json.corrupt").read_bytes() == content


def test_s9_a_snapshot_of_a_newer_format_is_refused_and_kept(tmp_path: Path):
    path = tmp_path / "orders.json"
    path.write_bytes(b'{"format": 99, "body": {}}')
    with pytest.raises(StorageError, match="newer player"):
        Snapshot(path, CardFacts).read()
    assert path.exists()


def test_a_journal_is_read_in_order_and_continued_after_reopening(tmp_path: Path):
    journal = Journal(tmp_path / "j")
    assert [journal.append({"n": n}) for n in range(3)] == [1, 2, 3]
    journal.close()
    again = Journal(tmp_path / "j")
    assert again.append({"n": 3}) == 4
    assert [body["n"] for _, body in read_journal(tmp_path / "j", after=1)] == [1, 2, 3]


@pytest.mark.parametrize("cut", [1, 5, 12])
def test_s7_a_torn_last_line_is_cut_off_and_the_rest_kept(tmp_path: Path, cut: int):
    journal = Journal(tmp_path / "j")
    for n in range(3):
        journal.append({"n": n})
    journal.close()
    path = segments(tmp_path / "j")[0][1]
    path.write_bytes(path.read_bytes()[:-cut])
    assert Journal(tmp_path / "j").append({"n": "after"}) == 3
    assert [body["n"] for _, body in read_journal(tmp_path / "j")] == [0, 1, "after"]


def test_segments_go_only_when_everything_in_them_was_accepted(tmp_path: Path):
    journal = Journal(tmp_path / "j", sync_lines=1000)
    filler = "x" * 1000
    for _ in range(700):
        journal.append(filler)
    firsts = [first for first, _ in segments(tmp_path / "j")]
    assert len(firsts) == 3
    journal.drop_through(firsts[1] - 2)
    assert [first for first, _ in segments(tmp_path / "j")] == firsts
    journal.drop_through(firsts[2] - 1)
    assert [first for first, _ in segments(tmp_path / "j")] == firsts[2:]
    assert next(read_journal(tmp_path / "j"))[0] == firsts[2]


def test_s6_a_damaged_line_in_the_middle_costs_that_line_alone(tmp_path: Path):
    journal = Journal(tmp_path / "j")
    for n in range(5):
        journal.append({"n": n})
    journal.close()
    path = segments(tmp_path / "j")[0][1]
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join([*lines[:2], b"#" + lines[2][1:], *lines[3:]]))
    assert Journal(tmp_path / "j").append({"n": 5}) == 6
    assert [body["n"] for _, body in read_journal(tmp_path / "j")] == [0, 1, 3, 4, 5]


def test_syncing_in_a_thread_while_segments_change_counts_right(tmp_path: Path):
    journal = Journal(tmp_path / "j", sync_lines=10**9, sync_s=float("inf"))
    ended = threading.Event()

    def keep_syncing() -> None:
        while not ended.is_set():
            journal.sync()

    thread = threading.Thread(target=keep_syncing)
    thread.start()
    for _ in range(1500):
        journal.append("x" * 1000)
        assert journal.unsynced >= 0
    ended.set()
    thread.join()
    journal.sync()
    assert journal.unsynced == 0
    assert len(list(read_journal(tmp_path / "j"))) == 1500


# --- a journal with a tail


def with_tail(tmp_path: Path) -> Journal[dict]:
    return Journal(tmp_path / "j", sync_lines=100, sync_s=1e9, tail=tmp_path / "run" / "tail.log")


def bytes_in_segments(tmp_path: Path) -> int:
    return sum(path.stat().st_size for _, path in segments(tmp_path / "j"))


def test_lines_wait_in_the_tail_for_one_another_and_readers_see_them_there(tmp_path: Path):
    journal = with_tail(tmp_path)
    for n in range(3):
        journal.append({"n": n})
    assert bytes_in_segments(tmp_path) == 0
    assert [seq for seq, _ in read_journal(tmp_path / "j", after=1)] == [2, 3]
    assert journal.unsynced == 3
    journal.sync()
    assert bytes_in_segments(tmp_path) > 0
    assert (tmp_path / "run/tail.log").read_bytes() == b""
    journal.append({"n": 3})
    assert [seq for seq, _ in read_journal(tmp_path / "j")] == [1, 2, 3, 4]
    assert last_record(tmp_path / "j") == (4, {"n": 3})


def test_what_a_killed_writer_left_in_the_tail_is_taken_over_and_its_torn_line_is_not(tmp_path: Path):
    before = with_tail(tmp_path)
    before.append({"n": 0})
    before.sync()
    before.append({"n": 1})
    with (tmp_path / "run/tail.log").open("ab") as out:
        out.write(b"0000 [3, tor")
    again = with_tail(tmp_path)
    assert again.last_seq == 2
    again.append({"n": 2})
    again.close()
    assert list(read_journal(tmp_path / "j")) == [(1, {"n": 0}), (2, {"n": 1}), (3, {"n": 2})]


def test_a_power_cut_costs_the_tail_and_nothing_else(tmp_path: Path):
    journal = with_tail(tmp_path)
    journal.append({"n": 0})
    journal.sync()
    journal.append({"n": 1})
    (tmp_path / "run/tail.log").unlink()
    assert [seq for seq, _ in read_journal(tmp_path / "j")] == [1]
    assert with_tail(tmp_path).append({"n": 2}) == 2


def test_a_line_that_is_in_a_segment_and_still_in_the_tail_is_read_once(tmp_path: Path):
    journal = with_tail(tmp_path)
    journal.append({"n": 0})
    held = (tmp_path / "run/tail.log").read_bytes()
    journal.sync()
    (tmp_path / "run/tail.log").write_bytes(held)
    assert [seq for seq, _ in read_journal(tmp_path / "j")] == [1]
    assert with_tail(tmp_path).unsynced == 0


def test_without_room_in_memory_backed_storage_lines_go_to_the_disk_in_their_order(tmp_path: Path):
    journal = with_tail(tmp_path)
    journal.append({"n": 0})
    (tmp_path / "run/tail.log").unlink()
    (tmp_path / "run").rmdir()
    journal.append({"n": 1})
    assert bytes_in_segments(tmp_path) > 0
    journal.close()
    assert list(read_journal(tmp_path / "j")) == [(1, {"n": 0}), (2, {"n": 1})]


def test_records_that_are_written_together_are_there_all_or_not_at_all(tmp_path: Path):
    journal = Journal(tmp_path / "j", sync_lines=1000)
    journal.extend([{"n": 0}, {"n": 1}])
    journal.extend([])
    out, journal._out = journal._out, os.open("/dev/full", os.O_WRONLY)
    with pytest.raises(StorageError):
        journal.extend([{"n": 2}, {"n": 3}])
    os.close(journal._out)
    journal._out = out
    assert journal.append({"n": 4}) == 3
    assert [body["n"] for _, body in read_journal(tmp_path / "j")] == [0, 1, 4]


def test_a_journal_that_begins_anew_holds_what_it_is_given_and_goes_on(tmp_path: Path):
    journal = Journal(tmp_path / "j", sync_lines=1000)
    for n in range(3000):
        journal.append({"n": n, "x": "x" * 300})
    assert len(segments(tmp_path / "j")) > 3
    journal.begin_anew([{"n": 7}, {"n": 8}])
    assert journal.append({"n": 9}) == 3003
    assert len(segments(tmp_path / "j")) == 1
    journal.close()
    assert Journal(tmp_path / "j").append({"n": 10}) == 3004
    assert [body["n"] for _, body in read_journal(tmp_path / "j")] == [7, 8, 9, 10]


def alike(tmp_path: Path, count: int = 6) -> list[tuple[int, dict]]:
    """A segment with so many records that look much the same, in one line."""
    journal = with_tail(tmp_path)
    for n in range(count):
        journal.append({"name": "Summer promo", "file_hash": "ab" * 32, "n": n})
    held = (tmp_path / "run/tail.log").stat().st_size
    journal.close()
    assert bytes_in_segments(tmp_path) < held / 2
    return list(read_journal(tmp_path / "j"))


def test_lines_that_waited_for_one_another_are_written_as_one_and_read_as_they_were(tmp_path: Path):
    assert [(seq, body["n"]) for seq, body in alike(tmp_path)] == [(n + 1, n) for n in range(6)]
    assert [seq for seq, _ in read_journal(tmp_path / "j", after=4)] == [5, 6]
    again = with_tail(tmp_path)
    assert again.last_seq == 6
    assert again.append({"n": 6}) == 7


@pytest.mark.parametrize("spoiled", [b"{}", b'"AAAA"', b'"!"', b"5", b'"eJwDAAAAAAE="'])
def test_a_packed_line_that_holds_no_records_is_passed_over(tmp_path: Path, spoiled: bytes):
    alike(tmp_path, 2)
    text = b'[2, {"packed": ' + spoiled + b"}]"
    segments(tmp_path / "j")[0][1].write_bytes(b"%08x %s\n" % (zlib.crc32(text), text))
    assert list(read_journal(tmp_path / "j")) == []


def test_the_oldest_record_that_counts_says_how_long_they_wait(tmp_path: Path):
    now = [100.0]
    journal: Journal[dict] = Journal(
        tmp_path / "j", sync_lines=100, sync_s=1e9, tail=tmp_path / "tail.log", monotonic=lambda: now[0]
    )
    assert journal.waits_s(0) == 0
    for at in (100.0, 110.0, 120.0):
        now[0] = at
        journal.append({"at": at})
    now[0] = 150.0
    assert [journal.waits_s(after) for after in range(4)] == [50, 40, 30, 0]
    journal.sync()
    assert journal.waits_s(0) == 0
