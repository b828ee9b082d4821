"""Whether this box may install a bundle: signed by the configured key, and made for this machine and this time."""

from __future__ import annotations

import base64
import platform
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from player import __version__
from player.brief_file import BriefFile
from player.cli.bundle_file import BundleFile, NoBundle
from player.config import Config
from player.core import bundle
from player.core.brief import ClockFacts
from player.core.bundle import Bundle
from player.device.host import boot_id, kernel_clock_synced
from player.dirs import Dirs
from player.errors import SignageError
from player.formats import Formats

BUILT_AT = Path(__file__).stat().st_mtime  # of this file: when the player was installed, or built


class UpdateRefused(SignageError):
    """The bundle is not installed. Exit code 1. `version`: what it holds, "" where that is not known for sure."""

    code = "update_refused"

    def __init__(self, reason: str, version: str = "") -> None:
        super().__init__(reason)
        self.version = version


@contextmanager
def opened(path: Path) -> Iterator[BundleFile]:
    """The bundle at `path`, while entered. Raises UpdateRefused, also for what is found wrong with it within."""
    try:
        with path.open("rb") as file:
            yield BundleFile(file)
    except NoBundle as error:
        raise UpdateRefused(f"{path} is refused: it is damaged, or not a bundle ({error}); fetch it again") from error
    except OSError as error:
        raise UpdateRefused(f"{path} cannot be installed: {error.strerror or error} ({error.filename or path})") from error


def checked(archive: BundleFile, path: Path, config: Config, dirs: Dirs) -> Bundle:
    """The manifest, once its signature is right and this machine may have it. Raises UpdateRefused."""
    public_key = config.update.public_key
    if not public_key:
        raise UpdateRefused(f"{path} is refused: no key is configured that could have signed it; set update.public_key")
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
        raise UpdateRefused(f"{path} is refused: {why}", found.version)
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
        raise UpdateRefused(f"{path} is refused: it is not a bundle, {name} is not where it belongs")
    return archive.read(member, most)


def _is_signed(manifest: bytes, signature: bytes, public_key: str) -> bool:
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    try:
        key = Ed25519PublicKey.from_public_bytes(base64.b64decode(public_key, validate=True))
    except ValueError as error:
        raise UpdateRefused(
            f"update.public_key is not an Ed25519 key in base64 ({error}); take what scripts/bundle printed"
        ) from error
    try:
        key.verify(signature, bundle.SIGNED + manifest)
    except InvalidSignature:
        return False
    return True
