"""Sounds are proved by decoding: a stream that is heard, and a second of it that comes out (in the child only).

The picture that a file brings with it, its cover, is as foreign as any other: it is taken out as it stands and goes through what
pictures go through, by its own bytes. One that cannot be shown costs itself; the sound is heard without it.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from player.errors import ContentError
from player.media import filetype
from player.media.prepare import pictures
from player.media.prepare.ffmpeg import Opened, duration_of
from player.media.prepare.parent import Prepared
from player.media.prepare.videos import check_boxes

HEARD_S = "1"  # decoded, to prove it
_MOV = "mov,mp4,m4a,3gp,3g2,mj2"
# FFmpeg's readers for what the bytes say; behind a tag may stand any of three, often farther in than was looked.
_READERS = {
    "mp3": "mp3,aac,flac", "aac": "aac", "flac": "flac", "wav": "wav", "oga": "ogg", "ogg": "ogg", "m4a": _MOV, "mp4": _MOV,
    "matroska": "matroska,webm", "asf": "asf",
}  # fmt: skip
KINDS = frozenset(_READERS)
_WITHOUT = "it is heard without; give it a JPEG or a PNG picture"


def prepare(
    source: Path, kind: str, name: str, folder: Path, panel: tuple[int, int], digest: str, before: Callable[[], None]
) -> Prepared:
    """The sound's facts, once some of it was decoded, and its cover as a picture below `folder`; `before` as for videos.

    Raises ContentError, BoxError, OSError.
    """
    if kind in ("m4a", "mp4"):
        check_boxes(source, name)
    opened = Opened(source, name, _READERS[kind], "", before, better="MP3 or FLAC")
    told = opened.probe()
    streams: list[dict[str, Any]] = told.get("streams") or []
    heard = next((stream for stream in streams if stream.get("codec_type") == "audio"), None)
    if heard is None:
        raise ContentError("damaged", name, "it holds no sound; export it again", transient=False)
    if not opened.decode("-map", f"0:{heard['index']}", "-t", HEARD_S, "-vn", "-sn", "-dn"):
        raise ContentError("damaged", name, "nothing of it can be decoded; export it again", transient=False)
    cover, why = _cover(opened, streams, folder, panel, digest)
    width, height = (cover.width, cover.height) if cover else (0, 0)
    return Prepared(
        source, width, height, duration_of(told, heard), digest, kind, audio=heard.get("codec_name"),
        cover=cover.file if cover else None, shortened=why,
    )  # fmt: skip


def _cover(
    opened: Opened, streams: list[dict[str, Any]], folder: Path, panel: tuple[int, int], digest: str
) -> tuple[Prepared | None, str]:
    """The first picture that is attached, prepared, and "" for why not; neither where there is none."""
    attached = next((stream for stream in streams if stream.get("disposition", {}).get("attached_pic")), None)
    if attached is None:
        return None, ""
    beside = folder / f"{digest}.cover"
    try:
        taken = opened.copied(attached["index"])
        kind = filetype.sniff(taken[: filetype.HEAD_BYTES])
        if kind not in filetype.PICTURES:
            return None, f"its cover is {filetype.described(kind)}; {_WITHOUT}"
        beside.write_bytes(taken)
        made = pictures.prepare(beside, kind, opened.name, folder, panel, digest)
    except ContentError as error:
        return None, f"its cover cannot be shown ({error.reason}); {_WITHOUT}"
    finally:
        beside.unlink(missing_ok=True)
    return (None, f"its cover moves; {_WITHOUT}") if made.file == beside else (made, "")
