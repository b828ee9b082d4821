"""`timer list|set|remove`: when the screen is on, by the box's own wall clock; the same timers as the management API's."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Sequence
from datetime import time
from typing import Any

from player.cli.client import ControlClient
from player.cli.terminal import say, say_json
from player.config import Config
from player.dirs import Dirs
from player.errors import CommandRejected

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
WIDE = 100  # columns where nobody folds lines


def main(chosen: argparse.Namespace, _: Config, dirs: Dirs) -> int:
    """Lists them, sets one, or takes one away. Raises CommandRejected."""
    client = ControlClient(dirs.control_socket)
    if chosen.action == "list":
        return _list(client.timers(), as_json=chosen.json)
    place = {"number": chosen.number, "level": chosen.level}
    if chosen.action == "remove":
        client.set_timer(place)
        say(f"timer {chosen.number} is removed")
        return 0
    if not (chosen.on or chosen.off):
        raise CommandRejected("a timer has a time to switch on (--on), or one to switch off (--off)")
    wanted = {**place, "on": chosen.on, "off": chosen.off, "days": chosen.days, "volume": chosen.volume}
    client.set_timer(wanted)
    say(f"timer {chosen.number} is set: {_in_words(wanted)}")
    return 0


def _list(timers: Sequence[dict[str, Any]], *, as_json: bool) -> int:
    if as_json:
        say_json(timers)
        return 0
    if not timers:
        say("there are no timers: the screen stays as it is")
        return 0
    from rich.console import Console
    from rich.table import Table

    console = Console(width=None if sys.stdout.isatty() else WIDE)
    table = Table("timer", "level", "when", box=None, pad_edge=False)
    for timer in timers:
        table.add_row(str(timer["number"]), timer["level"], _in_words(timer))
    console.print(table)
    return 0


def _in_words(timer: dict[str, Any]) -> str:
    times = [f"{name} from {timer[key][:5]}" for name, key in (("on", "on"), ("off", "off")) if timer[key]]
    volume = "" if timer["volume"] is None else f", at volume {timer['volume']}"
    return f"{', '.join(times)}; {days_in_words(timer['days'])}{volume}"


def wall_time(text: str) -> str:
    """ "8:00" -> "08:00:00". Raises ArgumentTypeError."""
    found = re.fullmatch(r"(\d{1,2}):(\d\d)(?::(\d\d))?", text, re.ASCII)
    try:
        if found:
            hour, minute, second = (int(part or 0) for part in found.groups())
            return time(hour, minute, second).isoformat()
    except ValueError:
        pass
    raise argparse.ArgumentTypeError(f'expected a time of the day such as "08:00", found "{text}"')


def days(text: str) -> list[int]:
    """ "mon-fri,sun" -> [1, 2, 3, 4, 5, 7]. Raises ArgumentTypeError."""
    found: set[int] = set()
    for piece in text.lower().split(","):
        first, _, last = piece.strip().partition("-")
        if first not in DAYS or (last or first) not in DAYS:
            raise argparse.ArgumentTypeError(f'expected days such as "mon-fri,sun", found "{text}"')
        begins, ends = DAYS.index(first), DAYS.index(last or first)
        found.update(day % 7 + 1 for day in range(begins, ends + (1 if begins <= ends else 8)))
    return sorted(found)


def days_in_words(found: Sequence[int]) -> str:
    """[1, 2, 3] -> "mon, tue, wed"."""
    return "every day" if len(found) == len(DAYS) else ", ".join(DAYS[day - 1] for day in found)
