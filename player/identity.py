"""Who this box is: a random UUID made once, and an Ed25519 key (contract §3.1).

The UUID is the only credential that the device API has, so it is a secret: the files are 0600, and logs show `uuid8`. It is kept
twice, because a box that loses it has to be paired again by somebody who stands in front of it.
"""

from __future__ import annotations

import base64
import hashlib
import logging
import os
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from player.errors import StorageError
from player.store import Snapshot

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

log = logging.getLogger(__name__)
NAMES = ("identity.json", "identity.backup.json")


@dataclass(frozen=True, slots=True)
class Identity:
    """`seed` is the 32 bytes of the Ed25519 private key; neither it nor the whole UUID is ever printed."""

    uuid: str
    seed: bytes = field(repr=False)

    def __repr__(self) -> str:
        return f"Identity({self.uuid8}…)"

    @property
    def uuid8(self) -> str:
        """What logs and people may see of the UUID."""
        return self.uuid[:8]

    @property
    def public_key(self) -> bytes:
        """The 32 bytes that others check our signatures with."""
        return self._key().public_key().public_bytes_raw()

    @property
    def key_id(self) -> str:
        """A short name of the public key: 16 hex digits of its SHA-256."""
        return hashlib.sha256(self.public_key).hexdigest()[:16]

    def sign(self, message: bytes) -> bytes:
        """The Ed25519 signature, 64 bytes."""
        return self._key().sign(message)

    def signed(self, event: Mapping[str, Any]) -> dict[str, Any]:
        """A proof-of-play event with `key_id` and `signature` (base64, Ed25519 over its `hash` as text)."""
        signature = self.sign(str(event.get("hash", "")).encode())
        return {**event, "key_id": self.key_id, "signature": base64.b64encode(signature).decode()}

    def _key(self) -> Ed25519PrivateKey:
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

        return Ed25519PrivateKey.from_private_bytes(self.seed)


def load_or_create(state_dir: Path) -> Identity:
    """This box's identity, made at the first start. Raises StorageError when the file is there but must not or cannot be used.

    One of the two that cannot be read costs itself, and so does a disk that does not take it again.
    """
    files = [Snapshot(state_dir / name, Identity) for name in NAMES]
    held, refusals = [], []
    for file in files:
        _close_to_others(file.path)
        try:
            held.append(_read(file))
        except StorageError as error:
            held.append(None)
            refusals.append(error)
    identity = next((one for one in held if one is not None), None)
    if identity is not None:
        _repair([file for file, one in zip(files, held, strict=True) if one != identity], identity)
        return identity
    if refusals:
        raise refusals[0]
    identity = Identity(str(uuid.uuid4()), os.urandom(32))
    log.info("this box has a new identity: %s…", identity.uuid8)
    for file in files:
        file.write(identity)
    return identity


def _repair(files: Iterable[Snapshot[Identity]], identity: Identity) -> None:
    for file in files:
        file.read_or(None)  # sets aside what cannot be read
        try:
            file.write(identity)
        except StorageError as error:
            log.warning("this box's identity is kept once instead of twice: %s", error)


def load(state_dir: Path) -> Identity | None:
    """This box's identity, where it was made and may be read; None otherwise. Changes nothing."""
    try:
        found = (Snapshot(state_dir / name, Identity).read() for name in NAMES)
        return next((one for one in found if one is not None), None)
    except StorageError:
        return None


def is_signed(event: Mapping[str, Any], public_key: bytes) -> bool:
    """Whether the event's signature is by that key (32 bytes) over its hash."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    try:
        signature = base64.b64decode(str(event.get("signature", "")), validate=True)
        Ed25519PublicKey.from_public_bytes(public_key).verify(signature, str(event.get("hash", "")).encode())
    except (InvalidSignature, ValueError):
        return False
    return True


def _read(file: Snapshot[Identity]) -> Identity | None:
    identity = file.read()
    if identity is None or (_is_uuid(identity.uuid) and len(identity.seed) == 32):
        return identity
    log.warning("%s does not hold an identity: it is not used", file.path)
    return None


def _is_uuid(text: str) -> bool:
    try:
        return str(uuid.UUID(text)) == text.lower()
    except ValueError:
        return False


def _close_to_others(path: Path) -> None:
    """Makes the file 0600 where it is not. Raises StorageError when somebody else owns it, or it is no plain file."""
    try:
        found = path.lstat()
    except FileNotFoundError:
        return
    except OSError as error:
        raise StorageError(str(path), f"cannot be looked at: {error.strerror}; check who owns the folder") from error
    if not path.is_file() or path.is_symlink():
        raise StorageError(str(path), "is not a plain file; move it away and start again")
    if found.st_uid != os.geteuid():
        raise StorageError(str(path), f"belongs to the user number {found.st_uid}, not to us; run: chown {os.geteuid()} {path}")
    if found.st_mode & 0o777 != 0o600:
        log.warning("%s could be read by others, or not by us (mode %03o): made 0600", path, found.st_mode & 0o777)
        path.chmod(0o600)
