"""Sample content, made by the player itself: two clips, two pictures, a page and some music, once into a folder.

Frames go to ffmpeg through a pipe as they are drawn; nothing is downloaded. A finished folder carries the version of what is in
it, so that it is made again when the samples change.
"""

from __future__ import annotations

import logging
import subprocess
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from PIL import Image

from player.demo.scenes import bakery, roast, steam, sunrise
from player.errors import BoxError

log = logging.getLogger(__name__)
VERSION = "1"
FULL_HD = (1920, 1080)
RATE = 25
_DEADLINE_S = 180.0
_H264 = ("-c:v", "libx264", "-preset", "veryfast", "-crf", "21", "-pix_fmt", "yuv420p", "-movflags", "+faststart")
_CHORD = "+".join(
    f"{level}*sin(2*PI*{pitch}*t)" for pitch, level in ((130.8, 0.10), (196.0, 0.07), (261.6, 0.06), (329.6, 0.05), (493.9, 0.03))
)
_PAD = f"aevalsrc=({_CHORD})*(0.75+0.25*sin(2*PI*t/4))|({_CHORD})*(0.75+0.25*cos(2*PI*t/4)):s=48000"


@dataclass(frozen=True, slots=True)
class Sample:
    """One piece of sample content. `kind` in AdCast's words; `duration_s` None for a clip's own length."""

    name: str
    kind: str
    path: Path
    duration_s: float | None = None


def samples(folder: Path, size: tuple[int, int] = FULL_HD, seconds: float = 6.0) -> list[Sample]:
    """The five samples, made where they are not there yet (blocking; some 20 s at full size). Raises BoxError without ffmpeg."""
    made = [
        Sample("Good morning", "video", folder / "good-morning.mp4"),
        Sample("Cardamom buns", "image", folder / "cardamom-buns.png", 8.0),
        Sample("Flat white", "video", folder / "flat-white.mp4"),
        Sample("The week's roast", "image", folder / "roast.jpg", 8.0),
        Sample("Menu and clock", "web", folder / "menu.html", 12.0),
    ]
    stamp, version = folder / "version", f"{VERSION} {size[0]}x{size[1]} {seconds}"
    if stamp.is_file() and stamp.read_text() == version:
        return made
    log.info("making the sample content in %s", folder)
    folder.mkdir(parents=True, exist_ok=True)
    clip, buns, cup, beans, page = (sample.path for sample in made)
    with ThreadPoolExecutor(2) as both:  # Pillow draws without Python's lock
        moving = [
            both.submit(encode, sunrise(size, round(seconds * RATE)), clip, size, audio_s=seconds),
            both.submit(encode, steam(size, round(seconds * RATE)), cup, size),
        ]
        for work in moving:
            work.result()
    bakery(size).save(buns, compress_level=4)
    roast(size).save(beans, quality=90)
    page.write_text((resources.files("player.demo") / "page" / "menu.html").read_text(encoding="utf-8"), encoding="utf-8")
    stamp.write_text(version)
    return made


def with_music(folder: Path) -> list[Sample]:
    """The samples, and the music with one of them for its cover (blocking). Raises BoxError."""
    made = samples(folder)
    return [*made, music(folder, next(sample.path for sample in made if sample.path.suffix == ".jpg"))]


def music(folder: Path, cover: Path, seconds: float = 24.0) -> Sample:
    """A chord that comes and goes, with the picture `cover`, made where it is not there yet (blocking). Raises BoxError."""
    made = Sample("Bakery in the morning", "audio", folder / "bakery-in-the-morning.mp3")
    if not made.path.is_file():
        part = made.path.with_suffix(".part")
        edge = seconds / 4
        heard = ("-f", "lavfi", "-t", str(seconds), "-i", f"{_PAD}:d={seconds}", "-i", str(cover), "-map", "0:a", "-map", "1:v")
        faded = ("-af", f"afade=t=in:d={edge},afade=t=out:st={seconds - edge}:d={edge}", "-c:a", "libmp3lame", "-b:a", "128k")
        attached = ("-c:v", "copy", "-disposition:v", "attached_pic", "-id3v2_version", "3", "-f", "mp3")
        _pipe(["ffmpeg", "-v", "error", "-y", *heard, *faded, *attached, str(part)], (), made.path)
        part.replace(made.path)
    return made


def encode(frames: Iterable[Image.Image], path: Path, size: tuple[int, int], *, audio_s: float = 0.0) -> None:
    """Writes frames as a clip, with a soft chord of `audio_s` seconds beside them. Raises BoxError."""
    heard: tuple[str, ...] = ()
    coded: tuple[str, ...] = ()
    if audio_s:
        edge = min(2, audio_s / 4)
        heard = ("-f", "lavfi", "-t", str(audio_s), "-i", f"{_PAD}:d={audio_s}")
        faded = f"afade=t=in:d={min(1, edge)},afade=t=out:st={audio_s - edge}:d={edge}"
        coded = ("-af", faded, "-c:a", "aac", "-b:a", "96k", "-shortest")
    seen = ("-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{size[0]}x{size[1]}", "-r", str(RATE), "-i", "pipe:0")
    command = ["ffmpeg", "-v", "error", "-y", *seen, *heard, *_H264, "-g", str(RATE * 2), *coded, str(path)]
    _pipe(command, frames, path)


def _pipe(command: list[str], frames: Iterable[Image.Image], path: Path) -> None:
    try:
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE)
    except OSError as error:
        raise BoxError("ffmpeg", f"{path.name} cannot be made: {error.strerror}; install the package ffmpeg") from error
    with process:
        try:
            assert process.stdin  # noqa: S101 - asked for above
            for frame in frames:
                process.stdin.write(frame.tobytes())
            _, complaint = process.communicate(timeout=_DEADLINE_S)
        except BrokenPipeError:
            complaint = process.stderr.read() if process.stderr else b""
        except BaseException:
            process.kill()
            raise
    if process.returncode:
        raise BoxError("ffmpeg", f"{path.name} cannot be made: {complaint.decode(errors='replace').strip()[-300:]}")
