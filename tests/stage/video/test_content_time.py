"""Time as the content tells it, read off the screen: slides, last frames, sound without pictures, two moments in one frame."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from PIL import Image

from player.core.content import Rect
from tests.fakes.measured import seconds_at_most
from tests.stage.video.conftest import LIME, RED, Open, Window, colour, encode, near, now, playable

pytestmark = [pytest.mark.stage, pytest.mark.asyncio(loop_scope="module")]
BLUE = (0, 0, 255)
X264 = ("-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-video_track_timescale", "12800")
TELEVISION = (720, 576)


def slides(folder: Path, rate: str) -> Path:
    """Three pictures as a film, each for one frame of that rate."""
    for number, fill in enumerate((RED, LIME, BLUE)):
        Image.new("RGB", (320, 180), fill).save(folder / f"s{number}.png")
    return encode(
        folder / "slides.mp4", "-framerate", rate, "-i", str(folder / "s%d.png"), "-c:v", "libx264", "-pix_fmt", "yuv420p"
    )


async def lasts(window: Window, clip: Path, seconds: float) -> None:
    """Plays it to its end, which comes after so many seconds and not sooner, nor (measured again where it does) much later."""
    for _ in seconds_at_most(seconds + 1.5):
        await window.surface.load(playable(clip))
        began = now()
        window.surface.start()
        await window.surface.ended()
        assert now() - began > seconds - 0.15


@pytest.mark.parametrize(("rate", "seconds"), [("1/4", 12.0), pytest.param("1/15", 45.0, marks=pytest.mark.nightly)])
async def test_case_7_a_film_of_slides_shows_each_for_its_time_and_does_not_count_as_stalled(
    window: Window, tmp_path: Path, rate: str, seconds: float
):
    async with asyncio.TaskGroup() as group:
        group.create_task(lasts(window, slides(tmp_path, rate), seconds), name="play")
        await window.until_seen(RED)
        await window.until_seen(LIME, limit_s=2 * seconds)
        await window.until_seen(BLUE, limit_s=2 * seconds)
    await window.surface.unload()


async def test_a_last_frame_stands_for_its_own_time_and_not_for_that_of_the_others(window: Window, tmp_path: Path):
    encode(tmp_path / "a.mp4", "-f", "lavfi", "-i", "color=red:s=320x180:r=25:d=1", *X264)
    encode(tmp_path / "b.mp4", "-f", "lavfi", "-i", "color=blue:s=320x180:r=1/4:d=4", *X264)
    (tmp_path / "list").write_text("file a.mp4\nfile b.mp4\n")
    whole = encode(tmp_path / "whole.mp4", "-f", "concat", "-i", str(tmp_path / "list"), "-c", "copy")
    await lasts(window, whole, 5.0)
    assert near(await window.seen(), BLUE)
    await window.surface.unload()


async def test_a_frame_among_others_may_stand_longer_than_a_stall_is_waited_for(window: Window, tmp_path: Path):
    pause = "setpts='(N+if(gte(N,25),100,0))/25/TB'"
    words = ("-f", "lavfi", "-i", "testsrc=s=320x180:r=25:d=2", "-vf", pause, "-vsync", "vfr", *X264)
    await lasts(window, encode(tmp_path / "still.mp4", *words), 6.0)
    await window.surface.unload()


async def test_sound_that_is_longer_than_its_pictures_is_heard_to_its_end(window: Window, tmp_path: Path):
    sound = ("-f", "lavfi", "-i", "sine=d=4", *colour("lime", 1), "-c:a", "aac")
    await lasts(window, encode(tmp_path / "long.mp4", *sound), 4.0)
    assert near(await window.seen(), LIME), "the last picture stands meanwhile"
    await window.surface.unload()


def combed(picture: Image.Image) -> float:
    """The share of lines, in the worst column, that differ from both their neighbours while these are alike."""
    grey = picture.convert("L")
    width, height = grey.size
    rows = [grey.crop((0, y, width, y + 1)).tobytes() for y in range(height)]
    worst = 0
    for x in range(width):
        column = [row[x] for row in rows]
        teeth = (
            abs(b - a) > 16 and abs(b - c) > 16 and abs(a - c) < 16 for a, b, c in zip(column, column[1:], column[2:], strict=False)
        )
        worst = max(worst, sum(teeth))
    return worst / height


async def test_case_8_what_was_filmed_for_television_shows_no_combs(open_window: Open, tmp_path: Path):
    moving = "smptebars=s=720x576:r=50:d=6"
    woven = "scroll=horizontal=0.02,tinterlace=mode=interleave_top,setfield=tff"
    words = ("-f", "lavfi", "-i", moving, "-vf", woven, "-flags", "+ilme+ildct", "-c:v", "mpeg2video", "-q:v", "2")
    clip = encode(tmp_path / "i.ts", *words)
    window = await open_window()
    window.surface.resize(*TELEVISION)
    await window.show(Rect(0, 0, *TELEVISION))
    await window.surface.load(playable(clip))
    assert combed(await window.picture()) < 0.2, "its first frame, before it is started"
    window.surface.start()
    for _ in range(5):
        await asyncio.sleep(0.3)
        assert combed(await window.picture()) < 0.2
    await window.surface.load(playable(encode(tmp_path / "p.mp4", *colour("lime", 1))))
    assert not window.surface._handle.deinterlace, "what is whole is left alone"
