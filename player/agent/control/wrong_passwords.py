"""Wrong passwords, by where they came from, kept over restarts (fault L1): `core.guesses` with a clock and a file."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from pathlib import Path

from player.core.guesses import Guesses
from player.errors import StorageError
from player.store import Snapshot

log = logging.getLogger(__name__)
FREE_TRIES = 4


class WrongPasswords:
    """What `path` keeps (0600), judged by `monotonic` seconds. A source is an address, or one of `core.guesses`' own."""

    def __init__(self, path: Path, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._file, self._monotonic = Snapshot(path, Guesses), monotonic
        self._guesses = self._file.read_or(Guesses(FREE_TRIES)).restarted(monotonic())

    def wait_s(self, source: str) -> float:
        """How many seconds no password from `source` is looked at."""
        return self._guesses.wait_s(source, self._monotonic())

    def wrong(self, source: str) -> None:
        """Notes a wrong one."""
        self._keep(self._guesses.wrong(source, self._monotonic()))

    def right(self, source: str) -> None:
        """Notes a right one."""
        self._keep(self._guesses.right(source))

    def _keep(self, guesses: Guesses) -> None:
        """In force at once; a disk that cannot be written costs only that it is forgotten at the next start."""
        if guesses == self._guesses:
            return
        self._guesses = guesses
        try:
            self._file.write(guesses)
        except StorageError as error:
            log.warning("the count of wrong passwords cannot be written and is lost at the next start: %s", error)
