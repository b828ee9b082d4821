"""One daemon as this process: configuration read, folders made, then its own `main`. Imports only what that one needs."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from player.config import Config, Dirs


def start(daemon: str, config_file: str | None) -> int:
    """Runs a daemon in the foreground: 0 after SIGTERM or SIGINT, 1 when it failed, 2 when the configuration is wrong."""
    from player.cms import KINDS
    from player.config import resolve_dirs
    from player.config_reader import find_file, load
    from player.errors import ConfigError, SignageError

    if daemon != "run":
        from player.launch.restarts import hold_back

        hold_back(daemon)
    try:
        config = load(config_file, KINDS)
        dirs = resolve_dirs(config)
        if daemon == "run":
            from player.launch import start as launch

            return launch.run(config, dirs, find_file(config_file))
        return _daemon(daemon, config, dirs)
    except ConfigError as error:
        _complain(error)
        return 2
    except SignageError as error:
        _complain(error)
        return 1


def _complain(error: Exception) -> None:
    from player.runtime.logs import complain

    complain(str(error))


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
