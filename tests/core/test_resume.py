"""Where a stage goes on that came back after another."""

from __future__ import annotations

import pytest

from player.core.cues import Resumed
from player.core.resume import REST_S, Death, LeftOff, resumed, sound_is_suspect

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
