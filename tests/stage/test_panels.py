"""Panels that do not do as they are told: tried three times, left alone, reported, and tried again when they come back."""

from __future__ import annotations

import asyncio

from player.core.content import Orientation
from player.core.kinds import Kind
from player.errors import BoxError
from player.stage.backends.null import NullCompositor
from player.stage.panels import TRIES, Panels
from player.stage.regions.stand_in import TimedSurface
from player.stage.regions.surfaces import SurfacePool, SurfaceSort, Windows
from player.stage.regions.visibility import NO_WINDOW


class Stubborn(NullCompositor):
    """Counts what it was told; refuses all of it while `stubborn`."""

    def __init__(self) -> None:
        super().__init__((1280, 720))
        self.told: list[str] = []
        self.stubborn, self.connected = True, True

    async def outputs(self):
        return await super().outputs() if self.connected else []

    def _refuse(self, what: str) -> None:
        self.told.append(what)
        if self.stubborn:
            raise BoxError("panel", f"NONE-1 did not change its {what}")

    async def mode(self, output: str, width: int, height: int, refresh_mhz: int | None = None) -> None:
        self._refuse("mode")
        await super().mode(output, width, height, refresh_mhz)

    async def turn(self, output: str, orientation: Orientation) -> None:
        self._refuse("orientation")
        await super().turn(output, orientation)

    async def power(self, output: str, on: bool) -> None:
        self._refuse("power")
        await super().power(output, on)


async def test_d1_a_panel_that_refuses_its_mode_is_left_alone_after_three_tries_until_it_comes_back():
    compositor = Stubborn()
    panels = Panels(compositor, mode="1920x1080@60", scale=1.0)
    for tries in range(1, 6):
        await panels.look(None)
        assert compositor.told == ["mode"] * min(tries, TRIES)
        assert panels.problem == "panel: NONE-1 did not change its mode"
        assert panels.trying is (tries < TRIES)
    compositor.connected = False
    await panels.look(None)
    assert panels.rects == (None,)
    assert panels.problem is None
    compositor.connected, compositor.stubborn = True, False
    await panels.look(None)
    assert panels.problem is None
    assert panels.first is not None
    assert panels.first.mode[:2] == (1920, 1080)
    assert compositor.told == ["mode"] * (TRIES + 1)


async def test_a_mode_that_somebody_asked_for_goes_before_the_configured_one_and_is_read_back():
    compositor = Stubborn()
    compositor.stubborn = False
    panels = Panels(compositor, mode="1920x1080@60", scale=1.0)
    await panels.look(None, "800x600@60")
    assert panels.mode == "800x600@60"
    await panels.look(None)
    assert panels.mode == "1920x1080@60"


async def test_another_mode_has_its_own_tries():
    compositor = Stubborn()
    panels = Panels(compositor, mode="", scale=1.0)
    for _ in range(TRIES + 1):
        await panels.look(None, "1920x1080@60")
    compositor.stubborn = False
    await panels.look(None, "800x600@60")
    assert (panels.mode, panels.problem) == ("800x600@60", None)


async def test_another_wish_has_its_own_tries_and_what_is_right_is_not_told_again():
    compositor = Stubborn()
    panels = Panels(compositor, mode="", scale=1.0)
    for _ in range(TRIES + 1):
        await panels.look(Orientation.PORTRAIT)
    compositor.stubborn = False
    await panels.look(Orientation.PORTRAIT)
    assert len(compositor.told) == TRIES
    for _ in range(3):
        await panels.look(Orientation.LANDSCAPE_FLIPPED)
    assert len(compositor.told) == TRIES + 1
    assert panels.problem is None


async def test_power_that_cannot_be_switched_is_no_trouble_since_the_curtain_is_dark_too():
    compositor = Stubborn()
    panels = Panels(compositor, mode="", scale=1.0)
    await panels.look(None)
    for _ in range(TRIES + 2):
        await panels.power(on=False)
    assert len(compositor.told) == TRIES
    assert panels.problem is None
    await panels.power(on=True)
    assert not panels.trying
    compositor.stubborn = False
    await panels.power(on=False)
    assert panels.first is not None
    assert not panels.first.power


async def test_d1_a_window_that_cannot_open_since_its_panel_went_is_stood_in_for_until_there_is_one_again():
    compositor = NullCompositor((1280, 720))
    there = True

    async def make(sort: SurfaceSort, name: str, size: tuple[int, int]) -> TimedSurface:
        await asyncio.sleep(0.02)
        return TimedSurface(f"sig-{name}") if not there else await compositor.make(sort, name, size)

    def has_panel() -> bool:
        return there

    pool = SurfacePool("main", make, Windows(compositor), compositor, lambda _: None, has_panel)
    real = await pool.take(Kind.VIDEO, "")
    assert real.window_id != NO_WINDOW
    there = False
    first, second = await pool.take(Kind.WEB, ""), await pool.take(Kind.IMAGE, "")
    assert (first.window_id, second.window_id) == (NO_WINDOW, NO_WINDOW)
    await pool.give_back(real)
    await pool.give_back(first)
    again = await pool.take(Kind.IMAGE, "")
    assert again.window_id == NO_WINDOW, "also where a window is open: it might never draw"
    await pool.give_back(again)
    there = True
    async with asyncio.TaskGroup() as group:
        opening = group.create_task(pool.take(Kind.WEB, ""), name="opening")
        await asyncio.sleep(0)
        there = False
    assert opening.result().window_id == NO_WINDOW
    there = True
    assert (await pool.take(Kind.WEB, "")).window_id != NO_WINDOW
