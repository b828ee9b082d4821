"""Sway for real: windows of a real client placed to the pixel, stacked, faded; panels turned; pictures of the screen."""

from __future__ import annotations

import asyncio
import os
import signal

import pytest
from PIL import Image

from player.compositor.sway import Sway
from player.core.content import Orientation, Rect
from player.core.ports.screen import CompositorGone, OutputsChanged, WindowClosed, WindowOpened
from player.errors import BoxError

pytestmark = pytest.mark.stage
BARE = (63, 63, 63)  # sway's own grey until swaybg has drawn
BACKGROUND = (32, 32, 32)
RED, GREEN, BLUE = (255, 0, 0), (0, 255, 0), (0, 0, 255)


async def until(look, point, colour):
    """The first picture that shows `colour` at `point`; clients need a moment to draw at a changed size."""
    async with asyncio.timeout(20):
        while (picture := await look()).getpixel(point) != colour:  # noqa: ASYNC110 - the screen has no event
            await asyncio.sleep(0.03)
    return picture


def extent(picture: Image.Image, colour) -> tuple[int, int, int, int]:
    """The box around all pixels of exactly that colour, right and bottom exclusive."""
    found = Image.eval(picture, lambda value: value)
    mask = Image.frombytes("L", found.size, bytes(255 if pixel == colour else 0 for pixel in found.get_flattened_data()))
    return mask.getbbox()


async def test_a_window_opens_unseen_and_is_shown_where_it_was_placed_to_the_pixel(sway, open_window, look):
    await until(look, (5, 5), BACKGROUND)
    window = await open_window("sig-a", "red", (301, 203))
    assert (window.app_id, window.title) == ("sig-a", "sig-a")
    assert extent(await look(), RED) is None

    await sway.place(window.id, Rect(17, 33, 301, 203))
    await sway.show_above(window.id)

    assert extent(await until(look, (20, 40), RED), RED) == (17, 33, 17 + 301, 33 + 203)
    assert [w.rect for w in await sway.windows()] == [Rect(17, 33, 301, 203)]


async def test_opacity_is_the_weight_of_the_window_over_what_lies_below(sway, open_window, look):
    await until(look, (5, 5), BACKGROUND)
    window = await open_window("sig-a", "red", (200, 200))
    await sway.place(window.id, Rect(0, 0, 200, 200))
    await sway.show_above(window.id, 0.5)
    red, green, blue = (await look()).getpixel((100, 100))
    assert abs(red - (255 + 32) / 2) <= 2
    assert abs(green - 16) <= 2
    assert abs(blue - 16) <= 2
    await sway.opacity(window.id, 0)
    assert (await look()).getpixel((100, 100)) == BACKGROUND


async def test_a_swap_puts_the_front_over_the_back_and_hides_the_back(sway, open_window, look):
    first, second = await open_window("sig-a", "red", (200, 200)), await open_window("sig-b", "lime", (200, 200))
    for window in (first, second):
        await sway.place(window.id, Rect(50, 50, 200, 200))
    for front, back, colour in ((second, None, GREEN), (first, second, RED), (second, first, GREEN)):
        await sway.swap(front.id, back and back.id)
        assert extent(await look(), colour) == (50, 50, 250, 250)
    await sway.opacity(second.id, 0)
    assert (await look()).getpixel((100, 100)) in (BARE, BACKGROUND)


async def test_an_overlay_stays_above_content_that_is_raised_or_swapped_in(sway, open_window, look):
    first, second = await open_window("sig-a", "red", (200, 200)), await open_window("sig-b", "lime", (200, 200))
    overlay = await open_window("sig-overlay-ticker", "blue", (200, 60))
    for window in (first, second):
        await sway.place(window.id, Rect(0, 0, 200, 200))
    await sway.place(overlay.id, Rect(0, 140, 200, 60))
    sway.set_overlays([overlay.id])
    await sway.show_above(overlay.id)
    for show in (sway.show_above(first.id), sway.swap(second.id, first.id), sway.swap(first.id, second.id)):
        await show
        picture = await look()
        assert extent(picture, BLUE) == (0, 140, 200, 200)
        assert picture.getpixel((100, 70)) != BLUE
    sway.set_overlays([])
    await sway.show_above(second.id)
    assert (await look()).getpixel((100, 170)) == GREEN


async def test_a_region_of_a_higher_layer_stays_above_one_below(sway, open_window, look):
    below, above = await open_window("sig-a", "red", (200, 200)), await open_window("sig-b", "lime", (100, 100))
    for window, side in ((below, 200), (above, 100)):
        await sway.place(window.id, Rect(0, 0, side, side))
    sway.set_layer(above.id, 1)
    await sway.show_above(above.id)
    await sway.show_above(below.id)
    assert extent(await look(), GREEN) == (0, 0, 100, 100)


async def test_an_overlay_that_went_away_does_not_break_showing_content(sway, open_window, look):
    window = await open_window("sig-a", "red", (200, 200))
    await sway.place(window.id, Rect(0, 0, 200, 200))
    sway.set_overlays([987654])
    await sway.swap(window.id, 876543)
    assert (await look()).getpixel((100, 100)) == RED


async def test_what_is_asked_of_a_window_that_is_gone_is_an_error_that_names_it(sway):
    for request in (sway.opacity(4711, 1), sway.show_above(4711), sway.swap(4711, None), sway.place(4711, Rect(0, 0, 9, 9))):
        with pytest.raises(BoxError, match="4711"):
            await request


async def test_turning_the_panel_swaps_its_sides_and_is_read_back(sway, open_window, look):
    name = (await sway.outputs())[0].name
    window = await open_window("sig-a", "red", (720, 1280))
    await sway.turn(name, Orientation.PORTRAIT)
    output = (await sway.outputs())[0]
    assert (output.orientation, output.rect) == (Orientation.PORTRAIT, Rect(0, 0, 720, 1280))
    await sway.place(window.id, output.rect)
    await sway.show_above(window.id)
    await until(look, (719, 1279), RED)
    assert extent(await until(look, (0, 0), RED), RED) == (0, 0, 720, 1280)
    for orientation in (Orientation.LANDSCAPE_FLIPPED, Orientation.PORTRAIT_FLIPPED, Orientation.LANDSCAPE):
        await sway.turn(name, orientation)
    assert (await sway.outputs())[0].rect == Rect(0, 0, 1280, 720)


async def test_a_mode_that_is_not_in_the_list_is_set_as_a_custom_one(sway, look):
    name = (await sway.outputs())[0].name
    await sway.mode(name, 1000, 600)
    await sway.mode(name, 1600, 900, 50_000)
    assert (await sway.outputs())[0].mode == (1600, 900, 50_000)
    assert (await look()).size == (1600, 900)


async def test_an_unknown_panel_is_an_error_that_names_those_there_are(sway):
    with pytest.raises(BoxError, match=r"no output HDMI-A-9; connected: HEADLESS-1"):
        await sway.power("HDMI-A-9", False)


async def test_a_panel_that_cannot_be_switched_off_is_not_believed_to_be_off(sway):
    with pytest.raises(BoxError, match="did not change its power to off"):
        await sway.power("HEADLESS-1", False)
    await sway.power("HEADLESS-1", True)


class Listener(Sway):
    """`listens` once it has subscribed: it asks for the panels then."""

    def __init__(self, *arguments) -> None:
        super().__init__(*arguments)
        self.listens = asyncio.Event()

    async def outputs(self):
        found = await super().outputs()
        self.listens.set()
        return found


async def test_windows_and_panels_are_told_of_as_events_and_the_end_too(headless_sway, open_window, runtime_dir):
    seen: asyncio.Queue = asyncio.Queue()
    sway = await Listener.connect(headless_sway, 10)

    async def listen():
        async for event in sway.events():
            seen.put_nowait(event)

    async with asyncio.timeout(20), asyncio.TaskGroup() as group:
        group.create_task(listen(), name="listen")
        await sway.listens.wait()
        window = await open_window("sig-a", "red", (200, 200))
        opened = await seen.get()
        assert isinstance(opened, WindowOpened)
        assert (opened.window.id, opened.window.app_id, opened.window.pid) == (window.id, "sig-a", window.pid)
        os.kill(window.pid, signal.SIGTERM)
        assert await seen.get() == WindowClosed(window.id)
        await sway.mode("HEADLESS-1", 800, 600)
        assert await seen.get() == OutputsChanged()
        os.kill(int((runtime_dir / "sway.pid").read_text()), signal.SIGKILL)
        while await seen.get() != CompositorGone():
            pass
    with pytest.raises(BoxError, match="started again"):
        await sway.windows()
    await sway.close()


async def test_p2_a_compositor_that_hangs_is_an_error_in_time_and_usable_when_it_goes_on(headless_sway, sway, runtime_dir):
    hasty = await Sway.connect(headless_sway, 2.0)
    pid = int((runtime_dir / "sway.pid").read_text())
    os.kill(pid, signal.SIGSTOP)
    try:
        with pytest.raises(BoxError, match="did not answer"):
            await hasty.outputs()
    finally:
        os.kill(pid, signal.SIGCONT)
    assert len(await hasty.outputs()) == 1
    await hasty.close()


async def test_an_answer_that_nobody_waits_for_any_more_is_nobody_elses(headless_sway, sway, runtime_dir):
    pid = int((runtime_dir / "sway.pid").read_text())
    os.kill(pid, signal.SIGSTOP)
    try:
        async with asyncio.timeout(20), asyncio.TaskGroup() as group:
            given_up = group.create_task(sway.windows(), name="given up")
            asked = [group.create_task(sway.outputs(), name=f"asked {number}") for number in range(3)]
            await asyncio.sleep(0.1)
            given_up.cancel()
            os.kill(pid, signal.SIGCONT)
    finally:
        os.kill(pid, signal.SIGCONT)
    assert [one.name for task in asked for one in task.result()] == ["HEADLESS-1"] * 3
    assert await sway.windows() == []


async def test_no_compositor_is_an_error_in_time(runtime_dir):
    with pytest.raises(BoxError, match="no compositor came up"):
        await Sway.connect(runtime_dir / "sway.sock", 0.2)


async def test_a_picture_that_cannot_be_written_is_an_error(sway, runtime_dir):
    with pytest.raises(BoxError, match="grim failed"):
        await sway.screenshot(runtime_dir / "no" / "such" / "folder.ppm")
