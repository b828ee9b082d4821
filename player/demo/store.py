"""What the demonstration server remembers: one SQLite file, written by this process alone.

Calls are made on the event loop's own thread: each takes well under a millisecond at the size of a demonstration. Times are seconds
since the epoch; columns that end in `_json` hold JSON text. Ids are never used twice, so a device can be told which are gone.
"""

from __future__ import annotations

import contextlib
import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

Row = dict[str, Any]

_SCHEMA = """
CREATE TABLE IF NOT EXISTS tenants (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL, plan TEXT NOT NULL DEFAULT 'free');
CREATE TABLE IF NOT EXISTS users (id INTEGER PRIMARY KEY AUTOINCREMENT, tenant_id INTEGER NOT NULL REFERENCES tenants,
  name TEXT NOT NULL, email TEXT NOT NULL UNIQUE, password TEXT NOT NULL, role TEXT NOT NULL DEFAULT 'tenant_admin');
CREATE TABLE IF NOT EXISTS tokens (id INTEGER PRIMARY KEY AUTOINCREMENT,
  user_id INTEGER NOT NULL REFERENCES users ON DELETE CASCADE, hash TEXT NOT NULL, created_at REAL NOT NULL);
CREATE TABLE IF NOT EXISTS devices (id INTEGER PRIMARY KEY AUTOINCREMENT, uuid TEXT NOT NULL UNIQUE,
  tenant_id INTEGER REFERENCES tenants, name TEXT, model TEXT, os_version TEXT, app_version TEXT, license_key TEXT,
  pairing_code TEXT UNIQUE, is_locked INTEGER NOT NULL DEFAULT 0, lock_pin TEXT, show_watermark INTEGER NOT NULL DEFAULT 0,
  device_group_id INTEGER, location_id INTEGER, telemetry_json TEXT NOT NULL DEFAULT '{}',
  last_seen_at REAL, created_at REAL NOT NULL);
CREATE TABLE IF NOT EXISTS content (id INTEGER PRIMARY KEY AUTOINCREMENT, tenant_id INTEGER NOT NULL REFERENCES tenants,
  name TEXT NOT NULL, type TEXT NOT NULL, mime TEXT, file_size INTEGER, file_hash TEXT, source_url TEXT, duration NUMERIC,
  status TEXT NOT NULL DEFAULT 'active', created_at REAL NOT NULL);
CREATE INDEX IF NOT EXISTS content_by_hash ON content (file_hash);
CREATE TABLE IF NOT EXISTS playlists (id INTEGER PRIMARY KEY AUTOINCREMENT, tenant_id INTEGER NOT NULL REFERENCES tenants,
  name TEXT NOT NULL, transition_json TEXT NOT NULL, is_default INTEGER NOT NULL DEFAULT 0, layout_json TEXT);
CREATE TABLE IF NOT EXISTS playlist_items (id INTEGER PRIMARY KEY AUTOINCREMENT,
  playlist_id INTEGER NOT NULL REFERENCES playlists ON DELETE CASCADE,
  content_id INTEGER NOT NULL REFERENCES content ON DELETE CASCADE,
  position INTEGER NOT NULL, duration NUMERIC, extra_json TEXT NOT NULL DEFAULT '{}');
CREATE TABLE IF NOT EXISTS schedules (id INTEGER PRIMARY KEY AUTOINCREMENT, tenant_id INTEGER NOT NULL REFERENCES tenants,
  playlist_id INTEGER NOT NULL REFERENCES playlists ON DELETE CASCADE, schedulable_type TEXT NOT NULL, schedulable_id INTEGER,
  rule_json TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS commands (id INTEGER PRIMARY KEY AUTOINCREMENT,
  device_id INTEGER NOT NULL REFERENCES devices ON DELETE CASCADE, type TEXT NOT NULL, payload_json TEXT NOT NULL,
  created_at REAL NOT NULL, expires_at REAL, delivered_at REAL, status TEXT NOT NULL DEFAULT 'pending', message TEXT,
  started_at REAL, finished_at REAL, result_json TEXT);
CREATE TABLE IF NOT EXISTS alerts (id INTEGER PRIMARY KEY AUTOINCREMENT, tenant_id INTEGER NOT NULL REFERENCES tenants,
  device_id INTEGER REFERENCES devices ON DELETE CASCADE, title TEXT NOT NULL, message TEXT NOT NULL, severity TEXT NOT NULL,
  starts_at REAL, expires_at REAL, image_url TEXT, color TEXT);
CREATE TABLE IF NOT EXISTS plays (device_id INTEGER NOT NULL REFERENCES devices ON DELETE CASCADE, event_id TEXT NOT NULL,
  received_at REAL NOT NULL, event_json TEXT NOT NULL, PRIMARY KEY (device_id, event_id));
CREATE TABLE IF NOT EXISTS faults (device_id INTEGER NOT NULL REFERENCES devices ON DELETE CASCADE, fault_key TEXT NOT NULL,
  first_seen_at REAL NOT NULL, last_seen_at REAL NOT NULL, is_active INTEGER NOT NULL, fault_json TEXT NOT NULL,
  PRIMARY KEY (device_id, fault_key));
CREATE TABLE IF NOT EXISTS screenshots (id INTEGER PRIMARY KEY AUTOINCREMENT,
  device_id INTEGER NOT NULL REFERENCES devices ON DELETE CASCADE, command_id TEXT, taken_at REAL, width INTEGER, height INTEGER,
  file_hash TEXT NOT NULL, received_at REAL NOT NULL);
CREATE TABLE IF NOT EXISTS deliveries (device_id INTEGER NOT NULL REFERENCES devices ON DELETE CASCADE, content_id INTEGER NOT NULL,
  PRIMARY KEY (device_id, content_id));
"""


class Store:
    """The database; rows come back as plain dictionaries."""

    def __init__(self, path: Path) -> None:
        self._db = sqlite3.connect(path, isolation_level=None)
        self._db.row_factory = sqlite3.Row
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=NORMAL")
        self._db.execute("PRAGMA foreign_keys=ON")
        self._db.executescript(_SCHEMA)

    def close(self) -> None:
        """Closes the file; the object is of no use afterwards."""
        self._db.close()

    def one(self, sql: str, *values: Any) -> Row | None:
        """The first row, or None."""
        row = self._db.execute(sql, values).fetchone()
        return dict(row) if row else None

    def all(self, sql: str, *values: Any) -> list[Row]:
        """Every row."""
        return [dict(row) for row in self._db.execute(sql, values)]

    def count(self, sql: str, *values: Any) -> int:
        """The one number that a `SELECT count(*) …` answers."""
        return int(self._db.execute(sql, values).fetchone()[0])

    def run(self, sql: str, *values: Any) -> int:
        """Changes rows; returns how many."""
        return self._db.execute(sql, values).rowcount

    def insert(self, table: str, **columns: Any) -> int:
        """Adds a row; returns its id. Table and column names are this package's own words."""
        names, marks = ", ".join(columns), ", ".join("?" * len(columns))
        sql = f"INSERT INTO {table} ({names}) VALUES ({marks})"  # noqa: S608 - names are literals of this package, values are bound
        return self._db.execute(sql, tuple(columns.values())).lastrowid or 0

    def update(self, table: str, row_id: int, **columns: Any) -> None:
        """Changes one row; no columns, no change."""
        if columns:
            pairs = ", ".join(f"{name} = ?" for name in columns)
            sql = f"UPDATE {table} SET {pairs} WHERE id = ?"  # noqa: S608 - as in `insert`
            self._db.execute(sql, (*columns.values(), row_id))

    @contextlib.contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing; there must be no `await` inside."""
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")


def to_json(value: Any) -> str:
    """JSON text for a `_json` column."""
    return json.dumps(value, separators=(",", ":"))


def from_json(text: str | None) -> Any:
    """The value of a `_json` column; None where there is none."""
    return json.loads(text) if text else None
