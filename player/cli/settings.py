"""`settings`, `get [NAME]`, `set NAME VALUE`: what a running player is told to be, and whether it is so."""

from __future__ import annotations

import argparse
import sys
from datetime import UTC, datetime
from typing import Any

from player.cli.client import ControlClient
from player.cli.terminal import say, say_json
from player.config import Config
from player.core.plaintext import printable
from player.core.settings import find
from player.dirs import Dirs

WIDE = 160  # columns where nobody folds lines


def show(chosen: argparse.Namespace, _: Config, dirs: Dirs) -> int:
    """Prints every setting: wanted, found, who asked, when."""
    rows = ControlClient(dirs.control_socket).settings()
    if chosen.json:
        say_json(rows)
        return 0
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console(width=None if sys.stdout.isatty() else WIDE)
    table = Table("setting", "wanted", "found", "asked for by", "when", "takes", box=None, pad_edge=False)
    for row in rows:
        cells = (row["name"], in_words(row["wanted"]), in_words(row["found"]), row["asked_by"] or "nobody", _when(row["asked_at"]))
        table.add_row(*(Text(printable(cell)) for cell in (*cells, row["range"])), style=None if row["in_effect"] else "red")
    console.print(table)
    for row in rows:
        if not row["in_effect"]:
            console.print(Text(printable(f"{row['name']} is not in effect: {row['outcome']}"), style="red"))
    return 0


def get(chosen: argparse.Namespace, _: Config, dirs: Dirs) -> int:
    """Prints what is wanted of one setting; without a name of each, behind its name. Raises SettingRefused."""
    name = None if chosen.name is None else find(chosen.name).name
    rows = {row["name"]: in_words(row["wanted"]) for row in ControlClient(dirs.control_socket).settings()}
    if name is not None:
        say(rows[name])
        return 0
    for each, wanted in rows.items():
        say(f"{each} {wanted}")
    return 0


def set_(chosen: argparse.Namespace, _: Config, dirs: Dirs) -> int:
    """Asks for one setting, and prints how that ended. Raises SettingRefused, BoxError."""
    say(ControlClient(dirs.control_socket).set(chosen.name, chosen.value)["outcome"])
    return 0


def in_words(value: Any) -> str:
    """True -> "on"; 30.0 -> "30"; None -> "-"."""
    if isinstance(value, bool):
        return "on" if value else "off"
    return "-" if value is None else f"{value:g}" if isinstance(value, float) else str(value)


def _when(seconds: float | None) -> str:
    return "" if seconds is None else f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M} UTC"
