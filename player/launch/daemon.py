"""One daemon as this process: configuration read, folders made, then its own `main`. Imports only what that one needs."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from player.config import Config
    from player.config_reader import Unreadable
    from player.dirs import Dirs


def start(daemon: str, config_file: str | None) -> int:
    """Runs a daemon in the foreground: 0 after SIGTERM or SIGINT, 1 when it failed, 2 when the configuration is wrong.

    What makes the picture starts with a wrong one too, by the defaults, and tells it on the screen: who comes to mend it sees that.
    """
    from player.cms import KINDS
    from player.config_reader import Unreadable, find_file, load, without_file
    from player.dirs import resolve_dirs
    from player.errors import ConfigError, SignageError

    if daemon != "run":
        from player.launch.restarts import hold_back

        hold_back(daemon)
    unreadable = None
    try:
        try:
            config = load(config_file, KINDS)
        except ConfigError as error:
            if daemon not in ("compositor", "stage"):
                raise
            _complain(error)
            config, unreadable = without_file(KINDS), Unreadable(error, lambda: load(config_file, KINDS))
        dirs = resolve_dirs(config)
        if daemon == "run":
            from player.launch import start as launch

            return launch.run(config, dirs, find_file(config_file))
        return _daemon(daemon, config, dirs, unreadable)
    except ConfigError as error:
        _complain(error)
        return 2
    except SignageError as error:
        _complain(error)
        return 1


def _complain(error: Exception) -> None:
    from player.runtime.logs import complain

    complain(str(error))


def _daemon(name: str, config: Config, dirs: Dirs, unreadable: Unreadable | None) -> int:
    if name == "compositor":
        from player.compositor.session import main as compositor

        return compositor(config, dirs)
    from player.launch.start import lock_folder, only_one
    from player.runtime.systemd import taking_its_time

    before = _load_stage(config.stage.backend) if name == "stage" else ""
    # a predecessor that is just being killed has a moment to go
    folder = lock_folder(dirs.stage, dirs.stage_runtime) if name == "stage" else lock_folder(dirs.state, dirs.runtime)
    with only_one(folder / f"{name}.lock", wait_s=2.0), taking_its_time() as started:
        if name == "stage":
            from player.stage.daemon import main as stage

            return stage(config, dirs, unreadable, started, before)
        from player.agent.daemon import main as agent

        return agent(config, dirs, started)


def _load_stage(backend: str) -> str:
    """Loads what the first frame needs. Where it is supervised this process then waits, and a child of it goes on as the stage,
    another one whenever that is killed: how the one before ended."""
    from player.launch.supervisor import STANDS_BY, forgiving
    from player.runtime.systemd import sd_notify, taking_its_time
    from player.stage.loading import load

    with taking_its_time():
        load(backend)
    if STANDS_BY not in os.environ:
        return ""
    from player.launch.understudy import stand_by

    return stand_by(lambda: sd_notify("WATCHDOG=1"), forgiven=forgiving())
