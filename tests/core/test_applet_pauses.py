"""Pages of applets that could not be shown: each waits longer, and one that was on screen for long is forgiven."""

from __future__ import annotations

from player.core.applet_pauses import STEADY_S, AppletPauses
from player.core.order import FIRST_PAUSE_S, LONGEST_PAUSE_S


def test_each_failure_doubles_the_pause_up_to_an_hour():
    pauses = AppletPauses()
    lengths = []
    for _ in range(12):
        pauses.failed("menu", 100.0)
        lengths.append(pauses.at(100.0)["menu"] - 100.0)
    assert lengths[:3] == [FIRST_PAUSE_S, 2 * FIRST_PAUSE_S, 4 * FIRST_PAUSE_S]
    assert lengths[-1] == LONGEST_PAUSE_S
    assert pauses.at(100.0 + LONGEST_PAUSE_S) == {}
    assert repr(pauses) == "<1 applets that could not be shown>"


def test_one_that_was_on_screen_for_long_is_forgiven_and_one_that_was_not_is_not():
    for stayed_s, pause_s in ((STEADY_S - 1, 2 * FIRST_PAUSE_S), (STEADY_S, FIRST_PAUSE_S)):
        pauses = AppletPauses()
        pauses.failed("menu", 0.0)
        for at in (20.0, 50.0):  # shown again meanwhile: it counts from the first time
            pauses.shown("menu", at)
        pauses.failed("menu", 20.0 + stayed_s)
        assert pauses.at(20.0 + stayed_s) == {"menu": 20.0 + stayed_s + pause_s}


def test_one_that_went_well_is_not_known_and_others_than_those_that_are_kept_are_forgotten():
    pauses = AppletPauses()
    pauses.shown("menu", 0.0)
    assert pauses.at(0.0) == {}
    for item in ("menu", "bar"):
        pauses.failed(item, 0.0)
    pauses.keep_only({"bar"})
    assert list(pauses.at(0.0)) == ["bar"]
