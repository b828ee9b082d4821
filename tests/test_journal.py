"""The journal: what its readers see after a clean stop, a torn line, a killed writer, a power cut and a disk that refuses."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import zlib
from pathlib import Path

import pytest

from player.errors import StorageError
from player.journal import FOLLOWED_LINES, PACKED_LINES, PAGE_BYTES, SEGMENT_BYTES, Journal
from player.journal_reader import journal_bytes, last_record, last_synced, read_journal, read_synced, segments
from tests.fakes.disk import files_no_larger_than


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


def test_what_fits_into_a_page_of_flash_crosses_none_and_blanks_are_no_records(tmp_path: Path):
    journal = Journal(tmp_path / "j", sync_lines=10**9, sync_s=float("inf"))
    bodies = ["x" * (n * 37 % 1500) for n in range(60)] + ["y" * 9000, "z"]
    for body in bodies:
        journal.append(body)
    journal.close()
    content = segments(tmp_path / "j")[0][1].read_bytes()
    at = 0
    for line in content.splitlines(keepends=True):
        assert at // PAGE_BYTES == (at + len(line) - 1) // PAGE_BYTES or len(line) > PAGE_BYTES
        at += len(line)
    assert [body for _, body in read_journal(tmp_path / "j")] == bodies
    assert Journal(tmp_path / "j").append("more") == len(bodies) + 1


def test_a_line_cut_after_its_blanks_leaves_what_was_before_them(tmp_path: Path):
    journal = Journal(tmp_path / "j")
    journal.append("x" * 3000)
    journal.append("y" * 2000)
    journal.close()
    path = segments(tmp_path / "j")[0][1]
    path.write_bytes(path.read_bytes()[:-1])
    again = Journal(tmp_path / "j")
    assert again.append("z" * 2000) == 2
    again.close()
    assert [body[0] for _, body in read_journal(tmp_path / "j")] == ["x", "z"]


# --- a journal with a tail


def with_tail(tmp_path: Path) -> Journal[dict]:
    return Journal(tmp_path / "j", sync_lines=100, sync_s=1e9, tail=tmp_path / "run" / "tail.log")


def bytes_in_segments(tmp_path: Path) -> int:
    return sum(len(path.read_bytes().rstrip(b" \n\0")) for _, path in segments(tmp_path / "j"))


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
    (tmp_path / "run").rename(tmp_path / "gone")
    journal.append({"n": 1})
    assert bytes_in_segments(tmp_path) > 0
    journal.close()
    assert list(read_journal(tmp_path / "j")) == [(1, {"n": 0}), (2, {"n": 1})]


def test_the_room_of_a_segment_is_taken_at_once_where_lines_wait_and_its_zeros_are_no_torn_line(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
):
    for n in range(3):
        journal = with_tail(tmp_path)
        journal.append({"n": n})
        journal.close()
        (segment,) = [path for _, path in segments(tmp_path / "j")]
        assert segment.stat().st_size == SEGMENT_BYTES
        assert segment.stat().st_blocks * 512 >= SEGMENT_BYTES
    assert list(read_synced(tmp_path / "j")) == [(n + 1, {"n": n}) for n in range(3)]
    assert not caplog.messages
    with segment.open("r+b") as out:
        out.seek(bytes_in_segments(tmp_path) + 1)
        out.write(b"0000 [4, tor")
    journal = with_tail(tmp_path)
    journal.append({"n": 3})
    journal.close()
    assert "a torn line" in caplog.text
    assert [body["n"] for _, body in read_journal(tmp_path / "j")] == [0, 1, 2, 3]


def test_what_waited_is_synced_with_a_page_of_its_own_alone(tmp_path: Path):
    journal = with_tail(tmp_path)
    before = bytes(SEGMENT_BYTES)
    for n in range(40):
        journal.append({"n": n, "id": os.urandom(n * 20).hex()})
        if n == 20:
            journal.close()
            journal = with_tail(tmp_path)
        journal.sync()
        content = segments(tmp_path / "j")[0][1].read_bytes()
        pages = [at for at in range(0, SEGMENT_BYTES, PAGE_BYTES) if content[at : at + PAGE_BYTES] != before[at : at + PAGE_BYTES]]
        assert len(pages) == 1, n
        before = content
    assert numbers(read_synced(tmp_path / "j")) == list(range(1, 41))


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


def test_how_long_nothing_was_synced(tmp_path: Path):
    now = [100.0]
    journal: Journal[dict] = Journal(
        tmp_path / "j", sync_lines=100, sync_s=1e9, tail=tmp_path / "tail.log", monotonic=lambda: now[0]
    )
    journal.append({"n": 0})
    assert journal.rested_s == float("inf")
    journal.sync()
    now[0] = 150.0
    assert journal.rested_s == 50


# --- what no power cut takes


def numbers(records: object) -> list[int]:
    return [seq for seq, _ in records]  # type: ignore[attr-defined]


def test_what_waits_in_memory_backed_storage_is_not_synced(tmp_path: Path):
    journal = with_tail(tmp_path)
    journal.append({"n": 0})
    assert numbers(read_synced(tmp_path / "j")) == []
    assert last_synced(tmp_path / "j") is None
    journal.sync()
    journal.append({"n": 1})
    assert numbers(read_synced(tmp_path / "j")) == [1]
    assert last_synced(tmp_path / "j") == (1, {"n": 0})
    assert last_record(tmp_path / "j") == (2, {"n": 1})


def test_a_reader_who_follows_finds_what_is_synced_in_memory_and_one_who_is_behind_on_the_disk(tmp_path: Path):
    journal = with_tail(tmp_path)
    for n in range(FOLLOWED_LINES + 50):
        journal.append({"n": n})
        journal.sync()
    (segment,) = [path for _, path in segments(tmp_path / "j")]
    whole = numbers(read_synced(tmp_path / "j"))
    assert whole == list(range(1, FOLLOWED_LINES + 51))
    segment.rename(segment.with_suffix(".away"))
    assert numbers(read_synced(tmp_path / "j", after=50)) == whole[50:]
    assert numbers(read_synced(tmp_path / "j", after=49)) == [], "that one is on the disk alone"
    assert last_synced(tmp_path / "j") == (FOLLOWED_LINES + 50, {"n": FOLLOWED_LINES + 49})


def test_a_line_that_went_past_the_tail_is_not_passed_over_by_who_follows(tmp_path: Path):
    journal = with_tail(tmp_path)
    for n in range(3):
        journal.append({"n": n})
    journal.sync()
    (tmp_path / "run").rename(tmp_path / "gone")
    journal.append({"n": 3})
    journal.sync()
    assert numbers(read_synced(tmp_path / "j", after=3)) == [4]
    (tmp_path / "gone").rename(tmp_path / "run")
    for n in range(4, 6):
        journal.append({"n": n})
        journal.sync()
    assert [numbers(read_synced(tmp_path / "j", after=n)) for n in (2, 3, 4, 5)] == [[3, 4, 5, 6], [4, 5, 6], [5, 6], [6]]


def test_without_a_tail_what_is_read_as_synced_is_put_on_the_disk_first(tmp_path: Path):
    journal: Journal[dict] = Journal(tmp_path / "j", sync_lines=100)
    journal.append({"n": 0})
    script = "import sys, pathlib, player.journal_reader as r; print(list(r.read_synced(pathlib.Path(sys.argv[1]))))"
    traced = ["strace", "-f", "-y", "-e", "trace=fdatasync,read", sys.executable, "-c", script, str(tmp_path / "j")]
    done = subprocess.run(traced, check=True, capture_output=True, text=True, timeout=60)
    assert done.stdout == "[(1, {'n': 0})]\n"
    calls = [line for line in done.stderr.splitlines() if "000000000001.log" in line]
    assert "fdatasync" in calls[0]


def test_s5_lines_that_the_disk_refused_to_sync_are_written_anew(tmp_path: Path):
    program = (
        "import sys; from pathlib import Path; from tests.test_journal import with_tail\n"
        "journal = with_tail(Path(sys.argv[1]))\n"
        "for n in range(3):\n"
        "    journal.append({'n': n})\n"
        "    try: journal.sync()\n"
        "    except OSError: print('refused', journal.unsynced)\n"
        "print('unsynced', journal.unsynced)\n"
    )
    traced = ["strace", "-f", "-o", "/dev/null", "-P", str(tmp_path / "j/000000000001.log"), "-e", "trace=fdatasync"]
    inject = ["-e", "inject=fdatasync:error=EIO:when=2", sys.executable, "-c", program, str(tmp_path)]
    done = subprocess.run([*traced, *inject], check=True, capture_output=True, text=True, timeout=60)
    assert done.stdout == "refused 1\nunsynced 0\n"
    found = segments(tmp_path / "j")
    assert [first for first, _ in found] == [1, 2], "the segment that the disk may have forgotten is not trusted"
    os.truncate(found[0][1], found[0][1].read_bytes().index(b"\n") + 1)
    (tmp_path / "run/tail.followed").unlink()
    assert list(read_synced(tmp_path / "j")) == [(n + 1, {"n": n}) for n in range(3)]


def test_s3_a_journal_opens_on_a_disk_that_takes_nothing_and_writes_when_it_does(tmp_path: Path):
    Journal(tmp_path / "j").append({"n": 0})
    (path,) = [path for _, path in segments(tmp_path / "j")]
    path.chmod(0o400)
    journal: Journal[dict] = Journal(tmp_path / "j", sync_lines=100)
    with pytest.raises(StorageError):
        journal.append({"n": 1})
    path.chmod(0o600)
    assert journal.append({"n": 1}) == 2
    journal.close()
    assert numbers(read_journal(tmp_path / "j")) == [1, 2]


def test_s2_what_waited_long_goes_to_the_disk_in_several_lines(tmp_path: Path):
    journal: Journal[dict] = Journal(tmp_path / "j", sync_lines=10**9, sync_s=1e9, tail=tmp_path / "run/tail.log")
    for n in range(PACKED_LINES * 2 + 1):
        journal.append({"n": n})
    journal.sync()
    assert len(segments(tmp_path / "j")[0][1].read_bytes().rstrip(b" \n\0").splitlines()) == 3
    assert numbers(read_synced(tmp_path / "j")) == list(range(1, PACKED_LINES * 2 + 2))
    assert journal_bytes(tmp_path / "j") > 0


def test_s2_a_line_for_which_memory_backed_storage_has_half_the_room_is_not_left_there(tmp_path: Path):
    journal = with_tail(tmp_path)
    journal.append({"n": 0})
    with files_no_larger_than((tmp_path / "run/tail.log").stat().st_size + 10), pytest.raises(StorageError):
        journal.append({"n": "x" * 5000})
    journal.append({"n": 1})
    assert list(read_journal(tmp_path / "j")) == [(1, {"n": 0}), (2, {"n": 1})]
