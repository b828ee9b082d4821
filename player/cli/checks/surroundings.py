"""What surrounds the player: the clock, the disk and who may read it, the network."""

from __future__ import annotations

import ctypes
import os
import shutil
import stat
from collections.abc import Iterator, Sequence
from pathlib import Path

from player.cli.checks.finding import Finding, absent, failed, passed
from player.dirs import Dirs
from player.sizes import parse_size

_TIME_ERROR = 5  # adjtimex(2): the clock is not synchronized
_TIMEX_BYTES = 512  # more than any struct timex


def clock() -> Iterator[Finding]:
    """Whether the kernel holds the clock for synchronized."""
    state = ctypes.CDLL(None, use_errno=True).adjtimex(ctypes.create_string_buffer(_TIMEX_BYTES))
    if state == _TIME_ERROR:
        remedy = "timedatectl set-ntp true; not supported? sudo apt install systemd-timesyncd: dayparts and proof need the time"
        yield failed("clock", "not synchronized", remedy, needed=False)
    elif state < 0:
        yield absent("clock", "this system does not tell whether its clock is synchronized")
    else:
        yield passed("clock", "synchronized")


def disk(dirs: Dirs, reserve: str) -> Iterator[Finding]:
    """Room and the right to write, where state and media go."""
    for name, folder in (("state", dirs.state), ("media", dirs.cache)):
        there = _nearest(folder)
        free = shutil.disk_usage(there).free
        room = f"{folder}: {free / 2**30:.1f} GiB free"
        if not os.access(there, os.W_OK | os.X_OK):
            yield failed(
                f"disk, {name}",
                f"{there} cannot be written",
                f"mend its owner, or set storage.{'state' if name == 'state' else 'cache'}_dir",
            )
        elif free < parse_size(reserve):
            yield failed(f"disk, {name}", f"{room}, less than storage.reserve = {reserve}", "make room, or use a larger disk")
        else:
            yield passed(f"disk, {name}", room)


def _nearest(folder: Path) -> Path:
    """The folder, or the closest one above it that exists."""
    return next((path for path in (folder, *folder.parents) if path.exists()), Path("/"))


def permissions(dirs: Dirs) -> Iterator[Finding]:
    """Secrets are their owner's alone."""
    open_to = []
    for path in (dirs.state, *dirs.state.glob("identity*.json"), dirs.state / "tokens.json"):
        try:
            mode = stat.S_IMODE(path.stat().st_mode)
        except OSError:
            continue
        if mode & (0o007 if path.is_dir() else 0o077):
            open_to.append(f"{path} is {mode:o}")
    if open_to:
        yield failed("permissions", "; ".join(open_to), f"chmod -R go-rwx {dirs.state}", needed=False)
    else:
        yield passed("permissions", "secrets are closed to others")


def secrets(left: Sequence[str]) -> Iterator[Finding]:
    """`left`: the keys whose secrets stand in the configuration, which the stage and what shows pages read too."""
    if left:
        remedy = "run scripts/install again, which moves them; or put each into a file, and name it by the key that ends in _file"
        yield failed("secrets", f"{', '.join(left)}: in the configuration itself", remedy, needed=False)
    else:
        yield passed("secrets", "none in the configuration")


def network() -> Iterator[Finding]:
    """By which interfaces the box has a way out."""
    ways = {route[0] for route in _routes("route")[1:] if route[1] == "00000000"}
    ways |= {route[-1] for route in _routes("ipv6_route") if route[1] == "00" and route[-1] != "lo"}
    if ways:
        yield passed("network", f"default route by {', '.join(sorted(ways))}")
    else:
        yield absent("network", "no default route: the player plays what it has", "connect a cable, or set up Wi-Fi")


def _routes(table: str) -> list[list[str]]:
    """The kernel's; none where it has no such protocol."""
    try:
        return [line.split() for line in Path("/proc/net", table).read_text(encoding="ascii").splitlines()]
    except OSError:
        return []
