"""Sounds in their regions, seen on a real screen and recorded where they leave: cover, background, levels, fades, music, proof."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest
from PIL import Image

from player.core.content import Item, Layout, Playlist, Rect, Region, Transition, TransitionKind
from player.core.geometry import NOWHERE
from player.core.kinds import Kind
from player.core.ports.screen import Playable
from player.stage.heard.cover import draw_cover
from tests.fakes.programmes import manifest_of
from tests.stage.conftest import Running, StageBox, box_heard_at
from tests.stage.sound import RATE, TONE, SoundServer, amplitude

LOW, HIGH, MUSIC = 440, 1000, 2500  # hertz


def song(box: StageBox, name: str, suffix: str, seconds: float, hertz: int, **more: object) -> Item:
    path = box.dirs.cache / f"{name}.{suffix}"
    source = f"sine=frequency={hertz}:duration={seconds}:sample_rate=48000"
    subprocess.run(["ffmpeg", "-v", "error", "-y", "-f", "lavfi", "-i", source, str(path)], check=True, timeout=30)
    return Item(name, f"c-{name}", name, Kind.AUDIO, 0.0, file=path.name, **more)


@pytest.mark.stage
async def test_sounds_are_heard_over_cover_and_background_and_music_beside_them(runtime_dir: Path, server: SoundServer):
    await server.start()
    async with Running(box_heard_at(runtime_dir, server)) as box:
        Image.new("RGB", (300, 300), "lime").save(box.dirs.cache / "cover.png")
        songs = (song(box, "first", "mp3", 4, LOW, cover="cover.png"), song(box, "second", "opus", 4, HIGH, volume=80))
        fade = Transition(TransitionKind.CROSSFADE, 1.2)
        regions = (
            Region("left", Rect(0, 0, 640, 720), Playlist("p", "p", songs, fade), background="#0000ff"),
            Region("music", NOWHERE, Playlist("m", "m", (song(box, "music", "flac", 60, MUSIC),)), volume=50),
        )
        box.publish(manifest=manifest_of(Layout("l", 1280, 720, regions, background="#ff0000"), assets=3))
        box.start()
        await box.until_shown("first")
        picture = await box.until_seen("lime", (320, 360))
        assert [picture.getpixel(at) for at in ((320, 20), (320, 700))] == [(0, 0, 255)] * 2, "beside the cover"
        await box.until_seen("red", (960, 360))
        await until_heard(server, {LOW: TONE, MUSIC: TONE * 0.5**3})
        await until_heard(server, {HIGH: TONE * 0.8**3, MUSIC: TONE * 0.5**3})
        await box.until_shown("second")
        await box.until_seen("blue", (320, 360))
        await box.until(lambda status: status.last_play_seq >= 2)
        box.order(muted=True)
        await box.reread()
        await server.until_level(0, 0.0005)
        plays = box.plays()
        assert not [fault for fault in box.client.status.faults if fault.item_id or fault.code == "no_audio"]
    assert [(play["name"], play["type"], play["result"], play["zone"]) for play in plays[:2]] == [
        ("first", "audio", "complete", "left"), ("second", "audio", "complete", "left")
    ]  # fmt: skip
    assert all(play["duration_ms"] > 3300 for play in plays[:2]), plays


async def until_heard(server: SoundServer, wanted: Mapping[int, float]) -> None:
    """Records until each of those tones is (nearly) so loud in one record: on a busy machine one of them stops now and then."""
    for _ in range(100):
        heard = (await server.record(0.35))[-RATE // 5 :]
        found = {hertz: amplitude(heard, hertz) for hertz in wanted}
        if all(abs(found[hertz] - level) < 0.15 * level for hertz, level in wanted.items()):
            return
    raise AssertionError(f"amplitudes by hertz, at last: {found}, and not {wanted}")


@pytest.mark.parametrize(
    ("fit", "edge", "corner"), [("contain", "blue", "blue"), ("cover", "lime", "lime"), ("stretch", "lime", "lime")]
)
async def test_a_cover_fills_its_region_as_a_picture_would(tmp_path: Path, fit: str, edge: str, corner: str):
    Image.new("RGB", (20, 20), "lime").save(tmp_path / "cover.png")
    seen = await asyncio.to_thread(pixels, str(tmp_path / "cover.png"), fit)
    assert [seen.getpixel(at) for at in ((80, 45), (5, 45), (5, 5))] == [COLOURS[name] for name in ("lime", edge, corner)]


async def test_a_wide_cover_lies_in_the_middle(tmp_path: Path):
    Image.new("RGB", (40, 10), "lime").save(tmp_path / "cover.png")
    seen = await asyncio.to_thread(pixels, str(tmp_path / "cover.png"), "contain")
    assert [seen.getpixel((80, y)) for y in (20, 30, 60, 70)] == [COLOURS[name] for name in ("blue", "lime", "lime", "blue")]


@pytest.mark.parametrize("cover", ["", "gone.png", "torn.png", "clear.png"])
async def test_without_a_cover_that_can_be_read_or_seen_it_is_the_background(tmp_path: Path, cover: str):
    (tmp_path / "torn.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    Image.new("RGBA", (20, 20), (0, 255, 0, 0)).save(tmp_path / "clear.png")
    seen = await asyncio.to_thread(pixels, str(tmp_path / cover) if cover else "", "contain")
    assert seen.getcolors() == [(160 * 90, COLOURS["blue"])]


COLOURS = {"lime": (0, 255, 0), "blue": (0, 0, 255)}


def pixels(cover: str, fit: str) -> Image.Image:
    item = Item("i", "c", "song", Kind.AUDIO, 0.0)
    picture = draw_cover(Playable(item, "", (160, 90), fit=fit, background="#0000ff", cover=cover))
    with Path(f"/proc/self/fd/{picture.handle}").open("rb") as memory:
        found = Image.frombytes("RGB", (160, 90), memory.read(160 * 90 * 4), "raw", "BGRX")
    picture.close()
    return found
