"""A few records of one kind, each with a uid, in one file: labels, places, policies."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Generic, Protocol, TypeVar

from player.agent.devices.refusals import conflict, not_found
from player.store import Snapshot


class FiledRecord(Protocol):
    """What can be kept here. `created_at` is in seconds since the epoch."""

    @property
    def uid(self) -> str:
        """Names it for ever."""

    @property
    def created_at(self) -> float:
        """When it was made; no two of a file at once."""


S = TypeVar("S", bound=FiledRecord)


class RecordsFile(Generic[S]):
    """At most `most` records of the dataclass `kind` in `path`; `called` names one in errors."""

    def __init__(self, path: Path, kind: type[S], called: str, most: int) -> None:
        self._file: Snapshot[tuple[S, ...]] = Snapshot(path, tuple[kind, ...])  # type: ignore[valid-type]  # known when it runs
        self._called, self._most = called, most
        self._records = {record.uid: record for record in self._file.read_or(())}

    def all(self) -> Sequence[S]:
        """All of them, oldest first."""
        return tuple(self._records.values())

    def get(self, uid: str) -> S:
        """The one of that uid. Raises Declined."""
        if uid not in self._records:
            raise not_found(self._called)
        return self._records[uid]

    def next_at(self, now: float) -> float:
        """When one that is made now was made: later than every other, to the millisecond."""
        return max([round(now, 3), *(round(record.created_at + 0.001, 3) for record in self._records.values())])

    def put(self, record: S) -> None:
        """Keeps it, in the place of the one with its uid. Raises Declined where there are too many, StorageError."""
        if record.uid not in self._records and len(self._records) >= self._most:
            raise conflict(f"this box keeps {self._most} of these at most ({self._called})")
        self._keep({**self._records, record.uid: record})

    def remove(self, uid: str) -> None:
        """Forgets it. Raises Declined where there is none, StorageError."""
        self.get(uid)
        self._keep({name: record for name, record in self._records.items() if name != uid})

    def _keep(self, records: dict[str, S]) -> None:
        self._file.write(tuple(records.values()))
        self._records = records
