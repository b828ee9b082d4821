"""Where regions lie on panels, and which plays count as seen."""

from __future__ import annotations

from player.core.content import Layout, Playlist, Rect, Region
from player.runtime.fault_page import FaultPage
from player.stage.regions.placement import Placement
from tests.fakes.faults import fault_page

LAYOUT = Layout("l", 100, 100)
HALF = Rect(50, 0, 50, 100)
FIRST, SECOND = Rect(0, 0, 1280, 720), Rect(1280, 0, 800, 600)


def region(output: int = 0) -> Region:
    return Region(f"on-{output}", HALF, Playlist("p", "p"), output=output)


def placement(*panels: Rect | None, on: bool = True, faults: FaultPage | None = None) -> Placement:
    made = Placement(lambda: on, faults or fault_page())
    made.changed(panels)
    return made


def test_a_region_lies_on_its_own_panel_and_without_it_where_it_would_on_the_first():
    both = placement(FIRST, SECOND)
    assert both.rect(region(0), LAYOUT) == Rect(640, 0, 640, 720)
    assert both.rect(region(1), LAYOUT) == Rect(1280 + 400, 0, 400, 600)
    assert placement(FIRST).rect(region(1), LAYOUT) == Rect(640, 0, 640, 720)
    assert placement(None, SECOND).size == (1920, 1080)


def test_a_panel_that_goes_is_no_new_one_when_it_returns():
    found = placement(FIRST)
    assert not found.changed([None])
    assert not found.changed([FIRST])
    assert found.changed([FIRST, SECOND])


def test_d1_a_play_is_seen_only_when_all_of_it_could_be():
    found = placement(FIRST)
    assert found.was_seen(region(), "on-0")
    found.unseen([region()])
    assert not found.was_seen(region(), "on-0"), "it was dark in between"
    assert found.was_seen(region(), "on-0"), "the next one was seen"
    assert not found.was_seen(region(1), "on-1")
    assert not placement(FIRST, on=False).was_seen(region(), "on-0")


def test_d1_a_missing_panel_is_a_fault_of_the_region_while_others_are_there():
    faults = fault_page()
    found = placement(FIRST, faults=faults)
    for _ in range(2):
        found.note(region(1))
        assert [(fault.code, fault.count) for fault in faults.faults] == [("panel_missing", 1)]
    assert repr(found) == "<placement on 1 panels, 1 regions out of sight>"
    found.forget(region(1))
    assert faults.faults == (), "the region is no more"
    found.note(region(1))
    found.changed([FIRST, SECOND])
    found.note(region(1))
    assert faults.faults == ()
    nothing = placement(None, faults=faults)
    nothing.note(region(1))
    assert faults.faults == (), "that there is no panel at all is said by somebody else"
