"""What the management itself says of this box and keeps here: its name, where it stands, its labels, how often it is looked at."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from player.errors import StorageError
from player.store import Snapshot


@dataclass(frozen=True, slots=True)
class About:
    """`created_at`: when this was first written, in seconds since the epoch; `tags` by uid, with the time of their assignment.

    `intervals`: milliseconds between two looks, by the API's names; None: never. `pin`: the PIN that was made for the management to
    read, which is the box's while `pin_mark` is. `captures`: whether pictures of the screen may be taken.
    `extended_management`: the address of another management of this box, "" for none.
    """

    created_at: float
    name: str = ""
    location: str | None = None
    tags: Mapping[str, float] = field(default_factory=dict)
    intervals: Mapping[str, int | None] = field(default_factory=dict)
    pin: str = field(default="", repr=False)
    pin_mark: str = ""
    captures: bool = True
    extended_management: str = ""


class AboutFile:
    """Its one writer. The first one that is made writes down that it was, at `now`."""

    def __init__(self, path: Path, now: float) -> None:
        self._file = Snapshot(path, About)
        held = self._file.read_or(None)
        self.current = About(now) if held is None else held
        if held is None:
            with contextlib.suppress(StorageError):  # a full disk keeps nobody from starting
                self._file.write(self.current)

    def change(self, **changes: Any) -> None:
        """Other values. Raises StorageError: then nothing changed."""
        changed = replace(self.current, **changes)
        self._file.write(changed)
        self.current = changed
