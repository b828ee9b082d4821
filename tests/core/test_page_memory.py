"""What pages may hold: as configured, and less on a small box; who holds more ends, and where all do, who came last."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from player.core.page_memory import page_memory, too_large

MIB = 1024 * 1024
SIZES = st.integers(4, 1 << 40)
MEMORY = page_memory(160 * MIB, 4096 * MIB)


def largest(*held: int, shown: int = 1) -> list[int]:
    """The numbers of those that end, of processes that hold so many mebibytes, in the order in which they came."""
    return too_large({pid: size * MIB for pid, size in enumerate(held)}, MEMORY, shown)


@given(SIZES, SIZES)
def test_no_page_gets_more_than_is_configured_or_than_a_quarter_of_the_box(wanted: int, installed: int):
    memory = page_memory(wanted, installed)
    assert memory.held == min(wanted, installed // 4)
    assert memory.scripts <= memory.held <= memory.together(0) == memory.together(1) <= memory.together(5) <= installed // 2
    assert memory.held < memory.asked


@given(st.dictionaries(st.integers(2, 1 << 22), st.integers(1, 200 * MIB), max_size=20), st.integers(0, 6))
def test_what_is_left_holds_what_it_may_and_nobody_ends_in_vain(held: dict[int, int], shown: int):
    ends = too_large(held, MEMORY, shown)
    left = {pid: size for pid, size in held.items() if pid not in ends}
    assert all(size <= MEMORY.held for size in left.values())
    assert sum(left.values()) <= MEMORY.together(shown)
    last = [pid for pid in ends if held[pid] <= MEMORY.held]
    within = [pid for pid in held if held[pid] <= MEMORY.held]
    assert last == within[: -len(last) - 1 : -1], "the last to come"
    if last:
        assert sum(left.values()) + held[last[-1]] > MEMORY.together(shown)


def test_what_comes_next_gives_way_to_what_is_on_screen_however_small_it_is():
    assert largest(155, 60) == []
    assert largest(155, 25, 80) == [2]
    assert largest(128, 128) == []
    assert largest(110, 150) == [1]
    assert largest(100, 165) == [1]
    assert largest(165, 60) == [0], "which is too large alone"


def test_a_page_has_as_many_frames_of_other_sites_as_it_likes_and_no_more_room_for_them():
    assert largest(60, *[25] * 6) == []
    assert largest(60, *[25] * 12) == [12, 11, 10, 9, 8]


def test_usual_pages_of_four_regions_stay_and_what_comes_next_there_comes_one_after_the_other():
    on_screen, waiting = [100] * 4, [25] * 3
    assert largest(*on_screen, *waiting, 100, shown=4) == []
    assert largest(*on_screen, *waiting[1:], 100, 100, shown=4) == [7]
