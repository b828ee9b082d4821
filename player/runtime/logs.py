"""Logging: lines on stderr, the last of them kept for whoever asks from afar."""

from __future__ import annotations

import faulthandler
import logging
import os
import sys
from collections import deque

KEPT_LINES, LONGEST_LINE = 200, 500


class RecentLines(logging.Handler):
    """Keeps the last lines, for whoever asks from afar; a long one is cut."""

    def __init__(self) -> None:
        super().__init__()
        self.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
        self.lines: deque[str] = deque(maxlen=KEPT_LINES)

    def emit(self, record: logging.LogRecord) -> None:
        """Takes one in."""
        self.lines.append(self.format(record)[:LONGEST_LINE])


def recent_lines() -> list[str]:
    """What this process has logged lately, oldest first; empty before `set_up_logging`."""
    kept = (handler for handler in logging.getLogger().handlers if isinstance(handler, RecentLines))
    return [line for handler in kept for line in handler.lines]


def set_up_logging(level: str = "INFO") -> None:
    """Lines on stderr; under journald without a time of our own, since the journal has one. A crash writes where it happened."""
    faulthandler.enable()
    under_journal = "JOURNAL_STREAM" in os.environ
    layout = "%(levelname)s %(name)s: %(message)s" if under_journal else "%(asctime)s %(levelname)-7s %(name)s: %(message)s"
    logging.basicConfig(level=level, format=layout, handlers=[logging.StreamHandler(sys.stderr), RecentLines()], force=True)
