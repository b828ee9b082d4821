"""Panels: turned, set to another mode, unplugged and plugged in again, several of them, and what shows while no stage is there."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from player.compositor.sway import Sway
from player.core.content import Fit, Layout, Manifest, Orientation, Playlist, Rect, Region
from player.core.ports.stage import NextItem, TakePicture
from tests.conftest import running_sway
from tests.fakes.programmes import manifest_of
from tests.stage.conftest import COLOURS, Running, StageBox

pytestmark = pytest.mark.stage

RED, LIME, BLUE = COLOURS["red"], COLOURS["lime"], COLOURS["blue"]


async def swaymsg(box: StageBox, command: str) -> None:
    """As a person at a terminal would say it; without waiting for what follows."""
    process = await asyncio.create_subprocess_exec(
        "swaymsg", "-s", str(box.dirs.sway_socket), command, stdout=asyncio.subprocess.DEVNULL
    )
    async with asyncio.timeout(20):
        assert await process.wait() == 0


def region(name: str, rect: Rect, *items: Any, **more: Any) -> Region:
    return Region(name, rect, Playlist(name, name, items), fit=Fit.STRETCH, **more)


def thirds(box: StageBox) -> Manifest:
    """A red third at the left and blue beside it, in units of a layout that divides evenly into no screen."""
    left = region("a", Rect(0, 0, 333, 1000), box.picture("red", 600))
    right = region("b", Rect(333, 0, 667, 1000), box.picture("blue", 600))
    return manifest_of(Layout("l", 1000, 1000, (left, right)), assets=2)


def runs(picture: Image.Image, *, row: int) -> list[tuple[tuple[int, ...], int]]:
    """The colours of one row and how many pixels each fills."""
    found: list[tuple[tuple[int, ...], int]] = []
    for x in range(picture.width):
        pixel = picture.getpixel((x, row))
        if found and found[-1][0] == pixel:
            found[-1] = (pixel, found[-1][1] + 1)
        else:
            found.append((pixel, 1))
    return found


async def until_exact(box: StageBox, size: tuple[int, int], third: int) -> None:
    """The screen has that size, and in every row exactly the first `third` pixels are red and all others blue."""
    wanted = [(RED, third), (BLUE, size[0] - third)]
    for _ in range(200):
        picture = await box.look()
        if picture.size == size and all(runs(picture, row=row) == wanted for row in (0, size[1] // 2, size[1] - 1)):
            return
        await asyncio.sleep(0.15)
    raise AssertionError(f"{picture.size}: {[runs(picture, row=row) for row in (0, size[1] // 2, size[1] - 1)]}")


async def test_regions_are_exact_to_the_pixel_in_every_turn_and_after_a_change_of_mode(box: StageBox):
    box.publish(manifest=thirds(box))
    box.start()
    await until_exact(box, (1280, 720), 426)
    for orientation in (Orientation.PORTRAIT, Orientation.LANDSCAPE_FLIPPED, Orientation.PORTRAIT_FLIPPED):
        box.order(orientation=orientation)
        await box.reread()
        upright = orientation is Orientation.LANDSCAPE_FLIPPED
        await until_exact(box, (1280, 720) if upright else (720, 1280), 426 if upright else 240)
        assert (await box.until(lambda s, wanted=orientation: s.orientation == wanted)).orientation == orientation
    await swaymsg(box, "output HEADLESS-1 mode --custom 1920x1080")
    await until_exact(box, (1080, 1920), 360)
    box.order(orientation=Orientation.LANDSCAPE)
    await box.reread()
    await until_exact(box, (1920, 1080), 639)
    await box.until(lambda s: s.size == "1920x1080" and [f.code for f in s.faults] == ["no_audio"])


async def test_mode_and_scale_are_set_at_start_and_again_when_a_panel_forgets_them(runtime_dir: Path):
    made = StageBox(runtime_dir)
    made.environment |= {"SIGNAGE__STAGE__MODE": "1024x768@60", "SIGNAGE__STAGE__SCALE": "2"}
    async with Running(made) as box:
        box.publish(manifest=thirds(box))
        box.start()
        await until_exact(box, (1024, 768), 2 * 170)
        await box.until(lambda s: s.size == "512x384" and s.state == "playing")
        await swaymsg(box, "output HEADLESS-1 mode --custom 1600x900")
        await swaymsg(box, "output HEADLESS-1 scale 1")
        await until_exact(box, (1024, 768), 2 * 170)


class Socket:
    """A panel that can be unplugged: the window of a compositor inside another one."""

    def __init__(self, box: StageBox, outer: Sway) -> None:
        self.box, self.outer = box, outer

    async def unplug(self) -> None:
        window = (await self.outer.windows())[0]
        await self.outer._ask(0, f"[con_id={window.id}] kill")
        await self.box.until(lambda s: any(f.code == "no_display" for f in s.faults))

    async def plug(self) -> None:
        await swaymsg(self.box, "create_output")
        await self.box.until(lambda s: all(f.code != "no_display" for f in s.faults))


def nested(runtime_dir: Path, **environment: str) -> Any:
    import contextlib

    @contextlib.asynccontextmanager
    async def opened() -> AsyncIterator[tuple[StageBox, Socket]]:
        (runtime_dir / "outer").mkdir(mode=0o700)
        with running_sway(runtime_dir / "outer") as socket:
            async with await Sway.connect(socket, 30) as outer:
                made = StageBox(runtime_dir / "inner", backend="sway")
                del made.environment["SIGNAGE__STAGE__SIZE"]
                made.environment |= {"WAYLAND_DISPLAY": outer.session.wayland_display, **environment}
                async with Running(made) as box:
                    yield box, Socket(box, outer)

    return opened()


async def test_d1_without_its_panel_playback_goes_on_unseen_and_all_is_back_with_it(runtime_dir: Path):
    async with nested(runtime_dir) as (box, socket):
        clip = box.clip("clip", "lime", 1.5)
        box.publish(box.picture("red", 1.5), clip, watermark=True)
        box.order(orientation=Orientation.PORTRAIT)
        box.start()
        await box.until_seen("red", at=(360, 640))
        await box.until_seen("lime", at=(360, 640))
        await socket.unplug()
        assert not (await box.until(lambda s: not s.screen_on)).screen_on
        before = len(box.plays())
        await box.until(lambda s: s.last_play_seq >= before + 3)
        unseen = box.plays()[before : before + 3]
        assert [(p["result"], p["screen_on"]) for p in unseen] == [("complete", False)] * 3, "every play without a panel says so"
        assert {p["name"] for p in unseen} == {"red", "clip"}
        await socket.plug()
        status = await box.until(lambda s: s.screen_on and s.size == "720x1280")
        assert status.orientation == "portrait"
        for colour in ("red", "lime", "red"):
            await box.until_seen(colour, at=(360, 640))
        marked = (await box.look()).crop((400, 1180, 720, 1280))
        assert len(marked.getcolors(1 << 16)) > 4, "the watermark is back too"
        after = len(box.plays())
        await box.until(lambda s: s.last_play_seq >= after + 2)
        assert box.plays()[-1]["screen_on"]
        await box.keys("right")
        await box.until(lambda _: any(p.get("reason") == "skipped" for p in box.plays()))  # whoever holds the keyboard is back too


async def test_d1_started_without_any_panel_it_plays_on_its_own_and_shows_it_to_the_first_that_comes(runtime_dir: Path):
    async with nested(runtime_dir) as (box, socket):
        box.publish(box.picture("red", 1.5), box.picture("blue", 600))
        box.start("compositor")
        async with await Sway.connect(box.dirs.sway_socket, 30):
            window = (await socket.outer.windows())[0]
            await socket.outer._ask(0, f"[con_id={window.id}] kill")
            box.start("stage")
            await box.until_shown("blue")
            assert [(p["name"], p["screen_on"]) for p in box.plays()] == [("red", False)]
            await socket.plug()
            await box.until_seen("blue")
            assert not [f for f in box.client.status.faults if f.item_id]


async def test_regions_lie_on_the_panel_that_they_name_and_one_without_its_panel_plays_on_unseen(box: StageBox):
    first = region("a", Rect(0, 0, 100, 100), box.picture("red", 600))
    second = region("b", Rect(50, 0, 50, 100), box.picture("blue", 1.0), box.picture("lime", 2.0), output=1)
    box.publish(manifest=manifest_of(Layout("l", 100, 100, (first, second)), assets=3))
    box.start()
    await box.until_seen("red")
    status = await box.until(lambda s: any(f.code == "panel_missing" for f in s.faults))
    assert "region b belongs on panel 2" in next(f.message for f in status.faults if f.code == "panel_missing")
    await box.until(lambda s: s.last_play_seq >= 2)
    assert [p["screen_on"] for p in box.plays()] == [False] * len(box.plays())
    assert (await box.look()).getpixel((1000, 300)) == RED, "nothing of it lies on another panel"
    await swaymsg(box, "create_output")
    await swaymsg(box, "output HEADLESS-2 mode --custom 800x600")
    await box.until(lambda s: all(f.code != "panel_missing" for f in s.faults))
    picture = await box.until_looks(lambda picture: picture.size == (2080, 720) and picture.getpixel((1900, 300)) == LIME)
    assert picture.getpixel((1279, 300)) == RED
    assert picture.getpixel((1280 + 399, 300)) != LIME
    assert picture.getpixel((1280 + 400, 300)) == LIME
    assert picture.getpixel((2079, 599)) == LIME
    seen = len(box.plays())
    await box.until(lambda s: s.last_play_seq >= seen + 2)  # that under way was not seen whole
    assert box.plays()[-1]["screen_on"]


async def test_mirrored_every_panel_shows_the_first_ones_layout_and_each_play_counts_once(runtime_dir: Path):
    made = StageBox(runtime_dir)
    made.environment["SIGNAGE__STAGE__OUTPUTS"] = "mirror"
    async with Running(made) as box:
        box.publish(box.picture("red", 600), box.picture("blue", 600))
        box.start("compositor")
        async with await Sway.connect(box.dirs.sway_socket, 30):
            await swaymsg(box, "create_output")
            box.start("stage")
            await box.until_looks(lambda picture: runs(picture, row=0) == [(RED, 2560)])
            await box.ask(NextItem())
            await box.until_looks(lambda picture: runs(picture, row=0) == [(BLUE, 2560)])
            assert [i.zone for i in box.client.status.items] == ["main"]
            assert [p["name"] for p in box.plays()] == ["red"]


async def test_off_and_on_are_told_as_they_are_and_not_as_they_were_asked_for(box: StageBox):
    box.publish(box.picture("red", 600))
    box.start()
    await box.until_seen("red")
    assert (await box.until(lambda s: s.screen_on)).screen_on
    box.order(screen_on=False)
    await box.reread()
    await box.until(lambda s: not s.screen_on)
    assert (await box.look()).getextrema() == ((0, 0), (0, 0), (0, 0)), "it says off when it is dark, and not before"
    box.order(screen_on=True)
    await box.reread()
    await box.until(lambda s: s.screen_on)
    await box.until_seen("red")


async def test_a_picture_for_the_remote_view_is_as_narrow_as_it_was_asked_for(box: StageBox):
    box.publish(box.picture("red", 600))
    box.start()
    await box.until_seen("red")
    answer = await box.ask(TakePicture(width=320))
    assert (answer.width, answer.height) == (320, 180)
