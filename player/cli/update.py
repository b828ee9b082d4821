"""`update BUNDLE`: a version of the player in one signed file, installed without a network. Faults U1 to U3, U6.

Nothing is unpacked before the signature by the configured key is right (`bundle_check`), nothing that the signed manifest does not
name, and nothing is read that has no bound (`bundle_file`). `--to VERSION` takes the bundle from `update.folder`.
The bundle's own `scripts/install` builds the version beside the running one and moves a link in one step, so that a power cut
leaves either. Where the services do not stay up with it, the link is moved back and the version before runs again; after a power
cut before that is known, `trial` sees to it.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path

from player.cli.bundle_check import UpdateRefused, checked, opened
from player.cli.bundle_file import BundleFile
from player.cli.trial import INSTALLED, Releases, start_again
from player.cli.update_folder import bundle_of, show
from player.config import Config
from player.core import bundle
from player.core.bundle import Bundle, Part
from player.dirs import Dirs

ROOM = 3  # times its size: unpacked, and installed beside the running version


def main(chosen: argparse.Namespace, config: Config, dirs: Dirs) -> int:
    """Checks, unpacks, installs; refuses with the reason. Or lists what lies in the folder of bundles."""
    if chosen.list:
        return show(config, dirs, as_json=chosen.json)
    if not (chosen.bundle or chosen.to):
        raise UpdateRefused("name a bundle, or with --to a version that lies in update.folder")
    path = Path(chosen.bundle) if chosen.bundle else bundle_of(chosen.to, config, dirs)
    _install_from(path, config, dirs, only_check=chosen.check)
    return 0


def _install_from(path: Path, config: Config, dirs: Dirs, *, only_check: bool) -> None:
    if not path.is_file():
        raise UpdateRefused(f"{path}: there is no such file")
    if Releases().on_trial:
        raise UpdateRefused(f"{path}: the update before was cut off and is still looked at; try again in ten minutes")
    with opened(path) as archive, tempfile.TemporaryDirectory(prefix="signage-update-", dir="/var/tmp") as made:
        found = checked(archive, path, config, dirs)
        if found.expires is None:
            print(f"warning: {path} says no end, and can be installed for ever; make it again", file=sys.stderr)
        print(f"{path}: {found}, signed by the configured key", flush=True)
        if only_check:
            return
        _make_sure_of_room(found, path)
        _unpack(archive, found, path, Path(made))
        _install(found, Path(made))
    print(f"version {found.version} is installed")


def _make_sure_of_room(found: Bundle, path: Path) -> None:
    wanted = ROOM * sum(part.size for part in found.parts)
    for folder in (Path("/var/tmp"), INSTALLED.parent):  # noqa: S108 - its room is looked at
        free = shutil.disk_usage(folder).free
        if free < wanted:
            raise UpdateRefused(f"{path} needs {wanted // 1024**2} MB below {folder}, and {free // 1024**2} MB are free; make room")


def _unpack(archive: BundleFile, found: Bundle, path: Path, folder: Path) -> None:
    """Every file that the manifest names, as it says, and no other. Raises UpdateRefused."""
    wanted = {part.path: part for part in found.parts}
    while (member := archive.following()) is not None:
        part = wanted.pop(member.path, None)
        if part is None or not member.plain:
            raise UpdateRefused(f"{path} is refused: {member.path[:250]!r} is in it, and its manifest does not say so")
        if member.size != part.size or _written(archive.chunks(member), folder / part.path, part) != part.sha256:
            raise UpdateRefused(f"{path} is refused: {part.path} is not what was signed; fetch it again")
    if wanted:
        raise UpdateRefused(f"{path} is refused: {min(wanted)} is missing from it; fetch it again")


def _written(content: Iterable[bytes], path: Path, part: Part) -> str:
    """The SHA-256 of what was written."""
    path.parent.mkdir(parents=True, exist_ok=True)
    digest = hashlib.sha256()
    with path.open("xb") as out:
        for chunk in content:
            digest.update(chunk)
            out.write(chunk)
    path.chmod(0o755 if part.program else 0o644)
    return digest.hexdigest()


def _install(found: Bundle, folder: Path) -> None:
    """Runs the bundle's installer; the version before comes back where that fails. Raises UpdateRefused."""
    releases = Releases()
    releases.begin()
    installer = [folder / bundle.INSTALLER]
    done = subprocess.run(installer, env=_environment(folder), cwd="/", stdin=subprocess.DEVNULL, check=False)
    if done.returncode and releases.on_trial:
        releases.take_back()
        start_again()
        raise UpdateRefused(f"{found} was installed and did not stay up, for the reason above; the version before is started again")
    releases.judged()
    if done.returncode:
        raise UpdateRefused(f"{found} could not be installed, for the reason above; what ran before runs on")


def _environment(folder: Path) -> Mapping[str, str]:
    """Packages come from the bundle alone."""
    kept = {key: value for key, value in os.environ.items() if key in ("PATH", "LANG", "HOME", "TERM")}
    return {**kept, "PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(folder / "wheels"), "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
