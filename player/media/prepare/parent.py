"""What happens to a file when it enters the cache: it is looked at, once, by a child process with little to lose (design law 2).

Pictures become the player's own PNG or JPEG at the panel's size, drawings (SVG) stay as they are; videos and sounds must decode,
and a sound's cover becomes a picture; packages are unpacked; documents become pictures. The child (see `prepare.child`) is forked
for one file (`prepare.children`), works in a folder of its own (`prepare.making`), and has limits on memory, time and file size,
and walls beyond which it sees neither files nor the network; it answers one line of JSON. A file that crashes it costs that file,
not the show. Archives of applets are packed and unpacked in the same way.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec

from player.core.applet_archives import ArchiveRoom
from player.core.kinds import Kind
from player.errors import BoxError, ContentError, SignageError, StorageError
from player.media.prepare.children import ChildOutcome, Children
from player.media.prepare.making import own_folder, taken

log = logging.getLogger(__name__)
DEADLINE_S, DOCUMENT_S, ARCHIVE_S = 90.0, 300.0, 180.0
UNPACKED, PACKED = "unpacked", "packed.zip"  # what is made of an archive, in its child's folder
_BYTES_A_SECOND = 8 * 1024 * 1024  # a slow card: how long hashing may take


@dataclass(frozen=True, slots=True)
class Prepared:
    """A file that can be shown.

    `file` is what to open: the prepared picture, the video or sound itself (or an animated picture, kept as it is), a package's
    `index.html`, a document's first page. `width` and `height` in pixels, as shown, turned where the file says so; 0 for a package.
    `sha256` is of the source; `format` the container's or picture's; `codec` and `audio` a video's; `pages` a document's pictures;
    `cover` a sound's, if it has one, whose size `width` and `height` are.
    `shortened` is a sentence where only a part of it can be shown.
    """

    file: Path
    width: int
    height: int
    duration_s: float | None
    sha256: str
    format: str
    codec: str | None = None
    audio: str | None = None
    animated: bool = False
    pages: tuple[Path, ...] = ()
    shortened: str = ""
    cover: Path | None = None


@dataclass(frozen=True, slots=True)
class ArchiveOrder:
    """What is to be done with an archive: `names`, below the folder that is the source, packed into one, or, without any, unpacked.

    `room` is for what is made.
    """

    room: ArchiveRoom
    names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Job:
    """What a child is asked, one line of JSON: to look at a file that is to be shown, or what `archive` says."""

    source: str
    kind: Kind
    name: str
    folder: str
    panel: tuple[int, int]
    cpu_s: int
    sha256: str | None = None
    archive: ArchiveOrder | None = None


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why not, from the child. `whose`: content | storage | box."""

    whose: str
    code: str
    reason: str
    transient: bool = False


@dataclass(frozen=True, slots=True)
class Reply:
    """The child's one line: either of the two (neither where an archive is done), and which of its walls the kernel refuses."""

    prepared: Prepared | None = None
    refusal: Refusal | None = None
    missing_walls: tuple[str, ...] = ()


def encoded(message: Job | Reply) -> bytes:
    """One line; paths go as text."""
    return msgspec.json.encode(message, enc_hook=str) + b"\n"


def decoded_reply(line: bytes) -> Reply:
    """The child's line. Raises msgspec.DecodeError."""
    reply: Reply = msgspec.json.decode(line, type=Reply, dec_hook=lambda kind, value: kind(value))
    return reply


def _say_missing(walls: tuple[str, ...]) -> None:
    if walls:
        log.warning("this kernel refuses some of the walls around the decoding process: %s", "; ".join(walls))


async def prepare(
    source: Path,
    kind: Kind,
    name: str,
    folder: Path,
    panel: tuple[int, int],
    *,
    sha256: str | None = None,
    deadline_s: float | None = None,
    children: Children | None = None,
    tell_missing: Callable[[tuple[str, ...]], None] = _say_missing,
) -> Prepared:
    """Checks `source` and makes of it what can be shown, below `folder`; `name` is for messages, `panel` in pixels.

    `sha256` of the source saves hashing it again; `deadline_s` is by its kind where it is not given; `children`: who opens
    it, somebody for this file alone where nobody is given; `tell_missing` is told which walls around the child the kernel refused
    (none: an empty tuple). Raises ContentError (`empty`, `wrong_type`, `unsupported`,
    `no_picture`, `too_large`, `truncated`, `damaged`, `timeout`), StorageError (the disk), BoxError (ffmpeg is not installed).
    """
    size = _size(source, name)
    patience_s = (DOCUMENT_S if kind is Kind.PDF else DEADLINE_S) if deadline_s is None else deadline_s
    allowed_s = patience_s + (0 if sha256 else size / _BYTES_A_SECOND)
    with own_folder(folder) as at:
        job = Job(str(source), kind, name, str(at), panel, max(1, round(allowed_s)), sha256)
        late = f"looking at it took longer than {allowed_s:.0f} s; it is skipped. Encode it with less detail or a lower bit rate"
        reply = await _asked(job, allowed_s, late, children, tell_missing)
        made = _judged(reply, name, folder)
        files = [path for path in (made.file, *made.pages, made.cover) if path and path != source]  # that is shown as it came
        moved = await asyncio.to_thread(taken, files, name, at, folder, sha256 or made.sha256) if files else []
    place = {source: source, **dict(zip(files, moved, strict=True))}
    pages, cover = tuple(place[page] for page in made.pages), place[made.cover] if made.cover else None
    return replace(made, file=place[made.file], pages=pages, cover=cover)


async def have_archive(
    order: ArchiveOrder,
    source: Path,
    name: str,
    at: Path,
    *,
    children: Children | None = None,
    tell_missing: Callable[[tuple[str, ...]], None] = _say_missing,
) -> None:
    """Has a child carry out `order` in the folder `at`, where `UNPACKED` or `PACKED` is then; whatever else lies there is nobody's.

    `source`, `name`, `children` and `tell_missing` are as in `prepare`. Raises ContentError, StorageError.
    """
    job = Job(str(source), Kind.PACKAGE, name, str(at), (0, 0), round(ARCHIVE_S), archive=order)
    reply = await _asked(job, ARCHIVE_S, f"it took longer than {ARCHIVE_S:.0f} s; have smaller archives", children, tell_missing)
    if reply.refusal:
        raise _refused(reply.refusal, name, at)


async def _asked(
    job: Job, allowed_s: float, late: str, children: Children | None, tell_missing: Callable[[tuple[str, ...]], None]
) -> Reply:
    """What a child says; `late`: the reason where it does not in time. Raises ContentError."""
    try:
        async with asyncio.timeout(allowed_s), contextlib.nullcontext(children) if children else Children() as asked:
            ended = await asked.ask(encoded(job))
    except TimeoutError as error:
        raise ContentError("timeout", job.name, late) from error
    reply = _reply(ended, job.name)
    tell_missing(reply.missing_walls)
    return reply


def _size(source: Path, name: str) -> int:
    try:
        size = source.stat().st_size
    except OSError as error:
        raise StorageError(str(source), f"cannot be read: {error.strerror}") from error
    if size == 0:
        raise ContentError("empty", name, "the file is empty; upload it again", transient=False)
    return size


def _reply(ended: ChildOutcome, name: str) -> Reply:
    try:
        return decoded_reply(ended.line)
    except msgspec.DecodeError as error:
        code, reason = _death(ended.status)
        raise ContentError(code, name, reason, transient=False) from error


def _judged(reply: Reply, name: str, folder: Path) -> Prepared:
    if reply.prepared:
        return reply.prepared
    raise _refused(reply.refusal or Refusal("content", "damaged", "it could not be looked at"), name, folder)


def _refused(refusal: Refusal, name: str, folder: Path) -> SignageError:
    """What a child's refusal is here."""
    match refusal.whose:
        case "storage":
            return StorageError(str(folder), refusal.reason)
        case "box":
            return BoxError(refusal.code, refusal.reason)
        case _:
            return ContentError(refusal.code, name, refusal.reason, transient=refusal.transient)


def _death(status: int) -> tuple[str, str]:
    """The code and the sentence for a child that died without an answer."""
    if status in (-signal.SIGXCPU, -signal.SIGKILL):
        return "too_large", "reading it takes more time or memory than a box has to spare; make it smaller"
    if status < 0:
        return "damaged", f"it crashes its decoder (signal {-status}); export it again from the program that made it"
    return "damaged", f"it could not be read (status {status}); export it again from the program that made it"
