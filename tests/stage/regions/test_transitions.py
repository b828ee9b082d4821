"""Transitions as the screen shows them: what is where, half way through."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import cycle

import pytest
from PIL import Image

from player.core.content import Layout, Manifest, Playlist, Rect, Region, Transition, TransitionKind, full_screen
from player.core.ports.stage import NextItem, PreviousItem
from player.core.schedule import Rule
from player.errors import BoxError
from player.stage.regions.transitions import Change, change
from tests.fakes.programmes import manifest_of
from tests.fakes.surface import FakeCompositor
from tests.stage.conftest import StageBox

pytestmark = pytest.mark.stage
RED, BLUE = (255, 0, 0), (0, 0, 255)
LEFT, RIGHT, TOP, BOTTOM = (100, 360), (1180, 360), (640, 60), (640, 660)


WAYS = {  # where what comes is seen first, and what goes last
    TransitionKind.SLIDE_LEFT: (RIGHT, LEFT), TransitionKind.SLIDE_RIGHT: (LEFT, RIGHT), TransitionKind.SLIDE_UP: (BOTTOM, TOP),
    TransitionKind.SLIDE_DOWN: (TOP, BOTTOM), TransitionKind.WIPE: (LEFT, RIGHT),
}  # fmt: skip


async def test_slides_and_wipes_come_from_their_side(box: StageBox):
    """Red and blue come by turns, each in another way. Where a busy box was not looked at in time, it comes once more."""
    red, blue = box.picture("red", 600), box.picture("blue", 600)
    by_turns = zip(cycle((blue, red)), WAYS, strict=False)
    items = [replace(item, id=kind.value, transition=Transition(kind, 2.4)) for item, kind in by_turns]
    box.publish(red, *items)
    box.start()
    await box.until_seen("red")
    for (first, last), (came, went) in zip(WAYS.values(), cycle(((BLUE, RED), (RED, BLUE))), strict=False):
        seen: list[tuple[object, object]] = []

        def is_whole(picture: Image.Image, of: object, first=first, last=last, seen=seen) -> bool:
            seen.append((picture.getpixel(first), picture.getpixel(last)))
            return seen[-1] == (of, of)

        while (came, went) not in seen:
            if seen:
                await box.ask(PreviousItem())
                await box.until_looks(partial(is_whole, of=went))
                seen.clear()
            await box.ask(NextItem())
            await box.until_looks(partial(is_whole, of=came))
            assert (went, came) not in seen


class SlowCompositor(FakeCompositor):
    """Answers after half a second, or refuses."""

    def __init__(self, refuses: bool = False) -> None:
        super().__init__()
        self.refuses, self.steps = refuses, []
        self.waiting = self.most_waiting = 0

    async def opacity(self, window_id: int, value: float) -> None:
        self.steps.append(value)
        self.waiting += 1
        self.most_waiting = max(self.most_waiting, self.waiting)
        await asyncio.sleep(0.5)
        self.waiting -= 1
        if self.refuses:
            raise BoxError("compositor", f"there is no window {window_id}")


async def test_a_step_does_not_wait_for_the_compositors_answer_to_the_one_before():
    slow = SlowCompositor()
    await change(slow, Change(1, 2, Transition(TransitionKind.CROSSFADE, 0.6), Rect(0, 0, 640, 360)))
    assert slow.most_waiting > 1
    assert slow.steps == sorted(slow.steps)
    assert slow.steps[-1] == 1.0


async def test_a_step_that_is_refused_ends_the_transition_with_the_reason():
    with pytest.raises(BoxError, match="there is no window 1"):
        await change(SlowCompositor(refuses=True), Change(1, 2, Transition(TransitionKind.CROSSFADE, 0.6), Rect(0, 0, 640, 360)))


async def test_a_fade_goes_through_the_dark(box: StageBox):
    """Each is whole on screen for two seconds between its fades: longer than a busy box takes from one look to the next."""
    box.publish(box.picture("red", 4), box.picture("blue", 4), transition=Transition(TransitionKind.FADE, 2.0))
    box.start()
    await box.until_seen("red")
    seen: list[tuple[int, int, int]] = []

    def is_dark_after_both(picture: Image.Image) -> bool:
        seen.append(picture.getpixel((640, 360)))
        return any(red < 90 and blue < 90 for red, _, blue in seen) and {RED, BLUE} <= set(seen)

    await box.until_looks(is_dark_after_both, limit_s=60)
    assert not any(red > 60 and blue > 60 for red, _, blue in seen), "never both"


async def test_a_region_that_has_neighbours_is_crossfaded_instead_and_covers_none(box: StageBox):
    left = Playlist("l", "l", (box.picture("red", 600), box.picture("blue", 600)), Transition(TransitionKind.SLIDE_LEFT, 2.4))
    right = Playlist("r", "r", (box.picture("white", 600),))
    regions = (Region("left", Rect(0, 0, 1, 1), left), Region("right", Rect(1, 0, 1, 1), right))
    box.publish(manifest=manifest_of(Layout("halves", 2, 1, regions)))
    box.start()
    await box.until_seen("red", at=(320, 360))
    await box.until_seen("white", at=(645, 360))
    await box.ask(NextItem())
    seen: list[object] = []

    def is_over(picture: Image.Image) -> bool:
        assert picture.getpixel((645, 360)) == picture.getpixel((1270, 360)) == (255, 255, 255)
        seen.append(picture.getpixel((320, 360)))
        return seen[-1] == BLUE

    await box.until_looks(is_over)
    assert all(red + blue > 250 for red, _, blue in seen), "its pictures are mixed"


Halves = set[tuple[object, object]]


async def halves_until(box: StageBox, holds: Callable[[Halves], object]) -> Halves:
    """What the middle of both halves was, at each look until it holds and at three more."""
    seen: Halves = set()
    left = 3

    def note(picture: Image.Image) -> bool:
        nonlocal left
        left -= bool(holds(seen))
        seen.add((picture.getpixel((320, 360)), picture.getpixel((960, 360))))
        return left == 0

    await box.until_looks(note)
    return seen


async def test_a_layout_changes_as_one_step_when_all_of_it_is_ready(box: StageBox):
    box.publish(box.picture("white", 600))
    box.start()
    await box.until_seen("white")
    left = Region("left", Rect(0, 0, 1, 1), Playlist("l", "l", (box.picture("red", 600),)))
    right = Region("right", Rect(1, 0, 1, 1), Playlist("r", "r", (box.clip("clip", "blue", 30, "-r", "50"),)))
    box.publish(manifest=manifest_of(Layout("halves", 2, 1, (left, right))))
    await box.reread()
    plausible = {(colour, other) for colour in (RED, (254, 0, 0)) for other in (BLUE, (0, 0, 254), (0, 0, 253))}
    seen = await halves_until(box, lambda seen: seen & plausible)
    assert seen - plausible <= {((255, 255, 255), (255, 255, 255))}, "never a part of it, never the ground"
    assert [(p["name"], p["result"], p["reason"]) for p in box.plays()] == [("white", "interrupted", "the layout changed")]
    box.publish(box.picture("white", 600))
    await box.reread()
    await box.until_seen("white", at=(320, 360))
    await box.until_seen("white", at=(960, 360))


async def test_a_layout_whose_time_comes_is_on_screen_as_one_step_and_was_ready_before(box: StageBox):
    box.order(time_zone="UTC")
    red, white = box.picture("red", 600), box.picture("white", 600)
    left = Region("left", Rect(0, 0, 1, 1), Playlist("l", "l", (red,)))
    right = Region("right", Rect(1, 0, 1, 1), Playlist("r", "r", (box.picture("blue", 600),)))
    before = full_screen(Playlist("p", "p", (white,)))
    box.publish(manifest=manifest_of(before))
    box.start()
    await box.until_seen("white")
    begins = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=6)
    rule = Rule("later", start_time=begins.time(), end_time=(begins + timedelta(hours=1)).time(), layout="halves")
    box.publish(manifest=Manifest("", (before, Layout("halves", 2, 1, (left, right))), (rule,), before.id))
    await box.reread()
    seen = await halves_until(box, lambda seen: (RED, BLUE) in seen)
    assert seen <= {((255, 255, 255), (255, 255, 255)), (RED, BLUE)}
    (play,) = [p for p in box.plays() if p["name"] == "white"]
    assert (play["reason"], datetime.fromisoformat(play["ended_at"]) >= begins) == ("the layout changed", True)
