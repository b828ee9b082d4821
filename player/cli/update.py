"""`update BUNDLE`: a version of the player in one signed file, installed without a network. Faults U1 to U3, U6.

Nothing is unpacked before the signature by the configured key is right, nothing that the signed manifest does not name, and nothing
is read that has no bound (`bundle_file`).
The bundle's own `scripts/install` builds the version beside the running one and moves a link in one step, so that a power cut
leaves either. Where the services do not stay up with it, the link is moved back and the version before runs again; after a power
cut before that is known, `trial` sees to it.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from player import __version__
from player.brief import BriefFile
from player.cli.bundle_file import BundleFile, NoBundle
from player.cli.trial import INSTALLED, Releases, start_again
from player.config import Config, Dirs
from player.core import bundle
from player.core.bundle import Bundle, Part
from player.core.content import ClockFacts
from player.device.host import boot_id, kernel_clock_synced
from player.errors import SignageError
from player.formats import Formats

ROOM = 3  # times its size: unpacked, and installed beside the running version
BUILT_AT = Path(__file__).stat().st_mtime  # of this file: when the player was installed, or built


class UpdateRefused(SignageError):
    """The bundle is not installed. Exit code 1."""

    code = "update_refused"


def main(chosen: argparse.Namespace, config: Config, dirs: Dirs) -> int:
    """Checks, unpacks, installs; refuses with the reason."""
    path = Path(chosen.bundle)
    if not path.is_file():
        raise UpdateRefused(f"{path}: there is no such file")
    if Releases().on_trial:
        raise UpdateRefused(f"{path}: the update before was cut off and is still looked at; try again in ten minutes")
    if not config.update.public_key:
        raise UpdateRefused(f"{path} is refused: no key is configured that could have signed it; set update.public_key")
    with _opened(path) as archive, tempfile.TemporaryDirectory(prefix="signage-update-", dir="/var/tmp") as made:
        found = _checked(archive, path, config.update.public_key, dirs)
        print(f"{path}: {found}, signed by the configured key", flush=True)
        _make_sure_of_room(found, path)
        _unpack(archive, found, path, Path(made))
        _install(found, Path(made))
    print(f"version {found.version} is installed")
    return 0


@contextmanager
def _opened(path: Path) -> Iterator[BundleFile]:
    try:
        with path.open("rb") as file:
            yield BundleFile(file)
    except NoBundle as error:
        raise UpdateRefused(f"{path} is refused: it is damaged, or no bundle ({error}); fetch it again") from error
    except OSError as error:
        raise UpdateRefused(f"{path} cannot be installed: {error.strerror or error} ({error.filename or path})") from error


def _checked(archive: BundleFile, path: Path, public_key: str, dirs: Dirs) -> Bundle:
    """The manifest, once its signature is right and this machine may have it. Raises UpdateRefused."""
    manifest = _head(archive, bundle.MANIFEST, bundle.LARGEST_MANIFEST, path)
    signature = _head(archive, bundle.SIGNATURE, bundle.SIGNATURE_BYTES, path)
    if not _is_signed(manifest, signature, public_key):
        raise UpdateRefused(f"{path} is refused: the key in update.public_key did not sign it; ask whoever made it")
    try:
        found = bundle.parse(manifest)
    except ValueError as error:
        raise UpdateRefused(f"{path} is refused: {error}") from error
    here = f"{sys.version_info.major}.{sys.version_info.minor}"
    highest = Formats(dirs.state, __version__).highest
    machine = platform.machine()
    why = bundle.refusal(found, running=__version__, highest=highest, machine=machine, python=here, not_before=_not_before(dirs))
    if why is not None:
        raise UpdateRefused(f"{path} is refused: {why}")
    if found.expires is None:
        print(
            f"warning: {path} says no end, and can be installed for ever; make it again",
            file=sys.stderr,
        )
    return found


def _not_before(dirs: Dirs) -> float:
    """It is surely not earlier, seconds since the epoch: by our clock where it was found right in this boot, else by the floor."""
    brief = BriefFile(dirs.brief).read()
    clock = ClockFacts() if brief is None else brief.clock
    boot = boot_id()
    right = kernel_clock_synced() or (bool(boot) and clock.trusted_boot == boot)
    return max(clock.floor, BUILT_AT, time.time() if right else 0.0)


def _head(archive: BundleFile, name: str, most: int, path: Path) -> bytes:
    member = archive.following()
    if member is None or not member.plain or member.path != name:
        raise UpdateRefused(f"{path} is refused: it is no bundle, {name} is not where it belongs")
    return archive.read(member, most)


def _is_signed(manifest: bytes, signature: bytes, public_key: str) -> bool:
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    try:
        key = Ed25519PublicKey.from_public_bytes(base64.b64decode(public_key, validate=True))
    except ValueError as error:
        raise UpdateRefused(f"update.public_key is no Ed25519 key in base64 ({error}); take what scripts/bundle printed") from error
    try:
        key.verify(signature, bundle.SIGNED + manifest)
    except InvalidSignature:
        return False
    return True


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
