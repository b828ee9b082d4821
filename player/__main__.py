"""The entry point, kept small: the daemons' commands go straight to `launch.daemon`, everything else to `player.cli`.

`run` must have its first frame on screen within half a second of power, so what is not needed for that is not imported.
"""

from __future__ import annotations

import sys

DAEMONS = ("run", "agent", "stage", "compositor")


def main(arguments: list[str] | None = None) -> int:
    """Runs the command; returns its exit code (see `player.cli`)."""
    given = sys.argv[1:] if arguments is None else arguments
    if given and given[0] in DAEMONS and (len(given) == 1 or (len(given) == 3 and given[1] == "--config")):
        from player.launch.daemon import start

        return start(given[0], given[2] if len(given) == 3 else None)
    from player.cli import main as every_command

    return every_command(given)


if __name__ == "__main__":
    sys.exit(main())
