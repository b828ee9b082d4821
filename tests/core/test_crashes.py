"""Safe mode: entered after too many crashes that no item explains, prolonged by another, left after a good hour or a boot."""

from __future__ import annotations

from player.core.crashes import GOOD_S, LIMIT, WITHIN_S, Crash, CrashRecord


def after(*crashes: Crash, kept_off: tuple[str, ...] = ()) -> CrashRecord:
    record = CrashRecord()
    for crash in crashes:
        record = record.after(crash, kept_off)
    return record


def every(seconds: float, count: int, *items: str) -> list[Crash]:
    return [Crash(1000.0 + seconds * number, items) for number in range(count)]


def test_the_fifth_crash_within_ten_minutes_is_one_too_many():
    assert LIMIT == 5
    assert after(*every(100.0, 4)).safe_since is None
    assert after(*every(100.0, 5)).safe_since == 1400.0


def test_crashes_that_are_far_between_are_not_added_up():
    assert after(*every(WITHIN_S / 3, 50)).safe_since is None
    assert len(after(*every(WITHIN_S / 3, 50)).crashes) == 4


def test_crashes_with_an_item_that_is_kept_off_since_are_explained_by_it():
    guilty = every(10.0, 3, "deadly", "clock")
    assert after(*guilty, *every(10.0, 4, "clock"), kept_off=("deadly",)).safe_since is None
    assert after(*guilty, *every(10.0, 5, "clock"), kept_off=("deadly",)).safe_since is not None
    assert after(*every(10.0, 5, "clock")).safe_since is not None


def test_another_crash_prolongs_it_whatever_explains_that():
    record = after(*every(10.0, 5)).after(Crash(3000.0, ("deadly",)), ("deadly",))
    assert record.safe_since == 3000.0


def test_it_ends_after_a_good_hour_and_with_a_boot():
    record = after(*every(10.0, 5))
    assert record.at(1040.0 + GOOD_S - 1) == record
    assert record.at(1040.0 + GOOD_S) == CrashRecord()
    assert record.at(5.0) == CrashRecord()


def test_crashes_before_a_boot_are_not_held_against_the_stage():
    record = after(*every(10.0, 4))
    assert record.at(2000.0) == record
    assert record.at(5.0) == CrashRecord()
