"""What pages may hold: as configured, and less on a small box; who holds more ends, the largest first, and nobody else."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from player.core.page_memory import page_memory, too_large

MIB = 1024 * 1024
SIZES = st.integers(4, 1 << 40)


@given(SIZES, SIZES)
def test_no_page_gets_more_than_is_configured_or_than_a_quarter_of_the_box(wanted: int, installed: int):
    memory = page_memory(wanted, installed)
    assert memory.held == min(wanted, installed // 4)
    assert memory.scripts <= memory.held <= memory.together(0) == memory.together(1) <= memory.together(5) <= installed // 2
    assert memory.held < memory.asked


@given(st.dictionaries(st.integers(2, 1 << 22), st.integers(1, 400 * MIB), max_size=20))
def test_what_is_left_holds_what_it_may_and_nobody_ends_in_vain(held: dict[int, int]):
    memory = page_memory(256 * MIB, 4096 * MIB)
    ends = too_large(held, memory)
    left = {pid: size for pid, size in held.items() if pid not in ends}
    assert all(size <= memory.held for size in left.values())
    assert sum(left.values()) <= memory.together(len(held))
    assert [held[pid] for pid in ends] == sorted((held[pid] for pid in ends), reverse=True)
    if ends:
        spared = {**left, ends[-1]: held[ends[-1]]}
        assert held[ends[-1]] > memory.held or sum(spared.values()) > memory.together(len(held))


def test_frames_of_many_sites_end_by_their_sum_and_usual_pages_of_many_regions_stay():
    memory = page_memory(256 * MIB, 4096 * MIB)
    assert too_large(dict.fromkeys(range(10), 120 * MIB) | {10: 121 * MIB}, memory) == [10, *range(4)]
    assert too_large(dict.fromkeys(range(9), 75 * MIB), memory) == []
