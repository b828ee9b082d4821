"""The command line: one command, and the exit code that it ends with. `arguments` says which there are.

A command's code is imported when it is asked for.
"""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from collections.abc import MutableMapping, Sequence
from pathlib import Path

from player.cli.arguments import make_parser
from player.errors import ConfigError, NotRunning, SignageError, WrongPin


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command; returns its exit code."""
    chosen = make_parser().parse_args(arguments)
    try:
        return _run(chosen)
    except ConfigError as error:
        return _say(error, 2)
    except NotRunning as error:
        return _say(error, 3)
    except WrongPin as error:
        return _say(error, 4)
    except SignageError as error:
        return _say(error, 1)
    except BrokenPipeError:
        sys.stderr.close()  # whoever read us has enough
        return 0
    except KeyboardInterrupt:
        return 130


def _say(error: SignageError, code: int) -> int:
    from player.cli.terminal import say

    say(f"signage-player: {error}", sys.stderr)
    return code


def _run(chosen: argparse.Namespace) -> int:
    if chosen.code == "daemon":
        from player.launch.daemon import start

        if getattr(chosen, "shown", None):
            show_folder(chosen.shown, os.environ)
        return start(chosen.command, chosen.config)
    from player.cms import KINDS
    from player.config_reader import load
    from player.dirs import resolve_dirs

    config = load(chosen.config, KINDS)
    module, _, function = chosen.code.partition(":")
    command = getattr(importlib.import_module(f"player.cli.{module}"), function)
    return int(command(chosen, config, resolve_dirs(config)))


def show_folder(folder: str, environment: MutableMapping[str, str]) -> None:
    """Has this process and its children show a folder, whatever else is configured. Raises ConfigError where it is none."""
    path = Path(folder).resolve()
    if not path.is_dir():
        raise ConfigError(folder, "", "is not a folder; name one with pictures, videos or documents in it")
    environment.update({"SIGNAGE__CMS__KIND": "folder", "SIGNAGE__CMS__URL": "", "SIGNAGE__FOLDER__PATH": str(path)})
