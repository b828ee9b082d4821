"""A download on its way: `KEY.part`, hashed while it is written, and its note of what the server called these bytes.

Every method blocks and is called in a worker thread; hashing and writing release the interpreter's lock, so they run beside the
loop. The file's size is always the count of bytes received: room is reserved beyond it without changing it, so that what a
killed process left behind can be hashed again and continued. Names come from keys of hex digits, never from a server.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import hashlib
import os
import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from player.errors import StorageError
from player.store import Snapshot

CHUNK = 1024 * 1024
WRITE_OUT_BYTES = 32 * 1024 * 1024
_KEEP_SIZE = 1  # FALLOC_FL_KEEP_SIZE, fallocate(2)
_SYNC_WRITE = 2  # SYNC_FILE_RANGE_WRITE, sync_file_range(2)
_libc = ctypes.CDLL(None, use_errno=True)


@dataclass(frozen=True, slots=True)
class Note:
    """What the server said about the bytes in the part: enough to go on with them, or to know that they are stale."""

    url: str
    file_hash: str | None
    etag: str | None = None
    last_modified: str | None = None
    size: int | None = None

    @property
    def validator(self) -> str | None:
        """For `If-Range`: a strong ETag, else the date."""
        return self.etag if self.etag and not self.etag.startswith("W/") else self.last_modified


class PartFile:
    """One part, opened for writing. `size`: bytes received and hashed. Raises StorageError."""

    def __init__(self, folder: Path, key: str, algorithms: Iterable[str], *, reserve_bytes: int) -> None:
        self.path = folder / f"{key}.part"
        self.note: Note | None = None
        self.size = 0
        self._snapshot = Snapshot(folder / f"{key}.json", Note)
        self._algorithms = frozenset(algorithms) | {"sha256"}
        self._reserve_bytes = reserve_bytes
        self._lock = threading.Lock()
        self._written_out = 0
        self._start_hashes()
        with self._translated():
            folder.mkdir(mode=0o750, parents=True, exist_ok=True)
            self._handle = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o640)

    def _start_hashes(self) -> None:
        self._hashes = {name: hashlib.new(name, usedforsecurity=False) for name in self._algorithms}

    def resume(self, file_hash: str | None, *, checkable: bool) -> None:
        """Takes over what an earlier attempt left, when its note matches; else begins from nothing.

        `checkable`: the whole can be checked against `file_hash` in the end, so that even bytes without a validator are of use.
        """
        self.note = self._snapshot.read_or(None)
        if self.note is None or self.note.file_hash != file_hash or not (self.note.validator or checkable):
            self.reset()
            return
        with self._translated(), self._lock:
            while chunk := os.pread(self._handle, CHUNK, self.size):
                self._update(chunk)
                self.size += len(chunk)
            self._written_out = self.size

    def reset(self) -> None:
        """Throws the bytes away."""
        with self._translated(), self._lock:
            os.ftruncate(self._handle, 0)
        self.size, self.note, self._written_out = 0, None, 0
        self._start_hashes()
        self._snapshot.path.unlink(missing_ok=True)

    def remember(self, note: Note, *, durably: bool) -> None:
        """Notes what these bytes are, so that a later attempt can go on with them; `durably` for one after a restart."""
        self.note = note
        if durably:
            self._snapshot.write(note)

    def reserve(self, total: int) -> None:
        """Takes the room for `total` bytes now, where the file system can. Raises StorageError when the disk cannot hold it."""
        with self._translated(), self._lock:
            taken = os.fstat(self._handle).st_blocks * 512
            self._check_free(max(0, total - taken))
            failed = _libc.fallocate(self._handle, _KEEP_SIZE, ctypes.c_int64(0), ctypes.c_int64(total))
            if failed and ctypes.get_errno() == errno.ENOSPC:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def _check_free(self, more: int) -> None:
        state = os.fstatvfs(self._handle)
        if state.f_bavail * state.f_frsize - more < self._reserve_bytes:
            raise OSError(errno.ENOSPC, "it would go below storage.reserve")

    def write(self, chunks: list[bytes]) -> None:
        """Appends and hashes; starts writing out to the disk early, so that `finish` has little left to wait for."""
        with self._translated(), self._lock:
            for chunk in chunks:
                self._append(chunk)
            if self.size - self._written_out >= WRITE_OUT_BYTES:
                self._check_free(0)
                length = ctypes.c_int64(self.size - self._written_out)
                _libc.sync_file_range(self._handle, ctypes.c_int64(self._written_out), length, _SYNC_WRITE)
                self._written_out = self.size

    def _append(self, chunk: bytes) -> None:
        view = memoryview(chunk)
        while view:
            view = view[os.pwrite(self._handle, view, self.size + len(chunk) - len(view)) :]
        self._update(chunk)
        self.size += len(chunk)

    def _update(self, chunk: bytes) -> None:
        for running in self._hashes.values():
            running.update(chunk)

    def digest(self, algorithm: str = "sha256") -> str:
        """Of everything received, in hex."""
        return self._hashes[algorithm].hexdigest()

    def finish(self) -> None:
        """Makes the bytes survive a power cut. When the disk fails here nothing is believed: the part is thrown away (fault S5)."""
        try:
            with self._translated(), self._lock:
                os.fchmod(self._handle, 0o640)  # the stage reads it by its group, whatever the umask took away
                os.fsync(self._handle)
        except StorageError:
            self.discard()
            raise

    def close(self) -> None:
        """Closes; the bytes stay for a later attempt."""
        with self._lock:
            if self._handle >= 0:
                os.close(self._handle)
            self._handle = -1

    def discard(self) -> None:
        """Removes the part and its note."""
        for path in (self.path, self._snapshot.path):
            with contextlib.suppress(OSError):
                path.unlink()

    @contextlib.contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise storage_error(self.path, error) from error


def storage_error(path: Path, error: OSError) -> StorageError:
    """What a failing disk means to an operator."""
    remedies = {
        errno.ENOSPC: "the disk is full: use a larger one, or lower storage.cache_limit",
        errno.EDQUOT: "the disk quota is used up: raise it, or lower storage.cache_limit",
        errno.EROFS: "the file system is read-only: check the disk and mount it writable",
        errno.ELOOP: "there is a symbolic link where a file of the cache belongs: remove it",
        errno.EIO: "the disk reports an error: replace it",
    }
    reason = remedies.get(error.errno or 0, f"cannot be used ({error.strerror or error}): check the folder's owner and the disk")
    return StorageError(str(path), reason)
