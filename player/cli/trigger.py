"""`trigger test`: which rule a recorded message would fire, and why the others would not."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import msgspec

from player.cli.terminal import say
from player.cms import TRIGGER_SOURCES
from player.config import Config
from player.core.ports.triggers import Misread, OtherSort, Triggered
from player.core.triggers import TriggerRule, in_order
from player.dirs import Dirs
from player.errors import ConfigError, StorageError


def main(chosen: argparse.Namespace, config: Config, _: Dirs) -> int:
    """Prints it for every message of the file; 0 where a rule fits, 1 where none does. Neither lateness nor cool-down counts."""
    if not config.triggers:
        raise ConfigError(chosen.config or "the configuration", "trigger", "there is none: write a table [[trigger]]")
    rules = in_order(TriggerRule(**msgspec.structs.asdict(one)) for one in config.triggers)
    row = TRIGGER_SOURCES[config.trigger_kind or next(iter(TRIGGER_SOURCES))]
    told = row.recorded(_decoded(Path(chosen.file)), config.trigger_source or row.keys()())
    fits = [_test(event, rules) for event in told]
    return 0 if any(fits) else 1


def _decoded(path: Path) -> Any:
    try:
        return msgspec.json.decode(path.read_bytes())
    except OSError as error:
        raise StorageError(str(path), f"cannot be read: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise StorageError(str(path), f"is not JSON: {error}") from error


def _test(event: Triggered | OtherSort | Misread, rules: list[TriggerRule]) -> bool:
    if not isinstance(event, Triggered):
        say(f"no broadcast: {event.reason if isinstance(event, Misread) else f'a message of the sort {event.sort}'}", keep="")
        return False
    say(f"{event.broadcast}", keep="")
    fires = None
    for rule in rules:
        misfit = rule.misfit(event.broadcast)
        if misfit is None and fires is None:
            fires = rule
        word = "fires" if fires is rule else "fits, but another fires" if misfit is None else "does not fit"
        say(f"  {rule.name}: {word}: {misfit or f'shows {rule.show}'}", keep="")
    return fires is not None
