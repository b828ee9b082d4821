"""The action log on disk: `core.actions` in a journal. A request is synced before it is answered; how it ended, with the next one.

Bounded: the last hundred of each kind, in fewer than three segments.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from uuid import uuid4

import msgspec

from player.core.actions import Action, ActionBook, ActionKind, Ends
from player.core.ports.box import Clock
from player.errors import StorageError
from player.journal import Journal
from player.journal_reader import read_journal

log = logging.getLogger(__name__)
COMPACT_EVERY = 1000  # records


class ActionLog:
    """Its one writer, in `folder`. `boot` and `version` name these. What was open when the player stopped is settled at once.

    Raises StorageError where the journal cannot be read.
    """

    def __init__(self, folder: Path, clock: Clock, boot: str, version: str) -> None:
        self._clock, self._boot, self._version = clock, boot, version
        self._journal: Journal[Action] = Journal(folder, sync_lines=COMPACT_EVERY)
        self._book = ActionBook.of(_records(folder))
        for settled in self._book.after_restart(boot, version, self._now()):
            self.ended(settled)

    def ask(self, kind: ActionKind, asked: Mapping[str, Any], by: str, ends: Ends) -> Action:
        """A request, on disk. Raises StorageError: then nothing was asked."""
        action = Action(uuid4().hex, kind, dict(asked), by, self._book.next_at(self._now()), self._boot, ends)
        self._journal.append(action)
        self._sync()
        self._book.write(action)
        return action

    def succeeded(self, action: Action, words: str, *, confirmed: bool) -> None:
        """It took effect, or was sent to what cannot be asked."""
        self.ended(action.succeeded(self._now(), words, confirmed=confirmed))

    def failed(self, action: Action, reason: str) -> None:
        """Writes down that it failed, and why."""
        self.ended(action.failed(self._now(), reason))

    def ended(self, action: Action) -> None:
        """How a request ended. A disk that does not take it costs only that it counts as interrupted after the next start."""
        self._book.write(action)
        try:
            if self._journal.append(action) % COMPACT_EVERY == 0:
                self._compact()
        except StorageError as error:
            log.warning("how a request of the management ended is not kept: %s", error)
        if action.failed_at:  # what succeeded is said by whoever did it
            log.info("the management (%s) asked for %s, which failed: %s", action.by, action.kind, action.reason)

    def stayed(self) -> None:
        """This version of the player is here to stay: whoever asked for it has it."""
        for action in self._book.arrived(self._version):
            self.succeeded(action, f"version {self._version} runs", confirmed=True)

    def of_kind(self, kind: ActionKind) -> Sequence[Action]:
        """What was asked for of that kind, newest first."""
        return self._book.of_kind(kind)

    def find(self, uid: str) -> Action | None:
        """The one of that uid, as far as it is known how it ended; None: it is forgotten."""
        return next((action for action in self._book.all() if action.uid == uid), None)

    def all(self) -> Sequence[Action]:
        """All that was asked for and is kept, newest first."""
        return self._book.all()

    def _compact(self) -> None:
        through = self._journal.last_seq
        self._journal.extend(list(reversed(self._book.all())))
        self._sync()
        self._journal.drop_through(through)

    def _sync(self) -> None:
        try:
            self._journal.sync()
        except OSError as error:
            raise StorageError(str(self._journal.folder), f"the action log is not safe from a power cut: {error}") from error

    def close(self) -> None:
        """Closes the journal; the object is of no use afterwards."""
        self._journal.close()

    def _now(self) -> float:
        return self._clock.now().timestamp()


def _records(folder: Path) -> Iterator[Action]:
    for _, body in read_journal(folder):
        try:
            yield msgspec.convert(body, Action)
        except msgspec.ValidationError as error:
            log.warning("a record of the action log cannot be read: %s", error)
