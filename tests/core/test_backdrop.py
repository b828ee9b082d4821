"""When the layout's background is to be seen."""

from __future__ import annotations

import pytest

from player.core.backdrop import RegionGround, fades, is_wanted
from player.core.content import CUT, Item, Playlist, Rect, Transition, TransitionKind
from player.core.kinds import Kind

PANEL = Rect(0, 0, 100, 60)
LEFT, RIGHT, BAND = Rect(0, 0, 40, 60), Rect(40, 0, 60, 60), Rect(0, 50, 100, 10)


def shown(*rects: Rect) -> list[RegionGround]:
    return [RegionGround(rect, shown=True, settled=True, fades=False) for rect in rects]


@pytest.mark.parametrize("rects", [(PANEL,), (LEFT, RIGHT), (LEFT, RIGHT, BAND), (Rect(-5, -5, 200, 200),)])
def test_where_regions_fill_the_screen_nothing_of_it_is_seen(rects: tuple[Rect, ...]):
    assert not is_wanted([PANEL], shown(*rects))


@pytest.mark.parametrize("rects", [(LEFT,), (LEFT, BAND), (Rect(0, 0, 100, 59),), (LEFT, Rect(41, 0, 59, 60)), ()])
def test_it_is_seen_between_them(rects: tuple[Rect, ...]):
    assert is_wanted([PANEL], shown(*rects))


def test_it_waits_for_a_region_that_is_yet_to_come_and_not_for_one_that_has_nothing():
    coming = RegionGround(RIGHT, shown=False, settled=False, fades=False)
    assert not is_wanted([PANEL], [*shown(LEFT), coming])
    empty = RegionGround(RIGHT, shown=False, settled=True, fades=False)
    assert is_wanted([PANEL], [*shown(LEFT), empty])


def test_each_panel_counts():
    other = Rect(100, 0, 100, 60)
    assert is_wanted([PANEL, other], shown(PANEL))
    assert not is_wanted([PANEL, other], shown(PANEL, other))


@pytest.mark.parametrize(
    ("of_playlist", "of_item", "seen"),
    [
        (CUT, None, False),
        (TransitionKind.CROSSFADE, None, False),
        (TransitionKind.FADE, None, True),
        (CUT, TransitionKind.FADE, True),
    ],
)
def test_it_is_seen_between_items_that_fade_through_it(of_playlist: object, of_item: object, seen: bool):
    def transition(kind: object) -> Transition:
        return Transition(kind, 1.0) if isinstance(kind, TransitionKind) else CUT

    item = Item(
        id="1", content_id="1", name="red", kind=Kind.IMAGE, duration_s=2, transition=transition(of_item) if of_item else None
    )
    assert fades(Playlist("p", "p", (item,), transition(of_playlist))) is seen
    assert is_wanted([PANEL], [RegionGround(PANEL, shown=True, settled=True, fades=seen)]) is seen
