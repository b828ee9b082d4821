"""Sample content, made by the player itself: two clips, two pictures and a page, once into a folder; and small ones for tests.

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

from PIL import Image, ImageDraw

from player.demo.artwork import font
from player.demo.scenes import bakery, roast, steam, sunrise
from player.errors import BoxError

log = logging.getLogger(__name__)
VERSION = "1"
FULL_HD = (1920, 1080)
RATE = 25
_DEADLINE_S = 180.0
_CODECS = {
    "h264": ("-c:v", "libx264", "-preset", "veryfast", "-crf", "21", "-pix_fmt", "yuv420p", "-movflags", "+faststart"),
    "hevc": ("-c:v", "libx265", "-preset", "ultrafast", "-x265-params", "log-level=error", "-pix_fmt", "yuv420p", "-tag:v", "hvc1"),
    "vp9": ("-c:v", "libvpx-vp9", "-deadline", "realtime", "-cpu-used", "8", "-b:v", "1M", "-pix_fmt", "yuv420p"),
}
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


def encode(
    frames: Iterable[Image.Image], path: Path, size: tuple[int, int], *, rate: int = RATE, codec: str = "h264", audio_s: float = 0.0
) -> None:
    """Writes frames as a clip, with a soft chord of `audio_s` seconds beside them. Raises BoxError."""
    sound: tuple[str, ...] = ()
    if audio_s:
        out = f"afade=t=in:d={min(1, audio_s / 4)},afade=t=out:st={audio_s - min(2, audio_s / 4)}:d={min(2, audio_s / 4)}"
        voice = ("-c:a", "libopus", "-b:a", "64k") if path.suffix == ".webm" else ("-c:a", "aac", "-b:a", "96k")
        sound = ("-f", "lavfi", "-t", str(audio_s), "-i", f"{_PAD}:d={audio_s}", "-af", out, *voice, "-shortest")
    source = ("-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{size[0]}x{size[1]}", "-r", str(rate), "-i", "pipe:0")
    cut = sound.index("-af") if sound else 0
    keyframes = ("-g", str(rate * 2))
    command = ["ffmpeg", "-v", "error", "-y", *source, *sound[:cut], *_CODECS[codec], *keyframes, *sound[cut:], str(path)]
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


def make_clip(
    path: Path,
    seconds: float = 1.0,
    size: tuple[int, int] = (320, 180),
    color: str = "#336699",
    text: str = "",
    *,
    codec: str = "h264",
    audio: bool = False,
    rate: int = RATE,
) -> Path:
    """A small clip for tests: a colour, a word, a bar that runs across once. `codec`: h264 | hevc | vp9 (into .webm or .mkv)."""
    base = _plate(size, color, text)
    count = max(1, round(seconds * rate))

    def frames() -> Iterable[Image.Image]:
        for frame in range(count):
            picture = base.copy()
            x = round(frame / count * size[0])
            ImageDraw.Draw(picture).rectangle((x, size[1] * 7 // 8, x + max(2, size[0] // 40), size[1]), fill="white")
            yield picture

    path.parent.mkdir(parents=True, exist_ok=True)
    encode(frames(), path, size, rate=rate, codec=codec, audio_s=seconds if audio else 0.0)
    return path


def make_picture(path: Path, size: tuple[int, int] = (320, 180), color: str = "#996633", text: str = "") -> Path:
    """A small picture for tests, in the format of its suffix."""
    path.parent.mkdir(parents=True, exist_ok=True)
    _plate(size, color, text).save(path)
    return path


def _plate(size: tuple[int, int], color: str, text: str) -> Image.Image:
    picture = Image.new("RGB", size, color)
    if text:
        middle = (size[0] / 2, size[1] / 2)
        ImageDraw.Draw(picture).text(middle, text, font=font("Sans-Bold", size[1] / 4), fill="white", anchor="mm")
    return picture
