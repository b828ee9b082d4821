"""Disks that refuse, as the kernel has them: full, and read-only."""

from __future__ import annotations

import contextlib
import resource
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def files_no_larger_than(size: int) -> Iterator[None]:
    """The kernel refuses every write beyond `size` bytes of a file, as a full disk would."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@contextlib.contextmanager
def read_only(*folders: Path) -> Iterator[None]:
    """Everything below `folders` can be read and not written, as on a disk that went read-only."""
    found = {path: path.stat().st_mode for folder in folders for path in (*folder.rglob("*"), folder) if not path.is_symlink()}
    for path, mode in found.items():
        path.chmod(mode & 0o7555)
    try:
        yield
    finally:
        for path, mode in reversed(found.items()):
            path.chmod(mode)
