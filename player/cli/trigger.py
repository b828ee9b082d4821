"""`trigger test`: which rule a recorded message would fire, and why the others would not."""

from __future__ import annotations

import argparse
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec

from player.cli.terminal import say
from player.cms.triggers.words import Illegible, messages_of, read
from player.config import Config, Dirs
from player.core.triggers import TriggerRule, in_order
from player.errors import ConfigError, StorageError


def main(chosen: argparse.Namespace, config: Config, _: Dirs) -> int:
    """Prints it for every message of the file; 0 where a rule fits, 1 where none does. Neither lateness nor cool-down counts."""
    if not config.triggers:
        raise ConfigError(chosen.config or "the configuration", "trigger", "there is none: write a table [[trigger]]")
    rules = in_order(TriggerRule(**msgspec.structs.asdict(one)) for one in config.triggers)
    fits = [_test(message, rules, ZoneInfo(config.spotwatch.zone)) for message in _recorded(Path(chosen.file))]
    return 0 if any(fits) else 1


def _recorded(path: Path) -> list[object]:
    """A push, what a queue answered, a list of messages, or one."""
    try:
        return list(messages_of(msgspec.json.decode(path.read_bytes())))
    except OSError as error:
        raise StorageError(str(path), f"cannot be read: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise StorageError(str(path), f"is no JSON: {error}") from error


def _test(message: object, rules: list[TriggerRule], zone: ZoneInfo) -> bool:
    found = read(message, zone, 0.0, "")
    if isinstance(found, Illegible):
        say(f"no broadcast: {found.reason or f'a message of the sort {found.sort}'}", keep="")
        return False
    say(f"{found.broadcast}", keep="")
    fires = None
    for rule in rules:
        misfit = rule.misfit(found.broadcast)
        if misfit is None and fires is None:
            fires = rule
        word = "fires" if fires is rule else "fits, but another fires" if misfit is None else "does not fit"
        say(f"  {rule.name}: {word}: {misfit or f'shows {rule.show}'}", keep="")
    return fires is not None
