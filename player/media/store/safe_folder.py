"""A folder of files that are entered by name alone: no link is followed, nothing but regular files is opened (fault S12).

Every step from the root is opened with O_NOFOLLOW relative to the one before, so that whoever swaps a folder for a link gains
nothing. What is missing is made again: the folder may be wiped at any time. All of it blocks; callers use a thread.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from player.errors import StorageError
from player.media.fetch.partfile import storage_error

FOLDER_MODE = 0o750  # the stage reads these files by its group
FILE_MODE = 0o640
_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


class SafeFolder:
    """Files below `root`, named by relative paths such as `media/ab/abcd.mp4`. Raises StorageError."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._unsettled: set[str] = set()  # folders with names that a power cut may take

    @contextlib.contextmanager
    def folder(self, *names: str) -> Iterator[int]:
        """A handle on a folder below the root; it is made where it is missing, and a link in its place is removed."""
        try:
            if not self.root.exists():
                self.root.mkdir(parents=True)
                self.root.chmod(FOLDER_MODE)
            handle = os.open(self.root, _DIRECTORY)
        except OSError as error:
            raise self._root_error(error) from error
        try:
            self._check_owner(handle)
            for depth, name in enumerate(names):
                if (inner := _opened(handle, name)) is None:
                    inner = _made(handle, name)
                    self._unsettled.add("/".join(names[:depth]))
                os.close(handle)
                handle = inner
            yield handle
        except OSError as error:
            raise storage_error(self.root.joinpath(*names), error) from error
        finally:
            os.close(handle)

    def _root_error(self, error: OSError) -> StorageError:
        if self.root.is_symlink() or error.errno in (errno.ELOOP, errno.ENOTDIR, errno.EEXIST):
            return StorageError(str(self.root), "is a symbolic link or a file: set storage.cache_dir to the folder itself")
        return storage_error(self.root, error)

    def _check_owner(self, handle: int) -> None:
        if os.fstat(handle).st_uid != os.geteuid():
            raise StorageError(str(self.root), "belongs to another user: give it to the player's user (chown)")

    @contextlib.contextmanager
    def _parent(self, file: str) -> Iterator[tuple[int, str]]:
        *folders, name = PurePosixPath(file).parts
        with self.folder(*folders) as handle:
            yield handle, name

    def stat(self, file: str) -> os.stat_result | None:
        """Of a regular file; None when there is none."""
        with self._parent(file) as (folder, name):
            try:
                found = os.stat(name, dir_fd=folder, follow_symlinks=False)
            except FileNotFoundError:
                return None
        return found if stat.S_ISREG(found.st_mode) else None

    def open(self, file: str) -> int:
        """A handle for reading. Raises StorageError when it is no regular file."""
        with self._parent(file) as (folder, name):
            handle = os.open(name, _FILE, dir_fd=folder)
            if not stat.S_ISREG(os.fstat(handle).st_mode):
                os.close(handle)
                raise OSError(errno.ELOOP, "not a regular file")
            return handle

    def move_in(self, source: Path, file: str) -> os.stat_result:
        """Renames `source`, already synced, to `file`, readable by the stage's group. It survives a power cut once `settle` ran."""
        with self._parent(file) as (folder, name):
            os.rename(source, name, dst_dir_fd=folder)
            self._unsettled.add(str(PurePosixPath(file).parent))
            return os.stat(name, dir_fd=folder, follow_symlinks=False)

    def move(self, file: str, to: str) -> None:
        """Renames within the folder."""
        with self._parent(file) as (folder, name), self._parent(to) as (target, new_name):
            os.rename(name, new_name, src_dir_fd=folder, dst_dir_fd=target)

    def remove(self, file: str) -> None:
        """Removes a file or a link, a folder of a package with all below it; that it is gone already is fine."""
        with self._parent(file) as (folder, name):
            try:
                os.unlink(name, dir_fd=folder)
            except FileNotFoundError:
                return
            except (IsADirectoryError, PermissionError):
                _remove_tree(folder, name)

    def share(self, file: str) -> None:
        """Lets the stage's group read what was put here: a file, or a folder of a package with all below it; see `settle`."""
        with self._parent(file) as (folder, name):
            _share(folder, name)
            self._unsettled.add(str(PurePosixPath(file).parent))

    def settle(self) -> None:
        """Makes the names of what came, and of folders that were made for it, survive a power cut: each folder once."""
        for name in sorted(self._unsettled):
            self._unsettled.discard(name)  # before, since more may come meanwhile
            try:
                with self.folder(*PurePosixPath(name).parts) as handle:
                    os.fsync(handle)
            except StorageError:
                self._unsettled.add(name)
                raise

    def names(self, *folders: str) -> list[str]:
        """What is in a folder, sorted."""
        with self.folder(*folders) as handle:
            return sorted(_listed(handle))

    def stats_within(self, name: str) -> dict[str, os.stat_result]:
        """The regular files of the folders within a folder of the root, as paths below the root."""
        found = {}
        with self.folder(name) as handle:
            for inner in _listed(handle):
                for entry, stated in _stats(handle, inner):
                    found[f"{name}/{inner}/{entry}"] = stated
        return found

    def size(self, file: str) -> int:
        """Bytes of a file, or of everything in a folder."""
        with self._parent(file) as (folder, name):
            return _size(folder, name)

    def free_bytes(self) -> int:
        """What the file system has left for us."""
        with self.folder() as handle:
            state = os.fstatvfs(handle)
        return state.f_bavail * state.f_frsize


def _opened(folder: int, name: str) -> int | None:
    """The folder of that name, None where there is none; what stands in its place goes."""
    try:
        return os.open(name, _DIRECTORY, dir_fd=folder)
    except FileNotFoundError:
        return None
    except NotADirectoryError:
        os.unlink(name, dir_fd=folder)
        return None


def _made(folder: int, name: str) -> int:
    with contextlib.suppress(FileExistsError):  # by another thread
        os.mkdir(name, FOLDER_MODE, dir_fd=folder)
    handle = os.open(name, _DIRECTORY, dir_fd=folder)
    os.fchmod(handle, FOLDER_MODE)  # whatever the umask took away
    return handle


def _listed(folder: int) -> list[str]:
    with os.scandir(folder) as entries:
        return [entry.name for entry in entries]


def _stats(folder: int, name: str) -> Iterator[tuple[str, os.stat_result]]:
    """Of the regular files of a folder; nothing where that is none."""
    try:
        handle = os.open(name, _DIRECTORY, dir_fd=folder)
    except (NotADirectoryError, FileNotFoundError):
        return
    try:
        with os.scandir(handle) as entries:
            for entry in entries:
                if entry.is_file(follow_symlinks=False):
                    yield entry.name, entry.stat(follow_symlinks=False)
    finally:
        os.close(handle)


def _share(folder: int, name: str) -> None:
    handle = os.open(name, _FILE, dir_fd=folder)
    try:
        if not stat.S_ISDIR(os.fstat(handle).st_mode):
            os.fchmod(handle, FILE_MODE)
            return
        os.fchmod(handle, FOLDER_MODE)
        for inner in _listed(handle):
            _share(handle, inner)
    finally:
        os.close(handle)


def _remove_tree(folder: int, name: str) -> None:
    handle = os.open(name, _DIRECTORY, dir_fd=folder)
    try:
        for inner in _listed(handle):
            try:
                os.unlink(inner, dir_fd=handle)
            except (IsADirectoryError, PermissionError):
                _remove_tree(handle, inner)
    finally:
        os.close(handle)
    os.rmdir(name, dir_fd=folder)


def _size(folder: int, name: str) -> int:
    try:
        found = os.stat(name, dir_fd=folder, follow_symlinks=False)
        if not stat.S_ISDIR(found.st_mode):
            return found.st_size
        handle = os.open(name, _DIRECTORY, dir_fd=folder)
    except FileNotFoundError:
        return 0
    try:
        return sum(_size(handle, inner) for inner in _listed(handle))
    finally:
        os.close(handle)
