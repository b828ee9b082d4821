"""What commands print: whatever a name holds, it neither steers the terminal nor begins a line of its own."""

from __future__ import annotations

import json
import sys
from typing import IO, Any

from player.core.plaintext import printable


def say(text: object, out: IO[str] | None = None, *, keep: str = "\n") -> None:
    """Prints on standard output, unless given another; what is in `keep` stays as it is."""
    print(printable(str(text), keep), file=out or sys.stdout, flush=True)


def say_json(value: Any, indent: int | None = None) -> None:
    """Prints a value for programs: JSON that is safe to look at."""
    say(json.dumps(value, ensure_ascii=False, indent=indent))
