"""What formats and pages play: the rows of the README's table, and how a file of each format is made.

`tests/stage/test_what_plays.py` plays every file that is made here and can be seen, `tests/stage/heard/test_voice.py` every one
that is only heard; what is no file names the tests that show it on a screen.
"""

from __future__ import annotations

import re
import subprocess
from base64 import b64decode
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from player.core.kinds import Kind

ROOT = Path(__file__).parent.parent
SECONDS = 2.0
Maker = Callable[[Path, str], None]  # writes a file that is all of that colour


def film(*words: str, sound: str = "") -> Maker:
    """A film of SECONDS, by ffmpeg's words; with `sound`, a codec's name, it is heard too."""

    def make(path: Path, colour: str) -> None:
        picture = ["-f", "lavfi", "-i", f"color={colour}:s=640x360:r=25:d={SECONDS}"]
        tone = ["-f", "lavfi", "-i", f"sine=d={SECONDS}", "-c:a", sound, "-shortest"] if sound else []
        subprocess.run(["ffmpeg", "-v", "error", "-y", *picture, *tone, *words, str(path)], check=True, timeout=60)

    return make


def tune(*words: str) -> Maker:
    """A sound of SECONDS, by ffmpeg's words; it has no colour."""

    def make(path: Path, _: str) -> None:
        tone = ["-f", "lavfi", "-i", f"sine=frequency=440:sample_rate=48000:d={SECONDS}"]
        subprocess.run(["ffmpeg", "-v", "error", "-y", *tone, *words, str(path)], check=True, timeout=60)

    return make


def picture(form: str, **options: object) -> Maker:
    """A still picture, by Pillow."""

    def make(path: Path, colour: str) -> None:
        Image.new("RGB", (640, 360), colour).save(path, form, **options)

    return make


def moving(form: str, **options: object) -> Maker:
    """An animation of two pictures that are nearly alike."""

    def make(path: Path, colour: str) -> None:
        other = Image.new("RGB", (320, 180), colour)
        other.putpixel((0, 0), (1, 2, 3))
        first = Image.new("RGB", (320, 180), colour)
        first.save(path, form, save_all=True, append_images=[other], duration=200, loop=0, **options)

    return make


# 64 x 32 pixels of red; nothing here can write this format.
HEIC = b64decode("""
    AAAAHGZ0eXBoZWljAAAAAG1pZjFoZWljbWlhZgAAAX1tZXRhAAAAAAAAACFoZGxyAAAAAAAAAABwaWN0AAAAAAAAAAAAAAAAAAAAACJpbG9jAAAAAERAAAEA
    AQAAAAABoQABAAAAAAAAABsAAAAjaWluZgAAAAAAAQAAABVpbmZlAgAAAAABAABodmMxAAAAAA5waXRtAAAAAAABAAAA/WlwcnAAAADdaXBjbwAAAHZodmND
    AQNwAAAAkAAAAAAAHvAA/P34+AAADwNgAAEAGEABDAH//wNwAAADAJAAAAMAAAMAHroCQGEAAQAqQgEBA3AAAAMAkAAAAwAAAwAeoCCBBZbq5Ka5uAhoMCAA
    AAMDIAAAAwAhYgABAAZEAcFzwIkAAAATY29scm5jbHgAAQANAAaAAAAAFGlzcGUAAAAAAAAAQAAAAEAAAAAoY2xhcAAAAEAAAAABAAAAIAAAAAEAAAAAAAAA
    Av///+AAAAACAAAAEHBpeGkAAAAAAwgICAAAABhpcG1hAAAAAAAAAAEAAQWBAgMFhAAAACNtZGF0AAAAFygBr1jm9Oq//+c7v/8qPSH2JSHkanfA
""")


def heic(path: Path, _: str) -> None:
    """A photo as phones take it."""
    path.write_bytes(HEIC)


def drawing(path: Path, colour: str) -> None:
    """An SVG drawing."""
    path.write_text(
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 9"><rect width="16" height="9" fill="{colour}"/></svg>'
    )


@dataclass(frozen=True, slots=True)
class Format:
    """A format as the table names it, and how a file of it is made."""

    name: str
    make: Maker
    colour: str = ""  # the one that it has, where that cannot be chosen


@dataclass(frozen=True, slots=True)
class Row:
    """A row of the table. What is no file of `kind` lists its `names`, and `shown_by` the tests: FILE::FUNCTION below tests/."""

    what: str
    how: str
    kind: Kind | None = None
    formats: tuple[Format, ...] = ()
    names: tuple[str, ...] = ()
    shown_by: tuple[str, ...] = ()


_H264 = ("-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p")
ROWS = (
    Row(
        "videos",
        "to their own end, or for the time that the item says",
        Kind.VIDEO,
        (
            Format("MP4 with H.264", film(*_H264, "-f", "mp4", sound="aac")),
            Format("H.265", film("-c:v", "libx265", "-preset", "ultrafast", "-x265-params", "log-level=0", "-f", "mp4")),
            Format("AV1", film("-c:v", "libsvtav1", "-preset", "12", "-f", "mp4")),
            Format("MPEG-4", film("-c:v", "mpeg4", "-f", "mp4")),
            Format("MOV", film(*_H264, "-f", "mov")),
            Format("ProRes", film("-c:v", "prores_ks", "-f", "mov")),
            Format("MKV", film(*_H264, "-f", "matroska", sound="flac")),
            Format("WebM with VP8", film("-c:v", "libvpx", "-f", "webm", sound="libopus")),
            Format("VP9", film("-c:v", "libvpx-vp9", "-deadline", "realtime", "-f", "webm")),
            Format("MPEG-TS", film(*_H264, "-f", "mpegts")),
            Format("MPEG (.mpg)", film("-c:v", "mpeg2video", "-f", "mpeg", sound="mp2")),
            Format("AVI", film("-c:v", "mpeg4", "-f", "avi", sound="mp3")),
            Format("Motion JPEG", film("-c:v", "mjpeg", "-pix_fmt", "yuvj420p", "-f", "avi")),
            Format("WMV", film("-c:v", "wmv2", "-f", "asf", sound="wmav2")),
            Format("Ogg (.ogv)", film("-c:v", "libtheora", "-f", "ogg", sound="libvorbis")),
            Format("FLV", film("-c:v", "flv", "-f", "flv")),
        ),
    ),
    Row(
        "sounds",
        "to their own end, with the region's background or their cover; in a region without a size under all others",
        Kind.AUDIO,
        (
            Format("MP3", tune("-c:a", "libmp3lame", "-f", "mp3")),
            Format("AAC", tune("-c:a", "aac", "-f", "adts")),
            Format("M4A", tune("-c:a", "aac", "-f", "ipod")),
            Format("FLAC", tune("-c:a", "flac", "-f", "flac")),
            Format("Ogg Vorbis", tune("-c:a", "libvorbis", "-f", "ogg")),
            Format("Opus", tune("-c:a", "libopus", "-f", "opus")),
            Format("WAV", tune("-f", "wav")),
        ),
    ),
    Row(
        "pictures",
        "for the item's time, turned as their Exif says, in sRGB",
        Kind.IMAGE,
        (
            Format("JPEG", picture("JPEG", quality=90)),
            Format("PNG", picture("PNG")),
            Format("GIF", picture("GIF")),
            Format("WebP", picture("WEBP")),
            Format("AVIF", picture("AVIF")),
            Format("BMP", picture("BMP")),
            Format("TIFF", picture("TIFF")),
            Format("HEIC", heic, "red"),
        ),
    ),
    Row(
        "animations",
        "round and round, for the item's time",
        Kind.IMAGE,
        (
            Format("GIF", moving("GIF")),
            Format("PNG", moving("PNG")),
            Format("WebP", moving("WEBP", lossless=True)),
            Format("AVIF", moving("AVIF")),
        ),
    ),
    Row("drawings", "as a picture; their scripts and what they refer to are left out", Kind.IMAGE, (Format("SVG", drawing),)),
    Row("documents", "each page for the item's time, the first 200", Kind.PDF, (Format("PDF", picture("PDF")),)),
    Row(
        "archives of pages",
        "with their own files, and without the network",
        names=("ZIP with an HTML page",),
        shown_by=("stage/web/test_pages.py::test_a_package_is_shown_with_its_own_files_and_no_network",),
    ),
    Row(
        "web pages",
        "when they are painted; by their last picture while their server is away",
        names=("http", "https"),
        shown_by=(
            "stage/web/test_browser.py::test_a_page_fills_its_window_to_the_pixel_and_is_drawn_when_load_returns",
            "stage/web/test_pages.py::test_c19_a_page_whose_server_is_away_is_shown_by_its_last_picture_and_comes_back",
        ),
    ),
    Row(
        "live streams",
        "until they end, or for the item's time",
        names=("HLS", "Motion JPEG of an IP camera", "MPEG-TS over UDP", "RTMP"),
        shown_by=(
            "stage/video/test_mpv.py::test_an_hls_stream_plays_and_its_end_is_a_fault_of_the_stream",
            "stage/video/test_mpv.py::test_an_ip_cameras_pictures_are_a_stream",
            "stage/video/test_mpv.py::test_an_mpegts_stream_over_udp_plays",
            "stage/video/test_mpv.py::test_an_rtmp_stream_plays",
        ),
    ),
    Row(
        "YouTube",
        "as the video that yt-dlp finds there",
        names=("addresses of videos",),
        shown_by=("stage/video/test_youtube.py::test_a_page_gives_the_address_of_its_video_and_nothing_is_left_behind",),
    ),
    Row(
        "running text",
        "in letters of every script that Noto has",
        names=("words of the server", "RSS", "Atom"),
        shown_by=(
            "stage/drawn/test_drawn.py::test_a_ticker_is_joined_end_to_start_and_runs_on_for_ever",
            "agent/content/test_feeds.py::test_a_feed_is_kept_as_lines_of_text_and_told_when_it_comes",
        ),
    ),
    Row(
        "clocks",
        "with or without seconds",
        names=("of the item's time zone",),
        shown_by=("stage/drawn/test_drawn.py::test_a_clock_with_seconds_turns_each_second_and_follows_a_time_that_is_set",),
    ),
)


def table() -> str:
    """The table as the README has it."""
    lines = ["| | formats | how |", "|---|---|---|"]
    for row in ROWS:
        names = row.names or tuple(one.name for one in row.formats)
        lines.append(f"| {row.what} | {', '.join(names)} | {row.how} |")
    return "\n".join(lines)


def missing_tests() -> list[str]:
    """Those that the rows name and that are not there."""
    named = [one for row in ROWS for one in row.shown_by]
    return [one for one in named if not _is_there(*one.split("::"))]


def _is_there(file: str, function: str) -> bool:
    path = ROOT / "tests" / file
    return path.exists() and re.search(rf"^(?:async )?def {function}\(", path.read_text(), re.MULTILINE) is not None
