"""What the cache knows of each file, and what a file's first bytes call it. Values only; the snapshot `index.json` holds them."""

from __future__ import annotations

from dataclasses import dataclass, field

from player.core.ask_again import Validators
from player.media.filetype import sniff

ANY_PANEL = "any"


@dataclass(frozen=True, slots=True)
class Derived:
    """What a file became for a panel ("1920x1080", or `ANY_PANEL`).

    `file`, `pages` and `cover` as in `Item.file`; `size` is what they take beside the file itself, in bytes. `shortened` is a
    sentence where that is not all of it.
    """

    panel: str
    kind: str
    file: str
    size: int = 0
    pages: tuple[str, ...] = ()
    shortened: str = ""
    cover: str = ""

    @property
    def places(self) -> frozenset[str]:
        """The files or folders directly below `prepared/` that this takes."""
        files = (self.file, *self.pages, self.cover)
        return frozenset("/".join(file.split("/")[:2]) for file in files if file.startswith("prepared/"))


@dataclass(frozen=True, slots=True)
class Stored:
    """One file of the store. `verified`: against a hash of the server's. `contents`: the content ids it is known by.

    Instants are seconds since the epoch.
    """

    sha256: str
    size: int
    file: str
    mtime_ns: int
    name: str = ""
    contents: tuple[str, ...] = ()
    verified: bool = False
    used_at: float = 0.0
    checked_at: float = 0.0
    derived: tuple[Derived, ...] = ()

    @property
    def bytes(self) -> int:
        """With what was prepared from it."""
        return self.size + sum(d.size for d in self.derived)


@dataclass(frozen=True, slots=True)
class Damaged:
    """A file whose content is no longer what its name says; it is in `aside/` now."""

    sha256: str
    name: str
    reason: str


@dataclass(slots=True)
class Index:
    """`files` by SHA-256; `names`: key of a revision -> SHA-256; `validators` of those that no hash tells apart."""

    files: dict[str, Stored] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)
    validators: dict[str, Validators] = field(default_factory=dict)


_SUFFIXES = {
    "jpeg": ".jpg",
    "png": ".png",
    "gif": ".gif",
    "webp": ".webp",
    "avif": ".avif",
    "heif": ".heic",
    "bmp": ".bmp",
    "tiff": ".tif",
    "mp4": ".mp4",
    "matroska": ".mkv",
    "mpegts": ".ts",
    "avi": ".avi",
    "mpeg": ".mpg",
    "mpegvideo": ".mpv",
    "asf": ".wmv",
    "ogg": ".ogv",
    "flv": ".flv",
    "mp3": ".mp3",
    "aac": ".aac",
    "flac": ".flac",
    "wav": ".wav",
    "oga": ".oga",
    "m4a": ".m4a",
    "zip": ".zip",
    "svg": ".svg",
    "pdf": ".pdf",
}


def suffix_of(head: bytes) -> str:
    """The suffix that a file's first bytes call for, "" when they say nothing. Its name on the server never counts (fault C8)."""
    return _SUFFIXES.get(sniff(head), "")


@dataclass(frozen=True, slots=True)
class CacheFigures:
    """The media store, in bytes."""

    bytes: int = 0
    limit: int = 0
    files: int = 0
