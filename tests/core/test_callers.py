"""Who stays connected to the local page when one more comes."""

from __future__ import annotations

from player.core.callers import Caller, Room, room_for


def callers(text: str) -> list[Caller]:
    """ "A b" is one of source a at work, then an idle one of b."""
    return [Caller(letter.lower(), letter.isupper()) for letter in text.split()]


def test_there_is_room_until_there_are_as_many_as_may_be():
    assert room_for("a", [], each=2, total=3) == Room(None)
    assert room_for("a", callers("a b"), each=2, total=3) == Room(None)


def test_of_a_source_that_has_its_share_its_own_oldest_idle_one_goes():
    assert room_for("a", callers("b A a a"), each=3, total=9) == Room(2)
    assert room_for("a", callers("b A A A"), each=3, total=9) is None


def test_where_all_is_taken_the_oldest_idle_one_goes_of_who_holds_the_most():
    assert room_for("c", callers("b A a a b"), each=3, total=5) == Room(2)
    assert room_for("c", callers("b A A A b"), each=3, total=5) == Room(0)


def test_where_all_are_at_work_the_oldest_goes_of_who_holds_the_most_for_who_holds_fewer():
    assert room_for("c", callers("B A A A B"), each=3, total=5) == Room(1)
    assert room_for("b", callers("B A A A B"), each=3, total=5) == Room(1)
    assert room_for("a", callers("B A A A B"), each=4, total=5) is None
    assert room_for("d", callers("A B C"), each=3, total=3) == Room(0)
    assert room_for("a", callers("A B C"), each=3, total=3) is None


def test_whoever_has_one_that_is_idle_keeps_it_when_others_want_more_than_they_have():
    assert room_for("a", callers("o A B A B"), each=4, total=5) is None
    assert room_for("b", callers("o A B A A"), each=4, total=5) == Room(1)
    assert room_for("a", callers("o a B A B"), each=4, total=5) == Room(1)


def test_where_nobody_may_be_connected_nobody_is():
    assert room_for("a", (), each=0, total=0) is None
