"""Lists by pages: nothing is passed over, and nothing comes twice."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from player.core.pages import PageWanted, page


def same(at: float) -> float:
    return at


def test_the_newest_come_first_and_the_next_page_goes_on_where_this_one_ended():
    first = page([1.0, 2.0, 3.0, 4.0], same, PageWanted(3))
    assert first.items == [4.0, 3.0, 2.0]
    assert first.onward == PageWanted(3, until=2.0)
    last = page([1.0, 2.0, 3.0, 4.0], same, first.onward)
    assert (last.items, last.onward) == ([1.0], None)


def test_the_beginning_is_included_and_the_end_is_not():
    assert page([1.0, 2.0, 3.0], same, PageWanted(5, since=1.0, until=3.0)).items == [2.0, 1.0]


@given(
    st.sets(st.integers(0, 50)), st.integers(1, 7), st.booleans(), st.none() | st.integers(0, 50), st.none() | st.integers(0, 50)
)
def test_all_pages_together_are_the_list(made: set[int], limit: int, descending: bool, since: int | None, until: int | None):
    wanted: PageWanted | None = PageWanted(limit, descending, since, until)
    seen: list[float] = []
    while wanted is not None:
        found = page(sorted(made), same, wanted)
        seen += found.items
        wanted = found.onward
    between = [at for at in made if (since is None or at >= since) and (until is None or at < until)]
    assert seen == sorted(between, reverse=descending)
