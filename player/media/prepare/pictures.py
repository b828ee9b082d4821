"""Pictures, decoded once: turned by EXIF, scaled down to the panel, written as the player's own PNG or JPEG (in the child only).

The header's dimensions are judged before a pixel is decoded, so that a bomb costs nothing. Animated GIF and PNG stay as they are,
after every frame was seen to decode; other animations, which mpv does not play, become PNG ones, or their first frame where they
are long. Broken metadata costs the metadata alone: a PNG that does not open is tried again with nothing but what draws it.
"""

from __future__ import annotations

import contextlib
import io
import struct
import zlib
from pathlib import Path
from typing import IO

from PIL import Image, ImageCms, ImageSequence, UnidentifiedImageError

from player.errors import ContentError
from player.media.prepare.parent import Prepared
from player.store import write_synced

MAX_PIXELS = 64_000_000
MAX_ANIMATION_PIXELS = 2_000_000_000  # of all frames together
MAX_REDRAWN_PIXELS = 32_000_000  # of all frames as they are shown: they are in memory together
FILE_MODE = 0o640
_FORMATS = {
    "jpeg": ("JPEG", "MPO"),
    "png": ("PNG",),
    "gif": ("GIF",),
    "webp": ("WEBP",),
    "avif": ("AVIF",),
    "bmp": ("BMP",),
    "heif": ("HEIF",),
    "tiff": ("TIFF",),
}
_FEW_COLOURS, _SAMPLE = 16, 256  # of a sample of so many pixels square
_UNREADABLE = (UnidentifiedImageError, EOFError, SyntaxError, ValueError, OSError, Image.DecompressionBombError)
_PNG_START, _PNG_DRAWS = 8, (b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND")
_ORIENTATION = 0x0112
_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}

Image.preinit()  # what opens the usual pictures is there before children are forked


def prepare(source: Path, kind: str, name: str, folder: Path, panel: tuple[int, int], digest: str) -> Prepared:
    """The picture, ready to be shown: within a square of the panel's longer side, however the panel hangs; never scaled up."""
    Image.MAX_IMAGE_PIXELS = None  # judged here, against the size that is really decoded
    box = (max(panel), max(panel))
    try:
        return _prepared(source, source, kind, name, folder, box, digest)
    except _UNREADABLE as error:
        bare = _bare_png(source) if kind == "png" else None
        if bare is None:
            raise _refused(name, error) from error
    try:
        return _prepared(source, bare, kind, name, folder, box, digest)
    except _UNREADABLE as error:
        raise _refused(name, error) from error


def _prepared(
    source: Path, content: Path | IO[bytes], kind: str, name: str, folder: Path, box: tuple[int, int], digest: str
) -> Prepared:
    """From `content`, which is `source` or what is readable of it."""
    with _opened(content, kind, name) as image:
        if kind in ("gif", "png") and getattr(image, "is_animated", False):
            return _animated(image, source, kind, name, digest)
        _draft(image, box)
        _check_size(image, name)
        if _can_be_redrawn(image, box):
            return _redrawn(image, box, kind, folder, digest)
        image.load()
        flat = kind != "jpeg" and _is_flat(image)
        shown = _shown(image, box)
    return _written(shown, kind, folder, digest, flat=flat)


def _opened(content: Path | IO[bytes], kind: str, name: str) -> Image.Image:
    if kind == "heif":
        try:
            import pi_heif
        except ImportError as error:  # there are no wheels of it for some systems
            reason = "HEIC pictures need the package pi-heif on this box; export it as JPEG"
            raise ContentError("unsupported", name, reason, transient=False) from error
        pi_heif.register_heif_opener()
    return Image.open(content, formats=_FORMATS[kind])


def _bare_png(source: Path) -> IO[bytes] | None:
    """The picture without its metadata; None where a chunk that draws it is broken, or cut off."""
    content = source.read_bytes()
    out, at = [content[:_PNG_START]], _PNG_START
    while at + 12 <= len(content):
        length, kind = struct.unpack_from(">I4s", content, at)
        chunk = content[at : at + 12 + length]
        at += len(chunk)
        if kind in _PNG_DRAWS:
            if len(chunk) < 12 + length or zlib.crc32(chunk[4:-4]) != int.from_bytes(chunk[-4:], "big"):
                return None
            out.append(chunk)
    return io.BytesIO(b"".join(out))


def _draft(image: Image.Image, box: tuple[int, int]) -> None:
    """Has a JPEG decoded at a half, a quarter or an eighth of its size, where that is still larger than what is shown."""
    fitting = min(box[0] / image.width, box[1] / image.height)
    if fitting < 1:
        image.draft(image.mode, (max(1, int(image.width * fitting)), max(1, int(image.height * fitting))))


def _check_size(image: Image.Image, name: str) -> None:
    if image.width * image.height > MAX_PIXELS:
        most = f"{MAX_PIXELS // 10**6} million"
        reason = f"its {image.width} x {image.height} pixels are more than the {most} that are opened; make it smaller"
        raise ContentError("too_large", name, reason, transient=False)


def _animated(image: Image.Image, source: Path, kind: str, name: str, digest: str) -> Prepared:
    """Every frame is decoded here once, within a budget; the file itself is what is shown."""
    _check_size(image, name)
    duration_ms = 0.0
    for number, frame in enumerate(ImageSequence.Iterator(image), 1):
        if max(number, getattr(image, "n_frames", 1)) * image.width * image.height > MAX_ANIMATION_PIXELS:
            reason = f"its animation of {image.width} x {image.height} pixels is too long; make a video of it"
            raise ContentError("too_large", name, reason, transient=False)
        frame.load()
        duration_ms += float(frame.info.get("duration") or 0)
    return Prepared(source, image.width, image.height, duration_ms / 1000 or None, digest, kind, animated=True)


def _scale(image: Image.Image, box: tuple[int, int]) -> float:
    return min(1.0, box[0] / image.width, box[1] / image.height)


def _can_be_redrawn(image: Image.Image, box: tuple[int, int]) -> bool:
    frames = getattr(image, "n_frames", 1) if image.format in ("WEBP", "AVIF") else 1
    return frames > 1 and frames * image.width * image.height * _scale(image, box) ** 2 <= MAX_REDRAWN_PIXELS


def _redrawn(image: Image.Image, box: tuple[int, int], kind: str, folder: Path, digest: str) -> Prepared:
    """An animated PNG of the same frames, each as long as it was, no larger than the panel."""
    scale = _scale(image, box)
    size = max(1, round(image.width * scale)), max(1, round(image.height * scale))
    frames, lengths_ms = [], []
    for frame in ImageSequence.Iterator(image):
        frames.append(frame.convert("RGBA").resize(size, Image.Resampling.BILINEAR))
        lengths_ms.append(float(frame.info.get("duration") or 100))
    out = io.BytesIO()
    options = {"save_all": True, "append_images": frames[1:], "duration": lengths_ms, "loop": 0, "compress_level": 3}
    frames[0].save(out, "PNG", **options)
    path = folder / f"{digest}-{size[0]}x{size[1]}-moving.png"
    write_synced(path, out.getvalue(), FILE_MODE)
    return Prepared(path, *size, sum(lengths_ms) / 1000, digest, kind, animated=True)


def _shown(image: Image.Image, box: tuple[int, int]) -> Image.Image:
    """Scaled first, since every later step then costs less; then turned upright, with sRGB colours."""
    profile, turn = image.info.get("icc_profile"), _UPRIGHT.get(_orientation(image))
    picture = _eight_bits(image)
    picture.thumbnail(box, Image.Resampling.LANCZOS, reducing_gap=3.0)
    return _srgb(picture if turn is None else picture.transpose(turn), profile)


def _orientation(image: Image.Image) -> int:
    """As EXIF says it, 1 where that says nothing or cannot be read."""
    try:
        found = image.getexif().get(_ORIENTATION)
    except (SyntaxError, ValueError, TypeError, KeyError, struct.error, OSError):
        return 1
    return found if isinstance(found, int) else 1


def _eight_bits(image: Image.Image) -> Image.Image:
    """A mode that scales well: palettes and single bits become full colours, sixteen bits eight, a clear colour transparency."""
    clear = "transparency" in image.info
    if image.mode.startswith("I"):
        return _eight_of_sixteen(image)
    if image.mode in ("RGB", "RGBA", "L", "CMYK") and not clear:
        return image
    if clear and image.mode == "RGB" and max(image.info["transparency"], default=0) > 255:  # of sixteen bits, like its pixels
        image.info["transparency"] = tuple(value >> 8 for value in image.info["transparency"])
    clear = clear or image.mode in ("LA", "PA", "La", "RGBa")
    return image.convert("RGBA" if clear else "L" if image.mode == "1" else "RGB")


def _eight_of_sixteen(image: Image.Image) -> Image.Image:
    deep, clear = image.convert("I"), image.info.get("transparency")
    plain = deep.point(lambda value: value / 256).convert("L")
    if isinstance(clear, int):
        alpha = deep.point([0 if value == clear else 255 for value in range(2**16)], "L")
        plain = plain.convert("RGBA")
        plain.putalpha(alpha)
    return plain


def _srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    """The colours as the screen understands them; a profile that cannot be read is ignored."""
    alpha = image.getchannel("A") if image.mode == "RGBA" else None
    colours = image.convert("RGB") if alpha else image
    if profile and colours.mode in ("RGB", "CMYK"):
        with contextlib.suppress(ImageCms.PyCMSError, OSError, ValueError):
            given = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            turned = ImageCms.profileToProfile(colours, given, ImageCms.createProfile("sRGB"), outputMode="RGB")
            colours = turned if turned is not None else colours
    colours = colours.convert("RGB")
    if alpha and alpha.getextrema() != (255, 255):
        colours.putalpha(alpha)
    return colours


def _is_flat(image: Image.Image) -> bool:
    """Lettering, logos, charts: a few colours make up most of it. A grey photograph has few colours too, but none that prevails."""
    sample = image.resize((_SAMPLE, _SAMPLE), Image.Resampling.NEAREST).convert("RGB")
    counts = sorted((count for count, _ in sample.getcolors(_SAMPLE**2) or ()), reverse=True)
    return sum(counts[:_FEW_COLOURS]) > _SAMPLE**2 * 0.6


def _written(image: Image.Image, kind: str, folder: Path, digest: str, *, flat: bool) -> Prepared:
    """PNG where there is transparency or few colours, which JPEG would blur; else JPEG."""
    ending = "png" if image.mode == "RGBA" or flat else "jpg"
    image.info.clear()  # no profile, no EXIF, no comment: only pixels go on
    out = io.BytesIO()
    if ending == "png":
        image.save(out, "PNG", compress_level=6)
    else:
        image.save(out, "JPEG", quality=92, subsampling=0)
    path = folder / f"{digest}-{image.width}x{image.height}.{ending}"
    write_synced(path, out.getvalue(), FILE_MODE)
    return Prepared(path, image.width, image.height, None, digest, kind)


def _refused(name: str, error: Exception) -> Exception:
    if isinstance(error, OSError) and error.errno is not None:
        return error  # the disk's, not the picture's
    told = str(error)
    if isinstance(error, EOFError) or "truncated" in told.lower() or "unexpected end" in told.lower():
        return ContentError("truncated", name, "the picture ends too early; upload it again", transient=False)
    return ContentError("damaged", name, f"the picture cannot be decoded ({told}); export it again", transient=False)
