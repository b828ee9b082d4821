"""The sample content: made once, playable, what it says it is."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageChops, ImageStat

from player.demo.artwork import gradient
from player.demo.samples import encode, music, samples
from player.demo.scenes import bakery, roast, steam, sunrise
from player.errors import BoxError

SMALL = (384, 216)


def probe(path: Path) -> list[dict[str, Any]]:
    command = ["ffprobe", "-v", "error", "-count_frames", "-show_streams", "-of", "json", str(path)]
    shown = subprocess.run(command, capture_output=True, check=True, timeout=30)
    return json.loads(shown.stdout)["streams"]


def difference(one: Image.Image, other: Image.Image) -> float:
    return sum(ImageStat.Stat(ImageChops.difference(one, other)).mean)


def test_the_samples_are_made_once_and_are_what_they_say(tmp_path: Path):
    made = samples(tmp_path, SMALL, 1.0)
    assert [sample.kind for sample in made] == ["video", "image", "video", "image", "web"]
    video, audio = probe(made[0].path)
    assert (video["codec_name"], video["width"], video["nb_read_frames"], audio["codec_name"]) == ("h264", 384, "25", "aac")
    assert [stream["codec_name"] for stream in probe(made[2].path)] == ["h264"]
    for picture in (made[1], made[3]):
        with Image.open(picture.path) as opened:
            assert opened.size == SMALL
    page = made[4].path.read_text(encoding="utf-8")
    assert "http" not in page
    before = {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()}
    assert samples(tmp_path, SMALL, 1.0) == made
    assert {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()} == before
    (tmp_path / "version").write_text("older")
    samples(tmp_path, SMALL, 0.2)
    assert (tmp_path / "good-morning.mp4").stat().st_mtime_ns != before[tmp_path / "good-morning.mp4"]


def test_the_music_is_made_once_and_carries_its_picture(tmp_path: Path):
    roast(SMALL).save(tmp_path / "roast.jpg")
    made = music(tmp_path, tmp_path / "roast.jpg", 2.0)
    heard, cover = probe(made.path)
    assert (made.kind, heard["codec_name"], cover["codec_name"]) == ("audio", "mp3", "mjpeg")
    assert float(heard["duration"]) == pytest.approx(2.0, abs=0.1)
    before = made.path.stat().st_mtime_ns
    assert music(tmp_path, tmp_path / "roast.jpg", 2.0) == made
    assert made.path.stat().st_mtime_ns == before
    assert sorted(path.name for path in tmp_path.iterdir()) == [made.path.name, "roast.jpg"]


def test_the_scenes_move_and_the_steam_goes_round():
    rising = list(sunrise(SMALL, 10))
    assert difference(rising[0], rising[-1]) > 20
    frames = list(steam(SMALL, 60))
    step = difference(frames[0], frames[1])
    assert step > 0
    assert difference(frames[-1], frames[0]) < 2 * step
    assert difference(bakery(SMALL), roast(SMALL)) > 50


def test_a_gradient_passes_its_stops():
    column = gradient((1, 101), ((0, (0, 0, 0)), (0.5, (100, 0, 0)), (1, (0, 0, 200))))
    assert [column.getpixel((0, y)) for y in (0, 50, 100)] == [(0, 0, 0), (100, 0, 0), (0, 0, 200)]


def test_a_clip_that_ffmpeg_refuses_says_why(tmp_path: Path):
    with pytest.raises(BoxError, match=r"clip\.unknown cannot be made"):
        encode([Image.new("RGB", (64, 36))] * 2, tmp_path / "clip.unknown", (64, 36))
