"""Files as they come from servers: good, broken, mislabelled and hostile, each looked at by the real child with real ffmpeg."""

from __future__ import annotations

import asyncio
import hashlib
import os
import random
import shutil
import struct
import subprocess
import sys
import time
import unicodedata
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Thread
from typing import TypeVar

import pypdfium2
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageCms, ImageDraw

from player.core.applet_archives import ArchiveRoom
from player.core.kinds import Kind
from player.errors import ContentError, StorageError
from player.media import filetype
from player.media.prepare import archives, documents
from player.media.prepare.documents import MAX_PAGES
from player.media.prepare.packages import MAX_FILES
from player.media.prepare.parent import ArchiveOrder, Prepared, prepare
from tests.fakes.files import slow_picture
from tests.fakes.measured import seconds_at_most
from tests.what_plays import HEIC

PANEL = (640, 360)
T = TypeVar("T")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "cache"


@pytest.fixture(scope="session")
def films(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A second of moving picture in every container, one turned by a quarter, one with the index first, one of sound alone."""
    where = tmp_path_factory.mktemp("films")
    picture = ("-f", "lavfi", "-i", "testsrc=size=320x180:rate=10:duration=1")
    sound = ("-f", "lavfi", "-i", "sine=duration=1")
    h264 = ("-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p")
    made = {
        "plain.mp4": (*picture, *sound, *h264, "-c:a", "aac"),
        "first.mp4": (*picture, *h264, "-movflags", "+faststart"),
        "film.mkv": (*picture, *h264),
        "film.webm": (*picture, "-c:v", "libvpx", "-b:v", "200k"),
        "film.ts": (*picture, *h264),
        "film.avi": (*picture, "-c:v", "mpeg4"),
        "film.mpg": (*picture, *sound, "-r", "25", "-c:v", "mpeg2video", "-c:a", "mp2"),
        "film.m2v": (*picture, "-r", "25", "-c:v", "mpeg2video"),
        "film.wmv": (*picture, *sound, "-c:v", "wmv2", "-c:a", "wmav2"),
        "film.ogv": (*picture, "-c:v", "libtheora"),
        "film.flv": (*picture, *sound, "-c:v", "flv", "-c:a", "aac"),
        "song.ogg": (*sound, "-c:a", "libvorbis"),
        "song.m4a": (*sound, "-c:a", "aac"),
        "song.mkv": (*sound, "-c:a", "aac"),
        "song.mp3": (*sound, "-c:a", "libmp3lame"),
        "bare.mp3": (*sound, "-c:a", "libmp3lame", "-id3v2_version", "0", "-write_xing", "0"),
    }
    for name, options in made.items():
        subprocess.run(("ffmpeg", "-v", "error", "-y", *options, str(where / name)), check=True, timeout=60)
    turn = ("-i", str(where / "plain.mp4"), "-c", "copy", "-metadata:s:v", "rotate=90")
    subprocess.run(("ffmpeg", "-v", "error", "-y", *turn, str(where / "turned.mp4")), check=True, timeout=60)
    return where


def names(folder: Path) -> list[str]:
    """What is in the folder."""
    return sorted(path.name for path in folder.rglob("*")) if folder.exists() else []


async def refusal(source: Path, kind: Kind, folder: Path, **options: float) -> ContentError:
    with pytest.raises(ContentError) as caught:
        await prepare(source, kind, "the name", folder, PANEL, **options)  # type: ignore[arg-type]  # deadline_s alone
    assert str(caught.value).startswith("the name: ")
    assert not names(folder), "a refused file leaves nothing behind"
    return caught.value


def gradient(size: tuple[int, int], mode: str = "RGB") -> Image.Image:
    return Image.merge(
        "RGB", [Image.linear_gradient("L").resize(size), Image.radial_gradient("L").resize(size), Image.new("L", size, 90)]
    ).convert(mode)


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


# --- pictures


async def test_a_photo_is_scaled_down_to_the_panel_and_named_by_its_bytes(tmp_path: Path, folder: Path) -> None:
    source = tmp_path / "photo"
    gradient((2000, 1000)).save(source, "JPEG", quality=90, exif=Image.Exif(), comment=b"secret place")
    done = await prepare(source, Kind.IMAGE, "photo.jpg", folder, PANEL)
    assert done == Prepared(folder / f"{sha256(source)}-640x320.jpg", 640, 320, None, sha256(source), "jpeg")
    with Image.open(done.file) as shown:
        assert (shown.format, shown.size) == ("JPEG", (640, 320))
    assert b"secret" not in done.file.read_bytes()
    assert done.file.stat().st_mode & 0o777 == 0o640
    assert names(folder) == [done.file.name]


async def test_a_small_picture_is_never_scaled_up(tmp_path: Path, folder: Path) -> None:
    source = tmp_path / "small"
    gradient((40, 30)).save(source, "PNG")
    done = await prepare(source, Kind.IMAGE, "small.png", folder, PANEL)
    assert (done.width, done.height) == (40, 30)


@pytest.mark.parametrize("orientation", [3, 6, 8, 5])
async def test_a_photo_is_turned_as_its_exif_says(tmp_path: Path, folder: Path, orientation: int) -> None:
    source, exif = tmp_path / "photo", Image.Exif()
    exif[0x0112] = orientation
    picture = Image.new("RGB", (200, 100), "white")
    picture.paste((255, 0, 0), (0, 0, 60, 100))
    picture.save(source, "JPEG", exif=exif, quality=95)
    done = await prepare(source, Kind.IMAGE, "photo", folder, PANEL)
    assert (done.width, done.height) == ((200, 100) if orientation == 3 else (100, 200))
    red_at = {3: (190, 50), 6: (50, 10), 8: (50, 190), 5: (50, 10)}[orientation]
    with Image.open(done.file) as shown:
        red, green, _ = shown.convert("RGB").getpixel(red_at)  # type: ignore[misc]  # mode RGB
    assert red > 200
    assert green < 60


@pytest.mark.parametrize(
    ("form", "mode", "ending"),
    [
        ("PNG", "RGB", "jpg"),
        ("PNG", "RGBA", "jpg"),  # opaque all over
        ("PNG", "P", "png"),
        ("PNG", "1", "png"),
        ("PNG", "LA", "png"),
        ("PNG", "I;16", "png"),
        ("WEBP", "RGB", "jpg"),
        ("AVIF", "RGB", "jpg"),
        ("GIF", "P", "png"),
        ("BMP", "RGB", "jpg"),
        ("TIFF", "RGB", "jpg"),
        ("TIFF", "CMYK", "jpg"),
        ("TIFF", "1", "png"),
        ("JPEG", "CMYK", "jpg"),
        ("JPEG", "L", "jpg"),
    ],
)
async def test_every_format_and_mode_becomes_png_or_jpeg(tmp_path: Path, folder: Path, form: str, mode: str, ending: str) -> None:
    source = tmp_path / "picture.exe"  # the name says nothing
    if mode == "I;16":
        picture = Image.new("I;16", (60, 40), 0x8000)
    elif mode in ("P", "LA"):
        picture = Image.new("RGB", (60, 40), "navy").convert(mode)
        if mode == "LA":
            picture.putalpha(100)
    else:
        picture = gradient((60, 40), mode)
    picture.save(source, form)
    done = await prepare(source, Kind.IMAGE, "picture", folder, PANEL)
    assert done.file.suffix == f".{ending}"
    with Image.open(done.file) as shown:
        assert shown.size == (60, 40)
        if mode == "I;16":
            assert shown.convert("L").getpixel((5, 5)) == 128
        if mode == "LA":
            assert shown.convert("RGBA").getpixel((5, 5))[3] == 100  # type: ignore[index]  # RGBA


@pytest.mark.parametrize(("drawn", "ending"), [("slide", "png"), ("grey photo", "jpg"), ("photo", "jpg")])
async def test_lettering_stays_sharp_and_photos_stay_small(tmp_path: Path, folder: Path, drawn: str, ending: str) -> None:
    source = tmp_path / "picture"
    picture = Image.effect_noise((900, 600), 40) if drawn == "grey photo" else gradient((900, 600))
    if drawn == "slide":
        picture = Image.new("RGB", (900, 600), "white")
        ImageDraw.Draw(picture).text((40, 40), "Menu of the day", fill="navy", font_size=90)
    picture.save(source, "PNG")
    assert (await prepare(source, Kind.IMAGE, "picture", folder, PANEL)).file.suffix == f".{ending}"


async def test_transparency_is_kept(tmp_path: Path, folder: Path) -> None:
    source = tmp_path / "logo"
    picture = gradient((900, 900), "RGBA")
    picture.putalpha(Image.linear_gradient("L").resize((900, 900)))
    picture.save(source, "WEBP")
    done = await prepare(source, Kind.IMAGE, "logo.webp", folder, PANEL)
    with Image.open(done.file) as shown:
        assert (shown.mode, shown.size, shown.format) == ("RGBA", (640, 640), "PNG")


async def test_colours_of_a_profile_become_srgb(tmp_path: Path, folder: Path) -> None:
    source = tmp_path / "photo"
    lab = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    Image.new("RGB", (50, 50), (10, 120, 200)).save(source, "PNG", icc_profile=lab)
    done = await prepare(source, Kind.IMAGE, "photo", folder, PANEL)
    with Image.open(done.file) as shown:
        assert "icc_profile" not in shown.info
        assert all(abs(a - b) <= 3 for a, b in zip(shown.convert("RGB").getpixel((9, 9)), (10, 120, 200), strict=True))  # type: ignore[arg-type]  # RGB


@pytest.mark.parametrize("form", ["GIF", "PNG"])
async def test_c18_an_animation_is_kept_as_it_is_and_said_so(tmp_path: Path, folder: Path, form: str) -> None:
    source = tmp_path / "moving"
    frames = [Image.new("RGB", (80, 60), colour) for colour in ("red", "green", "blue")]
    frames[0].save(source, form, save_all=True, append_images=frames[1:], duration=200)
    done = await prepare(source, Kind.IMAGE, "moving", folder, PANEL)
    assert (done.animated, done.file, done.width, done.height) == (True, source, 80, 60)
    assert done.duration_s == pytest.approx(0.6)


@pytest.mark.parametrize("form", ["WEBP", "AVIF"])
async def test_an_animation_that_mpv_does_not_play_becomes_one_that_it_does(tmp_path: Path, folder: Path, form: str) -> None:
    source = tmp_path / "moving"
    frames = [Image.new("RGB", (1280, 720), colour) for colour in ("red", "blue", "white")]
    frames[0].save(source, form, save_all=True, append_images=frames[1:], duration=[200, 300, 500])
    done = await prepare(source, Kind.IMAGE, "moving", folder, PANEL)
    assert (done.animated, done.width, done.height, done.duration_s) == (True, 640, 360, pytest.approx(1.0))
    with Image.open(done.file) as shown:
        assert (shown.format, getattr(shown, "n_frames", 1)) == ("PNG", 3)
        shown.seek(1)
        red, _, blue = shown.convert("RGB").getpixel((9, 9))  # type: ignore[misc]  # mode RGB
        assert red < 20 < 235 < blue


async def test_c18_of_a_long_animated_webp_the_first_frame_is_shown(tmp_path: Path, folder: Path) -> None:
    source = tmp_path / "moving"
    frames = [Image.new("RGB", (640, 360), (255, n, 0)) for n in range(0, 240, 1)]
    frames[0].save(source, "WEBP", save_all=True, append_images=frames[1:], lossless=True)
    done = await prepare(source, Kind.IMAGE, "moving", folder, PANEL)
    assert not done.animated
    with Image.open(done.file) as shown:
        assert getattr(shown, "n_frames", 1) == 1


async def test_a_heic_picture_becomes_one_that_is_shown(tmp_path: Path, folder: Path) -> None:
    source = tmp_path / "photo"
    source.write_bytes(HEIC)
    done = await prepare(source, Kind.IMAGE, "photo.heic", folder, PANEL)
    assert (done.width, done.height, done.format) == (64, 32, "heif")
    with Image.open(done.file) as shown:
        red, green, _ = shown.convert("RGB").getpixel((9, 9))  # type: ignore[misc]  # mode RGB
    assert red > 240 > 20 > green


def png_header(width: int, height: int) -> bytes:
    """A PNG of one colour without the cost of making it: rows of zeros, compressed."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    packer = zlib.compressobj(1)
    row = bytes(1 + width * 3)
    rows = b"".join(packer.compress(row) for _ in range(min(height, 2000))) + packer.flush()
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


async def test_c3_a_picture_bomb_is_refused_before_a_pixel_is_decoded(tmp_path: Path, folder: Path) -> None:
    source = tmp_path / "bomb.png"
    source.write_bytes(png_header(16000, 16000))
    error = await refusal(source, Kind.IMAGE, folder)
    assert error.code == "too_large"
    assert "16000 x 16000" in error.reason
    assert not error.transient


LARGEST_CHILD = """
import asyncio, resource, sys
from pathlib import Path
from player.media.prepare.parent import prepare
from player.core.kinds import Kind
from player.errors import ContentError
try:
    asyncio.run(prepare(Path(sys.argv[1]), Kind.IMAGE, "bomb", Path(sys.argv[2]), (1920, 1080)))
except ContentError as error:
    print(error.code, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024)
"""


async def test_c3_a_picture_bomb_costs_no_memory(tmp_path: Path, folder: Path) -> None:
    source = tmp_path / "bomb.png"
    source.write_bytes(png_header(16000, 16000))
    said = subprocess.check_output([sys.executable, "-c", LARGEST_CHILD, str(source), str(folder)], text=True, timeout=60)  # noqa: ASYNC221 - nothing else runs here
    code, mebibytes = said.split()
    assert (code, int(mebibytes) < 120) == ("too_large", True), said


async def test_c3_a_huge_jpeg_is_opened_at_a_fraction_of_its_size(tmp_path: Path, folder: Path) -> None:
    source = tmp_path / "huge.jpg"
    Image.new("L", (12000, 9000), 128).save(source, "JPEG", quality=30)
    done = await prepare(source, Kind.IMAGE, "huge.jpg", folder, PANEL)
    assert (done.width, done.height) == (640, 480)


async def test_c3_an_animation_without_end_is_refused(tmp_path: Path, folder: Path) -> None:
    source = tmp_path / "endless.gif"
    screen = b"GIF89a" + struct.pack("<HHBBB", 7900, 7900, 0x80, 0, 0) + b"\0\0\0\xff\xff\xff"
    frame = b"\x2c" + struct.pack("<HHHHB", 0, 0, 1, 1, 0) + b"\x02\x02\x44\x01\x00"
    source.write_bytes(screen + frame * 40 + b"\x3b")
    assert (await refusal(source, Kind.IMAGE, folder)).code == "too_large"


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "AVIF", "GIF"])
async def test_a_picture_cut_off_is_refused(tmp_path: Path, folder: Path, form: str) -> None:
    source = tmp_path / "half"
    gradient((600, 400)).save(source, form)
    source.write_bytes(source.read_bytes()[: source.stat().st_size // 2])
    assert (await refusal(source, Kind.IMAGE, folder)).code in ("truncated", "damaged")


async def test_c2_an_empty_file_is_refused(tmp_path: Path, folder: Path) -> None:
    source = tmp_path / "nothing"
    source.touch()
    for kind in (Kind.IMAGE, Kind.VIDEO, Kind.PACKAGE, Kind.PDF):
        assert (await refusal(source, kind, folder)).code == "empty"


DRAWING = '<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg" width="300" height="200px"><rect/>{}</svg>'


async def test_a_drawing_stays_as_it_is_once_it_was_read(tmp_path: Path, folder: Path) -> None:
    source = tmp_path / "drawing.png"
    marks = "<g id='mark'><rect/></g>" + "<use href='#mark'/>" * 20_000
    source.write_text(DRAWING.format(f'<image href="file:///etc/passwd"/><script>alert(1)</script>{marks}'))
    done = await prepare(source, Kind.IMAGE, "drawing", folder, PANEL)
    assert done == Prepared(folder / f"{sha256(source)}.svg", 300, 200, None, sha256(source), "svg")
    assert done.file.read_bytes() == source.read_bytes()


@pytest.mark.parametrize(
    "text",
    [
        '<ns0:svg xmlns:ns0="http://www.w3.org/2000/svg" width="300" height="200"><ns0:rect/></ns0:svg>',
        f'<?xml version="1.0"?>\n<!--{"a licence, and <html> in it. " * 200}-->\n{DRAWING.partition("?>")[2]}',
        f"<!DOCTYPE svg [<!ENTITY a 'b'>\n]>{DRAWING.partition('?>')[2].format('<text>&a;</text>')}",
        f"\n\n<!-- #EXTM3U -->{DRAWING.partition('?>')[2]}",
    ],
    ids=["prefix", "comment", "doctype", "words of a playlist"],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
async def test_a_drawing_is_one_whatever_stands_before_its_root(tmp_path: Path, folder: Path, text: str, encoding: str) -> None:
    source = tmp_path / "drawing"
    source.write_text(text, encoding=encoding)
    done = await prepare(source, Kind.IMAGE, "drawing", folder, PANEL)
    assert (done.format, done.width, done.height) == ("svg", 300, 200)


BOMB = "<!DOCTYPE svg [<!ENTITY a '{}'>{}]>".format(
    "a" * 1000, "".join(f"<!ENTITY {name} '{f'&{before};' * 20}'>" for before, name in zip("abcdefg", "bcdefgh", strict=True))
)


# Six levels, each of which draws the one below ten times.
USES = "".join(
    f"<g id='l{n + 1}' {{more}}>" + f"<use {{prefix}}href='#l{n}'/>" * 10 + "</g>" for n in range(6)
) + "<rect id='l0'/>"  # fmt: skip
PATTERNS = "<pattern id='l0'/>" + "".join(
    f"<pattern id='l{n + 1}'>" + (f"<rect fill='url(#l{n})'/>" + f"<rect style=\"fill: url( '#l{n}' ) red\"/>") * 5 + "</pattern>"
    for n in range(6)
)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (DRAWING.format("<g>"), "damaged"),
        ("<svg x='", "damaged"),
        ("<note><svg xmlns='http://www.w3.org/2000/svg'/></note>", "wrong_type"),
        (BOMB + DRAWING.format("<text>&h;</text>").partition("?>")[2], "damaged"),
        (DRAWING.format("<g/>" * 100_001), "too_large"),
        (DRAWING.format(f"<!--{'x' * 2**23}-->"), "too_large"),
        (DRAWING.format(USES.format(prefix="x:", more="xmlns:x='http://www.w3.org/1999/xlink'")), "too_large"),
        (DRAWING.format(USES.format(prefix="", more="")), "too_large"),
        (DRAWING.format(PATTERNS), "too_large"),
    ],
    ids=[
        "open",
        "cut off",
        "inside something else",
        "entities without end",
        "elements",
        "bytes",
        "linked uses",
        "uses",
        "patterns",
    ],
)
async def test_c3_a_drawing_that_is_none_or_too_much_is_refused(tmp_path: Path, folder: Path, text: str, code: str) -> None:
    source = tmp_path / "drawing.svg"
    source.write_text(text)
    assert (await refusal(source, Kind.IMAGE, folder)).code == code


def chunk(kind: bytes, body: bytes, *, right: bool = True) -> bytes:
    """One of a PNG."""
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body) ^ (not right))


@pytest.mark.parametrize(
    "broken",
    [
        chunk(b"eXIf", b"this is no TIFF"),
        chunk(b"eXIf", b"II*\0\xff\xff\xff\xff"),
        chunk(b"iCCP", b"p\0\0" + b"not deflated"),
        chunk(b"zTXt", b"Comment\0\0" + zlib.compress(bytes(80_000_000))),
        chunk(b"tEXt", b"Comment\0words", right=False),
        chunk(b"gAMA", b"\0"),
    ],
    ids=["no TIFF", "leads nowhere", "profile", "text bomb", "checksum", "too short"],
)
async def test_broken_metadata_of_a_png_costs_the_metadata_alone(tmp_path: Path, folder: Path, broken: bytes) -> None:
    source = tmp_path / "p.png"
    picture = Image.new("RGB", (60, 40), (200, 30, 10))
    picture.putpixel((59, 39), (0, 0, 255))
    picture.save(source)
    content = source.read_bytes()
    source.write_bytes(content[:33] + broken + content[33:])
    done = await prepare(source, Kind.IMAGE, "p.png", folder, PANEL)
    with Image.open(done.file) as shown:
        pixels = shown.convert("RGB")
        assert (pixels.size, pixels.getpixel((0, 0)), pixels.getpixel((59, 39))) == ((60, 40), (200, 30, 10), (0, 0, 255))


@pytest.mark.parametrize("form", ["JPEG", "WEBP", "PNG"])
async def test_exif_that_cannot_be_read_turns_nothing(tmp_path: Path, folder: Path, form: str) -> None:
    source = tmp_path / "photo"
    picture = Image.new("RGB", (80, 40), "white")
    picture.paste((255, 0, 0), (0, 0, 40, 40))
    picture.save(source, form, exif=b"Exif\0\0MM\0*\0\0\0\x08\xff\xff" + bytes(range(200)))
    done = await prepare(source, Kind.IMAGE, "photo", folder, PANEL)
    with Image.open(done.file) as shown:
        left, right = (shown.convert("RGB").getpixel((x, 20)) for x in (5, 75))
    assert (shown.size, left[2] < 40, right[2] > 220) == ((80, 40), True, True)


@pytest.mark.parametrize(("mode", "clear"), [("RGB", (0, 255, 0)), ("L", 0), ("P", 0), ("I;16", 0), ("1", 0)])
async def test_the_clear_colour_of_a_png_is_clear(tmp_path: Path, folder: Path, mode: str, clear: object) -> None:
    source = tmp_path / "p.png"
    drawn = Image.new("RGB", (40, 40), (0, 255, 0))
    drawn.paste((255, 255, 255), (20, 0, 40, 40))
    if mode in ("L", "I;16", "1"):
        drawn = Image.new("L", (40, 40), 0)
        drawn.paste(255, (20, 0, 40, 40))
    if mode == "I;16":
        deep = Image.new("I;16", (40, 40), 0)
        deep.paste(65535, (20, 0, 40, 40))
        drawn = deep
    elif mode == "P":
        drawn = drawn.quantize(2)
        clear = drawn.getpixel((0, 0))
    else:
        drawn = drawn.convert(mode)
    drawn.save(source, "PNG", transparency=clear)
    done = await prepare(source, Kind.IMAGE, "p.png", folder, PANEL)
    with Image.open(done.file) as shown:
        pixels = shown.convert("RGBA")
        assert (pixels.getpixel((5, 20))[3], pixels.getpixel((35, 20))) == (0, (255, 255, 255, 255))


# --- videos


async def test_c4_a_codec_that_nobody_knows_is_refused_with_the_remedy(tmp_path: Path, films: Path, folder: Path) -> None:
    source = tmp_path / "film.mp4"
    source.write_bytes((films / "first.mp4").read_bytes().replace(b"avc1", b"zzzz").replace(b"avcC", b"zzzC"))
    error = await refusal(source, Kind.VIDEO, folder)
    assert error.code == "unsupported"
    assert "H.264" in error.reason


async def test_c4_a_video_larger_than_any_panel_is_refused(tmp_path: Path, folder: Path) -> None:
    source = tmp_path / "film.mkv"
    huge = ("-f", "lavfi", "-i", "color=red:s=8400x64:r=1:d=1", "-c:v", "mjpeg", "-pix_fmt", "yuvj420p")
    await asyncio.to_thread(subprocess.run, ("ffmpeg", "-v", "error", *huge, str(source)), check=True, timeout=60)
    error = await refusal(source, Kind.VIDEO, folder)
    assert (error.code, "8400 x 64" in error.reason) == ("too_large", True)


@pytest.mark.parametrize(
    ("name", "form", "codec"),
    [
        ("plain.mp4", "mp4", "h264"),
        ("first.mp4", "mp4", "h264"),
        ("film.mkv", "matroska", "h264"),
        ("film.webm", "matroska", "vp8"),
        ("film.ts", "mpegts", "h264"),
        ("film.avi", "avi", "mpeg4"),
        ("film.mpg", "mpeg", "mpeg2video"),
        ("film.m2v", "mpegvideo", "mpeg2video"),
        ("film.wmv", "asf", "wmv2"),
        ("film.ogv", "ogg", "theora"),
        ("film.flv", "flv", "flv1"),
    ],
)
async def test_a_good_video_is_described_and_stays_where_it_is(films: Path, folder: Path, name: str, form: str, codec: str) -> None:
    done = await prepare(films / name, Kind.VIDEO, name, folder, PANEL)
    assert (done.file, done.width, done.height) == (films / name, 320, 180)
    assert (done.format, done.codec, done.sha256) == (form, codec, sha256(films / name))
    assert done.duration_s == (None if name == "film.m2v" else pytest.approx(1.0, abs=0.2)), "a bare stream tells no length"
    assert done.audio == {"plain.mp4": "aac", "film.mpg": "mp2", "film.wmv": "wmav2", "film.flv": "aac"}.get(name)


@pytest.mark.parametrize("left", [1, 37, 187])
async def test_a_recorded_stream_may_begin_within_a_packet(tmp_path: Path, films: Path, folder: Path, left: int) -> None:
    source = tmp_path / "recorded"
    source.write_bytes((films / "film.ts").read_bytes()[188 - left :])
    done = await prepare(source, Kind.VIDEO, "recorded", folder, PANEL)
    assert (done.format, done.codec, done.width) == ("mpegts", "h264", 320)


TRAILERS = {
    "a camera's": bytes.fromhex("38646f94534546480000000b") + bytes(20),
    "a web server's": b"\n<br />\n<b>Warning</b>:  Cannot modify header information in <b>/var/www/a.php</b> on line <b>3</b>",
    "zeros": bytes(100),
    "a length of five": b"\0\0\0\x05" + bytes(40),
}


@pytest.mark.parametrize("name", ["plain.mp4", "first.mp4"])
@pytest.mark.parametrize("trailer", TRAILERS)
async def test_a_whole_film_with_something_behind_it_is_a_whole_film(
    tmp_path: Path, films: Path, folder: Path, name: str, trailer: str
) -> None:
    source = tmp_path / name
    source.write_bytes((films / name).read_bytes() + TRAILERS[trailer])
    done = await prepare(source, Kind.VIDEO, name, folder, PANEL)
    assert (done.codec, done.width, done.height) == ("h264", 320, 180)


async def test_a_turned_video_is_measured_as_it_is_seen(films: Path, folder: Path) -> None:
    done = await prepare(films / "turned.mp4", Kind.VIDEO, "turned", folder, PANEL)
    assert (done.width, done.height) == (180, 320)


@pytest.mark.parametrize("name", ["song.m4a", "song.mkv", "song.ogg"])
async def test_c18_sound_without_picture_is_refused_with_the_reason(films: Path, folder: Path, name: str) -> None:
    error = await refusal(films / name, Kind.VIDEO, folder)
    assert error.code in ("no_picture", "wrong_type")
    assert "sound" in error.reason


# --- sounds


@pytest.mark.parametrize(
    ("name", "form", "codec"),
    [
        ("bare.mp3", "mp3", "mp3"),
        ("song.m4a", "m4a", "aac"),
        ("song.ogg", "oga", "vorbis"),
        ("song.mkv", "matroska", "aac"),
        ("plain.mp4", "mp4", "aac"),
    ],
)
async def test_a_good_sound_is_described_and_stays_where_it_is(
    tmp_path: Path, films: Path, folder: Path, name: str, form: str, codec: str
) -> None:
    source = tmp_path / "a name that says nothing"
    source.write_bytes((films / name).read_bytes())
    done = await prepare(source, Kind.AUDIO, name, folder, PANEL)
    assert (done.file, done.format, done.audio, done.codec, done.cover, done.shortened) == (source, form, codec, None, None, "")
    assert done.duration_s == pytest.approx(1.0, abs=0.2)
    assert not names(folder)


def with_cover(films: Path, picture: Path, out: Path) -> Path:
    """The song, and the picture as it stands."""
    streams = ("-i", str(films / "song.mp3"), "-i", str(picture), "-map", "0:a", "-map", "1:v", "-c", "copy")
    subprocess.run(
        ("ffmpeg", "-v", "error", "-y", *streams, "-disposition:v", "attached_pic", "-f", "mp3", str(out)), check=True, timeout=60
    )
    return out


async def test_a_cover_is_prepared_as_every_foreign_picture_is(tmp_path: Path, films: Path, folder: Path) -> None:
    noise = Image.effect_noise((1400, 700), 90).convert("RGB")  # more of it than is looked at to tell what the file is
    noise.save(tmp_path / "cover.jpg", quality=95)
    source = with_cover(films, tmp_path / "cover.jpg", tmp_path / "song")
    assert source.stat().st_size > 4 * filetype.HEAD_BYTES
    done = await prepare(source, Kind.AUDIO, "song", folder, PANEL)
    assert (done.file, done.width, done.height, done.shortened) == (source, 640, 320, "")
    assert done.cover == folder / f"{sha256(source)}-640x320.jpg"
    assert names(folder) == [done.cover.name]
    with Image.open(done.cover) as shown:
        assert shown.size == (640, 320)


@pytest.mark.parametrize(
    ("cover", "reason"),
    [
        ("moves.gif", "its cover moves"),
        ("bomb.png", "its 9000 x 9000 pixels"),
        ("torn.png", "its cover cannot be shown"),
        ("late.jpg", "its cover is no kind of file"),
    ],
)
async def test_a_cover_that_cannot_be_shown_costs_itself(
    tmp_path: Path, films: Path, folder: Path, cover: str, reason: str
) -> None:
    picture = tmp_path / cover
    if cover == "moves.gif":
        moving = [Image.new("RGB", (64, 36), colour) for colour in ("red", "blue")]
        moving[0].save(picture, save_all=True, append_images=moving[1:], duration=200)
        song = tagged(films, "image/gif", picture.read_bytes())
    elif cover == "late.jpg":  # ffmpeg looks for where it begins
        gradient((64, 36)).save(picture)
        song = tagged(films, "image/jpeg", bytes(64) + picture.read_bytes())
    else:
        gradient((64, 36)).save(picture)
        torn = bytearray(picture.read_bytes())
        if cover == "bomb.png":
            torn[16:24] = (9000).to_bytes(4, "big") * 2
            torn[29:33] = zlib.crc32(torn[12:29]).to_bytes(4, "big")
        else:
            torn = torn[: len(torn) // 2]
        song = tagged(films, "image/png", bytes(torn))
    source = tmp_path / "song"
    source.write_bytes(song)
    done = await prepare(source, Kind.AUDIO, "song", folder, PANEL)
    assert (done.audio, done.cover, done.file) == ("mp3", None, source)
    assert reason in done.shortened
    assert "it is heard without" in done.shortened
    assert not names(folder)


def tagged(films: Path, mime: str, picture: bytes) -> bytes:
    """The bare song behind an ID3 tag of version 2.3 with that picture, whatever it is."""
    attached = b"\0" + mime.encode() + b"\0\x03\0" + picture
    frame = b"APIC" + len(attached).to_bytes(4, "big") + b"\0\0" + attached
    size = bytes(len(frame) >> shift & 0x7F for shift in (21, 14, 7, 0))
    return b"ID3\x03\0\0" + size + frame + (films / "bare.mp3").read_bytes()


@pytest.mark.parametrize(
    ("name", "reason"),
    [("film.ts", "its bytes are a video"), ("first.mp4", "no sound")],
)
async def test_what_cannot_be_heard_is_no_sound(films: Path, folder: Path, name: str, reason: str) -> None:
    assert reason in (await refusal(films / name, Kind.AUDIO, folder)).reason


async def test_c1_a_sound_that_is_noise_behind_its_first_bytes_is_refused(tmp_path: Path, folder: Path) -> None:
    for begin in (b"ID3\x03\0\0\0\0\0\0", b"fLaC", b"\xff\xfb\x90\x00"):
        source = tmp_path / "noise"
        source.write_bytes(begin + random.Random(1).randbytes(50_000).replace(b"\xff", b"\0"))
        assert (await refusal(source, Kind.AUDIO, folder)).code in ("damaged", "unsupported")


def again(films: Path, name: str, out: Path, *words: str) -> bytes:
    """What ffmpeg makes of that film or song, told in its words."""
    subprocess.run(("ffmpeg", "-v", "error", "-y", "-i", str(films / name), *words, str(out)), check=True, timeout=60)
    return out.read_bytes()


@pytest.mark.parametrize(("form", "codec"), [("adts", "aac"), ("flac", "flac")])
async def test_behind_a_tag_may_stand_another_sound_than_mp3(
    tmp_path: Path, films: Path, folder: Path, form: str, codec: str
) -> None:
    source = tmp_path / "song"
    source.write_bytes(b"ID3\x03\0\0\0\0\0\0" + again(films, "song.m4a", tmp_path / "made", "-c", codec, "-f", form))
    done = await prepare(source, Kind.AUDIO, "song", folder, PANEL)
    assert (done.format, done.audio) == ("mp3", codec)


@pytest.mark.parametrize(("name", "form"), [("song.m4a", "ipod"), ("plain.mp4", "mp4")])
async def test_c1_a_sound_of_which_the_end_is_missing_is_refused(
    tmp_path: Path, films: Path, folder: Path, name: str, form: str
) -> None:
    whole = again(films, name, tmp_path / "made", "-c", "copy", "-movflags", "+faststart", "-f", form)
    source = tmp_path / "song"
    source.write_bytes(whole[: len(whole) * 9 // 10])
    assert (await refusal(source, Kind.AUDIO, folder)).code == "truncated"


async def test_c1_a_sound_of_which_nothing_can_be_decoded_is_refused_with_the_reason(
    tmp_path: Path, films: Path, folder: Path
) -> None:
    song = bytearray((films / "song.m4a").read_bytes())
    start, end = song.index(b"mdat") + 4, song.index(b"moov") - 4
    flac = again(films, "song.m4a", tmp_path / "made.flac")
    files = {
        "noise": (bytes(song[:start]) + random.Random(3).randbytes(end - start) + bytes(song[end:]), "it cannot be decoded"),
        "silent": (flac[: flac.index(b"\xff\xf8")], "nothing of it can be decoded"),
        "unknown": (bytes(song).replace(b"mp4a", b"ac-4").replace(b"esds", b"free"), "export it as MP3 or FLAC"),
    }
    for name, (content, reason) in files.items():
        (tmp_path / name).write_bytes(content)
        assert reason in (await refusal(tmp_path / name, Kind.AUDIO, folder)).reason, name


@pytest.mark.parametrize("name", ["plain.mp4", "first.mp4"])
@pytest.mark.parametrize("share", [0.3, 0.9])
async def test_c1_a_truncated_mp4_is_refused_wherever_its_index_is(
    tmp_path: Path, films: Path, folder: Path, name: str, share: float
) -> None:
    source = tmp_path / name
    whole = (films / name).read_bytes()
    source.write_bytes(whole[: int(len(whole) * share)])
    assert (await refusal(source, Kind.VIDEO, folder)).code == "truncated"


async def test_c1_random_bytes_are_refused(tmp_path: Path, folder: Path) -> None:
    source = tmp_path / "noise.mp4"
    source.write_bytes(random.Random(1).randbytes(50_000))
    assert (await refusal(source, Kind.VIDEO, folder)).code == "unsupported"


async def test_c1_a_video_of_noise_inside_good_boxes_is_refused(tmp_path: Path, films: Path, folder: Path) -> None:
    source = tmp_path / "film.mp4"
    whole = bytearray((films / "first.mp4").read_bytes())
    start = whole.index(b"mdat") + 4
    whole[start:] = random.Random(2).randbytes(len(whole) - start)
    source.write_bytes(whole)
    assert (await refusal(source, Kind.VIDEO, folder)).code == "damaged"


class Listener:
    """A server that counts who connects."""

    def __init__(self) -> None:
        import socket

        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        self.connections = 0
        self._thread = Thread(target=self._accept, daemon=True)
        self._thread.start()

    def _accept(self) -> None:
        while True:
            try:
                self.socket.accept()[0].close()
            except OSError:
                return
            self.connections += 1

    def close(self) -> None:
        import socket

        self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()
        self._thread.join(5)


@pytest.fixture
def listener() -> Iterator[Listener]:
    made = Listener()
    yield made
    made.close()


def hostile(films: Path, port: int) -> dict[str, bytes]:
    """What a server may call a video: playlists, descriptions and archives that lead to other files or into the network."""
    film, web = films / "plain.mp4", f"http://127.0.0.1:{port}/x.mp4"
    return {
        "m3u to a file": f"#EXTM3U\n{film}\n".encode(),
        "m3u to a file URL": f"#EXTM3U\nfile://{film}\n".encode(),
        "m3u without a header": f"{film}\n".encode(),
        "m3u to edl": f"#EXTM3U\nedl://{film}\n".encode(),
        "m3u to the network": f"#EXTM3U\n{web}\n".encode(),
        "pls": f"[playlist]\nFile1={web}\nNumberOfEntries=1\n".encode(),
        "asx": f'<asx version="3.0"><entry><ref href="{web}"/></entry></asx>'.encode(),
        "edl to a file": f"# mpv EDL v0\n{film},0,1\n".encode(),
        "edl to the network": f"# mpv EDL v0\n{web}\n".encode(),
        "hls to a file": f"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nfile://{film}\n#EXT-X-ENDLIST\n".encode(),
        "hls upwards": b"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n../plain.mp4\n#EXT-X-ENDLIST\n",
        "hls key": f'#EXTM3U\n#EXT-X-KEY:METHOD=AES-128,URI="file:///etc/hostname"\n#EXTINF:1,\n{web}\n'.encode(),
        "hls with a byte order mark": b"\xef\xbb\xbf#EXTM3U\n" + web.encode(),
        "dash": f'<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011"><BaseURL>file://{film}</BaseURL></MPD>'.encode(),
        "ffconcat": f"ffconcat version 1.0\nfile '{film}'\n".encode(),
        "ffconcat beside": b"ffconcat version 1.0\nfile plain.mp4\n",
        "sdp": b"v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=x\r\nc=IN IP4 127.0.0.1\r\nm=video 5004 RTP/AVP 96\r\n",
        "svg": b'<svg xmlns="http://www.w3.org/2000/svg"><image href="file:///etc/hostname"/></svg>',
        "html": f'<!doctype html><video src="{web}">'.encode(),
        "zip": b"PK\x03\x04" + bytes(200),
        "tar": bytes(257) + b"ustar" + bytes(400),
        "gzip": b"\x1f\x8b\x08" + bytes(100),
        "shell": b"#!/bin/sh\ntouch /tmp/owned\n",
        "subtitles": b"1\n00:00:00,000 --> 00:00:05,000\nhello\n",
        "cue": f'FILE "{film}" WAVE\n  TRACK 01 AUDIO\n'.encode(),
        "url file": f"[InternetShortcut]\nURL={web}\n".encode(),
        "polyglot": b"\0\0\0\x08free#EXTM3U\n" + web.encode() + b"\n",
        "reference movie": reference_movie(web),
        "jpeg": b"\xff\xd8\xff\xe0" + bytes(100),
    }


def reference_movie(url: str) -> bytes:
    """A QuickTime file that holds nothing but the address of another."""

    def box(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body) + 8) + kind + body

    server_http = url.encode() + b"\0"
    reference = box(b"rdrf", struct.pack(">I", 0) + b"url " + struct.pack(">I", len(server_http)) + server_http)
    return box(b"ftyp", b"qt  \0\0\0\0qt  ") + box(b"moov", box(b"rmra", box(b"rmda", reference)))


async def test_c10_nothing_that_only_calls_itself_mp4_is_opened(
    tmp_path: Path, films: Path, folder: Path, listener: Listener
) -> None:
    codes = {}
    corpus = hostile(films, listener.port)
    room = asyncio.Semaphore(3)

    async def judge(name: str, content: bytes) -> None:
        source = tmp_path / f"{hashlib.md5(name.encode()).hexdigest()}.mp4"
        source.write_bytes(content)
        async with room:
            error = await refusal(source, Kind.VIDEO, folder)
        codes[name] = error.code
        assert not error.transient, name

    async with asyncio.TaskGroup() as group:
        for name, content in corpus.items():
            group.create_task(judge(name, content), name=name)
    assert len(codes) == len(corpus)
    assert set(codes.values()) <= {"wrong_type", "unsupported", "damaged", "truncated"}
    assert listener.connections == 0
    assert (await prepare(films / "plain.mp4", Kind.VIDEO, "good", folder, PANEL)).codec == "h264"


async def test_c10_a_matroska_film_cannot_pull_in_the_network(
    tmp_path: Path, films: Path, folder: Path, listener: Listener
) -> None:
    """The reader is chosen by the file's own bytes, so a playlist behind a film's first bytes is never looked for."""
    source = tmp_path / "film.mp4"
    source.write_bytes(b"\x1aE\xdf\xa3" + f"\n#EXTM3U\nhttp://127.0.0.1:{listener.port}/\n".encode() * 50)
    assert (await refusal(source, Kind.VIDEO, folder)).code == "damaged"
    assert listener.connections == 0


async def test_each_kind_refuses_the_bytes_of_another(tmp_path: Path, films: Path, folder: Path) -> None:
    picture = tmp_path / "film.mp4"
    gradient((30, 30)).save(picture, "PNG")
    error = await refusal(picture, Kind.VIDEO, folder)
    assert (error.code, "png" in error.reason) == ("wrong_type", True)
    assert (await refusal(films / "plain.mp4", Kind.IMAGE, folder)).code == "wrong_type"
    assert (await refusal(picture, Kind.PACKAGE, folder)).code == "wrong_type"
    assert (await refusal(picture, Kind.PDF, folder)).code == "wrong_type"
    assert (await refusal(picture, Kind.WEB, folder)).code == "wrong_type"


# --- the child


async def test_c4_a_file_that_takes_too_long_is_given_up_and_nothing_is_left_running(tmp_path: Path, folder: Path) -> None:
    source = tmp_path / "slow.gif"
    slow_picture(source)
    for _ in seconds_at_most(4.0):  # one that is waited for instead of ended takes longer
        error = await refusal(source, Kind.IMAGE, folder, deadline_s=0.3)
        assert error.code == "timeout"
        assert error.transient
    assert not children()


def children() -> list[str]:
    """This process's children that still live, by their command lines."""
    found = []
    for task in Path("/proc/self/task").iterdir():
        for pid in (task / "children").read_text().split():
            command = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
            if "player.media.prepare" in command:
                found.append(command)
    return found


async def test_cancelling_ends_the_child(tmp_path: Path, folder: Path) -> None:
    source = tmp_path / "slow.gif"
    slow_picture(source)
    for _ in seconds_at_most(4.0):  # one that is waited for instead of ended takes longer
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.15):
                await prepare(source, Kind.IMAGE, "big", folder, PANEL)
    assert not children()


def test_p8_the_child_dies_with_the_agent(tmp_path: Path) -> None:
    source = tmp_path / "slow.gif"
    slow_picture(source)
    code = (
        "import asyncio, sys, pathlib; from player.media.prepare.parent import prepare; from player.core.kinds import Kind;"
        "asyncio.run(prepare(pathlib.Path(sys.argv[1]), Kind.IMAGE, 'x', pathlib.Path(sys.argv[2]), (640, 360)))"
    )
    agent = subprocess.Popen((sys.executable, "-c", code, source, tmp_path / "cache"))
    try:
        nursery = eventually(lambda: Path(f"/proc/{agent.pid}/task/{agent.pid}/children").read_text().split())[0]
        child = eventually(lambda: Path(f"/proc/{nursery}/task/{nursery}/children").read_text().split())[0]
        eventually(lambda: "Max open files            128" in Path(f"/proc/{child}/limits").read_text())
    finally:
        agent.kill()
        agent.wait(10)
    eventually(lambda: ended(child) and ended(nursery), within_s=3)  # by itself it would go on for longer


def ended(pid: str) -> bool:
    """Gone, or dead and waiting to be collected by whoever inherited it."""
    try:
        return ") Z " in Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return True


def eventually(check: Callable[[], T], within_s: float = 20) -> T:
    """What `check` answers once it is true."""
    until = time.monotonic() + within_s
    while time.monotonic() < until:
        if answer := check():
            return answer
        time.sleep(0.02)
    raise AssertionError(f"it did not happen within {within_s} s")


async def test_a_known_hash_is_taken_as_it_is(tmp_path: Path, folder: Path) -> None:
    source = tmp_path / "p.png"
    gradient((20, 20)).save(source, "PNG")
    assert (await prepare(source, Kind.IMAGE, "p", folder, PANEL, sha256="ab" * 32)).sha256 == "ab" * 32


async def test_a_missing_file_and_a_folder_that_cannot_be_written_are_the_disks_fault(tmp_path: Path) -> None:
    with pytest.raises(StorageError):
        await prepare(tmp_path / "none", Kind.IMAGE, "none", tmp_path, PANEL)
    source, barred = tmp_path / "p.png", tmp_path / "barred"
    gradient((20, 20)).save(source, "PNG")
    barred.write_text("a file stands where the folder should be")
    with pytest.raises(StorageError):
        await prepare(source, Kind.IMAGE, "p", barred, PANEL)


# --- packages


def package(path: Path, files: dict[str, bytes], **attributes: int) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            entry = zipfile.ZipInfo(name)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = attributes.get("mode", 0o644) << 16
            archive.writestr(entry, content)
    return path


async def test_a_package_is_unpacked_into_its_own_folder(tmp_path: Path, folder: Path) -> None:
    source = package(tmp_path / "menu.zip", {"index.html": b"<h1>Menu", "img/a.png": b"x", "b.css": b"y"})
    done = await prepare(source, Kind.PACKAGE, "menu", folder, PANEL)
    assert done.file == folder / sha256(source) / "index.html"
    assert done.file.read_bytes() == b"<h1>Menu"
    assert (done.file.parent / "img/a.png").read_bytes() == b"x"
    assert names(folder) == sorted([sha256(source), "index.html", "img", "a.png", "b.css"])
    again = await prepare(source, Kind.PACKAGE, "menu", folder, PANEL)
    assert again == done


async def test_a_page_alone_is_a_package_too(tmp_path: Path, folder: Path) -> None:
    source = tmp_path / "page"
    source.write_text("<!-- a page --><body><h1>Menu</h1>")
    for _ in range(2):
        done = await prepare(source, Kind.PACKAGE, "page", folder, PANEL)
        assert (done.file, done.format) == (folder / sha256(source) / "index.html", "html")
        assert names(folder) == [sha256(source), "index.html"]


async def test_a_single_folder_around_a_package_is_taken_off(tmp_path: Path, folder: Path) -> None:
    source = package(tmp_path / "menu.zip", {"menu/index.html": b"<h1>", "menu/js/a.js": b"1"})
    done = await prepare(source, Kind.PACKAGE, "menu", folder, PANEL)
    assert (done.file.parent / "js/a.js").exists()


async def test_what_a_mac_packs_beside_a_page_is_left_out(tmp_path: Path, folder: Path) -> None:
    packed = {
        "site/index.html": b"<h1>Menu",
        "site/._index.html": b"Mac OS X",
        "site/.DS_Store": b"x",
        ".DS_Store": b"x",
        "__MACOSX/site/._index.html": b"Mac OS X",
        "__MACOSX/._site": b"x",
        "Thumbs.db": b"x",
    }
    done = await prepare(package(tmp_path / "menu.zip", packed), Kind.PACKAGE, "menu", folder, PANEL)
    assert (done.file.read_bytes(), names(done.file.parent)) == (b"<h1>Menu", ["index.html"])


async def test_names_in_a_package_are_what_the_page_calls_them(tmp_path: Path, folder: Path) -> None:
    """A Mac does not say that its names are UTF-8 and takes letters apart; Windows programs write backslashes."""
    source = tmp_path / "menu.zip"
    taken_apart = unicodedata.normalize("NFD", "bücher.png").encode()
    package(
        source, {"site\\Index.HTM": b"<img src=bu.cher.png>", "site\\img\\a.png": b"1", "site\\" + "x" * len(taken_apart): b"2"}
    )
    source.write_bytes(source.read_bytes().replace(b"x" * len(taken_apart), taken_apart))
    done = await prepare(source, Kind.PACKAGE, "menu", folder, PANEL)
    assert names(done.file.parent) == ["Index.HTM", "a.png", "bücher.png", "img"]
    assert done.file.name == "Index.HTM"


@pytest.mark.parametrize(
    "name", ["../evil.html", "a/../../evil.html", "/etc/cron.d/evil", "C:/evil.html", "..\\evil.html", "a" * 500, "b/./../../x"]
)
async def test_c8_an_entry_that_leads_out_of_the_package_is_refused(tmp_path: Path, folder: Path, name: str) -> None:
    source = package(tmp_path / "bad.zip", {"index.html": b"ok", name: b"evil"})
    assert (await refusal(source, Kind.PACKAGE, folder)).code == "damaged"
    assert not any("evil" in name for name in names(tmp_path))


async def test_links_in_a_package_are_refused(tmp_path: Path, folder: Path) -> None:
    source = package(tmp_path / "bad.zip", {"index.html": b"/etc/passwd"}, mode=0o120777)
    assert (await refusal(source, Kind.PACKAGE, folder)).code == "damaged"


async def test_a_package_without_index_or_too_large_or_with_too_many_files_is_refused(tmp_path: Path, folder: Path) -> None:
    assert (await refusal(package(tmp_path / "a.zip", {"page.html": b""}), Kind.PACKAGE, folder)).code == "wrong_type"
    many = package(tmp_path / "b.zip", {f"{n}.txt": b"" for n in range(MAX_FILES)} | {"index.html": b""})
    assert (await refusal(many, Kind.PACKAGE, folder)).code == "too_large"
    zeros = bytes(30 * 1024 * 1024)
    bomb = package(tmp_path / "c.zip", {f"{n}.bin": zeros for n in range(9)} | {"index.html": b""})
    assert bomb.stat().st_size < 1_000_000
    assert (await refusal(bomb, Kind.PACKAGE, folder)).code == "too_large"


async def test_an_archive_whose_table_of_contents_is_longer_than_any_is_refused_before_it_is_read(
    tmp_path: Path, folder: Path
) -> None:
    entry = struct.pack("<IHHHHHHIIIHHHHHII", 0x02014B50, 20, 20, 0, 0, 0, 0, 0, 0, 0, 7, 0, 0, 0, 0, 0, 0)
    table = b"".join(entry + b"%07d" % number for number in range(100_000))
    end = struct.pack("<IHHHHIIH", 0x06054B50, 0, 0, 0xFFFF, 0xFFFF, len(table), 31, 0)
    source = tmp_path / "many.zip"
    source.write_bytes(struct.pack("<IHHHHHIIIHH", 0x04034B50, 20, 0, 0, 0, 0, 0, 0, 0, 1, 0) + b"a" + table + end)
    refused = await refusal(source, Kind.PACKAGE, folder)
    assert (refused.code, "its table of contents has 5175 KiB" in refused.reason) == ("damaged", True)
    with pytest.raises(ContentError, match="its table of contents"):
        archives.carry_out(ArchiveOrder(ArchiveRoom(10, 10)), source, folder, "the archive")


async def test_two_entries_of_one_path_are_refused(tmp_path: Path, folder: Path) -> None:
    source = package(tmp_path / "bad.zip", {"index.html": b"", "a": b"file", "a/b": b"below it"})
    assert (await refusal(source, Kind.PACKAGE, folder)).code == "damaged"


async def test_a_package_cut_off_is_refused(tmp_path: Path, folder: Path) -> None:
    source = package(tmp_path / "half.zip", {"index.html": b"<h1>" * 500, "b": os.urandom(5000)})
    source.write_bytes(source.read_bytes()[:3000])
    assert (await refusal(source, Kind.PACKAGE, folder)).code == "damaged"


# --- documents


def document(path: Path, pages: int, size: tuple[float, float] = (595, 842)) -> Path:
    made = pypdfium2.PdfDocument.new()
    for _ in range(pages):
        made.new_page(*size)
    made.save(path)
    made.close()
    return path


async def test_each_page_of_a_document_becomes_a_picture_that_fits_the_panel_however_it_hangs(tmp_path: Path, folder: Path) -> None:
    source = document(tmp_path / "menu.pdf", 3)
    done = await prepare(source, Kind.PDF, "menu.pdf", folder, PANEL)
    assert (len(done.pages), done.shortened) == (3, "")
    assert done.file == done.pages[0]
    assert (done.width, done.height) == (PANEL[1], 510), "an upright page fills the width of an upright panel"
    for page in done.pages:
        with Image.open(page) as shown:
            assert shown.size == (done.width, done.height)
            assert shown.convert("L").getpixel((5, 5)) == 255
    wide = await prepare(document(tmp_path / "wide.pdf", 1, (1600, 900)), Kind.PDF, "wide.pdf", folder, PANEL)
    assert (wide.width, wide.height) == PANEL


FORM = b"""%PDF-1.7
1 0 obj <</Type/Catalog/Pages 2 0 R/AcroForm<</Fields[4 0 R]>>>> endobj
2 0 obj <</Type/Pages/Kids[3 0 R]/Count 1>> endobj
3 0 obj <</Type/Page/Parent 2 0 R/MediaBox[0 0 640 360]/Annots[4 0 R]>> endobj
4 0 obj <</Type/Annot/Subtype/Widget/FT/Tx/T(name)/V(Ada)/F 4/Rect[100 100 300 200]/P 3 0 R/AP<</N 5 0 R>>>> endobj
5 0 obj <</Type/XObject/Subtype/Form/BBox[0 0 200 100]/Length 28>> stream
0 0 1 rg 0 0 200 100 re f  \nendstream endobj
trailer <</Root 1 0 R>>
"""


@pytest.mark.parametrize(
    "before", [b"", b"\n<br />\n<b>Warning</b>: something\n", bytes(range(128, 200)) * 4], ids=["form", "words", "bytes"]
)
async def test_a_form_is_drawn_as_it_was_filled_in_and_what_stands_before_a_document_is_passed_over(
    tmp_path: Path, folder: Path, before: bytes
) -> None:
    source = tmp_path / "form.pdf"
    source.write_bytes(before + FORM)
    done = await prepare(source, Kind.PDF, "form.pdf", folder, PANEL)
    with Image.open(done.file) as shown:
        assert (shown.getpixel((200, 210)), shown.getpixel((50, 50))) == ((0, 0, 255), (255, 255, 255))


async def test_of_a_long_document_all_pages_are_shown_and_of_a_longer_one_the_first_with_a_sentence(
    tmp_path: Path, folder: Path
) -> None:
    whole = await prepare(document(tmp_path / "long.pdf", 51, (64, 36)), Kind.PDF, "long", folder, (64, 36))
    assert (len(whole.pages), whole.shortened) == (51, "")
    part = await prepare(document(tmp_path / "longer.pdf", MAX_PAGES + 1, (64, 36)), Kind.PDF, "longer", folder, (64, 36))
    assert len(part.pages) == MAX_PAGES
    assert f"{MAX_PAGES + 1} pages, and only the first {MAX_PAGES} can be shown" in part.shortened
    slow = documents.prepare(document(tmp_path / "slow.pdf", 3), "slow", folder, PANEL, "ab" * 32, within_s=0.0)
    assert (len(slow.pages), "only the first 1 can be shown" in slow.shortened) == (1, True)


async def test_a_broken_document_is_refused(tmp_path: Path, folder: Path) -> None:
    broken = tmp_path / "broken.pdf"
    broken.write_bytes(b"%PDF-1.7\n" + os.urandom(500))
    assert (await refusal(broken, Kind.PDF, folder)).code == "damaged"


# --- magic


@given(st.binary(max_size=600))
def test_any_bytes_are_judged_without_an_error(head: bytes) -> None:
    assert isinstance(filetype.described(filetype.sniff(head)), str)


def test_what_begins_as_a_frame_of_sound_does_is_told_from_what_does_not() -> None:
    assert [filetype.sniff(head) for head in (b"\xff\xfb\x90\x00", b"\xff\xf3\x44\xc4", b"\xff\xe3\x18\xc4")] == ["mp3"] * 3
    assert [filetype.sniff(head) for head in (b"\xff\xf1\x50\x80", b"\xff\xf9\x5c\x40")] == ["aac"] * 2
    assert filetype.sniff("Menü".encode("utf-16")) == "text", "its mark looks like one of layer I"
    assert [filetype.sniff(b"\xff" + rest) for rest in (b"\xfb\xf0\x00", b"\xfb\x9c\x00", b"\xeb\x90\x00", b"\xf1\x7c\x80")] == [
        ""
    ] * 4


def test_text_is_text_in_any_language() -> None:
    assert filetype.sniff("Ein Text über Äpfel. 你好".encode()) == "text"
    assert filetype.sniff(("ä" * 3000).encode()) == "text"
    assert filetype.sniff(b"\x00\x01\x02") == ""


@pytest.mark.root
async def test_as_root_a_document_is_prepared_into_the_folder_of_the_players_user(tmp_path: Path):
    folder = tmp_path / "cache"
    folder.mkdir(mode=0o700)
    shutil.chown(folder, "signage", "signage")
    done = await prepare(document(tmp_path / "menu.pdf", 2), Kind.PDF, "menu.pdf", folder, PANEL)
    assert len(done.pages) == 2
