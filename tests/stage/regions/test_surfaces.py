"""A region's surfaces: made when first needed, used again, thrown away when they do not let go, and always in their place."""

from __future__ import annotations

import asyncio

import pytest

from player.core.content import Rect
from player.core.geometry import NOWHERE
from player.core.kinds import Kind
from player.core.ports.screen import CompositorGone, OutputsChanged, WindowClosed
from player.errors import BoxError, ContentError
from player.stage.regions.surfaces import PER_SORT, WINDOW_LIMIT_S, SurfacePool, SurfaceSort, Windows, sort_of
from player.stage.regions.visibility import NO_WINDOW
from tests.fakes.running import running
from tests.fakes.surface import FakeCompositor, Maker

RECT = Rect(10, 20, 640, 360)


class Region:
    """A pool with everything that it needs."""

    def __init__(self) -> None:
        self.compositor = FakeCompositor()
        self.make = Maker(self.compositor)
        self.prepared: list[int] = []
        self.panel = True
        windows = Windows(self.compositor)
        self.pool = SurfacePool("main", self.make, windows, self.compositor, self.prepared.append, lambda: self.panel)
        self.pool.rect = RECT


@pytest.fixture
def region() -> Region:
    return Region()


async def waits(work: asyncio.Task) -> bool:
    await asyncio.sleep(0.05)
    return not work.done()


def test_each_kind_has_its_sort():
    assert {sort_of(kind) for kind in (Kind.VIDEO, Kind.IMAGE, Kind.LIVESTREAM, Kind.YOUTUBE, Kind.PDF)} == {SurfaceSort.MPV}
    assert {sort_of(kind) for kind in (Kind.WEB, Kind.PACKAGE)} == {SurfaceSort.WEB}
    assert sort_of(Kind.AUDIO) is SurfaceSort.HEARD


async def test_a_surface_is_made_when_first_needed_in_its_place_and_used_again(region: Region):
    assert region.make.made == []
    first = await region.pool.take(Kind.VIDEO, "")
    assert region.make.made[0].sizes == [(640, 360)]
    assert region.compositor.places == {first.window_id: RECT}
    assert region.prepared == [first.window_id], "stacked before it is placed"
    await region.pool.give_back(first)
    assert await region.pool.take(Kind.IMAGE, "") is first
    assert len(region.make.made) == 1


async def test_one_is_on_screen_one_awaited_one_spare_and_a_fourth_waits_until_one_is_given_back(region: Region):
    shown, behind, spare = [await region.pool.take(Kind.VIDEO, "") for _ in range(3)]
    assert PER_SORT == 3
    async with asyncio.TaskGroup() as group, asyncio.timeout(20):
        fourth = group.create_task(region.pool.take(Kind.VIDEO, ""), name="fourth")
        assert await waits(fourth)
        page = await region.pool.take(Kind.WEB, "")
        assert page.sort is SurfaceSort.WEB, "another sort does not wait"
        await region.pool.give_back(shown)
        assert await fourth is shown
    assert len({shown.surface, behind.surface, spare.surface}) == 3


async def test_who_wants_a_third_waits_for_one_that_is_about_to_be_given_back(region: Region):
    leaving, shown = [await region.pool.take(Kind.VIDEO, "") for _ in range(2)]
    async with asyncio.TaskGroup() as group, asyncio.timeout(20):
        wanted = group.create_task(region.pool.take(Kind.IMAGE, ""), name="wanted")
        assert await waits(wanted)
        await region.pool.give_back(leaving)
        assert await wanted is leaving
    assert region.make.made == [leaving.surface, shown.surface]


async def test_the_third_goes_when_two_are_enough_again(region: Region):
    taken = [await region.pool.take(Kind.VIDEO, "") for _ in range(PER_SORT)]
    for placed in taken:
        await region.pool.give_back(placed)
    assert [surface.closed for surface in region.make.made] == [False, True, False]
    assert {await region.pool.take(Kind.VIDEO, "") for _ in range(2)} == {taken[0], taken[2]}


async def test_d1_without_a_panel_something_stands_in_although_a_window_is_there(region: Region):
    seen = await region.pool.take(Kind.VIDEO, "")
    await region.pool.give_back(seen)
    region.panel = False
    unseen = await region.pool.take(Kind.VIDEO, "")
    assert (unseen.sort, unseen.window_id) == (SurfaceSort.STAND_IN, NO_WINDOW)
    region.panel = True
    assert await region.pool.take(Kind.VIDEO, "") is seen


async def test_a_region_without_an_area_has_no_window_and_plays_without_a_panel(region: Region):
    region.pool.rect, region.panel, region.make.nameless = NOWHERE, False, True
    placed = await region.pool.take(Kind.AUDIO, "")
    assert (placed.sort, placed.window_id, region.make.made[0].sizes) == (SurfaceSort.HEARD, NO_WINDOW, [(0, 0)])
    await region.pool.place_again()
    await region.pool.give_back(placed)
    assert await region.pool.take(Kind.AUDIO, "") is placed
    assert region.compositor.places == {}


async def test_p2_a_surface_that_does_not_let_go_is_thrown_away_and_another_takes_its_place(region: Region):
    stuck, *others = [await region.pool.take(Kind.VIDEO, "") for _ in range(PER_SORT)]
    region.make.made[0].unloads = [ContentError("hung", "clip", "its decoder does not let go")]
    async with asyncio.TaskGroup() as group, asyncio.timeout(20):
        waiting = group.create_task(region.pool.take(Kind.VIDEO, ""), name="waiting")
        assert await waits(waiting)
        await region.pool.give_back(stuck)
        fresh = await waiting
    assert region.make.made[0].closed
    assert fresh.surface is region.make.made[PER_SORT]
    known = {one.window_id for one in others}
    assert fresh.window_id not in {stuck.window_id, *known}
    region.compositor.places.clear()
    await region.pool.place_again()
    assert region.compositor.places.keys() == {fresh.window_id, *known}, "the thrown away one is forgotten"


@pytest.mark.parametrize(("kind", "is_kept"), [(Kind.WEB, False), (Kind.VIDEO, True)])
async def test_the_window_of_a_page_that_was_not_ready_in_time_is_not_used_again(region: Region, kind: Kind, *, is_kept: bool):
    for _ in range(PER_SORT + 1):  # nor does it take a place
        late = await region.pool.take(kind, "")
        await region.pool.give_back(late, late=True)
    assert region.make.made[0].closed is not is_kept
    assert len(region.make.made) == (1 if is_kept else PER_SORT + 1)
    region.compositor.places.clear()
    await region.pool.place_again()
    assert bool(region.compositor.places) is is_kept


async def test_a_surface_that_cannot_be_made_takes_nobodys_place(region: Region):
    region.make.fail = [BoxError("libmpv", "is not there"), ContentError("no_browser", "page", "no browser")] * PER_SORT
    for _ in range(PER_SORT):
        with pytest.raises(BoxError):
            await region.pool.take(Kind.VIDEO, "")
        with pytest.raises(ContentError):
            await region.pool.take(Kind.WEB, "")
    async with asyncio.timeout(20):
        assert [await region.pool.take(kind, "") for kind in (Kind.VIDEO, Kind.VIDEO, Kind.WEB, Kind.WEB)]


async def test_a_surface_whose_preparation_is_given_up_is_closed_and_takes_nobodys_place(region: Region):
    region.make.windowless = True
    for _ in range(PER_SORT):
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1):
                await region.pool.take(Kind.VIDEO, "")
    assert [surface.closed for surface in region.make.made] == [True] * PER_SORT
    region.make.windowless = False
    async with asyncio.timeout(20):
        assert [await region.pool.take(Kind.VIDEO, "") for _ in range(PER_SORT)]


async def test_a_window_is_waited_for_and_found_by_its_name(region: Region):
    region.make.windowless = True
    async with asyncio.TaskGroup() as group, asyncio.timeout(20):
        taking = group.create_task(region.pool.take(Kind.VIDEO, ""), name="take")
        assert await waits(taking)
        region.compositor.add("sig-elsewhere-1")
        number = region.compositor.add("sig-main-1")
        assert (await taking).window_id == number
    assert WINDOW_LIMIT_S <= 10, "within the time in which an item has to be ready"


async def test_a_page_is_opened_again_before_each_use_and_its_new_window_placed(region: Region):
    page = await region.pool.take(Kind.WEB, "")
    await region.pool.give_back(page)
    region.compositor.places.clear()
    again = await region.pool.take(Kind.WEB, "an item's")
    assert (again.surface, again.surface.opened, again.surface.room) == (page.surface, 2, "an item's")
    assert region.compositor.places == {again.window_id: RECT}


async def test_a_page_that_cannot_be_opened_again_is_closed_and_another_is_made(region: Region):
    page = await region.pool.take(Kind.WEB, "")
    await region.pool.give_back(page)
    region.make.made[0].opens = [BoxError("browser", "it died")]
    with pytest.raises(BoxError):
        await region.pool.take(Kind.WEB, "")
    assert region.make.made[0].closed
    assert (await region.pool.take(Kind.WEB, "")).surface is region.make.made[1]
    await region.pool.close()


async def test_a_region_that_moves_takes_all_its_windows_along_on_screen_or_not(region: Region):
    shown, kept = await region.pool.take(Kind.VIDEO, ""), await region.pool.take(Kind.VIDEO, "")
    await region.pool.give_back(kept)
    await region.pool.move(Rect(0, 0, 320, 200))
    assert region.compositor.places == dict.fromkeys((shown.window_id, kept.window_id), Rect(0, 0, 320, 200))
    assert [surface.sizes[-1] for surface in region.make.made] == [(320, 200)] * 2
    region.compositor.places.clear()
    await region.pool.move(Rect(0, 0, 320, 200))
    assert region.compositor.places == {}, "no move where nothing changed"
    await region.pool.place_again()
    assert len(region.compositor.places) == 2


async def test_d1_a_window_that_went_away_keeps_no_other_from_its_place(region: Region):
    gone, there = await region.pool.take(Kind.VIDEO, ""), await region.pool.take(Kind.VIDEO, "")
    region.compositor.refused = {gone.window_id}
    await region.pool.move(Rect(0, 0, 100, 100))
    assert region.compositor.places[there.window_id] == Rect(0, 0, 100, 100)


async def test_a_surface_thrown_away_during_a_move_keeps_no_other_from_its_place(region: Region):
    first, second = await region.pool.take(Kind.VIDEO, ""), await region.pool.take(Kind.VIDEO, "")
    region.make.made[0].unloads = [ContentError("hung", "clip", "does not let go")]
    region.compositor.between.clear()
    async with asyncio.TaskGroup() as group, asyncio.timeout(20):
        moving = group.create_task(region.pool.move(Rect(0, 0, 100, 100)), name="move")
        assert await waits(moving)
        await region.pool.give_back(first)
        region.compositor.between.set()
    assert region.compositor.places[second.window_id] == Rect(0, 0, 100, 100)


async def test_closing_ends_every_surface(region: Region):
    await region.pool.give_back(await region.pool.take(Kind.VIDEO, ""))
    await region.pool.take(Kind.WEB, "")
    await region.pool.close()
    assert [surface.closed for surface in region.make.made] == [True, True]


async def test_the_compositors_events_reach_whom_they_concern():
    heard: list[str] = []

    class Telling(FakeCompositor):
        async def events(self):
            for event in (WindowClosed(1), OutputsChanged(), CompositorGone(), OutputsChanged()):
                yield event

    windows = Windows(Telling())
    windows.on_outputs = lambda: heard.append("outputs")
    windows.on_gone = lambda: heard.append("gone")
    async with running(windows.run()):
        await asyncio.sleep(0.05)
    assert heard == ["outputs", "gone"], "nothing follows the end"
