"""The files of an applet's version as a whole: where each goes, how many there may be, and what they are called together (pure)."""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import PurePosixPath

LARGEST_FILE = 32 * 1024 * 1024  # the stage gives a page no larger one
LARGEST_VERSION, MOST_FILES, LONGEST_PATH = 128 * 1024 * 1024, 1000, 400


@dataclass(frozen=True, slots=True)
class AppletFile:
    """One file: where it is in the package, the type that was given, its MD5 and SHA-256 in hex, and its bytes."""

    path: str
    type: str
    md5: str
    sha256: str
    size: int

    @property
    def name(self) -> str:
        """The last piece of its path."""
        return PurePosixPath(self.path).name


def clean_path(given: str) -> str:
    """The path as it is kept: inside the package, with slashes. Raises ValueError with the reason."""
    text = unicodedata.normalize("NFC", given).replace("\\", "/")
    path = PurePosixPath(text)
    if path.is_absolute() or ".." in path.parts or not path.parts or ":" in path.parts[0]:
        raise ValueError("it leads out of the package")
    if "node_modules" in path.parts:
        raise ValueError("it lies in node_modules, which no package holds here: bundle what it needs of that")
    if any(ord(letter) < 32 for letter in text) or not text.isprintable():
        raise ValueError("it holds characters that no path may")
    if len(text.encode(errors="replace")) > LONGEST_PATH:
        raise ValueError(f"it is longer than {LONGEST_PATH} bytes")
    return str(path)


def with_file(files: Iterable[AppletFile], added: AppletFile) -> tuple[AppletFile, ...]:
    """The files with another one, in the place of the one of its path. Raises ValueError with the reason."""
    kept = [one for one in files if one.path != added.path]
    own = PurePosixPath(added.path)
    for one in kept:
        other = PurePosixPath(one.path)
        if own in other.parents or other in own.parents:
            raise ValueError(f"{one.path} is there: one of the two would have to be a folder")
    if len(kept) >= MOST_FILES:
        raise ValueError(f"a version has {MOST_FILES} files at most")
    if sum(one.size for one in kept) + added.size > LARGEST_VERSION:
        raise ValueError(f"a version has {LARGEST_VERSION // 2**20} MiB at most")
    return tuple(sorted((*kept, added), key=lambda one: one.path))


def digest_of(files: Iterable[AppletFile]) -> str:
    """What these files are called together: the same for the same paths and bytes, in hex."""
    lines = sorted(f"{one.sha256} {one.path}" for one in files)
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()
