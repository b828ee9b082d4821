"""What stands behind the windows: when a picture is taken, and what is never kept."""

from __future__ import annotations

from dataclasses import replace

from player.core.cover import Cover, StageState, View
from player.core.curtain import FRESH_S, SETTLE_S, Behind, CurtainWatch, Scene

PLAYING = View(StageState.PLAYING)


def scene(*items: str, view: View = PLAYING, **more) -> Scene:
    """Those items on screen, all of them listed."""
    showings = frozenset(("main", number) for number, _ in enumerate(items))
    listed = frozenset({"a", "b", "clip"})
    return replace(Scene(view, showings, frozenset(items), listed, steady=True, moves=False, passing=False), **more)


class Looks:
    """A watch on a line that was opened once, and a clock."""

    def __init__(self, held: frozenset[str] = frozenset()) -> None:
        self.watch, self.at, self.opened = CurtainWatch(held), 100.0, 1

    def look(self, seen: Scene, later: float = 0.0) -> Behind | None:
        self.at += later
        return self.watch.look(seen, self.at, self.opened)

    def taken(self, seen: Scene) -> bool:
        """Whether a picture of it is taken once it came to rest."""
        first = self.look(seen)
        return first is not Behind.STILL and self.look(seen, SETTLE_S) is Behind.STILL


def test_a_picture_is_taken_when_the_screen_came_to_rest_on_something_else():
    looks, a = Looks(), scene("a")
    assert looks.taken(a)
    assert looks.look(a, 60.0) is None, "it stands still: once is enough"
    other = scene("b", showings=frozenset({("main", 7)}))
    assert looks.taken(other)
    card = replace(other, view=replace(PLAYING, corner_code="4A7X2B"))
    assert looks.taken(card), "a card is part of what was on"


def test_what_moves_is_taken_again_and_a_transition_never():
    looks, clip = Looks(), scene("clip", moves=True)
    assert looks.taken(clip)
    assert looks.watch.due == looks.at + FRESH_S
    assert looks.look(clip, FRESH_S) is Behind.STILL
    fading = replace(clip, steady=False)
    assert looks.look(fading, FRESH_S) is None
    assert looks.watch.due is None
    assert looks.taken(clip), "it came to rest again"


def test_a_screen_that_is_off_is_black_and_nothing_is_taken_until_it_is_on_again():
    looks, on = Looks(), scene("a")
    assert looks.taken(on)
    off = replace(on, view=replace(PLAYING, curtain=True))
    assert looks.look(off) is Behind.BLACK
    assert looks.look(off, 60.0) is None
    assert looks.taken(on)


def test_what_the_programme_lists_no_more_goes_at_once_and_is_not_taken_while_it_leaves():
    looks, on = Looks(), scene("a")
    assert looks.taken(on)
    withdrawn = replace(on, listed=frozenset({"b"}))
    assert looks.look(withdrawn) is Behind.BRAND
    assert looks.look(withdrawn, 14.0) is None
    assert looks.taken(scene("b", showings=frozenset({("main", 7)})))


def test_the_picture_of_an_earlier_stage_goes_where_its_items_are_listed_no_more():
    empty = scene(listed=frozenset({"a"}))
    assert Looks(frozenset({"a"})).look(empty) is None
    assert Looks(frozenset({"gone"})).look(empty) is Behind.BRAND


def test_what_a_person_does_at_the_screen_is_not_kept():
    looks, on = Looks(), scene("a")
    assert looks.taken(on)
    pad, message = replace(on, view=replace(PLAYING, cover=Cover.LOCK_PAD)), replace(on, passing=True)
    for private in (pad, message):
        assert looks.look(private) is None
        assert looks.look(private, 60.0) is None
        assert looks.taken(on), "what comes after it is taken anew"
    assert looks.look(replace(on, view=replace(PLAYING, curtain=True))) is Behind.BLACK
    assert looks.look(pad) is Behind.BRAND, "the screen is on: black would be wrong"


def test_whoever_holds_it_begins_anew_and_is_told_all_again():
    looks, on = Looks(), scene("a")
    assert looks.taken(on)
    looks.opened = 2
    assert looks.taken(on)
    off = replace(on, view=replace(PLAYING, curtain=True))
    assert looks.look(off) is Behind.BLACK
    looks.opened = 3
    assert looks.look(off) is Behind.BLACK
