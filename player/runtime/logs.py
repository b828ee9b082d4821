"""Logging: lines on stderr, the last of them kept for whoever asks.

What comes from outside can neither forge a line nor steer the terminal that shows it, and addresses lose their secrets. One cause
writes ten lines a minute at most: lines that differ in what they name alone are of one.
"""

from __future__ import annotations

import faulthandler
import logging
import os
import sys
import time
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from player.core.allowance import LINE_EVERY_S, LINES_AT_ONCE, Allowance
from player.core.plaintext import printable, without_logins

KEPT_LINES, LONGEST_LINE = 200, 500
LONGEST_MESSAGE = 4000
CAUSES = 500  # that are told apart
KEPT_BYTES = 256 * 1024  # of a file, and of the one before it
FAULTS = "player.faults"
LAYOUT = "%(asctime)s %(levelname)-7s %(name)s: %(message)s"
PRIORITIES = ((logging.CRITICAL, 2), (logging.ERROR, 3), (logging.WARNING, 4), (logging.INFO, 6), (0, 7))


class PlainLines(logging.Formatter):
    """One line a record, whatever its message holds; a traceback's lines below it are indented."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - logging's name
        """The record's one line, cut where it is far too long."""
        line = super().formatMessage(record)
        if left_out := getattr(record, "left_out", 0):
            line = f"{line} ({left_out} like it were left out)"
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


class EachCause(logging.Handler):
    """Hands records on to `handlers`, of one cause no more than some a minute; whoever looks for something (DEBUG) gets all.

    Faults are counted where they are told (`runtime.fault_page`); what carries a trace is told once by whoever catches it.
    """

    def __init__(self, handlers: Sequence[logging.Handler], monotonic: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self.handlers, self._monotonic = handlers, monotonic
        self._allowed: dict[tuple[str, str], Allowance] = {}
        self._left_out: dict[tuple[str, str], int] = {}

    def emit(self, record: logging.LogRecord) -> None:
        """Hands the record on, or counts it for the next of its cause."""
        cause = (record.name, str(record.msg))
        if not self._is_counted(record) or self._may(cause).spare(self._monotonic()):
            record.left_out = self._left_out.pop(cause, 0)
            for handler in self.handlers:
                handler.handle(record)
        else:
            self._left_out[cause] = self._left_out.get(cause, 0) + 1

    @staticmethod
    def _is_counted(record: logging.LogRecord) -> bool:
        return record.levelno >= logging.INFO and record.exc_info is None and record.name != FAULTS

    def _may(self, cause: tuple[str, str]) -> Allowance:
        if len(self._allowed) >= CAUSES:
            self._allowed, self._left_out = {}, {}
        return self._allowed.setdefault(cause, Allowance(LINES_AT_ONCE, LINE_EVERY_S))


def recent_lines() -> list[str]:
    """What this process has logged lately, oldest first; empty before `set_up_logging`."""
    made = (handler for root in logging.getLogger().handlers if isinstance(root, EachCause) for handler in root.handlers)
    return [line for handler in made if isinstance(handler, RecentLines) for line in handler.lines]


def set_up_logging(level: str = "INFO", *, kept_in: Path | None = None) -> None:
    """Lines on stderr. Under journald each carries its priority, and no time of its own, since the journal has one.

    Elsewhere the last of them go to the file `kept_in` too, for `support-bundle`. A crash writes where it happened.
    """
    faulthandler.enable()
    on_stderr, recent = logging.StreamHandler(sys.stderr), RecentLines()
    on_stderr.setFormatter(JournalLines() if under_journal() else PlainLines(LAYOUT))
    files = [] if kept_in is None or under_journal() else _file(kept_in)
    logging.basicConfig(level=level, handlers=[EachCause([on_stderr, recent, *files])], force=True)


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
