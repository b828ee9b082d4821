"""The versions that lie ready on this box: signed bundles in `update.folder`, put there by whoever looks after it.

The management names a version and never a file: which files there are is this box's own matter, and each is checked as any other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from player.cli.bundle_check import UpdateRefused, checked, opened
from player.cli.terminal import say, say_json
from player.config import Config
from player.core.bundle import is_same
from player.dirs import Dirs

MOST = 100  # files that are looked at


@dataclass(frozen=True, slots=True)
class OfferedBundle:
    """One file. `version`: what it holds, "" where that is not known for sure; `refusal`: why it is refused, "": it is not."""

    path: Path
    version: str
    refusal: str


def offered(config: Config, dirs: Dirs) -> Sequence[OfferedBundle]:
    """What lies in the folder, by name. Raises UpdateRefused where there is no folder."""
    if not config.update.folder:
        raise UpdateRefused("no folder of bundles is configured (update.folder)")
    folder = Path(config.update.folder)
    try:
        paths = sorted(path for path in folder.iterdir() if path.suffix == ".bundle" and path.is_file())
    except OSError as error:
        raise UpdateRefused(f"{folder} cannot be read: {error.strerror} (update.folder)") from error
    return [_offer(path, config, dirs) for path in paths[:MOST]]


def _offer(path: Path, config: Config, dirs: Dirs) -> OfferedBundle:
    try:
        with opened(path) as archive:
            found = checked(archive, path, config, dirs)
    except UpdateRefused as error:
        return OfferedBundle(path, error.version, str(error))
    return OfferedBundle(path, found.version, "")


def bundle_of(version: str, config: Config, dirs: Dirs) -> Path:
    """The file that holds `version` and may be installed. Raises UpdateRefused that says why there is none."""
    found = offered(config, dirs)
    mine = [one for one in found if one.version and is_same(one.version, version)]
    usable = [one for one in mine if not one.refusal]
    if usable:
        return usable[0].path
    if mine:
        raise UpdateRefused(mine[0].refusal)
    others = ", ".join(sorted({one.version for one in found if one.version}))
    there = f"there: {others}" if others else "there is none that this box may install"
    raise UpdateRefused(f"version {version[:40]} is in no bundle in {config.update.folder} ({there})")


def show(config: Config, dirs: Dirs, *, as_json: bool) -> int:
    """Prints what lies there."""
    found = offered(config, dirs)
    if as_json:
        say_json([{"file": one.path.name, "version": one.version, "refusal": one.refusal} for one in found])
    for one in () if as_json else found:
        say(f"{one.path.name}: version {one.version or 'unknown'}{f' ({one.refusal})' if one.refusal else ''}")
    if not found and not as_json:
        say(f"no bundle lies in {config.update.folder}")
    return 0
