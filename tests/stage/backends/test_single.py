"""One window without a compositor: order and timing without a picture, and a real picture on an X server in memory."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from player.config import StageConfig
from player.core.address_policy import Unopened, Why
from player.core.applets import AppletPlace, AppletPlan, AppletRun, AppletTiming
from player.core.brief import Alert, Severity
from player.core.content import Item, Orientation
from player.core.kinds import Kind
from player.core.ports.screen import CompositorGone, Playable
from player.errors import BoxError, ContentError
from player.stage.backends.single import SingleScreen, SingleSurface
from player.stage.backends.single_compositor import SingleCompositor, open_single, output_options
from player.stage.regions.surfaces import SurfaceSort
from player.stage.video.sound import R128
from tests.fakes.gate import open_gate
from tests.fakes.running import ENDS_WITH_US, eventually, running
from tests.fakes.wall import not_known
from tests.fakes.way_out import STRAIGHT
from tests.stage.conftest import Running, StageBox
from tests.stage.video.test_mpv import colour, encode, near

pytestmark = pytest.mark.stage
SIZE = (640, 360)
LIME, RED = (0, 255, 0), (255, 0, 0)


@pytest.fixture(scope="module")
def media() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="s-media-"))
    encode(folder / "lime.mp4", *colour("lime", 1))
    encode(folder / "red.mp4", *colour("red", 1))
    (folder / "broken.mp4").write_bytes(b"\0" * 5000)
    Image.new("RGB", SIZE, "blue").save(folder / "blue.png")
    yield folder
    shutil.rmtree(folder)


@contextlib.asynccontextmanager
async def opened(
    environment: dict[str, str], why: Why = not_known, **options: Any
) -> AsyncIterator[tuple[SingleCompositor, SingleScreen]]:
    compositor, screen = await open_single(
        StageConfig(backend="single", size="640x360"), STRAIGHT, open_gate(), why, environment, ao="null", hwdec="no", **options
    )
    try:
        async with running(screen.run()):
            yield compositor, screen
    finally:
        await screen.close()


@pytest.fixture
async def single() -> AsyncIterator[tuple[SingleCompositor, SingleScreen]]:
    async with opened({}, vo="null", gpu_context="auto") as found:
        yield found


@pytest.fixture(scope="module")
def display() -> Iterator[str]:
    """An X server without hardware; $DISPLAY points there."""
    read, write = os.pipe()
    command = [*ENDS_WITH_US, "Xvfb", "-displayfd", str(write), "-screen", "0", "640x360x24", "-nolisten", "tcp", "-noreset"]
    with subprocess.Popen(command, pass_fds=(write,), stderr=subprocess.DEVNULL) as server:
        os.close(write)
        with os.fdopen(read) as said:
            name = f":{said.readline().strip()}"
        before = os.environ.get("DISPLAY")
        os.environ["DISPLAY"] = name
        yield name
        os.environ.pop("DISPLAY")
        if before is not None:
            os.environ["DISPLAY"] = before
        server.terminate()


def playable(target: Path | str, kind: Kind = Kind.VIDEO, **more: Any) -> Playable:
    return Playable(Item("i", "c", Path(target).name, kind, 0.0), str(target), SIZE, **more)


async def loaded(screen: SingleScreen, name: str, what: Playable) -> SingleSurface:
    surface = await screen.make(SurfaceSort.MPV, name, SIZE)
    await surface.load(what)
    return surface


def now() -> float:
    return asyncio.get_running_loop().time()


async def test_items_follow_each_other_and_each_lasts_as_long_as_it_is(single, media: Path):
    _, screen = single
    before = None
    for number, name in enumerate(("lime", "red", "lime")):
        surface = await loaded(screen, f"main-{number}", playable(media / f"{name}.mp4"))
        assert surface.duration_s() == pytest.approx(1.0, abs=0.1)
        assert screen.shown is before, "what is looked at ahead changes nothing on screen"
        began = now()
        surface.start()
        if before:
            before.pause()
            await before.unload()
        async with asyncio.timeout(20):
            await surface.ended()
        assert screen.shown is surface
        assert now() - began > 0.7
        before = surface


async def test_c1_what_cannot_be_played_is_refused_while_the_other_stays(single, media: Path):
    _, screen = single
    shown = await loaded(screen, "main-1", playable(media / "blue.png", Kind.IMAGE))
    shown.start()
    await eventually(lambda: screen.shown is shown)
    other = await screen.make(SurfaceSort.MPV, "main-2", SIZE)
    for path in ("broken.mp4", "gone.mp4"):
        with pytest.raises(ContentError) as caught:
            await other.load(playable(media / path))
        assert caught.value.code == "unplayable"
    assert screen.shown is shown
    await other.load(playable(media / "lime.mp4"))


async def test_l4_an_address_that_did_not_open_says_why():
    async with opened({}, lambda _: Unopened("forbidden_address", "it is this box"), vo="null", gpu_context="auto") as (_, screen):
        surface = await screen.make(SurfaceSort.MPV, "main-1", SIZE)
        with pytest.raises(ContentError, match="it is this box") as caught:
            await surface.load(playable("http://127.0.0.1:9/live.m3u8", Kind.LIVESTREAM))
    assert caught.value.code == "forbidden_address"


async def test_what_goes_away_between_the_look_and_the_showing_is_reported_when_it_was_to_be_shown(
    single, media: Path, tmp_path: Path
):
    _, screen = single
    shutil.copy(media / "lime.mp4", tmp_path / "short.mp4")
    surface = await loaded(screen, "main-1", playable(tmp_path / "short.mp4"))
    (tmp_path / "short.mp4").unlink()
    surface.start()
    async with asyncio.timeout(20):
        with pytest.raises(ContentError, match="short"):
            await surface.ended()


async def test_held_it_stands_and_goes_on_where_it_was(single, tmp_path: Path):
    _, screen = single
    encode(tmp_path / "long.mp4", *colour("lime", 3))
    surface = await loaded(screen, "main-1", playable(tmp_path / "long.mp4"))

    async def position_s() -> float:
        return await screen.window.ask(lambda handle: handle.time_pos or 0.0)

    surface.start()
    while await position_s() < 1.0:  # noqa: ASYNC110 - mpv's state
        await asyncio.sleep(0.02)
    surface.pause()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(2.5):
            await surface.ended()
    stood = await position_s()
    assert 1.0 <= stood < 2.9, "it is not over"
    surface.start()
    assert await position_s() >= stood
    async with asyncio.timeout(20):
        await surface.ended()


async def test_what_leaves_without_a_successor_leaves_the_window_empty(single, media: Path):
    _, screen = single
    surface = await loaded(screen, "main-1", playable(media / "lime.mp4"))
    surface.start()
    async with asyncio.timeout(20):
        await surface.ended()
    await surface.unload()
    async with asyncio.timeout(20):
        while not await screen.window.ask(lambda handle: handle.idle_active):  # noqa: ASYNC110 - mpv's state
            await asyncio.sleep(0.02)
    assert screen.shown is None


async def test_pages_further_regions_turning_and_modes_are_refused_with_the_reason(single):
    compositor, screen = single
    first = await screen.make(SurfaceSort.MPV, "main-1", SIZE)
    refused = [
        (SurfaceSort.WEB, "main-2", "no_browser"), (SurfaceSort.DRAWN, "main-3", "no_compositor"),
        (SurfaceSort.MPV, "side-1", "no_zones"),
    ]  # fmt: skip
    for sort, name, code in refused:
        with pytest.raises(ContentError, match="single") as caught:
            await screen.make(sort, name, SIZE)
        assert caught.value.code == code
    await first.close()
    await screen.make(SurfaceSort.MPV, "side-2", SIZE)
    await compositor.turn("window", Orientation.LANDSCAPE)
    await compositor.power("window", on=True)
    for refused in (
        compositor.turn("window", Orientation.PORTRAIT), compositor.mode("window", 1, 1), compositor.power("window", on=False),
    ):  # fmt: skip
        with pytest.raises(BoxError, match="single"):
            await refused


async def test_p2_a_window_that_answers_no_more_ends_the_stage_as_a_lost_compositor_does(single):
    compositor, screen = single
    events = compositor.events()
    screen.gone.set()
    async with asyncio.timeout(20):
        assert await anext(events) == CompositorGone()


def test_the_output_follows_from_the_session():
    sized, whole = StageConfig(size="640x360"), StageConfig(audio_device="alsa/hdmi")
    assert output_options({"WAYLAND_DISPLAY": "wayland-1", "DISPLAY": ":0"}, sized)["vo"] == "gpu,wlshm"
    assert output_options({"DISPLAY": ":0"}, sized)["vo"] == "gpu,xv,x11"
    bare = output_options({}, whole)
    assert (bare["vo"], bare["gpu_context"], bare["fullscreen"], bare["audio_device"]) == ("gpu,drm", "drm", True, "alsa/hdmi")
    assert not {"fullscreen", "audio_device", "af"} & output_options({}, sized).keys()
    assert output_options({}, StageConfig(levelling="r128"))["af"] == R128


async def test_a_real_picture_changes_without_a_gap_and_can_be_looked_at(display: str, media: Path, tmp_path: Path):
    async with opened({"DISPLAY": display}, vo="x11") as (compositor, screen):

        async def pixel() -> tuple[int, int, int]:
            await compositor.screenshot(tmp_path / "look.ppm")
            with Image.open(tmp_path / "look.ppm") as picture:
                return picture.convert("RGB").getpixel((320, 180))

        first = await loaded(screen, "main-1", playable(media / "lime.mp4"))
        second = await loaded(screen, "main-2", playable(media / "red.mp4"))
        first.start()
        async with asyncio.timeout(20):
            await first.ended()
        assert near(await pixel(), LIME)
        second.start()
        while not near(seen := await pixel(), RED):
            assert near(seen, LIME), "nothing but the two"
        await eventually(lambda: screen.shown is second)
        outputs = await compositor.outputs()
        assert (outputs[0].rect.width, outputs[0].rect.height) == SIZE


async def test_a_whole_stage_plays_and_shows_its_cards_in_one_window(display: str, runtime_dir: Path):
    box = StageBox(runtime_dir, "single", "640x360")
    box.publish()
    box.order(paired=False, pairing_code="4A7X2B", server_name="AdCast", server_url="http://127.0.0.1:1")
    async with Running(box):
        box.start("stage")
        await box.until(lambda s: s.state == "pairing" and s.backend == "single")
        await until_drawn(display, lambda picture: len(picture.getcolors(1 << 20)) > 50)
        box.order(paired=True)
        box.publish(box.picture("red", 2.0), box.clip("clip", "lime", 2.0), box.page("page", "http://127.0.0.1:1/"))
        await box.reread()
        for name, wanted in (("red", RED), ("clip", LIME), ("red", RED)):
            await box.until_shown(name)
            await until_drawn(display, lambda picture, wanted=wanted: near(picture.getpixel((60, 60)), wanted))
        box.order(alerts=(Alert("1", "Rain", "Take an umbrella, it will rain all day long", Severity.MODERATE),))
        await box.reread()
        await until_drawn(display, lambda picture: len(picture.crop((0, 340, 640, 360)).getcolors(1 << 16)) > 5)
        one = _root(display).crop((0, 340, 640, 360)).tobytes()
        await until_drawn(display, lambda picture: picture.crop((0, 340, 640, 360)).tobytes() != one)  # the ticker runs
        box.order(alerts=(), screen_on=False)
        await box.reread()
        await until_drawn(display, lambda picture: picture.getextrema() == ((0, 0),) * 3)
        box.order(screen_on=True)
        await box.reread()
        await until_drawn(display, lambda picture: picture.getextrema() != ((0, 0),) * 3)
        status = await box.until(lambda s: s.faults)
        assert "no_browser" in {fault.code for fault in status.faults}
        run = AppletRun("menu", "1.0.0", url="http://127.0.0.1:1/")
        timing = AppletTiming("t", 1.0, 1.0, run, 1.0, 1.0)
        box.order(applets=AppletPlan((timing,), place=AppletPlace.ABOVE))
        await box.reread()
        status = await box.until(lambda s: any(fault.content_id == "menu" for fault in s.faults))
        (fault,) = (fault for fault in status.faults if fault.content_id == "menu")
        assert (fault.code, "pages need a compositor" in fault.message) == ("no_browser", True)
        await until_drawn(display, lambda picture: picture.getextrema() != ((0, 0),) * 3)
        assert {play["name"] for play in box.plays()} >= {"red", "clip"}
        assert (await box.look()).size == SIZE
        assert box.end("stage") == 0


async def until_drawn(display: str, holds: Any, limit_s: float = 30.0) -> None:
    """Looks at the X server itself."""
    async with asyncio.timeout(limit_s):
        while not holds(await asyncio.to_thread(_root, display)):  # noqa: ASYNC110 - another process's state
            await asyncio.sleep(0.1)


def _root(display: str) -> Image.Image:
    command = [
        "ffmpeg",
        "-v",
        "error",
        "-f",
        "x11grab",
        "-draw_mouse",
        "0",
        "-video_size",
        "640x360",
        "-i",
        display,
        "-frames:v",
        "1",
    ]
    found = subprocess.run([*command, "-f", "rawvideo", "-pix_fmt", "rgb24", "-"], capture_output=True, check=True, timeout=60)
    return Image.frombytes("RGB", SIZE, found.stdout)
