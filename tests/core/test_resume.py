"""Where a stage goes on that came back after another."""

from __future__ import annotations

import pytest

from player.core.content import Item
from player.core.cues import Resumed
from player.core.kinds import Kind
from player.core.ports.screen import Playable
from player.core.resume import REST_S, Death, Film, HeadStart, LeftOff, film_of, head_start, resumed, sound_is_suspect

CLIP = LeftOff("clip", 12.5, 30.0, heard=True)
SILENT = LeftOff("clip", 12.5, 30.0, heard=False)


def test_after_a_kill_the_item_goes_on_where_it_was():
    assert resumed(CLIP, Death.KILLED, suspect=False) == Resumed("clip", 12.5)
    assert resumed(LeftOff("stream", 900.0, 0.0, heard=True), Death.KILLED, suspect=False) == Resumed("stream", 900.0)


def test_what_was_as_good_as_over_is_over():
    assert resumed(LeftOff("clip", 30.0 - REST_S / 2, 30.0, heard=False), Death.KILLED, suspect=False) == Resumed(
        "clip", 0.0, over=True
    )


@pytest.mark.parametrize("death", [Death.CRASHED, Death.ABORTED])
def test_after_a_crash_the_next_item_comes_since_this_one_may_be_to_blame(death: Death):
    assert resumed(SILENT, death, suspect=False) == Resumed("clip", 0.0, over=True)


def test_an_assertion_while_something_was_heard_costs_its_sound_and_nothing_else():
    assert sound_is_suspect([SILENT, CLIP], Death.ABORTED)
    assert resumed(CLIP, Death.ABORTED, suspect=True) == Resumed("clip", 12.5, silent=True)
    assert resumed(SILENT, Death.ABORTED, suspect=True) == Resumed("clip", 12.5), "what was silent goes on as it was"


@pytest.mark.parametrize(("places", "death"), [([SILENT], Death.ABORTED), ([CLIP], Death.CRASHED), ([CLIP], Death.KILLED)])
def test_sound_is_suspected_of_nothing_else(places: list[LeftOff], death: Death):
    assert not sound_is_suspect(places, death)


def left_off(target: str, size: tuple[int, int], position_s: float = 12.5) -> LeftOff:
    return LeftOff("film", position_s, 30.0, heard=True, film=Film(target, size))


SMALL, LARGE = left_off("/small", (640, 360)), left_off("/large", (1920, 1080))


def test_the_largest_film_has_a_head_start_where_it_goes_on():
    assert head_start([SILENT, SMALL, LARGE], Death.KILLED) == HeadStart(Film("/large", (1920, 1080)), 12.5)


def test_what_is_over_or_no_film_has_none():
    over = left_off("/over", (1920, 1080), 30.0 - REST_S / 2)
    assert head_start([SILENT, over], Death.KILLED) is None
    assert head_start([SMALL, over], Death.KILLED) == HeadStart(Film("/small", (640, 360)), 12.5)


@pytest.mark.parametrize("death", [Death.CRASHED, Death.ABORTED])
def test_after_a_crash_nothing_has_a_head_start_since_it_may_be_to_blame(death: Death):
    assert head_start([LARGE], death) is None


@pytest.mark.parametrize("kind", Kind)
def test_films_alone_are_remembered_by_their_files(kind: Kind):
    playable = Playable(Item("a", "a", "a", kind, 0.0), "/file", (640, 360))
    assert film_of(playable) == (Film("/file", (640, 360)) if kind is Kind.VIDEO else None)
    assert film_of(None) is None
