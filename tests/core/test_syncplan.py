"""The laws of the sync plan: what plays stays, the reserve stays, and what cannot fit is refused by name."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from player.core.syncplan import GUESS, Evict, Fetch, Held, Keep, Plan, Refuse, Wanted, plan, shown_size
from tests.fakes.measured import processor_at_most

MiB = 1024**2


def planned(wanted: list[Wanted], held: list[Held], **given_: object) -> Plan:
    args: dict[str, object] = {"limit_bytes": 100, "reserve_bytes": 10, "free_bytes": 1000, "pinned": (), "delete": ()}
    return plan(wanted, held, **(args | given_))  # type: ignore[arg-type]


def test_what_is_here_is_kept_and_the_rest_fetched_first_things_first():
    steps = planned(
        [Wanted("a", "A", 5, 1), Wanted("b", "B", 5, 1), Wanted("c", "C", 5, 0), Wanted("b", "B", 5, 1)], [Held("a", 5)]
    ).steps
    assert steps == (Fetch("c", 5, 95), Keep("a"), Fetch("b", 5, 90))


def test_an_asset_wanted_twice_counts_as_first_when_one_of_them_is():
    steps = planned([Wanted("a", "A", 5, 1), Wanted("b", "B", 5, 1), Wanted("b", "B", 5, 0)], []).steps
    assert [s.key for s in steps] == ["b", "a"]


def test_what_the_server_deleted_goes_first_then_the_longest_unused():
    held = [Held("old", 30, 1), Held("older", 30, 0), Held("gone", 30, 9)]
    plan_ = planned([Wanted("new", "N", 50)], held, delete=["gone"])
    assert plan_.steps == (Evict("gone", 30, "the server deleted it"), Evict("older", 30, "unused longest"), Fetch("new", 50, 70))


def test_nothing_is_evicted_without_need():
    assert planned([Wanted("a", "A", 5)], [Held("b", 50)]).evictions == ()


def test_a_lowered_limit_evicts_what_is_idle():
    assert [e.key for e in planned([], [Held("a", 60, 1), Held("b", 60, 2)]).evictions] == ["a"]


def test_deleted_but_on_screen_or_still_listed_stays():
    assert planned([Wanted("b", "B", 5)], [Held("a", 5), Held("b", 5)], pinned=["a"], delete=["a", "b"]).steps == (Keep("b"),)


def test_s1_what_cannot_fit_is_refused_and_costs_nothing_else():
    plan_ = planned(
        [Wanted("huge", "Huge", 500), Wanted("large", "Large", 80), Wanted("small", "Small", 5)],
        [Held("p", 40), Held("q", 10)],
        pinned=["p"],
    )
    assert [type(s) for s in plan_.steps] == [Refuse, Refuse, Fetch]
    assert plan_.evictions == ()
    assert plan_.refusals[0].code == "no_space"
    assert "raise storage.cache_limit, or make the file smaller" in plan_.refusals[0].reason
    assert "only 60 B can be made free" in plan_.refusals[1].reason


def test_s1_the_reserve_is_never_planned_into():
    assert [type(s) for s in planned([Wanted("a", "A", 20)], [], free_bytes=25).steps] == [Refuse]
    assert [type(s) for s in planned([Wanted("a", "A", 15)], [], free_bytes=25).steps] == [Fetch]


def test_an_unknown_size_gets_what_room_there_is():
    limit = 3 * GUESS
    wanted = [Wanted("a", "A"), Wanted("b", "B"), Wanted("c", "C"), Wanted("d", "D")]
    plan_ = planned(wanted, [Held("x", GUESS)], limit_bytes=limit, free_bytes=limit * 2)
    assert [type(s) for s in plan_.steps] == [Fetch, Fetch, Evict, Fetch, Refuse]
    assert plan_.steps[0] == Fetch("a", None, room=2 * GUESS)


def test_a_plan_can_be_read():
    text = str(
        planned(
            [Wanted("a", "A", 5), Wanted("k", "K", 5), Wanted("h", "H", 500), Wanted("u", "U")],
            [Held("k", 5), Held("d", 2048)],
            delete=["d"],
        )
    )
    assert "evict  d (2.0 KiB, the server deleted it)" in text
    assert "fetch  a (5 B)" in text
    assert "fetch  u (size unknown)" in text
    assert "keep   k" in text
    assert "refuse h: H takes 500 B" in text


def test_sizes_are_written_for_people():
    assert [shown_size(n) for n in (0, 1023, 1536, 5 * MiB, 3 * 1024**3, 5000 * 1024**3)] == [
        "0 B",
        "1023 B",
        "1.5 KiB",
        "5.0 MiB",
        "3.0 GiB",
        "5000.0 GiB",
    ]


keys = st.sampled_from([f"k{n}" for n in range(12)])
sizes = st.integers(0, 60)


@st.composite
def situations(draw: st.DrawFn) -> dict[str, object]:
    held = draw(st.lists(st.builds(Held, keys, sizes, st.floats(0, 100)), unique_by=lambda h: h.key, max_size=10))
    wanted = draw(st.lists(st.builds(Wanted, keys, st.just("n"), st.none() | sizes, st.booleans()), max_size=10))
    return {
        "wanted": wanted,
        "held": held,
        "pinned": draw(st.sets(keys, max_size=4)),
        "delete": draw(st.sets(keys, max_size=4)),
        "limit_bytes": draw(st.integers(0, 300)),
        "reserve_bytes": draw(st.integers(0, 50)),
        "free_bytes": draw(st.integers(0, 300)),
    }


@given(situations())
def test_each_wanted_file_has_one_fate_and_nothing_pinned_goes(s):
    result = plan(**s)
    held = {h.key: h.size for h in s["held"]}
    wanted = {w.key for w in s["wanted"]}
    evicted = [e.key for e in result.evictions]
    assert not set(evicted) & (wanted | s["pinned"])
    assert len(evicted) == len(set(evicted))
    named = [step.key for step in result.steps if not isinstance(step, Evict)]
    assert sorted(named) == sorted(wanted), "each wanted asset has exactly one fate"
    assert {step.key for step in result.steps if isinstance(step, Keep)} == wanted & set(held)
    assert all(k in evicted for k in s["delete"] & set(held) - wanted - s["pinned"])
    used, free = sum(held.values()), s["free_bytes"]
    for step in result.steps:
        match step:
            case Evict(size=size):
                used, free = used - size, free + size
            case Fetch(size=size, room=room) if size is not None:
                assert size <= room
                used, free = used + size, free - size
                assert used <= s["limit_bytes"]
                assert free >= s["reserve_bytes"]
            case Fetch(room=room):
                assert 0 < room <= min(s["limit_bytes"] - used, free - s["reserve_bytes"])
                break  # its size is a guess: the sums below it are too


@given(situations())
def test_the_longest_unused_goes_first(s):
    stamps = {h.key: h.used_at for h in s["held"]}
    gone = [e.key for e in plan(**s).evictions if e.reason == "unused longest"]
    assert [stamps[k] for k in gone] == sorted(stamps[k] for k in gone)


def test_c12_ten_thousand_assets_are_planned_within_a_second():
    wanted = [Wanted(f"w{n}", "n", 1000, turn=n % 3) for n in range(10_000)]
    held = [Held(f"w{n}", 1000, n) for n in range(5_000, 20_000)]
    for _ in processor_at_most(1.0):
        result = plan(wanted, held, limit_bytes=16_000_000, reserve_bytes=0, free_bytes=10**12, pinned=(), delete=())
    assert sum(isinstance(step, Fetch) for step in result.steps) == 5_000
    assert len(result.evictions) == 4_000
