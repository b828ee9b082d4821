"""What the server remembers: objects as its API writes them, by kind and id, in one SQLite file of this process alone.

Calls are made on the event loop's own thread: each takes well under a millisecond at the size of a demonstration.
"""

from __future__ import annotations

import json
import sqlite3
import uuid
from pathlib import Path
from typing import Any

from player.core.ports.box import Clock

Thing = dict[str, Any]
_SCHEMA = """CREATE TABLE IF NOT EXISTS things (
  place INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL, id TEXT NOT NULL, body TEXT NOT NULL, UNIQUE (kind, id))"""


class Workspace:
    """`things` of a `kind`, in the order in which they were made."""

    def __init__(self, path: Path, clock: Clock) -> None:
        self._db = sqlite3.connect(path, isolation_level=None)
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = OFF")
        self._db.execute(_SCHEMA)
        self._clock = clock

    def close(self) -> None:
        """Closes the file."""
        self._db.close()

    def now(self) -> str:
        """The time as the API writes it."""
        return self._clock.now().isoformat(timespec="milliseconds").replace("+00:00", "Z")

    def all(self, kind: str) -> list[Thing]:
        """Every one of them."""
        return [json.loads(body) for (body,) in self._db.execute("SELECT body FROM things WHERE kind = ? ORDER BY place", (kind,))]

    def get(self, kind: str, name: str | None) -> Thing | None:
        """The one with that id; None where there is none."""
        row = self._db.execute("SELECT body FROM things WHERE kind = ? AND id = ?", (kind, name)).fetchone()
        found: Thing | None = json.loads(row[0]) if row else None
        return found

    def add(self, kind: str, body: Thing) -> Thing:
        """Makes one, with an id and its times."""
        made = {"id": str(uuid.uuid4()), **body, "createdAt": self.now(), "updatedAt": self.now()}
        self._db.execute("INSERT INTO things (kind, id, body) VALUES (?, ?, ?)", (kind, made["id"], json.dumps(made)))
        return made

    def change(self, kind: str, name: str, changes: Thing, *, is_news: bool = True) -> Thing:
        """Changes fields of one that is there. `is_news`: its time of change moves too."""
        body = (self.get(kind, name) or {}) | changes | ({"updatedAt": self.now()} if is_news else {})
        self._db.execute("UPDATE things SET body = ? WHERE kind = ? AND id = ?", (json.dumps(body), kind, name))
        return body

    def drop(self, kind: str, name: str) -> None:
        """Removes one, and whatever pointed to it points there no more."""
        self._db.execute("DELETE FROM things WHERE kind = ? AND id = ?", (kind, name))
        if kind == "playlists":
            self._forget_playlist(name)
        elif kind == "media":
            for playlist in self.all("playlists"):
                left = [item for item in playlist["items"] if item["mediaId"] != name]
                if len(left) < len(playlist["items"]):
                    self.change("playlists", playlist["id"], {"items": left})

    def _forget_playlist(self, name: str) -> None:
        for schedule in self.all("schedules"):
            if schedule["playlistId"] == name:
                self.drop("schedules", schedule["id"])
        for screen in self.all("screens"):
            gone = {key: None for key in ("currentPlaylistId", "defaultPlaylistId") if screen[key] == name}
            if gone:
                self.change("screens", screen["id"], gone)
