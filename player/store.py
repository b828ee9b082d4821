"""The first durable form, the atomic snapshot (house rule 15; the other is `player.journal`).

Temporary file, fsync, rename, fsync of the folder. A corrupt one is set aside as `NAME.corrupt` and treated as absent. Every file
carries a format version; a file of a newer format is refused with a sentence and never destroyed: who can do without what it says
sets it aside as `NAME.unread`.
"""

from __future__ import annotations

import contextlib
import logging
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Generic, TypeVar

import msgspec

from player.errors import StorageError
from player.folders import make_folder, sync_folder

log = logging.getLogger(__name__)
T = TypeVar("T")
D = TypeVar("D")
FORMAT = 1


def write_atomically(path: Path, content: bytes, mode: int = 0o600) -> None:
    """Replaces `path` by `content`, all or nothing. Raises StorageError."""
    temporary = path.with_name(path.name + ".tmp")
    with _written(path, temporary, content, mode):
        temporary.replace(path)
        sync_folder(path.parent)


def write_synced(path: Path, content: bytes, mode: int = 0o600) -> None:
    """Writes a file whose bytes survive a power cut; its name does once whoever moves it syncs the folder. Raises StorageError."""
    with _written(path, path, content, mode):
        pass


@contextlib.contextmanager
def _written(path: Path, at: Path, content: bytes, mode: int) -> Iterator[None]:
    try:
        make_folder(path.parent)
        handle = os.open(at, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, mode)
        with os.fdopen(handle, "wb") as out:
            os.fchmod(out.fileno(), mode)
            out.write(content)
            out.flush()
            os.fsync(out.fileno())
        yield
    except OSError as error:
        with contextlib.suppress(OSError):
            at.unlink()
        raise StorageError(str(path), f"cannot be written: {error.strerror}") from error


class Snapshot(Generic[T]):
    """One value of type `kind` in one file; `kind` is a dataclass or anything msgspec can carry."""

    def __init__(self, path: Path, kind: type[T], *, mode: int = 0o600) -> None:
        self.path, self._kind, self._mode = path, kind, mode

    def read(self) -> T | None:
        """The value, or None where there is none or it was corrupt (then it is set aside). Raises StorageError when newer."""
        try:
            content = self.path.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise StorageError(str(self.path), f"cannot be read: {error.strerror}") from error
        try:
            envelope = msgspec.json.decode(content)
            if envelope["format"] > FORMAT:
                raise StorageError(
                    str(self.path), f"was written by a newer player (format {envelope['format']}, this one reads {FORMAT})"
                )
            return self._of_body(envelope["body"])
        except (ValueError, KeyError, TypeError, RecursionError) as error:  # msgspec's own are ValueErrors; so is what is not UTF-8
            self._set_aside("corrupt", f"is damaged ({error})")
            return None

    def read_or(self, default: D) -> T | D:
        """As `read`; `default` where there is nothing, or nothing that can be read: that costs itself and nobody's start.

        It is set aside, so that what is written from now on does not destroy what a newer player wrote.
        """
        try:
            found = self.read()
        except StorageError as error:
            self._set_aside("unread", error.reason)
            return default
        return default if found is None else found

    def _set_aside(self, suffix: str, reason: str) -> None:
        aside = self.path.with_name(f"{self.path.name}.{suffix}")
        log.warning("%s %s: set aside as %s", self.path, reason, aside.name)
        with contextlib.suppress(OSError):
            self.path.replace(aside)

    def write(self, value: T) -> None:
        """Replaces the value, durably. Raises StorageError."""
        write_atomically(self.path, msgspec.json.encode({"format": FORMAT, "body": self._body_of(value)}), self._mode)

    def _of_body(self, body: Any) -> T:
        """The value in a file's body. Raises ValueError, KeyError, TypeError where it is damaged."""
        return msgspec.convert(body, self._kind)

    def _body_of(self, value: T) -> Any:
        return value
