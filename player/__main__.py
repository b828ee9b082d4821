"""The entry point, kept small: the daemons' commands go straight to their module, everything else to `player.cli`.

`run` must have its first frame on screen within half a second of power, so what is not needed for that is not imported.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from player.config import Config, Dirs

DAEMONS = ("run", "agent", "stage", "compositor")


def main(arguments: list[str] | None = None) -> int:
    """Runs the command; returns its exit code (see `player.cli`)."""
    given = sys.argv[1:] if arguments is None else arguments
    if given and given[0] in DAEMONS and (len(given) == 1 or (len(given) == 3 and given[1] == "--config")):
        return start(given[0], given[2] if len(given) == 3 else None)
    from player.cli import main as every_command

    return every_command(given)


def start(daemon: str, config_file: str | None) -> int:
    """Runs a daemon in the foreground: 0 after SIGTERM or SIGINT, 1 when it failed, 2 when the configuration is wrong."""
    from player import config as configuration
    from player.errors import ConfigError, SignageError

    if daemon != "run":
        from player.launch.restarts import hold_back

        hold_back(daemon)
    try:
        config = configuration.load(config_file)
        dirs = configuration.resolve_dirs(config)
        if daemon == "run":
            from player.launch import start as launch

            return launch.run(config, dirs, configuration.find_file(config_file))
        return _daemon(daemon, config, dirs)
    except ConfigError as error:
        print(f"signage-player: {error}", file=sys.stderr)  # before any log is set up
        return 2
    except SignageError as error:
        print(f"signage-player: {error}", file=sys.stderr)
        return 1


def _daemon(name: str, config: Config, dirs: Dirs) -> int:
    if name == "compositor":
        from player.compositor.session import main as compositor

        return compositor(config, dirs)
    from player.launch.start import only_one

    # a predecessor that is just being killed has a moment to go
    folder = dirs.stage if name == "stage" else dirs.state
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with only_one(folder / f"{name}.lock", wait_s=2.0):
        if name == "stage":
            from player.stage.app import main as stage

            return stage(config, dirs)
        from player.agent.app import main as agent

        return agent(config, dirs)


if __name__ == "__main__":
    sys.exit(main())
