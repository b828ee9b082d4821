"""Logging: lines on stderr, the last of them kept for whoever asks.

What comes from outside can neither forge a line nor steer the terminal that shows it, and addresses lose their secrets.
"""

from __future__ import annotations

import faulthandler
import logging
import os
import sys
from collections import deque
from pathlib import Path
from typing import Any

from player.core.plaintext import printable, without_logins

KEPT_LINES, LONGEST_LINE = 200, 500
LONGEST_MESSAGE = 4000
KEPT_BYTES = 256 * 1024  # of a file, and of the one before it
LAYOUT = "%(asctime)s %(levelname)-7s %(name)s: %(message)s"
PRIORITIES = ((logging.CRITICAL, 2), (logging.ERROR, 3), (logging.WARNING, 4), (logging.INFO, 6), (0, 7))


class PlainLines(logging.Formatter):
    """One line a record, whatever its message holds; a traceback's lines below it are indented."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - logging's name
        """The record's one line, cut where it is far too long."""
        line = super().formatMessage(record)
        cut = line if len(line) <= LONGEST_MESSAGE else f"{line[:LONGEST_MESSAGE]}… ({len(line)} characters)"
        return printable(without_logins(cut))

    def formatException(self, ei: Any) -> str:  # noqa: N802 - logging's name
        """A traceback, in which no line can pass for a record's."""
        lines = super().formatException(ei).splitlines()
        return "\n".join(f"  {printable(without_logins(line[:LONGEST_MESSAGE]))}" for line in lines)


class RecentLines(logging.Handler):
    """Keeps the last lines, for whoever asks from afar; a long one is cut."""

    def __init__(self) -> None:
        super().__init__()
        self.setFormatter(PlainLines("%(asctime)s %(levelname)s %(name)s: %(message)s"))
        self.lines: deque[str] = deque(maxlen=KEPT_LINES)

    def emit(self, record: logging.LogRecord) -> None:
        """Keeps the record, and lets go of the oldest."""
        self.lines.append(self.format(record)[:LONGEST_LINE])


def recent_lines() -> list[str]:
    """What this process has logged lately, oldest first; empty before `set_up_logging`."""
    kept = (handler for handler in logging.getLogger().handlers if isinstance(handler, RecentLines))
    return [line for handler in kept for line in handler.lines]


def set_up_logging(level: str = "INFO", *, kept_in: Path | None = None) -> None:
    """Lines on stderr. Under journald each carries its priority, and no time of its own, since the journal has one.

    Elsewhere the last of them go to the file `kept_in` too, for `support-bundle`. A crash writes where it happened.
    """
    faulthandler.enable()
    on_stderr, recent = logging.StreamHandler(sys.stderr), RecentLines()
    on_stderr.setFormatter(JournalLines() if under_journal() else PlainLines(LAYOUT))
    files = [] if kept_in is None or under_journal() else _file(kept_in)
    logging.basicConfig(level=level, handlers=[on_stderr, recent, *files], force=True)


def under_journal() -> bool:
    """Whether stderr is journald's own stream: the variable alone is handed on to children that write elsewhere."""
    try:
        stderr = os.fstat(2)
    except OSError:
        return False
    return os.environ.get("JOURNAL_STREAM") == f"{stderr.st_dev}:{stderr.st_ino}"


def complain(sentence: str, level: int = logging.ERROR) -> None:
    """A sentence on stderr before any log is set up."""
    mark = f"<{priority(level)}>" if under_journal() else ""
    print(f"{mark}signage-player: {printable(without_logins(sentence))}", file=sys.stderr, flush=True)


class JournalLines(PlainLines):
    """Each line begins with its priority as sd-daemon(3) says; journald takes that off and keeps it."""

    def __init__(self) -> None:
        super().__init__("%(levelname)s %(name)s: %(message)s")

    def format(self, record: logging.LogRecord) -> str:
        """The lines of one record, a traceback's too."""
        mark = f"<{priority(record.levelno)}>"
        return mark + super().format(record).replace("\n", f"\n{mark}")


def priority(level: int) -> int:
    """logging's level as syslog's priority: WARNING -> 4."""
    return next(found for at_least, found in PRIORITIES if level >= at_least)


def _file(path: Path) -> list[logging.Handler]:
    """None where the folder is not there, or not ours."""
    from logging.handlers import RotatingFileHandler

    try:
        if path.parent.stat().st_uid != os.geteuid():
            return []
        handler = RotatingFileHandler(path, maxBytes=KEPT_BYTES, backupCount=1, encoding="utf-8")
    except OSError:
        return []
    handler.setFormatter(PlainLines(LAYOUT))
    return [handler]
