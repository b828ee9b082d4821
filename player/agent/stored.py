"""What the cache knows of each file, and what a file's first bytes call it. Values only; the snapshot `index.json` holds them."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Derived:
    """What was prepared from a file for a panel ("1920x1080"); `file` as in `Item.file`, `size` 0 when it is the file itself."""

    panel: str
    kind: str
    file: str
    size: int
    duration_s: float | None = None


@dataclass(frozen=True, slots=True)
class Stored:
    """One file of the store. `verified`: against a hash of the server's. Instants are seconds since the epoch."""

    sha256: str
    size: int
    file: str
    mtime_ns: int
    name: str = ""
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
    """`files` by SHA-256; `names`: key of a revision -> SHA-256."""

    files: dict[str, Stored] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)


_MAGIC: tuple[tuple[int, bytes, str], ...] = (
    (0, b"\x89PNG\r\n\x1a\n", ".png"),
    (0, b"\xff\xd8\xff", ".jpg"),
    (0, b"GIF8", ".gif"),
    (8, b"WEBP", ".webp"),
    (8, b"AVI ", ".avi"),
    (4, b"ftypavif", ".avif"),
    (4, b"ftypheic", ".heic"),
    (4, b"ftypqt", ".mov"),
    (4, b"ftyp", ".mp4"),
    (0, b"\x1a\x45\xdf\xa3", ".mkv"),
    (0, b"\x47", ".ts"),
    (0, b"PK\x03\x04", ".zip"),
    (0, b"%PDF-", ".pdf"),
)


def suffix_of(head: bytes) -> str:
    """The suffix that a file's first bytes call for, "" when they say nothing. Its name on the server never counts (fault C8)."""
    return next((suffix for at, magic, suffix in _MAGIC if head[at : at + len(magic)] == magic), "")
