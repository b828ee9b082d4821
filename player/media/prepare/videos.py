"""Videos are proved by decoding: a whole file, a stream of sane size, and a first frame that comes out (in the child only)."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from player.errors import ContentError
from player.media.prepare.ffmpeg import Opened, duration_of
from player.media.prepare.parent import Prepared

MAX_SIDE, MAX_PIXELS, MIN_SIDE = 8192, 8192 * 4320, 16
_READER = {
    "mp4": "mov", "matroska": "matroska", "mpegts": "mpegts", "avi": "avi",
    "mpeg": "mpeg", "mpegvideo": "mpegvideo", "asf": "asf", "ogg": "ogg", "flv": "flv",
}  # fmt: skip
_READERS = "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,mpegts,avi,mpeg,mpegvideo,asf,ogg,flv"
_BOXES = frozenset(
    b"ftyp moov mdat free skip wide uuid moof mfra sidx styp meta pnot udta emsg prft ssix pdin mvex junk PICT pict".split()
)
_MOST_BOXES = 200_000  # of a fragmented film of a day


def prepare(source: Path, kind: str, name: str, digest: str, before: Callable[[], None]) -> Prepared:
    """The video's facts, once a frame of it was decoded; `before` runs in each process started here.

    Raises ContentError, BoxError.
    """
    if kind == "mp4":
        check_boxes(source, name)
    opened = Opened(source, name, _READERS, _READER[kind], before, better="H.264")
    told = opened.probe()
    stream = _video_stream(told, name)
    _decode(opened, stream["index"])
    width, height = _turned(stream)
    audio = next((other.get("codec_name") for other in told.get("streams", ()) if other.get("codec_type") == "audio"), None)
    return Prepared(source, width, height, duration_of(told, stream), digest, kind, codec=stream.get("codec_name"), audio=audio)


def check_boxes(source: Path, name: str) -> None:
    """Walks the file's outermost boxes: one that reaches beyond the end, or no index at all, means that a part is missing.

    What comes after the film and is no box of one (a camera's trailer, a web server's warning), every reader passes over.
    """
    size, at = source.stat().st_size, 0
    seen: set[bytes] = set()
    with source.open("rb") as file:
        for _ in range(_MOST_BOXES):
            if at + 8 > size:
                break
            file.seek(at)
            head = file.read(16)
            length = int.from_bytes(head[:4], "big")
            if length == 1:
                length = int.from_bytes(head[8:16], "big")
            box = bytes(head[4:8])
            whole = {b"moov", b"mdat"} <= seen or {b"moov", b"moof"} <= seen
            if (length and length < 8) or (whole and box not in _BOXES):
                break
            seen.add(box)
            at = size if length == 0 else at + length
            if at > size:
                raise ContentError("truncated", name, f"{at - size} bytes are missing at its end; upload it again", transient=False)
    if b"moov" not in seen:
        raise ContentError(
            "truncated", name, "its index (moov) is missing: the upload or the recording was cut off", transient=False
        )


def _video_stream(told: dict[str, Any], name: str) -> dict[str, Any]:
    """The first stream of moving pictures, of a size that can be; a song's cover is none."""
    streams: list[dict[str, Any]] = told.get("streams") or []
    films = [s for s in streams if s.get("codec_type") == "video" and not s.get("disposition", {}).get("attached_pic")]
    if not films:
        audio = any(stream.get("codec_type") == "audio" for stream in streams)
        reason = "it has sound but no picture: list it as audio" if audio else "it has no video stream; export it again"
        raise ContentError("no_picture" if audio else "damaged", name, reason, transient=False)
    stream = films[0]
    width, height = int(stream.get("width") or 0), int(stream.get("height") or 0)
    if width > MAX_SIDE or height > MAX_SIDE or width * height > MAX_PIXELS:
        raise ContentError(
            "too_large", name, f"{width} x {height} pixels are more than any panel shows; export it smaller", transient=False
        )
    if min(width, height) < MIN_SIDE:
        raise ContentError(
            "damaged", name, f"its size of {width} x {height} pixels makes no sense; export it again", transient=False
        )
    return stream


def _decode(opened: Opened, index: int) -> None:
    """One frame, checksummed instead of shown."""
    out = opened.decode("-map", f"0:{index}", "-frames:v", "1", "-an", "-sn", "-dn")
    if not out:
        raise ContentError("damaged", opened.name, "not one frame of it can be decoded; export it again", transient=False)


def _turned(stream: dict[str, Any]) -> tuple[int, int]:
    width, height = int(stream["width"]), int(stream["height"])
    turns = [side.get("rotation", 0) for side in stream.get("side_data_list", ()) if isinstance(side, dict)]
    quarter = any(isinstance(turn, int | float) and round(turn) % 180 == 90 for turn in turns)
    return (height, width) if quarter else (width, height)
