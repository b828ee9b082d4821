"""Videos are proved by decoding: a whole file, a video stream of sane size, and a first frame that comes out (in the child only).

ffprobe and ffmpeg are told which reader to use by the file's own bytes, may read this one file and nothing it refers to, and have a
deadline each.
"""

from __future__ import annotations

import math
import re
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import msgspec

from player.errors import BoxError, ContentError
from player.media.prepare.parent import Prepared

MAX_SIDE, MAX_PIXELS, MIN_SIDE = 8192, 8192 * 4320, 16
PROBE_S, DECODE_S = 20.0, 40.0
_READER = {
    "mp4": "mov", "matroska": "matroska", "mpegts": "mpegts", "avi": "avi",
    "mpeg": "mpeg", "mpegvideo": "mpegvideo", "asf": "asf", "ogg": "ogg", "flv": "flv",
}  # fmt: skip
_READERS = "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,mpegts,avi,mpeg,mpegvideo,asf,ogg,flv"
_ONLY = ("-protocol_whitelist", "file", "-format_whitelist", _READERS)
_BOXES = frozenset(
    b"ftyp moov mdat free skip wide uuid moof mfra sidx styp meta pnot udta emsg prft ssix pdin mvex junk PICT pict".split()
)
_MOST_BOXES = 200_000  # of a fragmented film of a day
_LONGEST_S = 7 * 86400.0


def prepare(source: Path, kind: str, name: str, digest: str, before: Callable[[], None]) -> Prepared:
    """The video's facts, once a frame of it was decoded; `before` runs in each process started here.

    Raises ContentError, BoxError.
    """
    if kind == "mp4":
        _check_boxes(source, name)
    told = _probed(source, kind, name, before)
    stream = _video_stream(told, name)
    _decode(source, kind, name, stream["index"], before)
    width, height = _turned(stream)
    audio = next((other.get("codec_name") for other in told.get("streams", ()) if other.get("codec_type") == "audio"), None)
    return Prepared(source, width, height, _duration(told, stream), digest, kind, codec=stream.get("codec_name"), audio=audio)


def _check_boxes(source: Path, name: str) -> None:
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


def _probed(source: Path, kind: str, name: str, before: Callable[[], None]) -> dict[str, Any]:
    limits = ("-probesize", "16M", "-analyzeduration", "10M")
    shown = ("-show_format", "-show_streams", "-print_format", "json")
    command = ("ffprobe", "-v", "error", *_ONLY, *limits, *shown, "-f", _READER[kind], "-i", f"file:{source}")
    out = _run(command, name, PROBE_S, before)
    told = msgspec.json.decode(out) if out.strip() else {}
    if not isinstance(told, dict):
        raise ContentError("damaged", name, "ffprobe gives no account of it; export it again", transient=False)
    return told


def _video_stream(told: dict[str, Any], name: str) -> dict[str, Any]:
    """The first stream of moving pictures, of a size that can be; a song's cover is none."""
    streams: list[dict[str, Any]] = told.get("streams") or []
    films = [s for s in streams if s.get("codec_type") == "video" and not s.get("disposition", {}).get("attached_pic")]
    if not films:
        audio = any(stream.get("codec_type") == "audio" for stream in streams)
        reason = "it has sound but no picture; this player shows videos" if audio else "it has no video stream; export it again"
        raise ContentError("unsupported" if audio else "damaged", name, reason, transient=False)
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


def _decode(source: Path, kind: str, name: str, index: int, before: Callable[[], None]) -> None:
    """One frame, checksummed instead of shown."""
    only = ("-map", f"0:{index}", "-frames:v", "1", "-an", "-sn", "-dn")
    command = ("ffmpeg", "-v", "error", "-nostdin", "-threads", "1", *_ONLY, "-f", _READER[kind], "-i", f"file:{source}", *only)
    out = _run((*command, "-f", "framecrc", "-"), name, DECODE_S, before)
    if not any(line and not line.startswith(b"#") for line in out.splitlines()):
        raise ContentError("damaged", name, "not one frame of it can be decoded; export it again", transient=False)


def _run(command: Sequence[str], name: str, deadline_s: float, before: Callable[[], None]) -> bytes:
    """What the program wrote. Raises ContentError when it refused the file, BoxError when it is not there."""
    try:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, timeout=deadline_s, check=False, preexec_fn=before
        )
    except FileNotFoundError as error:
        raise BoxError("video check", f"{command[0]} is not installed; install the package ffmpeg") from error
    except subprocess.TimeoutExpired as error:
        reason = f"{command[0]} found no end to it within {deadline_s:.0f} s; export it again"
        raise ContentError("damaged", name, reason, transient=False) from error
    if done.returncode != 0:
        raise _refused(name, done.stderr)
    return done.stdout


def _refused(name: str, stderr: bytes) -> ContentError:
    last = re.sub(r"^\[[^\]]*\] ", "", (stderr.decode(errors="replace").strip().splitlines() or ["no reason given"])[0])[:200]
    if "moov atom not found" in last or "partial file" in last:
        return ContentError("truncated", name, "a part of it is missing; upload it again", transient=False)
    if "Cannot allocate memory" in last:
        return ContentError(
            "too_large", name, "decoding it takes more memory than a box has to spare; export it smaller", transient=False
        )
    if "not currently supported" in last or "Decoder" in last:
        return ContentError("unsupported", name, f"this box cannot decode it ({last}); export it as H.264", transient=False)
    return ContentError("damaged", name, f"it cannot be decoded ({last}); export it again", transient=False)


def _turned(stream: dict[str, Any]) -> tuple[int, int]:
    width, height = int(stream["width"]), int(stream["height"])
    turns = [side.get("rotation", 0) for side in stream.get("side_data_list", ()) if isinstance(side, dict)]
    quarter = any(isinstance(turn, int | float) and round(turn) % 180 == 90 for turn in turns)
    return (height, width) if quarter else (width, height)


def _duration(told: dict[str, Any], stream: dict[str, Any]) -> float | None:
    for given in (told.get("format", {}).get("duration"), stream.get("duration")):
        try:
            seconds = float(given or "")
        except (TypeError, ValueError):
            continue
        if math.isfinite(seconds) and 0 < seconds < _LONGEST_S:
            return seconds
    return None
