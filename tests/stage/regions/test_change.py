"""What gives way to what, to the end: also where the compositor refuses a step, or one of both has no window."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from player.core.content import Rect, Transition, TransitionKind
from player.errors import BoxError
from player.stage.regions.transitions import Change, change
from player.stage.regions.visibility import NO_WINDOW, Visibility
from tests.fakes.running import eventually, running
from tests.fakes.surface import FakeCompositor

FRONT, BACK = 1, 2
RECT, PARKED = Rect(100, 0, 640, 360), Rect(-5000, 0, 640, 360)
FADE, CROSSFADE, SLIDE, WIPE = TransitionKind.FADE, TransitionKind.CROSSFADE, TransitionKind.SLIDE_LEFT, TransitionKind.WIPE


class Screen(FakeCompositor):
    """Knows where two windows lie and how much is seen of each; refuses the first call of one name, or does not answer it."""

    def __init__(self, refused: str = "") -> None:
        super().__init__()
        self.refused_call, self.opacities = refused, {FRONT: 0.0, BACK: 1.0}
        self.places = {FRONT: PARKED, BACK: RECT}
        self.steps = 0

    def _asked(self, name: str, *windows: int) -> None:
        self.steps += 1
        if name == self.refused_call or not {*windows} <= {FRONT, BACK}:
            self.refused_call = ""
            raise BoxError("compositor", f"{name} of {windows} is refused")

    async def place(self, window_id: int, rect: Rect) -> None:
        self._asked("place", window_id)
        self.places[window_id] = rect

    async def move(self, places: Mapping[int, Rect]) -> None:
        self._asked("move", *places)
        self.places |= places

    async def opacity(self, window_id: int, value: float) -> None:
        self._asked("opacity", window_id)
        self.opacities[window_id] = value

    async def show_above(self, window_id: int, value: float = 1.0, at: Rect | None = None) -> None:
        self._asked("show_above", window_id)
        self.opacities[window_id] = value
        self.places[window_id] = at or self.places[window_id]

    async def swap(self, front: int, back: int | None = None, at: Rect | None = None, *_: object) -> None:
        self._asked("swap", front, back or front)
        self.opacities |= {front: 1.0} | ({back: 0.0} if back else {})
        self.places[front] = at or self.places[front]

    @property
    def is_done(self) -> bool:
        return self.opacities == {FRONT: 1.0, BACK: 0.0} and self.places[FRONT] == RECT


def from_to(kind: TransitionKind, back: int = BACK, front: int = FRONT, duration_s: float = 0.05) -> Change:
    return Change(front, back, Transition(kind, duration_s), RECT, clipped=True)


@pytest.mark.parametrize("kind", TransitionKind)
async def test_at_its_end_the_front_is_in_place_and_the_back_is_not_seen(kind: TransitionKind):
    screen = Screen()
    await change(screen, from_to(kind))
    assert screen.is_done


@pytest.mark.parametrize(
    ("kind", "call"),
    [
        (FADE, "opacity"), (FADE, "show_above"), (CROSSFADE, "opacity"), (CROSSFADE, "show_above"), (SLIDE, "move"),
        (SLIDE, "show_above"), (WIPE, "place"), (WIPE, "show_above"),
    ],
)  # fmt: skip
async def test_a_refused_step_leaves_nothing_half_seen(kind: TransitionKind, call: str):
    screen = Screen(refused=call)
    with pytest.raises(BoxError, match=call):
        await change(screen, from_to(kind))
    assert screen.is_done


@pytest.mark.parametrize("kind", [FADE, CROSSFADE, SLIDE, WIPE])
async def test_one_that_is_broken_off_leaves_nothing_half_seen(kind: TransitionKind):
    screen = Screen()
    async with running(change(screen, from_to(kind, duration_s=3600.0))):
        await eventually(lambda: screen.steps > 3)
    assert screen.is_done


@pytest.mark.parametrize("kind", TransitionKind)
async def test_what_is_only_heard_gives_way_and_is_given_way_to(kind: TransitionKind):
    screen = Screen()
    await change(Visibility(screen), from_to(kind, front=NO_WINDOW))
    assert screen.opacities == {FRONT: 0.0, BACK: 0.0}
    await change(Visibility(screen), from_to(kind, back=NO_WINDOW))
    assert screen.opacities == {FRONT: 1.0, BACK: 0.0}
    assert screen.places[FRONT] == RECT
