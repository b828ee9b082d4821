"""What a demonstration server remembers: one SQLite file, written by this process alone.

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


class Store:
    """The database, its tables made by `schema` where they are missing; rows come back as plain dictionaries."""

    def __init__(self, path: Path, schema: str) -> None:
        self._db = sqlite3.connect(path, isolation_level=None)
        self._db.row_factory = sqlite3.Row
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=NORMAL")
        self._db.execute("PRAGMA foreign_keys=ON")
        self._db.executescript(schema)

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
