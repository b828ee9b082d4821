"""The curtain's pictures beside the sockets: raw pixels that the compositor maps, behind the head of a bitmap.

The compositor copies the screen into such a file and draws from it again, so that nothing is encoded, and nothing is written to
flash: the folder lies in memory. The head makes it a picture for everybody else (BMP, 32 bits a pixel): `swaybg` shows
it from a compositor's first frame on, before the curtain itself is up. A file or record that is damaged, or of a later version,
costs itself: the brand is shown in its place.
"""

from __future__ import annotations

import contextlib
import os
import struct
from pathlib import Path

import msgspec

HEAD = 128  # bytes before the first pixel
LONGEST = 16384  # pixels of an edge
VERSION = 1
RECORD = "curtain.json"
IDLE = "idle.png"
_FILE, _INFO = struct.Struct("<2sIHHI"), struct.Struct("<IiiHHIIiiII")
BITMAP_FORMS = frozenset({0, 1})  # ARGB8888 and XRGB8888 of wl_shm: every reader knows them; over masks for others they differ
FORMS = BITMAP_FORMS | {0x34324258, 0x34324241}  # XBGR8888, ABGR8888 (drm_fourcc.h)


class Still(msgspec.Struct, frozen=True):
    """One panel's picture: the `file` in the folder, its size in pixels, bytes a row, its form of wl_shm; `inverted`: its last row
    comes first."""

    file: str
    width: int
    height: int
    stride: int
    form: int
    inverted: bool = False

    @property
    def size(self) -> int:
        """Of the file, in bytes."""
        return HEAD + self.stride * self.height

    def is_sound(self, folder: Path) -> bool:
        """Whether it can be drawn from: the file is there, whole, and its numbers fit it."""
        fits = 0 < self.width <= LONGEST and 0 < self.height <= LONGEST and self.stride >= 4 * self.width
        if not fits or self.form not in FORMS or "/" in self.file:
            return False
        try:
            return (folder / self.file).stat().st_size == self.size
        except OSError:
            return False

    @property
    def is_bitmap(self) -> bool:
        """Whether others can read it too: its colours lie as theirs, and no gap lies between its rows."""
        return self.form in BITMAP_FORMS and self.stride == 4 * self.width

    def head(self) -> bytes:
        """What stands before the pixels."""
        if not self.is_bitmap:
            return bytes(HEAD)
        height = self.height if self.inverted else -self.height
        info = _INFO.pack(_INFO.size, self.width, height, 1, 32, 0, self.stride * self.height, 2835, 2835, 0, 0)
        return (_FILE.pack(b"BM", self.size, 0, 0, HEAD) + info).ljust(HEAD, b"\0")


class CurtainRecord(msgspec.Struct, frozen=True):
    """What the curtain shows (`core.curtain.Behind`), its pictures by panel, and the process that shows the brand (0: none)."""

    shows: str = "brand"
    panels: dict[str, Still] = {}
    swaybg: int = 0
    version: int = VERSION


def read_record(folder: Path) -> CurtainRecord:
    """What was written last, without what cannot be shown; the brand, where nothing can be read."""
    try:
        found = msgspec.json.decode((folder / RECORD).read_bytes(), type=CurtainRecord)
    except (OSError, ValueError):
        return CurtainRecord()
    if found.version != VERSION:
        return CurtainRecord()
    sound = {name: still for name, still in found.panels.items() if still.is_sound(folder)}
    return CurtainRecord(found.shows, sound, found.swaybg)


def write_record(folder: Path, record: CurtainRecord) -> None:
    """Replaces it in one step. A full disk costs the record."""
    beside = folder / f"{RECORD}.tmp"
    with contextlib.suppress(OSError):
        beside.write_bytes(msgspec.json.encode(record))
        beside.replace(folder / RECORD)


def make_still(folder: Path, still: Still) -> int:
    """A file for a picture that is to come, its room taken: an open descriptor. Raises OSError."""
    handle = os.open(folder / still.file, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        os.posix_fallocate(handle, 0, still.size)
        os.pwrite(handle, still.head(), 0)
    except OSError:
        os.close(handle)
        raise
    return handle


def first_picture(folder: Path, *, turned: bool, plain: str) -> tuple[str, ...]:
    """How `swaybg`, started in `folder`, shows what the curtain showed: its arguments. `plain` (#rrggbb) where there is nothing.

    `turned`: the panels are, and the pictures, which are as the panel has them, would be turned once more.
    """
    record = read_record(folder)
    if record.shows == "black":
        return ("-c", "#000000")
    stills = {} if turned or record.shows != "still" else record.panels
    shown = [("-o", name, "-i", still.file, "-m", "fill") for name, still in stills.items() if still.is_bitmap]
    if shown:
        return tuple(word for words in shown for word in words)
    return ("-i", IDLE, "-m", "fill") if (folder / IDLE).is_file() else ("-c", plain)
